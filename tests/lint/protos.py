# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the wire, checked on the descriptors of proto/**/*.proto: no recursive message (protobuf-c
has no depth limit), package = folder, no proto3 `optional` (protobuf-c does not know it), and every
enum of ours starts with a zero *_UNSPECIFIED."""
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2


def load(files):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", "-Iproto", f"--descriptor_set_out={out.name}", *files], check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(out.read()).file


def messages(prefix, types):
    for message in types:
        name = f"{prefix}.{message.name}"
        yield name, message
        yield from messages(name, message.nested_type)


def enums(prefix, holder):
    yield from ((f"{prefix}.{enum.name}", enum) for enum in holder.enum_type)
    for message in getattr(holder, "nested_type", None) or getattr(holder, "message_type", ()):
        yield from enums(f"{prefix}.{message.name}", message)


def recursive(graph):
    """Names of messages that contain themselves, by whatever way."""
    for start in graph:
        todo, seen = list(graph[start]), set()
        while todo:
            name = todo.pop()
            if name == start:
                yield start
                break
            if name not in seen:
                seen.add(name)
                todo += graph.get(name, ())


def check_file(file):
    folder = file.name.rsplit("/", 1)[0].replace("/", ".")
    if file.package != folder:
        yield f"proto/{file.name}: package {file.package}, but the folder says {folder}"
    for name, enum in enums(f".{file.package}", file):
        first = enum.value[0]
        if not file.package.startswith("gcommon."):
            continue  # a public definition, as it is
        if first.number != 0 or not first.name.endswith("_UNSPECIFIED"):
            yield f"proto/{file.name}: enum {name} must start with a zero ..._UNSPECIFIED"
    for name, message in messages(f".{file.package}", file.message_type):
        for field in message.field:
            if field.proto3_optional:
                yield f"proto/{file.name}: {name}.{field.name}: protobuf-c knows no optional"


def main(paths):
    files = load([path[len("proto/") :] for path in paths])
    graph = {}
    for file in files:
        for line in check_file(file):
            print(line)
        for name, message in messages(f".{file.package}", file.message_type):
            graph[name] = [field.type_name for field in message.field if field.type_name]
    for name in recursive(graph):
        print(f"proto: message {name} contains itself")



main(sys.argv[1:])
