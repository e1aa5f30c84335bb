#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcommon.v1.object.ObjectService on the public port, called by python3-grpcio."""
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile

import grpc

from cluster import KIB, MIB, SRCDIR, Content, case, check, cluster, equal, main

CHUNK = 262096
OBJECT = "/gcommon.v1.object.ObjectService/"


def load_protos():
    """The modules of object.proto and common.proto, made by protoc."""
    out = tempfile.mkdtemp(prefix="protos", dir=os.environ.get("GC_TMPDIR"))
    subprocess.run(["protoc", "-I", os.path.join(SRCDIR, "proto"), f"--python_out={out}",
                    "gcommon/v1/object/object.proto", "gcommon/v1/common/common.proto"], check=True)
    sys.path.insert(0, out)
    return (importlib.import_module("gcommon.v1.object.object_pb2"),
            importlib.import_module("gcommon.v1.common.common_pb2"))


pb, common = load_protos()
METHODS = {"CreateBucket": "unary_unary", "DeleteBucket": "unary_unary", "HeadBucket": "unary_unary",
           "ListBuckets": "unary_unary", "PutObject": "stream_unary", "GetObject": "unary_stream",
           "HeadObject": "unary_unary", "DeleteObject": "unary_unary", "ListObjects": "unary_unary"}
CRC_TABLE = []
for _i in range(256):
    for _ in range(8):
        _i = (_i >> 1) ^ (0x82F63B78 if _i & 1 else 0)
    CRC_TABLE.append(_i)


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class Stub:
    """A method of the service is a method of this: stub.HeadBucket(bucket="b")."""

    def __init__(self, bed, token="", cert=None):
        def content(name):
            with open(bed.path("pki", name), "rb") as file:
                return file.read()

        pair = (content(cert + ".key"), content(cert + ".pem")) if cert else (None, None)
        self.channel = grpc.secure_channel(bed.of_role("web")[0].address,
                                           grpc.ssl_channel_credentials(content("ca.pem"), *pair))
        token = bed.token if token == "" else token
        self.metadata = [("authorization", f"Bearer {token}")] if token else []

    def __getattr__(self, name):
        kind = METHODS[name]
        response = getattr(pb, name + "Response")
        method = getattr(self.channel, kind)(OBJECT + name, request_serializer=lambda m: m.SerializeToString(),
                                             response_deserializer=response.FromString)

        def call(requests=None, **fields):
            request = requests if kind == "stream_unary" else getattr(pb, name + "Request")(**fields)
            return method(request, timeout=120, metadata=self.metadata)
        return call


def put_messages(bucket, key, data, commit=True, fields=(), wrong_chunk=None, **more):
    yield pb.PutObjectRequest(open=pb.PutOpen(bucket=bucket, key=key, fields=fields, **more.pop("open_with", {})))
    for at in range(0, len(data), CHUNK):
        part = data[at:at + CHUNK]
        crc = crc32c(part) ^ (1 if wrong_chunk == at // CHUNK else 0)
        yield pb.PutObjectRequest(chunk=common.Chunk(data=part, crc32c=crc))
    if commit:
        more.setdefault("length", len(data))
        more.setdefault("crc32c", crc32c(data))
        yield pb.PutObjectRequest(commit=pb.PutCommit(**more))


def fails(status, code, call):
    """CALL() ends with STATUS and the S3 code CODE."""
    try:
        result = call()
        if hasattr(result, "__next__"):
            list(result)
    except grpc.RpcError as error:
        trailing = dict(error.trailing_metadata() or ())
        equal((error.code(), trailing.get("gcommon-error")), (status, code), error.details())
        return
    raise AssertionError(f"it did not fail with {status}")


def get(stub, **fields):
    """Head and data of an object, its chunks verified."""
    head, parts = None, []
    for message in stub.GetObject(**fields):
        if message.WhichOneof("part") == "head":
            check(head is None and not parts, "a second head")
            head = message.head
        else:
            equal(crc32c(message.chunk.data), message.chunk.crc32c)
            parts.append(message.chunk.data)
    return head, b"".join(parts)


@case
def buckets_are_made_listed_and_removed(bed):
    stub = Stub(bed)
    stub.CreateBucket(bucket="grpc")
    stub.CreateBucket(bucket="empty")
    stub.HeadBucket(bucket="grpc")
    equal([bucket.name for bucket in stub.ListBuckets().buckets], ["empty", "grpc"])
    stub.DeleteBucket(bucket="empty")
    fails(grpc.StatusCode.NOT_FOUND, "NoSuchBucket", lambda: stub.HeadBucket(bucket="empty"))
    fails(grpc.StatusCode.ALREADY_EXISTS, "BucketAlreadyOwnedByYou", lambda: stub.CreateBucket(bucket="grpc"))
    fails(grpc.StatusCode.INVALID_ARGUMENT, "InvalidBucketName", lambda: stub.CreateBucket(bucket="No"))


@case
def objects_round_trip(bed):
    stub = Stub(bed)
    for n in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 1 * MIB):
        data, key = Content(n, n).all(), f"size/{n}".encode()
        etag = stub.PutObject(put_messages("grpc", key, data, md5=hashlib.md5(data).digest(), fields=[
            common.Field(name="content-type", value=b"text/x-test"), common.Field(name="x-amz-meta-a", value=b"b")])).etag
        equal(etag.strip('"'), hashlib.md5(data).hexdigest())
        head, got = get(stub, bucket="grpc", key=key)
        check(got == data, n)
        equal((head.length, head.etag, head.partial), (n, etag, False))
        equal({field.name: field.value for field in head.fields}, {"content-type": b"text/x-test", "x-amz-meta-a": b"b"})
        equal(stub.HeadObject(bucket="grpc", key=key).head.length, n)


@case
def http_and_grpc_see_the_same_objects(bed):
    stub, client = Stub(bed), bed.client()
    equal(client.put("/grpc/by-http", b"text", x_amz_meta_color="blue").status, 200)
    head, got = get(stub, bucket="grpc", key=b"by-http")
    equal(got, b"text")
    check(("x-amz-meta-color", b"blue") in [(field.name, field.value) for field in head.fields], head)
    equal(client.get(f"/grpc/size/{CHUNK}").body, Content(CHUNK, CHUNK).all())


@case
def ranges_are_cut_from_chunks(bed):
    stub, data = Stub(bed), Content(MIB, MIB).all()
    for text, first, last in (("bytes=0-0", 0, 0), (f"bytes={CHUNK - 1}-{CHUNK}", CHUNK - 1, CHUNK), ("bytes=-5", MIB - 5, MIB - 1)):
        head, got = get(stub, bucket="grpc", key=f"size/{MIB}".encode(), range=text)
        equal((head.partial, head.first, head.last), (True, first, last))
        check(got == data[first:last + 1], text)
    fails(grpc.StatusCode.OUT_OF_RANGE, "InvalidRange", lambda: stub.GetObject(bucket="grpc", key=b"by-http", range="bytes=9-"))


@case
def nothing_is_visible_without_a_right_commit(bed):
    stub, data = Stub(bed), Content(600 * KIB).all()
    for status, code, more in ((grpc.StatusCode.INVALID_ARGUMENT, "BadDigest", {"md5": b"\1" * 16}),
                               (grpc.StatusCode.INVALID_ARGUMENT, "BadDigest", {"crc32c": 1}),
                               (grpc.StatusCode.INVALID_ARGUMENT, "IncompleteBody", {"length": 1}),
                               (grpc.StatusCode.INVALID_ARGUMENT, "IncompleteBody", {"commit": False}),
                               (grpc.StatusCode.INVALID_ARGUMENT, "BadDigest", {"wrong_chunk": 1})):
        fails(status, code, lambda more=more: stub.PutObject(put_messages("grpc", b"never", data, **more)))
        fails(grpc.StatusCode.NOT_FOUND, "NoSuchKey", lambda: stub.HeadObject(bucket="grpc", key=b"never"))


@case
def cancelled_put_leaves_nothing(bed):
    stub = Stub(bed)
    method = stub.channel.stream_unary(OBJECT + "PutObject", request_serializer=lambda m: m.SerializeToString(),
                                       response_deserializer=pb.PutObjectResponse.FromString)

    def half():
        yield from put_messages("grpc", b"cancelled", Content(MIB).all(), commit=False)
        future.cancel()
        yield pb.PutObjectRequest()

    future = method.future(half(), metadata=stub.metadata)
    try:
        future.result(60)
        raise AssertionError("not cancelled")
    except grpc.FutureCancelledError:
        pass
    fails(grpc.StatusCode.NOT_FOUND, "NoSuchKey", lambda: stub.HeadObject(bucket="grpc", key=b"cancelled"))


@case
def conditions_hold(bed):
    stub = Stub(bed)
    never = {"conditions": pb.Conditions(if_none_match="*")}
    fails(grpc.StatusCode.FAILED_PRECONDITION, "PreconditionFailed",
          lambda: stub.PutObject(put_messages("grpc", b"by-http", b"x", open_with=never)))
    stub.PutObject(put_messages("grpc", b"once", b"x", open_with=never))
    fails(grpc.StatusCode.FAILED_PRECONDITION, "PreconditionFailed", lambda: stub.GetObject(
        bucket="grpc", key=b"once", conditions=pb.Conditions(if_match='"other"')))


@case
def listing_pages(bed):
    stub, keys, token = Stub(bed), [], ""
    while True:
        page = stub.ListObjects(bucket="grpc", max_keys=2, continuation=token)
        keys += [entry.key for entry in page.entries]
        token = page.next_continuation
        equal(bool(token), page.truncated)
        if not page.truncated:
            break
    check(keys == sorted(keys) and b"by-http" in keys, keys)
    page = stub.ListObjects(bucket="grpc", delimiter=b"/")
    equal(list(page.common_prefixes), [b"size/"])


@case
def deleted_objects_are_gone(bed):
    stub = Stub(bed)
    stub.DeleteObject(bucket="grpc", key=b"by-http")
    stub.DeleteObject(bucket="grpc", key=b"by-http")
    fails(grpc.StatusCode.NOT_FOUND, "NoSuchKey", lambda: stub.GetObject(bucket="grpc", key=b"by-http"))
    fails(grpc.StatusCode.FAILED_PRECONDITION, "BucketNotEmpty", lambda: stub.DeleteBucket(bucket="grpc"))


@case
def proof_is_asked_for(bed):
    fails(grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated", lambda: Stub(bed, token=None).ListBuckets())
    fails(grpc.StatusCode.UNAUTHENTICATED, "InvalidToken", lambda: Stub(bed, token="0" * 64).ListBuckets())
    fails(grpc.StatusCode.UNAUTHENTICATED, "InvalidToken",
          lambda: Stub(bed, token="x").PutObject(put_messages("grpc", b"never", b"x")))
    equal([bucket.name for bucket in Stub(bed, token=None, cert="user").ListBuckets().buckets], ["grpc"])


@case
def health_is_served_and_internal_services_are_not(bed):
    stub = Stub(bed)
    health = stub.channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=None, response_deserializer=None)
    equal(health(b"", timeout=60), b"\x08\x01")  # SERVING
    for path in ("/gcommon.v1.gateway.GatewayService/ListBuckets", "/gcommon.v1.registry.RegistryService/RegisterServer",
                 "/gcommon.v1.blob.BlobService/List"):
        try:
            stub.channel.unary_unary(path, request_serializer=None, response_deserializer=None)(
                b"", timeout=60, metadata=stub.metadata)
            raise AssertionError(path)
        except grpc.RpcError as error:
            equal(error.code(), grpc.StatusCode.UNIMPLEMENTED, path)


main(cluster)
