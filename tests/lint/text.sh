#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Nothing that means something on one machine only, no open ends without an issue, no waiting by the
# clock in tests.
. "$(dirname "$0")/lib.sh"

search() { # REGEX [GREP OPTION...]: hits in the files named on stdin
    local regex=$1
    shift
    xargs -r grep -nHIE "$@" -e "$regex" || true
}

check() {
    local files
    files=$(lint_files '*' | grep -vE '^(LICENSES|tests/fuzz/corpus|tests/lint)/')
    search '(^|[^A-Za-z0-9_.$}])/(work|farm)/' <<<"$files" | sed 's/$/  <- path of one machine/'
    search 'TODO|FIXME|XXX|HACK' -w <<<"$files" | { grep -vE '#[0-9]+' || true; } |
        sed 's/$/  <- no issue number/'
    { grep '^tests/.*\.[ch]$' <<<"$files" || true; } | search '(^|[^_a-z])(u|nano|uv_)?sleep\(' |
        sed 's/$/  <- wait for a condition with a deadline/'
}
lint_end "$(check)"
