#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Clock, random numbers, sockets, threads and other sharp things are called in their home only
# (calls.conf). Looks at the objects under GC_BUILDDIR whose source is still in the tree.
. "$(dirname "$0")/lib.sh"
lint_need nm
build=${GC_BUILDDIR:-build}
[ -d "$build" ] || { echo "skipped: nothing is built in $build"; exit 77; }

allowed() { # SOURCE HOMES
    local home
    for home in $2; do
        # shellcheck disable=SC2053 # a pattern on purpose
        if [[ $1 == $home ]]; then
            return 0
        fi
    done
    return 1
}

# "source symbol" of each call out of our objects; fortified names (__recv_chk) count as the plain.
calls() {
    local object source
    while IFS= read -r object; do
        source=${object#"$build"/}
        source=${source%.o}.c
        if [ -f "$source" ]; then
            nm -u "$object" | awk -v s="$source" '{ sub(/@.*/, "", $2); sub(/^__/, "", $2); sub(/_chk$/, "", $2); print s, $2 }'
        fi
    done < <(find "$build"/src "$build"/storage -name '*.o' 2>/dev/null | sort)
}

check() {
    local found what symbols homes source symbol
    set -f
    found=$(calls)
    while IFS=':' read -r what symbols homes; do
        while read -r source symbol; do
            if [ -n "$source" ] && ! allowed "$source" "$homes"; then
                echo "$source: calls $symbol ($what), which is at home in: $homes (calls.conf)"
            fi
        done < <(grep -E " ($symbols)\$" <<<"$found" || true)
    done < <(lint_table calls.conf)
}
lint_end "$(check)"
