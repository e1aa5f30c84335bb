#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each source file is named in the fragment of its folder: else it is not built, or not in the tarball.
. "$(dirname "$0")/lib.sh"

check() {
    local file dir name
    while IFS= read -r file; do
        dir=${file%/*}
        name=${file##*/}
        if [[ $file == tests/* ]]; then
            # A program stands there without its ".c", all else by its full name.
            dir=tests
            name=${file#tests/}
        fi
        if ! grep -qE "%D%/${name%.c}(\\.c)?( |\$)" "$dir/local.mk" 2>/dev/null; then
            echo "$file: not in $dir/local.mk"
        fi
    done < <(lint_files 'src/*.[ch]' 'storage/*.[ch]' 'tests/*.[ch]')
    while IFS= read -r file; do
        grep -qE "%D%/${file#proto/}( |\$)" proto/local.mk || echo "$file: not in proto/local.mk"
    done < <(lint_files 'proto/*.proto')
}
lint_end "$(check)"
