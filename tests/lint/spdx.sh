#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each file names its licence in its first three lines, and the right one: MIT in the folders that
# make up the rpc library, GPL-3.0-or-later elsewhere. Prose, data and licence texts are exempt.
. "$(dirname "$0")/lib.sh"

check() {
    local file want
    while IFS= read -r file; do
        case $file in
        LICENSES/* | *.md | tests/fuzz/corpus/* | */data/* | .gitignore | *.json | *.bin | *.hex) continue ;;
        src/base/* | src/crypto/* | src/net/* | src/rpc/* | proto/* | sdk/* | include/*) want=MIT ;;
        *) want=GPL-3.0-or-later ;;
        esac
        if ! head -n 3 "$file" | grep -q "SPDX-License-Identifier: $want\$\|SPDX-License-Identifier: $want \*/\$"; then
            echo "$file:1: no \"SPDX-License-Identifier: $want\" in the first three lines"
        fi
    done < <(lint_files '*')
}
lint_end "$(check)"
