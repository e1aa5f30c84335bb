#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each lint rule passes a small clean tree and refuses each violation planted in it.
set -euo pipefail
command -v git >/dev/null || { echo "skipped: git is not installed"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
out=$(mktemp)
trap 'rm -rf "$tree" "$out"' EXIT
n_failed=0
git init -q "$tree"

put() { # FILE, content from stdin
    mkdir -p "$tree/$(dirname "$1")"
    cat >"$tree/$1"
}

clean_tree() {
    rm -rf "${tree:?}"/*
    cp "$here/../../.clang-format" "$tree/"
    printf '/build/\n*.o\n' | put .gitignore
    printf '# SPDX-License-Identifier: MIT\n%%C%%_SOURCES = %%D%%/dial.c %%D%%/dial.h\n' | put src/net/local.mk
    printf '# SPDX-License-Identifier: GPL-3.0-or-later\nTESTS_NET = %%D%%/net/test_dial\n' | put tests/local.mk
    printf '# SPDX-License-Identifier: MIT\nGC_PROTOS = %%D%%/a/a.proto\n' | put proto/local.mk
    put proto/a/a.proto <<'P'
// SPDX-License-Identifier: MIT
syntax = "proto3";
package a;
P
    printf '/* SPDX-License-Identifier: MIT */\nint gc_dial(int peer);\n' | put src/net/dial.h
    put src/net/dial.c <<'C'
/* SPDX-License-Identifier: MIT */
#include "net/dial.h"

#include <uv.h>

#include "base/err.h"

int
gc_dial(int peer)
{
    return peer;
}
C
    printf '/* SPDX-License-Identifier: GPL-3.0-or-later */\n#include "net/dial.h"\n' | put tests/net/test_dial.c
    printf '#!/bin/bash\n# SPDX-License-Identifier: GPL-3.0-or-later\necho ok\n' | put tools/ok.sh
}

run_rule() {
    GC_SRCDIR=$tree GC_BUILDDIR=$tree/build "$here/$1.sh" >"$out" 2>&1
}

# refuses RULE WORD: the rule fails now and WORD stands in what it says.
refuses() {
    local rc=0
    run_rule "$1" || rc=$?
    if [ $rc -eq 77 ]; then
        echo "skip: $1: $(cat "$out")"
    elif [ $rc -eq 1 ] && grep -qF -- "$2" "$out"; then
        echo "ok: $1 refuses: $2"
    else
        echo "FAIL: $1 (exit $rc) does not refuse: $2"
        sed 's/^/    /' "$out"
        n_failed=$((n_failed + 1))
    fi
    clean_tree
}

compile() { # SOURCE: build its object where calls.sh looks
    mkdir -p "$tree/build/$(dirname "$1")"
    "${CC:-cc}" -c -O1 -D_GNU_SOURCE -o "$tree/build/${1%.c}.o" "$tree/$1"
}

body() { # N TEXT: TEXT N times, each on its line
    local i
    for ((i = 0; i < $1; i++)); do printf '%s\n' "$2"; done
}

clean_tree
for rule in layers homes spdx format size text shell fragments protos; do
    rc=0
    run_rule $rule || rc=$?
    if [ $rc -ne 0 ] && [ $rc -ne 77 ]; then
        echo "FAIL: $rule refuses the clean tree (exit $rc)"
        sed 's/^/    /' "$out"
        n_failed=$((n_failed + 1))
    fi
done

echo '#include "rpc/call.h"' >>"$tree/src/net/dial.c"
refuses layers 'net may not include "rpc/call.h"'
echo '#include "dial.h"' >>"$tree/src/net/dial.c"
refuses layers 'write the folder, too'
echo 'int x;' | put src/other/x.c
echo '#include "base/err.h"' >>"$tree/src/other/x.c"
refuses layers 'no row of layers.conf'
echo '#  include <lmdb.h>' >>"$tree/src/net/dial.c"
refuses homes '<lmdb.h> is not at home here'
echo '#include <wolfssl/ssl.h>' | put src/crypto/x509.c
refuses homes '<wolfssl/ssl.h>'

printf '#include <time.h>\nlong f(void);\nlong f(void) { return time(0); }\n' | put src/core/plan.c
compile src/core/plan.c
refuses calls 'src/core/plan.c: calls time (clock)'
printf '#include <stdlib.h>\nint f(void);\nint f(void) { return rand(); }\n' | put src/core/plan.c
compile src/core/plan.c
refuses calls 'calls rand (random)'
printf '#include <sys/socket.h>\nlong f(char *p);\nlong f(char *p) { return recv(0, p, 9, 0); }\n' | put storage/kv_x.c
compile storage/kv_x.c
refuses calls 'calls recv (socket)'

echo 'int x;' | put src/net/x.c
refuses spdx 'src/net/x.c:1'
echo '/* SPDX-License-Identifier: GPL-3.0-or-later */' | put src/net/x.c
refuses spdx 'src/net/x.c:1'
echo 'int  gc_x;' >>"$tree/src/net/dial.c"
refuses format 'src/net/dial.c:13'
printf 'echo \n' >>"$tree/tools/ok.sh"
refuses format 'tools/ok.sh:4: blanks'

{ printf 'int\nf(void)\n{\n'; body 68 '    g();'; printf '}\n'; } >>"$tree/src/net/dial.c"
refuses size 'f has 71 lines'
printf 'int\nf(int a, int b, int c, int d,\n  int e, int g, int h)\n{\n}\n' >>"$tree/src/net/dial.c"
refuses size 'f has 7 parameters'
{ printf 'int\nf(void)\n{\n'; body 4 'if (x) {'; body 4 ' }'; printf '}\n'; } >>"$tree/src/net/dial.c"
refuses size 'f nests 5 levels'
body 1000 'int x;' >>"$tree/src/net/dial.c"
refuses size '1012 lines'

printf '# see /%s/main\n' work >>"$tree/tools/ok.sh"
refuses text 'path of one machine'
printf '/* %s: later */\n' TODO >>"$tree/src/net/dial.c"
refuses text 'no issue number'
printf 'void f(void) { %s(1); }\n' usleep >>"$tree/tests/net/test_dial.c"
refuses text 'wait for a condition'
# shellcheck disable=SC2016 # the variable is the planted script's
printf 'rm $1\n' >>"$tree/tools/ok.sh"
refuses shell 'SC2086'
printf '# SPDX-License-Identifier: GPL-3.0-or-later\ndef f(:\n' | put tools/x.py
refuses shell 'tools/x.py:2'
printf '/* SPDX-License-Identifier: MIT */\n' | put src/net/forgotten.c
refuses fragments 'src/net/forgotten.c: not in src/net/local.mk'
printf 'x\n' | put tests/net/test_forgotten.c
refuses fragments 'tests/net/test_forgotten.c: not in tests/local.mk'
printf 'x\n' | put proto/a/forgotten.proto
refuses fragments 'proto/a/forgotten.proto: not in proto/local.mk'

echo 'message A { B b = 1; } message B { repeated A a = 1; }' >>"$tree/proto/a/a.proto"
refuses protos 'message .a.A contains itself'
sed -i 's/package a/package gcommon.v1.x/' "$tree/proto/a/a.proto"
refuses protos 'but the folder says a'
{ sed 's/package a/package gcommon.b/' "$tree/proto/a/a.proto"; echo 'enum E { FIRST = 0; }'; } | put proto/gcommon/b/b.proto
refuses protos 'must start with a zero ..._UNSPECIFIED'
echo 'message A { optional int32 n = 1; }' >>"$tree/proto/a/a.proto"
refuses protos 'protobuf-c knows no optional'
echo 'message A { int32 n = 1 }' >>"$tree/proto/a/a.proto"
refuses protos 'Expected ";"'

program() { # CFLAG...: a gcommonctl built with them
    mkdir -p "$tree/build/src/cli"
    { body 1 'int main(void) { return 0; }'; for i in {1..100}; do echo "void f$i(void) {}"; done; } |
        "${CC:-cc}" -o "$tree/build/src/cli/gcommonctl" "$@" -x c - 2>/dev/null
}
program -no-pie
refuses hardening 'no PIE'
program -pie -fPIE -Wl,-z,lazy
refuses hardening 'no BIND_NOW'
program -Wl,-z,norelro
refuses hardening 'no RELRO'
program -Wl,-z,execstack
refuses hardening 'no stack without execution'
program -fno-stack-protector
refuses hardening 'no stack protector'
program -U_FORTIFY_SOURCE
refuses hardening 'no fortified call'

mkdir -p "$tree/build/src/file"
printf '#!/bin/sh\necho "[daemon]"\n' >"$tree/build/src/file/gcommon-file"
chmod +x "$tree/build/src/file/gcommon-file"
printf '1\n2\n3\n[other]\n' | put etc/file.conf
refuses etc 'etc/file.conf:1: not what gcommon-file --print-config says'

[ $n_failed -eq 0 ] || { echo "$n_failed failed"; exit 1; }
