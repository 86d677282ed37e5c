# SPDX-License-Identifier: GPL-2.0-only
# What the tests of the sources share; the current directory is the project's.
set -u

tests=0
failures=0

# ok STATUS NAME [DIAGNOSTIC]
ok()
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $2"
		[ -z "${3:-}" ] || printf '%s\n' "$3" | head -n 40 | sed 's/^/#   /'
	fi
}

# nothing NAME: a good test has nothing on its standard input; what is there are the findings.
nothing()
{
	local found

	found=$(cat)
	[ -z "$found" ]
	ok $? "$1" "$found"
}

# sources: the project's own text files.
sources()
{
	if [ -d .git ]; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -type f -print | sed 's|^\./||'
	fi | grep -vE '^(COPYING|\.git/|tests/mutants/.*\.patch$)' | while read -r file; do
		[ ! -f "$file" ] || [ -L "$file" ] || echo "$file"
	done
}

done_testing()
{
	echo "1..$tests"
	[ "$failures" = 0 ]
	exit
}
