# SPDX-License-Identifier: GPL-2.0-only
# bash completion for vmm

_vmm()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'run check help --help --version' -- "$cur")
		return
	fi
	case $prev in
	--kernel|--initrd|--debugcon|--kvm|-k|-i)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--append|-a)
		mapfile -t COMPREPLY < <(compgen -W 'console=ttyS0 root= quiet panic=1' -- "$cur")
		return
		;;
	--cpus|-c)
		mapfile -t COMPREPLY < <(compgen -W '1 2 4 8' -- "$cur")
		return
		;;
	--memory|-m)
		mapfile -t COMPREPLY < <(compgen -W '256M 512M 1G 2G 4G' -- "$cur")
		return
		;;
	esac
	case ${COMP_WORDS[1]} in
	run) words='--kernel --initrd --append --cpus --memory --debugcon --kvm --verbose --help' ;;
	check) words='--kvm --help' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o filenames -F _vmm vmm
