#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# No message of proto/ contains itself, directly or through others: the decoder has no limit of depth
# (object-protocol.md rule 30).
. "$(dirname "$0")/lib.sh"
lint_need protoc
lint_need python3

set=$(mktemp)
trap 'rm -f "$set"' EXIT
mapfile -t protos < <(lint_files 'proto/*.proto')
[ ${#protos[@]} -gt 0 ] || exit 0
protoc -Iproto --include_imports --descriptor_set_out="$set" "${protos[@]}"
lint_end "$(python3 "$lint_dir/proto_recursion.py" "$set" || true)"
