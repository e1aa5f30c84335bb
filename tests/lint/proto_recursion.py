# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints each cycle of message types in a FileDescriptorSet. Reads the wire format itself, so that
no protobuf module is needed."""
import sys

# Field numbers of descriptor.proto.
SET_FILE = 1
FILE_PACKAGE, FILE_MESSAGE = 2, 4
MESSAGE_NAME, MESSAGE_FIELD, MESSAGE_NESTED = 1, 2, 3
FIELD_TYPE_NAME, FIELD_TYPE = 6, 5
TYPE_GROUP, TYPE_MESSAGE = 10, 11


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of each field: an int, or bytes of what has a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            width = 8 if kind == 1 else 4
            value, at = data[at : at + width], at + width
        yield tag >> 3, value


def first(data, number, default):
    return next((value for n, value in fields(data) if n == number), default)


def collect(message, scope, graph):
    name = scope + "." + first(message, MESSAGE_NAME, b"").decode()
    parts = graph.setdefault(name, set())
    for number, value in fields(message):
        if number == MESSAGE_FIELD and first(value, FIELD_TYPE, 0) in (TYPE_GROUP, TYPE_MESSAGE):
            parts.add(first(value, FIELD_TYPE_NAME, b"").decode())
        elif number == MESSAGE_NESTED:
            collect(value, name, graph)


def cycle(graph, name, path, done):
    """The first way from NAME back to a message on PATH, or None."""
    if name in path:
        return path[path.index(name) :] + [name]
    if name in done:
        return None
    for part in sorted(graph.get(name, ())):
        found = cycle(graph, part, path + [name], done)
        if found:
            return found
    done.add(name)
    return None


def main():
    with open(sys.argv[1], "rb") as file:
        descriptors = file.read()
    graph, done, bad = {}, set(), False
    for number, proto in fields(descriptors):
        if number != SET_FILE:
            continue
        package = first(proto, FILE_PACKAGE, b"").decode()
        for field, message in fields(proto):
            if field == FILE_MESSAGE:
                collect(message, "." + package if package else "", graph)
    for name in sorted(graph):
        found = cycle(graph, name, [], done)
        if found:
            print("proto: recursive message: " + " -> ".join(found))
            bad = True
            done.update(found)
    return 1 if bad else 0


sys.exit(main())
