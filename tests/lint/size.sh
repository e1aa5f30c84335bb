#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Functions of at most 70 lines, 6 parameters and 4 levels, files of at most 1000 lines.
. "$(dirname "$0")/lib.sh"
lint_need python3
lint_end "$(lint_files '*.c' '*.h' | xargs -r python3 "$lint_dir/size.py" || true)"
