#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gcommonctl pki and token, judged by openssl.
set -eu -o pipefail
ctl=$GC_BUILDDIR/src/cli/gcommonctl
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
cd "$GC_TMPDIR"
umask 022

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS COMMAND...: run quietly, keep what it said in the file "said".
expect() {
    local want=$1 got=0
    shift
    "$@" >out 2>said || got=$?
    [ "$got" = "$want" ] || fail "exit status $got instead of $want: $* ($(cat said))"
}

mode_is() { # MODE FILE
    [ "$(stat -c %a "$2")" = "$1" ] || fail "$2 has mode $(stat -c %a "$2"), not $1"
}

verify() { # CA LEAF [OPTION...]
    local ca=$1 leaf=$2
    shift 2
    openssl verify -x509_strict -CAfile "$ca" -untrusted "$leaf" "$@" "$leaf" >/dev/null
}

absent() { # FILE...: a refused command writes nothing
    for file; do
        [ ! -e "$file" ] || fail "$file is there, though the command was refused"
    done
}

at() { # seconds from now, as the tool wants it
    echo "@$(($(date +%s) + $1))"
}

ca_is_made_once_and_its_key_is_secret() {
    expect 0 "$ctl" pki init --trust-domain gc.example --dir ca
    mode_is 700 ca
    mode_is 600 ca/ca.key
    mode_is 644 ca/ca.pem
    cp ca/ca.key before
    expect 1 "$ctl" pki init --trust-domain gc.example --dir ca
    cmp -s before ca/ca.key || fail "a second init changed the key"
    openssl verify -x509_strict -CAfile ca/ca.pem ca/ca.pem >/dev/null
    openssl x509 -in ca/ca.pem -noout -text >text
    grep -A1 'Basic Constraints: critical' text | grep -q 'CA:TRUE' || fail "no critical CA:TRUE"
    grep -A1 'Key Usage: critical' text | grep -q 'Certificate Sign, CRL Sign' || fail "key usage"
    grep -q spiffe text && fail "a CA with a SPIFFE id"
    openssl pkey -in ca/ca.key -check -noout >/dev/null
}

leaf_has_its_names_and_passes_strict_verification() {
    expect 0 "$ctl" pki issue --dir ca --role web --node w1 --dns w1.gc.example,localhost \
        --ip 127.0.0.1,::1 --out w1
    mode_is 600 w1.key
    verify ca/ca.pem w1.pem -purpose sslserver -verify_hostname w1.gc.example
    verify ca/ca.pem w1.pem -purpose sslclient -verify_ip ::1
    verify ca/ca.pem w1.pem -verify_hostname other.example 2>/dev/null && fail "another name"
    openssl x509 -in w1.pem -noout -ext subjectAltName | tail -n +2 | tr -d ' ' >names
    echo 'URI:spiffe://gc.example/gcommon/web/w1,DNS:w1.gc.example,DNS:localhost,IPAddress:127.0.0.1,IPAddress:0:0:0:0:0:0:0:1' |
        cmp - names || fail "names: $(cat names)"
    openssl x509 -in w1.pem -noout -text >text
    grep -A1 'Basic Constraints: critical' text | grep -q 'CA:FALSE' || fail "no critical CA:FALSE"
    openssl x509 -in w1.pem -noout -pubkey >a
    openssl pkey -in w1.key -pubout >b
    cmp a b || fail "key and certificate differ"
}

client_certificate_is_no_server() {
    expect 0 "$ctl" pki issue --dir ca --role user --node alice --client --out alice
    verify ca/ca.pem alice.pem -purpose sslclient
    verify ca/ca.pem alice.pem -purpose sslserver 2>/dev/null && fail "a client serves"
    return 0
}

intermediate_signs_and_comes_with_the_leaf() {
    expect 0 "$ctl" pki init --trust-domain gc.example --dir ca2 --intermediate --name "two tiers"
    mode_is 600 ca2/issuer.key
    rm ca2/ca.key # kept elsewhere from here on
    expect 0 "$ctl" pki issue --dir ca2 --role file --node f1 --out f1
    [ "$(grep -c BEGIN f1.pem)" = 2 ] || fail "no chain in f1.pem"
    verify ca2/ca.pem f1.pem
    verify ca/ca.pem f1.pem 2>/dev/null && fail "verified by a stranger's root"
    openssl verify -x509_strict -CAfile ca2/ca.pem f1.pem >/dev/null 2>&1 && fail "without its issuer"
    openssl x509 -in ca2/issuer.pem -noout -text | grep -q 'pathlen:0' || fail "no pathlen:0"
}

times_are_as_asked_for() {
    expect 0 "$ctl" pki issue --dir ca --role file --node f1 --out past \
        --not-before "$(at -7200)" --not-after "$(at -3600)"
    verify ca/ca.pem past.pem 2>said && fail "expired, and verified"
    grep -q 'certificate has expired' said || fail "$(cat said)"
    expect 0 "$ctl" pki issue --dir ca --role file --node f1 --out future --not-before "$(at 3600)"
    verify ca/ca.pem future.pem 2>said && fail "not yet valid, and verified"
    grep -q 'not yet valid' said || fail "$(cat said)"
    expect 0 "$ctl" pki init --trust-domain gc.example --dir old \
        --not-before 2026-01-02T03:04:05Z --not-after 2061-12-31T23:59:59Z
    [ "$(openssl x509 -in old/ca.pem -noout -startdate)" = "notBefore=Jan  2 03:04:05 2026 GMT" ] ||
        fail "start"
    [ "$(openssl x509 -in old/ca.pem -noout -enddate)" = "notAfter=Dec 31 23:59:59 2061 GMT" ] ||
        fail "end after 2049"
    openssl asn1parse -in old/ca.pem | grep -q 'UTCTIME.*:260102030405Z' || fail "no UTCTime"
    openssl asn1parse -in old/ca.pem | grep -q 'GENERALIZEDTIME.*:20611231235959Z' || fail "no GeneralizedTime"
    openssl verify -x509_strict -CAfile old/ca.pem old/ca.pem >/dev/null
    expect 2 "$ctl" pki issue --dir ca --role file --node f1 --out long --days 30000
    expect 2 "$ctl" pki issue --dir ca --role file --node f1 --out turned --not-after "$(at -3600)"
    for bad in 2026-13-01T00:00:00Z 2026-02-30T00:00:00Z 2026-01-01 yesterday @x @; do
        expect 2 "$ctl" pki issue --dir ca --role file --node f1 --out bad --not-before "$bad"
    done
    absent bad.pem bad.key long.pem long.key turned.pem turned.key
}

wrong_words_are_usage_errors() {
    local issue="$ctl pki issue --dir ca --out bad"
    # shellcheck disable=SC2086
    for args in "--role root --node n" "--role web --node ../n" "--role web --node n --dns a,,b" \
        "--role web --node n --dns a/b" "--role web --node n --ip 1.2.3" "--role web" "--nix" \
        "--role web --node n --days 0" "--role web --node n extra" "--role web --node" \
        "--role web --node n --trust-domain GC" "--role web --node n --client=yes" \
        "--role web --node n --days 1 --not-after @9999999999"; do
        expect 2 $issue $args
    done
    expect 2 "$ctl" pki init --trust-domain "Bad Domain" --dir bad
    expect 2 "$ctl" pki init --trust-domain gc.example --dir bad --name ''
    expect 2 "$ctl" pki
    expect 2 "$ctl" pki nonsense
    expect 2 "$ctl" nonsense
    expect 2 "$ctl" --nonsense pki show w1.pem
    expect 2 "$ctl"
    absent bad bad.pem bad.key
}

existing_files_are_replaced_by_force_only() {
    expect 0 "$ctl" pki issue --dir ca --role web --node w2 --out w2
    cp w2.pem before
    expect 1 "$ctl" pki issue --dir ca --role web --node w2 --out w2
    cmp -s before w2.pem || fail "replaced"
    expect 0 "$ctl" pki issue --dir ca --role web --node w2 --out w2 --force
    cmp -s before w2.pem && fail "not replaced"
    verify ca/ca.pem w2.pem
    mode_is 600 w2.key
}

readable_or_foreign_ca_key_is_refused() {
    cp -r ca open && chmod 644 open/ca.key
    expect 4 "$ctl" pki issue --dir open --role web --node n --out bad
    grep -q 'open/ca.key' said || fail "does not say which file: $(cat said)"
    cp -r ca mixed && cp old/ca.key mixed/ca.key
    expect 4 "$ctl" pki issue --dir mixed --role web --node n --out bad
    cp -r ca broken && head -c 100 ca/ca.pem >broken/ca.pem
    expect 1 "$ctl" pki issue --dir broken --role web --node n --out bad
    expect 3 "$ctl" pki issue --dir nowhere --role web --node n --out bad
    absent bad.pem bad.key
}

keys_made_by_openssl_sign_too() {
    local ec=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
    mkdir -p theirs && echo gc.example >theirs/trust-domain
    openssl genpkey "${ec[@]}" -out theirs/ca.key 2>/dev/null
    openssl req -x509 -key theirs/ca.key -subj "/C=XX/O=Corp/CN=Their CA" -days 400 \
        -addext keyUsage=critical,keyCertSign,cRLSign -out theirs/ca.pem
    expect 0 "$ctl" pki issue --dir theirs --role web --node w1 --out theirs/w1
    verify theirs/ca.pem theirs/w1.pem
}

show_tells_what_openssl_tells() {
    expect 0 "$ctl" pki show w1.pem f1.pem
    [ "$(grep -c '^subject:' out)" = 3 ] || fail "three certificates expected"
    grep -q 'name: *uri spiffe://gc.example/gcommon/web/w1' out || fail "$(cat out)"
    expect 0 "$ctl" --json pki show w1.pem
    cp out a
    expect 0 "$ctl" pki show w1.pem --json
    cmp a out || fail "--json before and after the command differ"
    python3 - "$(openssl x509 -in w1.pem -noout -serial)" \
        "$(openssl x509 -in w1.pem -noout -fingerprint -sha256)" <<'PY' || fail "$(cat out)"
import json, sys
cert, = json.load(open("out"))
assert "serial=" + cert["serial"].upper() == sys.argv[1]
assert cert["sha256"].upper() == sys.argv[2].split("=")[1].replace(":", "")
assert cert["ca"] is False and cert["use"] == "server, client" and cert["key"] == "P-256"
assert {"kind": "ip", "value": "::1"} in cert["names"]
PY
    expect 3 "$ctl" pki show nowhere.pem
    expect 1 "$ctl" pki show w1.key
    expect 2 "$ctl" pki show
    : >empty
    expect 1 "$ctl" pki show empty
}

token_is_shown_once_and_only_its_hash_is_kept() {
    expect 0 "$ctl" token create --principal alice --role data --file tok
    mode_is 600 tok
    local token
    token=$(cat out)
    [[ $token =~ ^[0-9a-f]{64}$ ]] || fail "token: $token"
    grep -q "$token" tok && fail "the token itself is in the file"
    [ "$(cat tok)" = "alice data $(printf %s "$token" | sha256sum | cut -d' ' -f1)" ] || fail "$(cat tok)"
    truncate -s -1 tok # an editor left the last line open
    expect 0 "$ctl" token create --principal alice --role admin --file tok --json
    [ "$(wc -l <tok)" = 2 ] || fail "two lines expected: $(cat tok)"
    [ "$(cut -d' ' -f1,2 tok | tr '\n' ';')" = "alice data;alice admin;" ] || fail "$(cat tok)"
    cp tok before
    expect 1 "$ctl" token create --principal alice --role data --file tok # a third one
    grep -q 'tok:3' said || fail "$(cat said)"
    chmod 644 tok
    expect 4 "$ctl" token create --principal bob --role read --file tok
    expect 2 "$ctl" token create --principal 'b b' --role data --file tok
    expect 2 "$ctl" token create --principal bob --role user --file tok
    expect 1 "$ctl" token create --principal bob --role read --file /dev/null
    chmod 600 tok
    cmp tok before || fail "a refused token changed the file"
    echo 'no line of a token file' >broken.tok && chmod 600 broken.tok
    expect 1 "$ctl" token create --principal bob --role read --file broken.tok
}

tokens_made_at_once_are_all_kept() {
    local pids=()
    for i in 1 2 3 4 5 6 7 8; do
        "$ctl" token create --principal "p$i" --role data --file many >/dev/null &
        pids+=($!)
    done
    wait "${pids[@]}"
    [ "$(grep -cE '^p[1-8] data [0-9a-f]{64}$' many)" = 8 ] || fail "$(cat many)"
}

help_and_results_go_to_the_right_place() {
    expect 0 "$ctl" --help
    grep -q '5 unavailable' out || fail "exit statuses are not in the help"
    expect 0 "$ctl" pki --help
    expect 0 "$ctl" pki issue --help
    grep -q -- --trust-domain out || fail "$(cat out)"
    expect 0 "$ctl" --version
    "$ctl" pki show w1.pem >/dev/full 2>said && fail "a full disk is no failure"
    grep -q 'standard output' said || fail "$(cat said)"
}

for case in ca_is_made_once_and_its_key_is_secret leaf_has_its_names_and_passes_strict_verification \
    client_certificate_is_no_server intermediate_signs_and_comes_with_the_leaf times_are_as_asked_for \
    wrong_words_are_usage_errors existing_files_are_replaced_by_force_only \
    readable_or_foreign_ca_key_is_refused keys_made_by_openssl_sign_too show_tells_what_openssl_tells \
    token_is_shown_once_and_only_its_hash_is_kept tokens_made_at_once_are_all_kept \
    help_and_results_go_to_the_right_place; do
    "$case"
    echo "ok: $case"
done
