# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Shared by the rules of this folder. A rule runs in the root of the tree (GC_SRCDIR, or where it is
# called), prints one line per violation, "file:line: what", and exits 1 if there was any, 77 if a
# tool is missing.
set -euo pipefail
lint_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${GC_SRCDIR:-$lint_dir/../..}"

# The rules are about the sources as we keep them; a tarball has generated files among them.
[ -e .git ] || { echo "skipped: not a git checkout"; exit 77; }

# lint_files GLOB...: files of the project that match, also those not yet added; * crosses folders.
lint_files() {
    git ls-files -co --exclude-standard -- "$@" | while IFS= read -r f; do
        if [ -f "$f" ]; then printf '%s\n' "$f"; fi
    done
}

# The lines of a table in this folder, without comments and blanks around the colons.
lint_table() {
    sed -e 's/#.*//' -e 's/[[:space:]]*:[[:space:]]*/:/g' -e 's/[[:space:]]*$//' -e '/^$/d' "$lint_dir/$1"
}

lint_need() {
    command -v "$1" >/dev/null || { echo "skipped: $1 is not installed"; exit 77; }
}

# lint_end TEXT: print the violations in TEXT, if any, and fail.
lint_end() {
    if [ -n "$1" ]; then
        printf '%s\n' "$1"
        exit 1
    fi
}
