#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each other library has one home (homes.conf); tests and benchmarks may use any.
. "$(dirname "$0")/lib.sh"

in_home() { # FILE HEADER: true unless a row names HEADER and not FILE
    local pattern homes home
    while IFS=':' read -r pattern homes; do
        # shellcheck disable=SC2053 # patterns on purpose
        if [[ $2 == $pattern ]]; then
            for home in $homes; do
                if [[ $1 == $home ]]; then
                    return 0
                fi
            done
            return 1
        fi
    done < <(lint_table homes.conf)
}

check() {
    local file line text header
    set -f # homes are patterns, not files
    while IFS=: read -r file line text; do
        header=$(sed -n 's/.*<\(.*\)>.*/\1/p' <<<"$text")
        if [[ $file != tests/* ]] && ! in_home "$file" "$header"; then
            echo "$file:$line: <$header> is not at home here (homes.conf)"
        fi
    done < <(lint_files '*.c' '*.h' | xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]+<[^>]*[/a-z0-9-]' || true)
}
lint_end "$(check)"
