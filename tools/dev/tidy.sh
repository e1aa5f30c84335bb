#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# clang-tidy over our C files, or those named, with the flags of build/. Takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
make -C build -s compile_flags.txt
if [ $# -eq 0 ]; then
    mapfile -t files < <(git ls-files -co --exclude-standard 'src/*.c' 'storage/*.c' 'tests/*.c')
else
    files=("$@")
fi
printf '%s\n' "${files[@]}" | xargs -n 2 -P "$(nproc)" clang-tidy --quiet -p build 2>/dev/null
