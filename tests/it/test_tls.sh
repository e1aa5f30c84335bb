#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Our TLS against OpenSSL's, both as server and as client: versions, suites, ALPN, certificates, resumption.
set -eu -o pipefail
peer=$GC_BUILDDIR/tests/net/tls_peer
[ -x "$peer" ] || { echo "tls_peer is not built (make check builds it)"; exit 77; }
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
cd "$GC_TMPDIR"
umask 077
pids=()
# shellcheck disable=SC2317 # called by trap
on_exit() { kill "${pids[@]}" 2>/dev/null || true; }
trap on_exit EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# --- certificates -------------------------------------------------------------------------------

ca() { # NAME SUBJECT
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.crt" \
        -subj "/CN=$2" -days 3 -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}

# leaf NAME SIGNER SAN [KEY-ARGUMENTS...]; LEAF_EXT adds extensions, LEAF_DAYS the days.
leaf() {
    local name=$1 signer=$2 san=$3
    shift 3
    [ $# -gt 0 ] || set -- -newkey ec -pkeyopt ec_paramgen_curve:P-256
    openssl req "$@" -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
    printf '%s\n' "subjectAltName=$san" "${LEAF_EXT:-basicConstraints=critical,CA:FALSE}" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$signer.crt" -CAkey "$signer.key" -CAcreateserial \
        -days "${LEAF_DAYS:-3}" -extfile "$name.ext" -out "$name.crt" 2>/dev/null
}

uri() { echo "URI:spiffe://test.gc/gcommon/$1"; }
ca ca 'a CA'
ca rogue 'a CA'
leaf file ca "$(uri file/f1),DNS:localhost,IP:127.0.0.1"
leaf web ca "$(uri web/w1)"
leaf rsa ca "$(uri web/rsa),DNS:localhost" -newkey rsa:2048
leaf two ca "$(uri web/w1),$(uri web/w2)"
leaf evil ca 'URI:spiffe://evil.example/gcommon/web/w1'
leaf bad rogue "$(uri web/w1)"
leaf child web "$(uri web/child)"
LEAF_DAYS=-1 leaf old ca "$(uri web/w1)"
LEAF_EXT=$'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,digitalSignature' \
    leaf caleaf ca "$(uri web/w1)"
LEAF_EXT=$'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign' leaf middle ca 'DNS:x'
leaf under middle "$(uri web/under)"
cat middle.crt >>under.crt
cat web.crt >>child.crt

# --- our server ---------------------------------------------------------------------------------

serve() { # LOG PROFILE CLIENT-CERT NAME: sets port
    : >"$1" # the background's own truncation may come late
    "$peer" serve "$2" "$3" . "$4" >>"$1" 2>&1 &
    pids+=($!)
    for ((i = 0; i < 300; i++)); do
        port=$(sed -n 's/^port //p' "$1")
        [ -z "$port" ] || return 0
        sleep 0.1
    done
    fail "no port: $(cat "$1")"
}

# client NAME [s_client arguments]: NAME "-": no certificate. Sends "ping"; "client.out" has what it said.
client() {
    local name=$1
    shift
    [ "$name" = - ] || set -- -cert "$name.crt" -key "$name.key" -cert_chain "$name.crt" "$@"
    : >client.out
    rm -f client.over
    {
        echo ping
        for ((i = 0; i < 300; i++)); do
            if [ -e client.over ] || grep -q '^ping' client.out; then break; fi
            sleep 0.1
        done
    } | {
        timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.crt "$@" >client.out 2>&1 || true
        touch client.over
    }
}

# takes LOG EXPECTED client-arguments...: the connection opens as expected and echoes.
takes() {
    local log=$1 expected=$2 before
    shift 2
    before=$(grep -c "^$expected" "$log" || true)
    client "$@"
    [ "$(grep -c "^$expected" "$log")" -gt "$before" ] || fail "$log: no '$expected' for $*: $(tail -n 3 "$log"; cat client.out)"
    grep -q '^ping' client.out || fail "$log: no echo for $*: $(cat client.out)"
}

# refuses LOG RC client-arguments...: the connection never opens.
refuses() {
    local log=$1 rc=$2 before
    shift 2
    before=$(grep -c "^close opened=0 rc=$rc" "$log" || true)
    client "$@"
    for ((i = 0; i < 100; i++)); do
        [ "$(grep -c "^close opened=0 rc=$rc" "$log" || true)" -gt "$before" ] && break
        sleep 0.1
    done
    [ "$i" -lt 100 ] || fail "$log: not refused with $rc: $* ($(tail -n 3 "$log"))"
    ! grep -q '^ping' client.out || fail "$log: an echo for $*"
}

# resumes LOG client-arguments...: prints yes or no.
resumes() {
    local log=$1
    shift
    rm -f session
    client "$@" -sess_out session
    grep -q '^ping' client.out || fail "$log: no echo for $*: $(cat client.out)"
    [ -s session ] || { echo no; return; }
    client "$@" -sess_in session
    grep -q '^ping' client.out || fail "$log: no echo with a session for $*: $(cat client.out)"
    if grep -q '^Reused' client.out; then echo yes; else echo no; fi
}

serve internal.log internal none file
h2=(-alpn h2)
takes internal.log 'open cert=1 role=web node=w1 h2=1' web "${h2[@]}"
grep -q 'TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256' client.out || fail "another suite: $(grep Cipher client.out)"
grep -q 'Server Temp Key: X25519' client.out || fail "another group: $(grep Temp client.out)"
takes internal.log 'open cert=1 role=web node=w1 h2=1' web "${h2[@]}" -groups P-256
takes internal.log 'open cert=1 role=web node=w1 h2=1' web "${h2[@]}" -ciphersuites TLS_AES_256_GCM_SHA384
takes internal.log 'open cert=1 role=web node=under h2=1' under "${h2[@]}"
refuses internal.log EIDENTITY - "${h2[@]}"
for name in two evil bad child old caleaf rsa; do
    refuses internal.log EIDENTITY "$name" "${h2[@]}"
done
refuses internal.log ETLS web "${h2[@]}" -tls1_2
refuses internal.log ETLS web
refuses internal.log ETLS web -alpn http/1.1
refuses internal.log ETLS web "${h2[@]}" -ciphersuites TLS_CHACHA20_POLY1305_SHA256
refuses internal.log ETLS web "${h2[@]}" -groups P-384
[ "$(resumes internal.log web "${h2[@]}")" = no ] || fail "a session is resumed on an internal port"

# A KeyUpdate, without and with a request for ours, between data.
said() { # LINE TIMES: wait until client.out has it
    for ((i = 0; i < 300; i++)); do
        [ "$(grep -cx "$1" client.out)" -lt "$2" ] || return 0
        sleep 0.1
    done
}
: >client.out
{
    echo one && said one 1
    echo k && said KEYUPDATE 1
    echo two && said two 1
    echo K && said KEYUPDATE 2
    echo three && said three 1
} | timeout 120 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.crt -cert web.crt -key web.key "${h2[@]}" >>client.out 2>&1 || true
[ "$(grep -cxE 'one|two|three' client.out)" = 3 ] || fail "KeyUpdate: $(cat client.out)"

serve public.log public none file
takes public.log 'open cert=0 role= node= h2=1' - -alpn h2,http/1.1 -tls1_3
takes public.log 'open cert=0 role= node= h2=1' - -alpn http/1.1,h2 -tls1_2
takes public.log 'open cert=0 role= node= h2=0' - -alpn http/1.1
takes public.log 'open cert=0 role= node= h2=0' -
takes public.log 'open cert=0 role= node= h2=0' - -tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384
refuses public.log ETLS - -alpn foo
refuses public.log ETLS - -alpn foo -tls1_2
refuses public.log ETLS - -tls1_1 -cipher DEFAULT@SECLEVEL=0
for suite in ECDHE-ECDSA-AES128-SHA256 ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-CHACHA20-POLY1305; do
    refuses public.log ETLS - -tls1_2 -cipher "$suite"
done
[ "$(resumes public.log - -tls1_3)" = yes ] || fail "no resumption where no certificate is asked for"

serve rsa.log public none rsa
takes rsa.log 'open cert=0' - -tls1_3
takes rsa.log 'open cert=0' - -tls1_2
refuses rsa.log ETLS - -tls1_2 -cipher AES128-GCM-SHA256 # no forward secrecy

serve optional.log public optional file
serve2=$port
for version in -tls1_2 -tls1_3; do
    port=$serve2
    takes optional.log 'open cert=0 role= node= h2=0' - $version
    takes optional.log 'open cert=1 role=web node=w1 h2=0' web $version
    for name in evil bad old two; do
        refuses optional.log EIDENTITY "$name" $version
    done
    [ "$(resumes optional.log web $version)" = no ] || fail "a session is resumed where certificates are asked for ($version)"
    [ "$(resumes optional.log - $version)" = no ] || fail "a session is resumed where certificates are asked for ($version)"
done

serve required.log public required file
for version in -tls1_2 -tls1_3; do
    takes required.log 'open cert=1 role=web node=w1 h2=0' web $version
    refuses required.log EIDENTITY - $version
done

# --- our client ---------------------------------------------------------------------------------

# foreign s_server-arguments...: sets port
foreign() {
    : >foreign.log
    openssl s_server -accept 127.0.0.1:0 -cert file.crt -key file.key "$@" >>foreign.log 2>&1 </dev/zero &
    pids+=($!)
    for ((i = 0; i < 300; i++)); do
        port=$(sed -n 's/^ACCEPT 127.0.0.1://p' foreign.log)
        [ -z "$port" ] || return 0
        sleep 0.1
    done
    fail "s_server: $(cat foreign.log)"
}

dials() { # EXPECTED-LINE PROFILE NAME EXPECT-NAME
    : >dial.log
    timeout 30 "$peer" dial "$2" . "$3" "127.0.0.1:$port" "$4" >>dial.log 2>&1 &
    local pid=$! ok=
    for ((i = 0; i < 300; i++)); do
        if grep -q "^$1" dial.log; then ok=1; break; fi
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    kill $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    [ -n "$ok" ] || grep -q "^$1" dial.log || fail "no '$1': $(cat dial.log)"
}

mtls=(-Verify 3 -CAfile ca.crt -verify_return_error)
foreign "${mtls[@]}" -alpn h2
dials 'open cert=1 role=file node=f1 h2=1' internal web -
foreign "${mtls[@]}" # no ALPN
dials 'close opened=0 rc=ETLS' internal web -
foreign "${mtls[@]}" -alpn h2 -tls1_2
dials 'close opened=0 rc=ETLS' internal web -
foreign -alpn h2 -tls1_2
dials 'open cert=1 role= node= h2=1' public - localhost
dials 'close opened=0 rc=EIDENTITY' public - other.example
dials 'open cert=1 role= node= h2=1' public - 127.0.0.1
foreign -alpn h2 -cert bad.crt -key bad.key
dials 'close opened=0 rc=EIDENTITY' internal web -
echo "all is as it should be"
