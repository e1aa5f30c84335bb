#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The example configurations in etc/ have exactly the keys, defaults and explanations of the daemons' own tables.
. "$(dirname "$0")/lib.sh"
build=${GC_BUILDDIR:-build}

check() {
    local role program
    for role in web translation file; do
        program=$build/src/$role/gcommon-$role
        if [ -x "$program" ] && ! diff -q <("$program" --print-config) <(tail -n +4 "etc/$role.conf") >/dev/null; then
            echo "etc/$role.conf:1: not what gcommon-$role --print-config says below the first three lines (make update-etc)"
        fi
    done
}
lint_end "$(check)"
