#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong requests get the right 4xx and harm nobody else; odd but right ones work."""
import base64
import hashlib
import http.client
import io
import socket

from cluster import KIB, MIB, Answer, Content, case, check, cluster, equal, main, quote

BUCKET = "/bad"


class Raw:
    """A connection on which any bytes are sent."""

    def __init__(self, bed):
        sock = socket.create_connection(("127.0.0.1", bed.of_role("web")[0].port), 60)
        self.sock = bed.tls().wrap_socket(sock, server_hostname="127.0.0.1")
        self.authorization = f"Authorization: Bearer {bed.token}\r\n".encode()

    def head(self, line, *fields):
        self.sock.sendall(b"\r\n".join([line, b"Host: 127.0.0.1", *fields]) + b"\r\n" + self.authorization + b"\r\n")

    def send(self, data):
        self.sock.sendall(data)

    def half_close(self):
        self.sock.unwrap()

    def answer(self):
        response = http.client.HTTPResponse(self.sock)
        response.begin()
        return Answer(response.status, response.getheaders(), response.read())

    def closed(self):
        """Whether the server closes it after what it has sent."""
        try:
            while self.sock.recv(64 * KIB):
                pass
        except OSError:
            pass
        return True


def raw(bed, line, *fields, body=b""):
    one = Raw(bed)
    try:
        one.head(line, *fields)
        one.send(body)
    except OSError:
        pass  # the answer may be there before all is sent
    with one.sock:
        return one.answer()


def still_well(bed):
    """A new connection is served as ever."""
    with bed.client() as client:
        equal(client.get(BUCKET + "/good").body, b"good")


def expect(bed, answer, status, code, *facts):
    equal((answer.status, answer.code()), (status, code), *facts, answer)
    check(answer.fields.get("x-amz-request-id"), answer)
    still_well(bed)


@case
def bucket_and_object_are_there(bed):
    equal(bed.client().put(BUCKET).status, 200)
    equal(bed.client().put(BUCKET + "/good", b"good").status, 200)
    still_well(bed)


@case
def nothing_there_is_404(bed):
    client = bed.client()
    expect(bed, client.get(BUCKET + "/none"), 404, "NoSuchKey")
    expect(bed, client.get("/nobucket/none"), 404, "NoSuchBucket")
    expect(bed, client.put("/nobucket/none", b"x"), 404, "NoSuchBucket")
    expect(bed, client.get("/nobucket?list-type=2"), 404, "NoSuchBucket")
    expect(bed, client.delete("/nobucket"), 404, "NoSuchBucket")
    equal(client.head(BUCKET + "/none").status, 404)
    equal(client.head("/nobucket").status, 404)
    equal(client.delete(BUCKET + "/none").status, 204)


@case
def buckets_have_s3s_rules(bed):
    client = bed.client()
    expect(bed, client.delete(BUCKET), 409, "BucketNotEmpty")
    equal(client.put(BUCKET).status, 200)  # it is one's own: done already
    for name in ("ab", "Upper", "under_score", "a..b", "-a", "a" * 64, "192.168.1.1"):
        expect(bed, client.put("/" + name), 400, "InvalidBucketName", name)
    equal(client.put("/empty").status, 200)
    equal(client.head("/empty").status, 200)
    equal(client.delete("/empty").status, 204)
    equal(client.head("/empty").status, 404)


@case
def oversized_headers_are_refused(bed):
    answer = raw(bed, b"GET /bad/good HTTP/1.1", *[b"X-Long-%d: " % i + b"x" * 4000 for i in range(8)])
    check(answer.status in (400, 431), answer)
    still_well(bed)
    answer = raw(bed, b"GET /bad/good HTTP/1.1", b"X-Long: " + b"x" * 70000)
    check(answer.status in (400, 431), answer)
    answer = raw(bed, b"GET /bad/" + b"k" * 70000 + b" HTTP/1.1")
    check(answer.status in (400, 414, 431), answer)
    done = bed.curl("--http2", "-o", "/dev/null", "-w", "%{http_code}",
                    *[arg for i in range(8) for arg in ("-H", f"X-Long-{i}: " + "x" * 4000)], bed.url + "/bad/good")
    check(done.stdout in (b"400", b"431"), done)
    still_well(bed)


@case
def user_metadata_has_a_limit(bed):
    fields = {f"x-amz-meta-{i}": "x" * 1000 for i in range(3)}
    expect(bed, bed.client().put(BUCKET + "/meta", b"", **fields), 400, "MetadataTooLarge")


@case
def malformed_heads_are_400(bed):
    for line, *fields in ((b"GET /bad/good HTTP/9.9",), (b"GET  /bad/good HTTP/1.1",), (b"GET /bad/good",), (b"G@T /bad/good HTTP/1.1",),
                          (b"GET /bad/good HTTP/1.1", b"No colon"), (b"GET /bad/good HTTP/1.1", b"Blank : x"),
                          (b"GET /bad/good HTTP/1.1", b"X: a\0b"), (b"GET /bad/good HTTP/1.1", b"Host: other"),
                          (b"PUT /bad/x HTTP/1.1", b"Content-Length: -1"), (b"PUT /bad/x HTTP/1.1", b"Content-Length: 1x"),
                          (b"PUT /bad/x HTTP/1.1", b"Content-Length: 1", b"Content-Length: 2"),
                          (b"PUT /bad/x HTTP/1.1", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
                          (b"PUT /bad/x HTTP/1.1", b"Transfer-Encoding: gzip, chunked"),
                          (b"PUT /bad/x HTTP/1.1", b"Content-Length: 99999999999999999999")):
        answer = raw(bed, line, *fields)
        check(answer.status in (400, 501, 505), line, fields, answer)
        still_well(bed)
    equal(bed.client().head(BUCKET + "/x").status, 404)


@case
def put_without_a_length_is_411(bed):
    expect(bed, raw(bed, b"PUT /bad/x HTTP/1.1"), 411, "MissingContentLength")


@case
def bad_names_are_400(bed):
    client = bed.client()
    for path in ("/bad/a%00b", "/bad/%ff", "/bad/%c3%28", "/bad/%ed%a0%80", "/bad/a%2", "/bad/a%zz", "/bad/%"):
        for method in ("PUT", "GET"):
            expect(bed, client.ask(method, path, b"x" if method == "PUT" else None), 400, "InvalidURI", path)
    expect(bed, client.put("/bad/" + "k" * 1025, b"x"), 400, "KeyTooLongError")


@case
def dots_and_slashes_are_ordinary_bytes(bed):
    written = [".", "..", "a/.", "a/..", "a/../b", "./a", "//", "//a//b//", "/", "a//", "...", "..a/.b", "%2e%2e/c", "a/%2F/b"]
    for text in written:
        done = bed.curl("--path-as-is", "--fail-with-body", "-X", "PUT", "--data-binary", text, f"{bed.url}/bad/{text}")
        equal(done.returncode, 0, text, done)
    for text in written:
        done = bed.curl("--path-as-is", "--fail-with-body", f"{bed.url}/bad/{text}")
        equal(done.stdout.decode(), text)
    keys = {text.replace("%2e", ".").replace("%2F", "/") for text in written}
    equal(len(keys), len(written))
    have = {key for key, _ in bed.client().list_all("bad")[0]}
    check(keys <= have, keys - have)
    still_well(bed)


@case
def names_of_1024_bytes_round_trip(bed):
    client = bed.client()
    names = [b"k" * 1024, ("ü" * 512).encode(), b"k" * 1023 + b"l", b"k" * 480, b"k" * 479, b"p/" * 512, b"k" * 1023]
    for name in names:
        equal(client.put(BUCKET + "/" + quote(name), name).status, 200, name)
    for name in names:
        equal(client.get(BUCKET + "/" + quote(name)).body, name)
    have = [key.encode() for key, _ in client.list_all("bad", prefix="k" * 400, max_keys=2)[0]]
    equal(have, sorted(name for name in names if name.startswith(b"k" * 400)))
    for name in names:
        equal(client.delete(BUCKET + "/" + quote(name)).status, 204)
    equal(client.list_all("bad", prefix="k" * 400)[0], [])


@case
def wrong_md5_stores_nothing(bed):
    client = bed.client()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    expect(bed, client.put(BUCKET + "/md5", b"text", Content_MD5=wrong), 400, "BadDigest")
    for bad in ("nonsense", "", base64.b64encode(b"short").decode()):
        expect(bed, client.put(BUCKET + "/md5", b"text", Content_MD5=bad), 400, "InvalidDigest", bad)
    equal(client.head(BUCKET + "/md5").status, 404)
    right = base64.b64encode(hashlib.md5(b"text").digest()).decode()
    equal(client.put(BUCKET + "/md5", b"text", Content_MD5=right).fields["etag"], f'"{hashlib.md5(b"text").hexdigest()}"')


@case
def short_body_stores_nothing(bed):
    for n in (1, 300 * KIB, 3 * MIB):
        one = Raw(bed)
        one.head(b"PUT /bad/short HTTP/1.1", b"Content-Length: %d" % (n + 5))
        one.send(Content(n).all())
        one.sock.shutdown(socket.SHUT_WR)
        check(one.closed())
        equal(bed.client().head(BUCKET + "/short").status, 404)
        still_well(bed)
    one = Raw(bed)
    one.head(b"PUT /bad/short HTTP/1.1", b"Transfer-Encoding: chunked")
    one.send(b"5\r\nabcde\r\n7\r\nabc")
    one.sock.shutdown(socket.SHUT_WR)
    check(one.closed())
    equal(bed.client().head(BUCKET + "/short").status, 404)


@case
def bytes_after_the_body_are_not_part_of_it(bed):
    one = Raw(bed)
    one.head(b"PUT /bad/longer HTTP/1.1", b"Content-Length: 4")
    one.send(b"bodyand more that is no request\r\n\r\n")
    equal(one.answer().status, 200)
    check(one.answer().status == 400)
    check(one.closed())
    equal(bed.client().get(BUCKET + "/longer").body, b"body")
    still_well(bed)


@case
def h2_body_that_is_not_as_long_as_it_says_is_refused(bed):
    path = bed.path("body")
    with open(path, "wb") as file:
        file.write(b"x" * 1000)
    for length in (999, 1001, 0):
        done = bed.curl("--http2", "-X", "PUT", "--data-binary", "@" + path, "-H", f"Content-Length: {length}", "-o",
                        "/dev/null", "-w", "%{http_code}", bed.url + "/bad/h2length")
        check(done.returncode != 0 or done.stdout.startswith(b"4"), length, done)
        equal(bed.client().head(BUCKET + "/h2length").status, 404)
    still_well(bed)


@case
def chunked_bodies_are_stored(bed):
    def pieces():
        for n in (1, 7, 300 * KIB, 0, 16 * KIB, 5):
            if n > 0:
                yield b"p" * n

    client = bed.client()
    client.conn.request("PUT", BUCKET + "/chunked", pieces(), {"Authorization": f"Bearer {bed.token}"}, encode_chunked=True)
    equal(client.conn.getresponse().read(), b"")
    equal(client.get(BUCKET + "/chunked").body, b"".join(pieces()))
    for bad in (b"x\r\nabc\r\n0\r\n\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n", b"-1\r\n", b"fffffffffffffffff\r\n"):
        answer = raw(bed, b"PUT /bad/badchunk HTTP/1.1", b"Transfer-Encoding: chunked", body=bad)
        equal(answer.status, 400, bad)
        equal(bed.client().head(BUCKET + "/badchunk").status, 404)
    still_well(bed)


@case
def expect_100_continue_is_answered_before_the_body(bed):
    one = Raw(bed)
    one.head(b"PUT /bad/continue HTTP/1.1", b"Content-Length: 4", b"Expect: 100-continue")
    first = one.sock.recv(100)
    check(first.startswith(b"HTTP/1.1 100 "), first)
    one.send(b"body")
    equal(one.answer().status, 200)
    answer = raw(bed, b"PUT /nobucket/continue HTTP/1.1", b"Content-Length: 4", b"Expect: 100-continue", body=b"body")
    expect(bed, answer, 404, "NoSuchBucket")


@case
def ranges_are_as_http_says(bed):
    n = 700 * KIB
    data, client = Content(n).all(), bed.client()
    equal(client.put(BUCKET + "/range", data).status, 200)
    for text, first, last in ((f"0-{n - 1}", 0, n - 1), ("0-0", 0, 0), ("5-", 5, n - 1), ("-7", n - 7, n - 1),
                              (f"-{2 * n}", 0, n - 1), (f"{n - 1}-{n + 99}", n - 1, n - 1),
                              ("262095-262096", 262095, 262096), ("262096-524191", 262096, 524191),
                              ("100000-600000", 100000, 600000)):
        answer = client.get(BUCKET + "/range", Range="bytes=" + text)
        equal((answer.status, answer.fields.get("content-range")), (206, f"bytes {first}-{last}/{n}"), text)
        check(answer.body == data[first:last + 1], text)
    for text in (f"{n}-", f"{n}-{n + 5}", "-0"):
        answer = client.get(BUCKET + "/range", Range="bytes=" + text)
        expect(bed, answer, 416, "InvalidRange", text)
    for text in ("bytes=5-4", "bytes=x", "lines=1-2", "bytes=0-1,3-4", "bytes=", "bytes=--1"):
        answer = client.get(BUCKET + "/range", Range=text)
        equal((answer.status, answer.body == data), (200, True), text)
    equal(client.head(BUCKET + "/range").fields["content-length"], str(n))


@case
def head_is_get_without_the_body(bed):
    client = bed.client()
    equal(client.put(BUCKET + "/head", b"text", Content_Type="text/x-test", Cache_Control="no-cache",
                     Content_Encoding="identity", Content_Disposition="inline", x_amz_meta_color="blue").status, 200)
    got, head = client.get(BUCKET + "/head"), client.head(BUCKET + "/head")
    equal((head.status, head.body), (200, b""))
    for name in ("content-length", "content-type", "cache-control", "content-encoding", "content-disposition", "etag",
                 "last-modified", "x-amz-meta-color"):
        equal(head.fields.get(name), got.fields.get(name), name)
        check(got.fields.get(name), name, got)
    equal(got.fields["x-amz-meta-color"], "blue")
    equal(got.fields["content-type"], "text/x-test")


@case
def conditions_are_as_http_says(bed):
    client, path = bed.client(), BUCKET + "/cond"
    equal(client.put(path, b"first", If_None_Match="*").status, 200)
    expect(bed, client.put(path, b"second", If_None_Match="*"), 412, "PreconditionFailed")
    got = client.get(path)
    tag, modified = got.fields["etag"], got.fields["last-modified"]
    equal(got.body, b"first")
    equal(client.get(path, If_None_Match=tag).status, 304)
    equal(client.get(path, If_None_Match='"other"').status, 200)
    equal(client.get(path, If_Match=tag).status, 200)
    expect(bed, client.get(path, If_Match='"other"'), 412, "PreconditionFailed")
    equal(client.get(path, If_Modified_Since=modified).status, 304)
    equal(client.get(path, If_Modified_Since="Thu, 01 Jan 1998 00:00:00 GMT").status, 200)
    equal(client.get(path, If_Modified_Since="nonsense").status, 200)
    expect(bed, client.get(path, If_Unmodified_Since="Thu, 01 Jan 1998 00:00:00 GMT"), 412, "PreconditionFailed")
    expect(bed, client.put(path, b"third", If_Match='"other"'), 412, "PreconditionFailed")
    equal(client.put(path, b"third", If_Match=tag).status, 200)
    equal(client.get(path).body, b"third")


@case
def listing_pages_prefixes_and_delimiters(bed):
    client = bed.client()
    equal(client.put("/list").status, 200)
    keys = [f"a/{i:03}" for i in range(25)] + ["b", "c/d/e", "c/f", "ä", "z&<>\"'"]
    for key in keys:
        equal(client.put("/list/" + quote(key), key.encode()).status, 200)
    want = sorted(keys, key=lambda key: key.encode())
    for size in (1, 7, 1000):
        equal([key for key, _ in client.list_all("list", max_keys=size)[0]], want, size)
        rows, prefixes = client.list_all("list", max_keys=size, delimiter="/")
        equal(([key for key, _ in rows], prefixes), (["b", "z&<>\"'", "ä"], ["a/", "c/"]), size)
    equal([key for key, _ in client.list_all("list", start_after="a/023")[0]][:2], ["a/024", "b"])
    equal([key for key, _ in client.list_all("list", prefix="c/", delimiter="/")[0]], ["c/f"])
    rows, _, token = client.list("list", max_keys=2)
    equal(len(rows), 2)
    check(token)
    answer = client.get("/list?list-type=2&max-keys=0")
    equal((answer.status, answer.xml().findtext("IsTruncated")), (200, "false"))
    tree = client.get("/list?list-type=2&encoding-type=url&prefix=z").xml()
    equal(tree.find("Contents").findtext("Key"), "z%26%3C%3E%22%27")
    for query in ("list-type=2&max-keys=x", "list-type=2&max-keys=-1", "list-type=2&continuation-token=%00",
                  "list-type=2&continuation-token=nonsense"):
        answer = client.get("/list?" + query)
        equal(answer.status, 400, query, answer)
    still_well(bed)


@case
def unknown_methods_and_operations_are_refused(bed):
    client = bed.client()
    for method, path, statuses in (("POST", "/bad/good", (405, 501)), ("PATCH", "/bad/good", (405, 501)),
                                   ("GET", "/bad?acl", (501,)), ("GET", "/bad/good?uploadId=1", (501,)),
                                   ("PUT", "/bad/good?acl", (501,)), ("POST", "/bad?delete", (501,))):
        answer = client.ask(method, path)
        check(answer.status in statuses, method, path, answer)
        still_well(bed)
    equal(client.get(BUCKET + "/good").body, b"good")


@case
def foreign_host_is_refused(bed):
    answer = bed.client().get(BUCKET + "/good", Host="evil.example")
    check(400 <= answer.status < 500, answer)
    still_well(bed)


@case
def an_answer_to_an_early_refusal_arrives_while_the_body_is_still_sent(bed):
    body = io.BytesIO(Content(20 * MIB).all())
    for version in ("--http1.1", "--http2"):
        done = bed.curl(version, "-X", "PUT", "--data-binary", "@-", "-H", "Expect:", "-o", "/dev/null", "-w", "%{http_code}",
                        bed.url + "/nobucket/large", input=body.getvalue())
        equal(done.stdout, b"404", version, done.stderr)
    still_well(bed)


main(cluster)
