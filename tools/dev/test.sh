#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev test [--quick] [NAME...]: everything that CI runs, each stage timed. The last line is
# "N passed, N failed": cases of unit test programs, lint rules, fuzz replays, integration tests, and
# each stage that has no tests of its own (a build that fails is one failure).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tools/dev/common.sh

quick=
names=()
for arg in "$@"; do
    case $arg in
    --quick) quick=1 ;;
    -*) die "test: unknown option $arg" ;;
    *) names+=("$arg") ;;
    esac
done
n_passed=0
n_failed=0
n_skipped=0

passed() { n_passed=$((n_passed + $1)); }

failed() { # N WHAT
    n_failed=$((n_failed + $1))
    printf 'FAILED: %s\n' "$2"
}

finish() {
    [ $n_skipped -eq 0 ] || echo "$n_skipped skipped"
    echo "$n_passed passed, $n_failed failed"
    if [ $n_failed -gt 0 ] || [ $n_passed -eq 0 ]; then
        exit 1
    fi
    exit 0
}

# stage WHAT COMMAND...: a step that passes or fails as a whole.
stage() {
    local what=$1 start=$SECONDS
    shift
    say "$what"
    if "$@"; then
        passed 1
        printf 'ok: %s (%d s)\n' "$what" $((SECONDS - start))
    else
        failed 1 "$what"
        return 1
    fi
}

# count_program LOG: one test of make check, by its .log and .trs.
count_program() {
    local log=$1 result cases bad
    result=$(sed -n 's/^:test-result: *//p' "${log%.log}.trs")
    cases=$(grep -cE '^\[       OK \]' "$log")
    bad=$(grep -cE '^\[  FAILED  \] [a-z0-9_]+$' "$log")
    case $result in
    PASS) passed "$((cases > 0 ? cases : 1))" ;;
    SKIP)
        n_skipped=$((n_skipped + 1))
        printf 'skipped: %s: %s\n' "${log%.log}" "$(head -n 1 "$log")"
        ;;
    *)
        passed "$cases"
        tail -n 40 "$log"
        failed "$((bad > 0 ? (bad + 1) / 2 : 1))" "${log%.log}"
        ;;
    esac
}

# check_in FOLDER VARIABLE=VALUE...: make check there, counted.
check_in() {
    local dir=$1 start=$SECONDS log
    shift
    say "make check in $dir"
    find "$dir" -name '*.trs' -delete
    # TSan of gcc 12 needs the small address space layout of older kernels; setarch -R gives it.
    if ! setarch -R make -C "$dir" -k -s -j2 check "$@" >"$dir/check.log" 2>&1; then
        # Tests that failed are counted below; a program that does not build has no log.
        grep -E '(error|Error [0-9]+|undefined reference)' "$dir/check.log" | grep -v 'check-TESTS\|check-am\|\.log' | head -n 20
        grep -qE '^(FAIL|ERROR):? ' "$dir/check.log" || failed 1 "make check in $dir (see $dir/check.log)"
    fi
    while IFS= read -r log; do
        if [ -f "${log%.log}.trs" ]; then
            count_program "$log"
        fi
    done < <(find "$dir/tests" -name '*.log' | sort)
    printf 'make check in %s took %d s\n' "$dir" $((SECONDS - start))
}

# One integration test, alone in a fresh folder GC_TMPDIR, killed with all it started when over time.
it_run() {
    local test=$1 name start=$SECONDS rc=0 log cases='' bad=''
    name=$(basename "$test")
    log=build/it/$name.log
    rm -rf "build/it/$name.tmp"
    mkdir -p "build/it/$name.tmp"
    GC_SRCDIR=$PWD GC_BUILDDIR=$PWD/build GC_TMPDIR=$PWD/build/it/$name.tmp \
        timeout --kill-after=10 "${GC_IT_TIMEOUT:-600}" "$test" >"$log" 2>&1 </dev/null || rc=$?
    # A test that counts its cases says so in its last line.
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        cases=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
    fi
    case $rc in
    0)
        passed "${cases:-1}"
        printf 'ok: %s (%d s)\n' "$test" $((SECONDS - start))
        rm -rf "build/it/$name.tmp"
        ;;
    77)
        n_skipped=$((n_skipped + 1))
        printf 'skipped: %s: %s\n' "$test" "$(tail -n 1 "$log")"
        ;;
    *)
        passed "${cases:-0}"
        tail -n 40 "$log" | sed 's/^/    /'
        failed "$((${bad:-0} > 0 ? bad : 1))" "$test (exit $rc, $((SECONDS - start)) s, log $log, files build/it/$name.tmp)"
        ;;
    esac
}

it_tests() { # all, or those whose name has one of the words given
    local test word
    find tests/it -maxdepth 1 \( -name 'test_*' -o -name 'issue_*' \) -perm -u+x -type f | sort |
        while IFS= read -r test; do
            [ ${#names[@]} -gt 0 ] || echo "$test"
            for word in ${names[@]+"${names[@]}"}; do
                [[ $test != *"$word"* ]] || echo "$test"
            done
        done
}

check_integration() {
    local test
    say "integration tests"
    mkdir -p build/it
    while IFS= read -r test; do
        it_run "$test"
    done < <(it_tests)
}

stage "packages" need_packages build test || finish
stage "build" build_in build || finish
if [ ${#names[@]} -eq 0 ]; then
    check_in build
fi
check_integration
if [ -z "$quick" ] && [ ${#names[@]} -eq 0 ]; then
    if stage "build with ASan and UBSan" build_in build-asan --enable-sanitize=address,undefined; then
        check_in build-asan LINT_RULES=
    fi
    if stage "build with TSan" build_in build-tsan --enable-sanitize=thread; then
        check_in build-tsan LINT_RULES=
    fi
    stage "clang-tidy" quietly build/tidy.log tools/dev/tidy.sh
    stage "make distcheck" quietly build/distcheck.log make -C build -s -j2 distcheck
fi
finish
