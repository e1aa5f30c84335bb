#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# C is formatted by clang-format (./dev format does it); nothing else has stray blanks.
. "$(dirname "$0")/lib.sh"
lint_need clang-format

check() {
    lint_files '*.c' '*.h' | xargs -r -n 40 -P 2 clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^:]*\):\([0-9]*\):.* error: .*/\1:\2: not as clang-format has it (.\/dev format)/p' |
        awk -F: '!seen[$1]++' || true
    lint_files '*.c' '*.h' '*.sh' '*.py' '*.mk' '*.am' '*.ac' '*.m4' '*.proto' '*.conf' | grep -v '/corpus/' |
        xargs -r grep -nHE $'[ \t]+$|\r' | sed 's/:[^:]*$/: blanks at the end of the line/' || true
}
lint_end "$(check)"
