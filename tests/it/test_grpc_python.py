#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our gRPC against Python's grpcio, both ways: the four kinds of calls, metadata, statuses, deadlines,
cancellation, health."""
import concurrent.futures
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import traceback

import grpc

BUILD = os.environ["GC_BUILDDIR"]
GRPC_PROTO = "/usr/share/grpc-proto"
SERVICE = "gcommon.test.Echo"
DEADLINE_S = 60
CASES = []


def case(function):
    CASES.append(function)
    return function


def equal(have, want):
    if have != want:
        raise AssertionError(f"have {have!r}, want {want!r}")


def tool(name):
    return os.path.join(BUILD, "tests", "tools", name)


# --- Python's client, our server ---

class OurServer:
    def __enter__(self):
        self.process = subprocess.Popen([tool("rpc_echo_server")], stdout=subprocess.PIPE)
        port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.process.terminate()
        equal(self.process.wait(DEADLINE_S), 0)

    def unary(self, method, request, **args):
        return self.channel.unary_unary(f"/{SERVICE}/{method}")(request, timeout=DEADLINE_S, **args)

    def fails(self, method, request, timeout=DEADLINE_S):
        try:
            self.channel.unary_unary(f"/{SERVICE}/{method}")(request, timeout=timeout)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError("it did not fail")


@case
def their_unary_calls_are_answered():
    with OurServer() as server:
        for request in (b"", b"x", b"y" * 3_000_000):
            equal(server.unary("Unary", request), request)


@case
def their_streams_work_in_each_direction():
    with OurServer() as server:
        channel = server.channel
        equal(channel.stream_unary(f"/{SERVICE}/Collect")(iter([b"a", b"", b"bcd"]), timeout=DEADLINE_S), b"3 4")
        parts = list(channel.unary_stream(f"/{SERVICE}/Stream")(b"50 100000", timeout=DEADLINE_S))
        equal([len(part) for part in parts], [100000] * 50)
        sent = [os.urandom(n) for n in (0, 1, 70000, 5, 1_000_000)]
        equal(list(channel.stream_stream(f"/{SERVICE}/Chat")(iter(sent), timeout=DEADLINE_S)), sent)


@case
def their_metadata_comes_back_with_binary_values():
    with OurServer() as server:
        sent = (("x-initial-text", "plain"), ("x-initial-bin", bytes(range(256))), ("x-trailing-bin", b"\0\xff"))
        call = server.channel.unary_unary(f"/{SERVICE}/Unary")
        _, done = call.with_call(b"", metadata=sent, timeout=DEADLINE_S)
        head, end = dict(done.initial_metadata()), dict(done.trailing_metadata())
        equal((head["x-initial-text"], head["x-initial-bin"]), ("plain", bytes(range(256))))
        equal(end["x-trailing-bin"], b"\0\xff")


@case
def our_statuses_reach_them_with_any_text():
    with OurServer() as server:
        text = "tab\tquote\" percent% umlaut-\u00fc astral-\U0001f600"
        for code in (c for c in grpc.StatusCode if c != grpc.StatusCode.OK):
            equal(server.fails("Fail", f"{code.value[0]} {text}".encode()), (code, text))
        equal(server.fails("Nowhere", b"")[0], grpc.StatusCode.UNIMPLEMENTED)


@case
def their_deadline_is_known_and_kept_here():
    with OurServer() as server:
        left = int(server.channel.unary_unary(f"/{SERVICE}/Left")(b"", timeout=50))
        if not 10_000 < left <= 52_000:  # grpcio rounds what it sends up
            raise AssertionError(f"{left} ms left of 50 s")
        equal(server.fails("Sleep", b"", timeout=0.3)[0], grpc.StatusCode.DEADLINE_EXCEEDED)


@case
def their_cancel_ends_a_call_and_the_next_one_works():
    with OurServer() as server:
        gone = threading.Event()
        future = server.channel.unary_unary(f"/{SERVICE}/Sleep").future(b"", timeout=DEADLINE_S)
        future.add_done_callback(lambda _: gone.set())
        future.cancel()
        if not gone.wait(DEADLINE_S):
            raise AssertionError("the cancelled call has not ended")
        equal(server.unary("Unary", b"next"), b"next")


@case
def their_health_check_is_answered():
    with OurServer() as server:
        check = server.channel.unary_unary("/grpc.health.v1.Health/Check")
        equal(check(b"", timeout=DEADLINE_S), b"\x08\x01")  # SERVING
        equal(check(b"\x0a" + bytes([len(SERVICE)]) + SERVICE.encode(), timeout=DEADLINE_S), b"\x08\x01")
        try:
            check(b"\x0a\x04none", timeout=DEADLINE_S)
            raise AssertionError("an unknown service is healthy")
        except grpc.RpcError as error:
            equal(error.code(), grpc.StatusCode.NOT_FOUND)


def health_messages():
    """The public definition of health, as protoc makes it; None where it is not installed."""
    if not os.path.exists(os.path.join(GRPC_PROTO, "grpc/health/v1/health.proto")):
        return None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", "-I" + GRPC_PROTO, "--python_out=" + folder, "grpc/health/v1/health.proto"],
                       check=True)
        path = os.path.join(folder, "grpc/health/v1/health_pb2.py")
        spec = importlib.util.spec_from_file_location("health_pb2", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@case
def health_is_spoken_as_its_public_definition_says():
    messages = health_messages()
    if messages is None:
        print("skipped: grpc-proto is not installed")
        return
    response = messages.HealthCheckResponse
    request = messages.HealthCheckRequest.SerializeToString
    with OurServer() as server:
        check = server.channel.unary_unary("/grpc.health.v1.Health/Check", request, response.FromString)
        equal(check(messages.HealthCheckRequest(service=SERVICE), timeout=DEADLINE_S).status, response.SERVING)
        watch = server.channel.unary_stream("/grpc.health.v1.Health/Watch", request, response.FromString)
        known = watch(messages.HealthCheckRequest(), timeout=DEADLINE_S)
        equal(next(known).status, response.SERVING)
        unknown = watch(messages.HealthCheckRequest(service="none"), timeout=DEADLINE_S)
        equal(next(unknown).status, response.SERVICE_UNKNOWN)
        known.cancel()
        unknown.cancel()


# --- our client, Python's server ---

def py_unary(request, context):
    context.send_initial_metadata([(k, v) for k, v in context.invocation_metadata() if k.startswith("x-initial")])
    context.set_trailing_metadata([(k, v) for k, v in context.invocation_metadata() if k.startswith("x-trailing")])
    return request


def py_collect(requests, _):
    parts = list(requests)
    return b"%d %d" % (len(parts), sum(map(len, parts)))


def py_stream(request, _):
    for i in range(int(request)):
        yield b"%d" % i


def py_chat(requests, _):
    yield from requests


def py_fail(request, context):
    number, text = request.decode().split(" ", 1)
    context.abort(next(c for c in grpc.StatusCode if c.value[0] == int(number)), text)


class PySleep:
    """Sleeps until its call is over, and remembers that it saw that."""

    def __init__(self):
        self.over = threading.Event()

    def __call__(self, _, context):
        context.add_callback(self.over.set)
        self.over.wait(DEADLINE_S)
        return b""


class TheirServer:
    def __enter__(self):
        self.sleep = PySleep()
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(py_unary),
            "Collect": grpc.stream_unary_rpc_method_handler(py_collect),
            "Stream": grpc.unary_stream_rpc_method_handler(py_stream),
            "Chat": grpc.stream_stream_rpc_method_handler(py_chat),
            "Fail": grpc.unary_unary_rpc_method_handler(py_fail),
            "Sleep": grpc.unary_unary_rpc_method_handler(self.sleep),
        }
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait(DEADLINE_S)

    def call(self, method, lines, *metadata, deadline_ms=DEADLINE_S * 1000):
        done = subprocess.run([tool("rpc_echo_client"), str(self.port), method, str(deadline_ms), *metadata],
                              input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                              timeout=2 * DEADLINE_S, check=True)
        return done.stdout.splitlines()


@case
def our_calls_of_each_kind_work_at_their_server():
    with TheirServer() as server:
        equal(server.call("Unary", ["hello"]), ["message hello", "status OK "])
        equal(server.call("Collect", ["a", "bc", "def"]), ["message 3 6", "status OK "])
        equal(server.call("Stream", ["3"]), ["message 0", "message 1", "message 2", "status OK "])
        equal(server.call("Chat", ["x", "", "z"]), ["message x", "message ", "message z", "status OK "])


@case
def our_metadata_comes_back_from_them():
    with TheirServer() as server:
        have = server.call("Unary", ["m"], "x-initial-a=text", "x-initial-bin=00ff80", "x-trailing-bin=0a")
        equal(have, ["header x-initial-a text", "header x-initial-bin 00ff80", "message m", "trailer x-trailing-bin 0a",
                     "status OK "])


@case
def their_statuses_reach_us_with_any_text():
    with TheirServer() as server:
        for code in (c for c in grpc.StatusCode if c != grpc.StatusCode.OK):
            text = "percent% umlaut-\u00fc astral-\U0001f600"
            equal(server.call("Fail", [f"{code.value[0]} {text}"]), [f"status {code.name} {text}"])
        equal(server.call("Nowhere", [""])[-1].split()[1], "UNIMPLEMENTED")


@case
def our_deadline_ends_the_call_on_both_sides():
    with TheirServer() as server:
        equal(server.call("Sleep", [""], deadline_ms=300)[-1].split()[1], "DEADLINE_EXCEEDED")
        if not server.sleep.over.wait(DEADLINE_S):
            raise AssertionError("their side goes on")


@case
def our_cancel_reaches_them():
    with TheirServer() as server:
        equal(server.call("-Chat", ["x", "y", "z"])[-1].split()[1], "CANCELLED")


@case
def a_server_that_goes_away_is_unavailable():
    with TheirServer() as server:
        timer = threading.Timer(0.5, lambda: server.server.stop(None))
        timer.start()
        equal(server.call("Sleep", [""])[-1].split()[1] in ("UNAVAILABLE", "CANCELLED"), True)
        timer.join()


def main():
    passed = failed = 0
    for one in CASES:
        try:
            one()
            passed += 1
            print(f"ok: {one.__name__}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            traceback.print_exc()
            print(f"FAILED: {one.__name__}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
