#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Rules of the wire: see protos.py.
. "$(dirname "$0")/lib.sh"
lint_need protoc
/usr/bin/python3 -c 'import google.protobuf' 2>/dev/null || { echo "skipped: no python3-protobuf"; exit 77; }
lint_end "$(lint_files 'proto/*.proto' | xargs -r /usr/bin/python3 "$lint_dir/protos.py" 2>&1 || true)"
