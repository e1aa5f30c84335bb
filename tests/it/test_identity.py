#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to whom: internal ports against strangers of all kinds, the public port against bad
proof."""
import os
import socket
import ssl
import subprocess
import time

import grpc

from cluster import CTL, KIB, Content, case, check, cluster, equal, main, wait_for

INTERNAL = ("translation1", "file1")
H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"  # and an empty SETTINGS
CALLS = {"translation1": "/gcommon.v1.gateway.GatewayService/ListBuckets", "file1": "/gcommon.v1.blob.BlobService/List"}
FRIEND = {"translation1": "web1", "file1": "translation1"}


def ctl(*args):
    subprocess.run([CTL, *args], check=True, capture_output=True)


def at(seconds):
    return f"@{int(time.time()) + seconds}"


def make_strangers(bed):
    """Certificates that must not open any internal port, by what is wrong with them."""
    pki, other = bed.path("pki"), bed.path("other")
    ctl("pki", "init", "--trust-domain", nodes_domain(bed), "--dir", other)
    names = ["--ip", "127.0.0.1", "--dns", "localhost"]

    def issue(out, *more, ca=pki, role="web", node="web1"):
        ctl("pki", "issue", "--dir", ca, "--role", role, "--node", node, "--out", os.path.join(pki, out), *names, *more)
        return out

    return {
        "signed by another authority of the same name": issue("forged", ca=other),
        "of another trust domain": issue("foreign", "--trust-domain", "elsewhere.example"),
        "expired": issue("expired", "--not-before", at(-7200), "--not-after", at(-60)),
        "not yet valid": issue("early", "--not-before", at(3600)),
    }


def nodes_domain(bed):
    with open(bed.path("pki", "trust-domain"), encoding="ascii") as file:
        return file.read().strip()


def internal_context(bed, cert, version=ssl.TLSVersion.TLSv1_3):
    context = bed.tls(cert)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])
    return context


def h2_answer(port, context=None):
    """What comes back for an HTTP/2 preface: b"" when we are turned away."""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as sock:
            sock.settimeout(30)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname="127.0.0.1")
            sock.sendall(H2_PREFACE)
            return sock.recv(100)
    except (ssl.SSLError, ConnectionError):
        return b""


def call(bed, node, cert, path):
    """The status of a unary gRPC call with an empty request."""
    def content(name):
        with open(bed.path("pki", name), "rb") as file:
            return file.read()

    credentials = grpc.ssl_channel_credentials(content("ca.pem"), content(cert + ".key"), content(cert + ".pem"))
    with grpc.secure_channel(bed.node(node).address, credentials) as channel:
        unary = channel.unary_unary(path, request_serializer=None, response_deserializer=None)
        try:
            unary(b"", timeout=60)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


@case
def nodes_get_through_to_each_other(bed):
    for name in INTERNAL:
        answer = h2_answer(bed.node(name).port, internal_context(bed, FRIEND[name]))
        check(len(answer) >= 9 and answer[3] == 4, name, answer)  # SETTINGS
    equal(call(bed, "file1", "translation1", CALLS["file1"]), grpc.StatusCode.OK)


@case
def strangers_are_refused_on_internal_ports(bed):
    for wrong, cert in make_strangers(bed).items():
        for name in INTERNAL:
            equal(h2_answer(bed.node(name).port, internal_context(bed, cert)), b"", wrong, name)
    for name in INTERNAL:
        check(bed.log_has(name, "tls.refused"), "nothing in the log of", name)


@case
def no_certificate_no_tls_and_old_tls_are_refused_on_internal_ports(bed):
    for name in INTERNAL:
        port = bed.node(name).port
        equal(h2_answer(port, internal_context(bed, None)), b"", name)
        equal(h2_answer(port, internal_context(bed, FRIEND[name], ssl.TLSVersion.TLSv1_2)), b"", name)
        plain = h2_answer(port)
        check(plain == b"" or plain[0] == 0x15, name, plain)  # a TLS alert at most
        check(b"HTTP" not in plain, plain)


@case
def wrong_roles_may_call_nothing(bed):
    bed.issue("file9", "file", "file9", "--ip", "127.0.0.1")
    for name, cert in (("translation1", "user"), ("translation1", "translation1"), ("translation1", "file1"),
                       ("file1", "user"), ("file1", "web1"), ("file1", "file9")):
        equal(call(bed, name, cert, CALLS[name]), grpc.StatusCode.PERMISSION_DENIED, name, cert)
    register = "/gcommon.v1.registry.RegistryService/RegisterServer"
    for cert in ("user", "web1", "translation1"):
        equal(call(bed, "translation1", cert, register), grpc.StatusCode.PERMISSION_DENIED, cert)


@case
def openssl_agrees_that_a_certificate_is_required(bed):
    for name in INTERNAL:
        done = subprocess.run(["openssl", "s_client", "-connect", bed.node(name).address, "-CAfile", bed.ca, "-alpn", "h2",
                               "-tls1_3"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        check("Verify return code: 0 (ok)" in done.stdout, done.stdout)  # we are who we say
        check("Acceptable client certificate CA names" in done.stdout or "Requested Signature Algorithms" in done.stdout,
              "no certificate was asked for", done.stdout)


@case
def bad_proof_is_401_with_an_s3_error(bed):
    equal(bed.client().put("/mine").status, 200)
    for fields, code in (({}, "Unauthenticated"), ({"Authorization": "Bearer " + "0" * 64}, "InvalidToken"),
                         ({"Authorization": "Bearer "}, "InvalidToken"), ({"Authorization": "Basic YTpi"}, "InvalidToken"),
                         ({"Authorization": "Bearer " + "x" * 2000}, "InvalidToken"),
                         ({"Authorization": "Bearer " + bed.token[:-1]}, "InvalidToken")):
        for method, path in (("GET", "/mine"), ("PUT", "/mine/o"), ("GET", "/mine/o"), ("DELETE", "/mine")):
            answer = bed.client(token=None).ask(method, path, **fields)
            equal((answer.status, answer.code()), (401, code), fields, method, path, answer)
            check(answer.xml().findtext("RequestId"), answer.body)
            equal(answer.fields["x-amz-request-id"], answer.xml().findtext("RequestId"))
    equal(bed.client().get("/mine/o").status, 404)


def add_token(bed, principal, role):
    return subprocess.run([CTL, "token", "create", "--principal", principal, "--role", role, "--file",
                           bed.path("tokens")], check=True, capture_output=True, text=True).stdout.strip()


def reload_tokens(bed):
    for name in ("translation1", "web1"):
        n = reloads(bed, name)
        bed.node(name).signal(1)
        wait_for(lambda name=name, n=n: reloads(bed, name) > n, f"{name} has reloaded")


def reloads(bed, name):
    with open(bed.node(name).log, encoding="utf-8") as file:
        return sum("event=reload" in row or " reload " in row for row in file)


@case
def roles_and_owners_are_403_with_an_s3_error(bed):
    reader, other = add_token(bed, "dev", "read"), add_token(bed, "other", "data")
    equal(bed.client(token=reader).get("/mine").status, 401)  # not before they are told to read the file
    reload_tokens(bed)
    equal(bed.client().put("/mine/o", b"text").status, 200)
    equal(bed.client(token=reader).get("/mine/o").body, b"text")
    for token, method, path in ((reader, "PUT", "/mine/p"), (reader, "DELETE", "/mine/o"), (reader, "PUT", "/new"),
                                (other, "GET", "/mine/o"), (other, "PUT", "/mine/p"), (other, "GET", "/mine?list-type=2"),
                                (other, "DELETE", "/mine")):
        answer = bed.client(token=token).ask(method, path)
        equal((answer.status, answer.code()), (403, "AccessDenied"), method, path, answer)
    equal(bed.client(token=other).put("/others").status, 200)


@case
def removed_token_is_refused_after_a_reload(bed):
    with open(bed.path("tokens"), encoding="ascii") as file:
        rows = [row for row in file if not row.startswith("other ")]
    gone = add_token(bed, "gone", "data")
    reload_tokens(bed)
    equal(bed.client(token=gone).put("/gone").status, 200)
    with open(bed.path("tokens"), "w", encoding="ascii") as file:
        file.writelines(rows)
    reload_tokens(bed)
    equal(bed.client(token=gone).get("/gone").status, 401)
    equal(bed.client().get("/mine/o").status, 200)


@case
def users_certificate_is_proof_and_others_are_none(bed):
    with bed.client(token=None, cert="user") as client:
        equal(client.put("/by-cert").status, 200)
        equal(client.put_content("/by-cert/o", Content(KIB)).status, 200)
        equal(client.get("/by-cert/o").body, Content(KIB).all())
    answer = bed.client(token=None, cert="file1").get("/by-cert/o")
    equal((answer.status, answer.code()), (403, "AccessDenied"), answer)
    for cert in ("forged", "foreign", "expired"):
        try:
            answer = bed.client(token=None, cert=cert).get("/by-cert/o")
        except (ssl.SSLError, ConnectionError):
            continue
        check(answer.status in (401, 403), cert, answer)


@case
def file_server_with_a_strangers_certificate_never_joins(bed):
    node = bed.node("file1")
    for cert in ("forged", "foreign", "user"):
        node.stop()
        bed.settings["file1"] = {"tls": {"cert": bed.path("pki", cert + ".pem"), "key": bed.path("pki", cert + ".key")}}
        bed.write_conf(node)
        node.start()
        wait_for(lambda: node.pid() is None or bed.log_has("file1", "register") or bed.log_has("file1", "refused"),
                 "it has tried")
        wait_for(lambda: bed.metric("translation1", "gc_file_servers_up") == 0, "its lease has run out")
        equal(bed.client().put_content("/mine/nowhere", Content(KIB)).status, 503)
    node.stop()
    del bed.settings["file1"]
    bed.write_conf(node)
    bed.restart("file1")
    equal(bed.client().put_content("/mine/there", Content(KIB)).status, 200)


@case
def translation_with_a_strangers_certificate_gets_no_requests(bed):
    node = bed.node("translation1")
    for cert in ("forged", "foreign", "file1"):
        node.stop()
        bed.settings["translation1"] = {"tls": {"cert": bed.path("pki", cert + ".pem"),
                                                "key": bed.path("pki", cert + ".key")}}
        bed.write_conf(node)
        node.start()
        wait_for(lambda: node.pid() is None or bed.log_has("web1", "refused"), "web has tried")
        equal(bed.client().get("/mine/there").status, 503)
        check(not bed.web_ready(bed.node("web1")))
    node.stop()
    del bed.settings["translation1"]
    bed.write_conf(node)
    bed.restart("translation1")
    equal(bed.client().get("/mine/there").status, 200)


main(cluster, {"translation": {"registry": {"heartbeat_ms": 100, "lease_ms": 1000}}})
