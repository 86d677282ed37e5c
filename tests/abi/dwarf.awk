# SPDX-License-Identifier: GPL-2.0-only
#
# Reads `readelf --debug-dump=info`, prints the layout of every named struct, union and enum.
# Members of anonymous structs and unions appear under the path of what holds them.

function text(line)
{
	sub(/^.*DW_AT_[a-z_0-9]+ *: */, "", line)
	if (line ~ /^\([a-z_0-9]+\) */)		# the form: (string), (strp), (data1)
		sub(/^\([a-z_0-9]+\) */, "", line)
	sub(/^\([^)]*offset[^)]*\): */, "", line)
	sub(/[ \t]+$/, "", line)
	return line
}

# Not every awk reads hexadecimal.
function hex(digits,	i, n)
{
	for (i = 1; i <= length(digits); i++)
		n = n * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
	return n + 0
}

function number(line)
{
	line = text(line)
	return line ~ /^0x/ ? hex(substr(line, 3)) : line + 0
}

/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number: 0/ { next }

/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number:/ {
	match($0, /<[0-9a-f]+><[0-9a-f]+>/)
	split(substr($0, RSTART + 1, RLENGTH - 2), part, "><")
	depth = hex(part[1])
	die = part[2]
	match($0, /DW_TAG_[a-z_]+/)
	tag[die] = substr($0, RSTART + 7, RLENGTH - 7)
	at[depth] = die
	if (depth > 0) {
		up = at[depth - 1]
		children[up] = children[up] " " die
	}
	level[die] = depth
	order[++dies] = die
	next
}

/DW_AT_name /			{ name[die] = text($0) }
/DW_AT_byte_size /		{ size[die] = number($0) }
/DW_AT_data_member_location/	{ offset[die] = number($0) }
/DW_AT_bit_size /		{ bits[die] = number($0) }
/DW_AT_data_bit_offset/		{ bitpos[die] = number($0) }
/DW_AT_upper_bound/ {
	upper[die] = number($0)
	if (upper[die] > 1e18)		# -1: no elements
		upper[die] = -1
	has_upper[die] = 1
}
/DW_AT_count /			{ upper[die] = number($0) - 1; has_upper[die] = 1 }
/DW_AT_const_value/		{ value[die] = number($0) }
/DW_AT_declaration/		{ declaration[die] = 1 }
/DW_AT_type / {
	match($0, /<0x[0-9a-f]+>/)
	type[die] = substr($0, RSTART + 3, RLENGTH - 4)
}

# Through typedefs and qualifiers, to the type proper.
function bare(t)
{
	while (t != "" && tag[t] ~ /^(typedef|const_type|volatile_type)$/)
		t = type[t]
	return t
}

function elements(t,	list, n, i, count)
{
	count = 1
	n = split(children[t], list, " ")
	for (i = 1; i <= n; i++)
		if (tag[list[i]] == "subrange_type")
			count *= has_upper[list[i]] ? upper[list[i]] + 1 : 0
	return count
}

function bytes(t)
{
	t = bare(t)
	if (tag[t] == "array_type")
		return elements(t) * bytes(type[t])
	if (tag[t] == "pointer_type" && !(t in size))
		return 8
	return size[t] + 0
}

function describe(t)
{
	t = bare(t)
	if (tag[t] == "array_type")
		return describe(type[t]) "[" elements(t) "]"
	if (tag[t] == "pointer_type")
		return "pointer"
	if (tag[t] == "base_type")
		return name[t]
	sub(/_type$/, "", tag[t])
	return tag[t] " " name[t]
}

function emit(what, path, t, base,	list, n, i, m, mt, where, label)
{
	n = split(children[t], list, " ")
	for (i = 1; i <= n; i++) {
		m = list[i]
		if (tag[m] != "member" || name[m] ~ /^__empty_/)
			continue
		where = base + offset[m]
		mt = bare(type[m])
		label = name[m] == "" ? path : path "." name[m]
		if (name[mt] == "" && tag[mt] ~ /^(structure|union)/) {
			emit(what, label, mt, where)
			continue
		}
		if (m in bits) {
			where = base ":" bitpos[m] "/" bits[m]
		}
		print "field", what, label, where, bytes(type[m]), describe(type[m])
		mt = bare(type[mt])
		if (name[mt] == "" && tag[mt] ~ /^(structure|union)/)
			emit(what, label "[]", mt, where)
	}
}

END {
	for (i = 1; i <= dies; i++) {
		die = order[i]
		if (level[die] != 1 || declaration[die])
			continue
		kind = tag[die]
		sub(/_type$/, "", kind)
		if (kind == "structure")
			kind = "struct"
		if (kind == "enumeration") {
			n = split(children[die], list, " ")
			for (j = 1; j <= n; j++)
				print "enumerator", name[list[j]], value[list[j]]
			kind = "enum"
		}
		if (kind !~ /^(struct|union|enum)$/ || name[die] == "")
			continue
		print "size", kind, name[die], size[die]
		if (kind != "enum")
			emit(kind, name[die], die, 0)
	}
}
