# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Shared by ./dev and the scripts beside this one; runs in the top of the tree.

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf './dev: %s\n' "$*" >&2
    exit 1
}

lint_rules() { find tests/lint -name '*.sh' -printf '%f\n' | sed 's/\.sh$//' | grep -vE '^(lib|selftest)$' | sort; }

fuzz_targets() { find tests/fuzz -maxdepth 1 -name 'fuzz_*.c' -printf '%f\n' | sed 's/^fuzz_//; s/\.c$//' | sort; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# missing_packages GROUP...: names of packages that are not installed or older than their floor.
missing_packages() {
    local group package floor have
    sed -e 's/#.*//' -e 's/>=//' -e '/^[[:space:]]*$/d' tools/dev/packages.txt |
        while read -r group package floor; do
            [[ " $* " == *" $group "* ]] || continue
            have=$(dpkg-query -W -f='${db:Status-Abbrev} ${Version}\n' "$package" 2>/dev/null |
                sed -n 's/^ii *//p' | head -n 1)
            if [ -z "$have" ] || { [ -n "$floor" ] && ! dpkg --compare-versions "$have" ge "$floor"; }; then
                echo "$package"
            fi
        done
}

# need_packages GROUP...: install what is missing, by apt. Elsewhere configure names what it lacks.
need_packages() {
    local missing
    command -v apt-get >/dev/null || return 0
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    say "apt-get install $(tr '\n' ' ' <<<"$missing")"
    # RUNLEVEL=1: daemons that come with a package (nginx) are not started.
    as_root apt-get -q update >&2 || die "apt-get update failed"
    # shellcheck disable=SC2086 # a list
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -q -y --no-install-recommends install $missing >&2 || die "apt-get install failed"
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || die "the mirror has no new enough version of: $missing"
}

# quietly LOG COMMAND...: output goes to LOG; the end of it is shown if the command fails.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        printf './dev: failed: %s (all of it: %s)\n' "$*" "$log" >&2
        return 1
    fi
}

# Warnings are errors with the compilers that CI has; a newer one may know new warnings.
werror() {
    case $("${CC:-gcc}" -dumpversion) in
    12* | 14.0*) echo --enable-werror ;;
    esac
}

# build_in FOLDER SWITCH...: configure there, again if the switches have changed, and make.
build_in() {
    local dir=$1 wanted
    shift
    mkdir -p "$dir"
    wanted="$* $(werror) CC=${CC:-gcc}"
    if [ ! -x configure ]; then
        quietly "$dir/autogen.log" ./autogen.sh || return 1
    fi
    if [ ! -f "$dir/Makefile" ] || [ "$(cat "$dir/.switches" 2>/dev/null)" != "$wanted" ]; then
        say "configure in $dir: $wanted"
        # shellcheck disable=SC2086 # a list
        (cd "$dir" && quietly configure.log ../configure -q $wanted) || return 1
        printf '%s\n' "$wanted" >"$dir/.switches"
    fi
    quietly "$dir/make.log" make -C "$dir" -s -j"$(nproc)" || return 1
}
