#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Make ./configure from configure.ac. Needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-portability
