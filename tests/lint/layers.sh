#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Includes follow the arrows of layers.conf, and always name the folder.
. "$(dirname "$0")/lib.sh"

allowed_for() {
    local pattern folders
    while IFS=':' read -r pattern folders; do
        # shellcheck disable=SC2053 # a pattern on purpose
        if [[ $1 == $pattern ]]; then
            echo "$folders"
            return
        fi
    done < <(lint_table layers.conf)
    echo -
}

own_folder() {
    case $1 in
    src/*) local rest=${1#src/}; echo "${rest%%/*}" ;;
    *) echo "${1%%/*}" ;;
    esac
}

check() {
    local file line text path allowed own
    while IFS=: read -r file line text; do
        path=$(sed -n 's/.*"\(.*\)".*/\1/p' <<<"$text")
        allowed=$(allowed_for "$file")
        own=$(own_folder "$file")
        if [ "$allowed" = - ]; then
            echo "$file: no row of layers.conf speaks of this file"
        elif [ "$path" = config.h ] && [ "$own" = base ]; then
            continue
        elif [[ $path != */* ]]; then
            echo "$file:$line: \"$path\": write the folder, too"
        elif [[ " $allowed $own " != *" ${path%%/*} "* ]]; then
            echo "$file:$line: $own may not include \"$path\" (layers.conf)"
        fi
    done < <(lint_files '*.c' '*.h' | xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' || true)
}
lint_end "$(check)"
