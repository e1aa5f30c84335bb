#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The blob engine beside plain files on the disk of the build tree; see bench_storage.c.
set -euo pipefail
make -s -C "$GC_BUILDDIR" tests/bench/bench_storage >&2
exec "$GC_BUILDDIR/tests/bench/bench_storage" "$GC_BUILDDIR" "${RUNS:-3}" 256
