#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev bench [NAME] [--json]: runs tests/bench/NAME.sh or .py, or all of them. Each prints one JSON
# object a figure on stdout: {"name", "ours", "peer", "ratio", "unit", "runs"}; --json passes them
# on as they are, otherwise they become a table.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/dev/common.sh

json=
name=
for arg in "$@"; do
    case $arg in
    --json) json=1 ;;
    -*) die "bench: unknown option $arg" ;;
    *) name=$arg ;;
    esac
done
mapfile -t benches < <(find tests/bench -maxdepth 1 -type f -perm -u+x -name "${name:-*}.*" 2>/dev/null | sort)
[ ${#benches[@]} -gt 0 ] || die "bench: nothing named ${name:-*} in tests/bench"
need_packages build run bench
build_in build

run_all() {
    local bench
    for bench in "${benches[@]}"; do
        say "$bench"
        GC_SRCDIR=$PWD GC_BUILDDIR=$PWD/build "$bench"
    done
}

if [ -n "$json" ]; then
    run_all
else
    run_all | python3 tools/dev/bench_table.py
fi
