#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every program carries what m4/gc_flags.m4 asks for: position-independent, bound and read-only
# relocations, no executable stack, stack protector, fortified calls and landing pads (x86-64).
. "$(dirname "$0")/lib.sh"
lint_need readelf
build=${GC_BUILDDIR:-build}

want() { # PROGRAM WHAT GREP-PATTERN, searched in stdin
    grep -- "$3" >/dev/null || echo "$1: no $2 (m4/gc_flags.m4)"
}

check() {
    local program
    for program in "$build"/src/{web,translation,file}/gcommon-* "$build"/src/cli/gcommonctl; do
        if [ ! -f "$program" ] || [ ! -x "$program" ]; then
            continue
        fi
        program=${program#"$build"/}
        readelf -h "$build/$program" | want "$program" PIE 'Type: *DYN'
        readelf -d "$build/$program" | want "$program" BIND_NOW 'BIND_NOW\|Flags: .*NOW'
        readelf -lW "$build/$program" | want "$program" RELRO GNU_RELRO
        readelf -lW "$build/$program" | want "$program" 'stack without execution' 'GNU_STACK.* RW '
        # A program of a few lines may have nothing to protect.
        if [ "$(readelf -sW "$build/$program" | grep -c FUNC)" -lt 100 ]; then
            continue
        fi
        readelf -sW "$build/$program" | want "$program" 'stack protector' __stack_chk_fail
        readelf -sW "$build/$program" | want "$program" 'fortified call' '__[a-z]*_chk'
        if [ "$(uname -m)" = x86_64 ]; then
            objdump -d "$build/$program" | want "$program" 'landing pad' endbr64
        fi
    done
}
lint_end "$(check)"
