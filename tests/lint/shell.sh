#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Scripts pass shellcheck; Python compiles.
. "$(dirname "$0")/lib.sh"
lint_need shellcheck
lint_need python3

check() {
    local scripts
    scripts=$(lint_files '*' | grep -vE '^(LICENSES|tests/fuzz/corpus)/' | xargs -r grep -lE '^#!/bin/(ba)?sh' || true)
    # shellcheck disable=SC2086 # names of the tree have no blanks
    shellcheck -x -P SCRIPTDIR -P . -f gcc $scripts || true
    lint_files '*.py' | xargs -r python3 -c '
import ast, sys
for path in sys.argv[1:]:
    try:
        ast.parse(open(path, encoding="utf-8").read())
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}")' || true
}
lint_end "$(check)"
