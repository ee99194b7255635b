#!/usr/bin/env python3
"""Shows that the comparison with Redis can fail: a proxy spoils one thing of a second redis-server.

That is found, and its script gets short. Two redis-servers differ in nothing.
"""

import contextlib
import io
import re
import socket
import socketserver
import threading
import time

import kit
import rules
import same_as_redis
from kit import expect

COMMANDS = 6000
SILENCE = 2.0  # seconds after which a reply counts as missing

# --- the proxy ----------------------------------------------------------------------------------------------


class Proxy:
    """A server that passes whole commands on to redis-server, altered by `request` and `reply`.

    A reply of None closes the connection, b"" is never sent.
    """

    def __init__(self, request=lambda args: args, reply=lambda args, raw: raw):
        self.redis = kit.Redis()
        self.request, self.reply = request, reply
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                owner.serve(self.request)

        self.server = socketserver.ThreadingTCPServer((kit.LOOPBACK, 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()

    def connect(self):
        return kit.RespClient(self.server.server_address[1], seconds=SILENCE)

    def is_alive(self):
        return self.redis.is_alive()

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        self.redis.end()

    def serve(self, downstream):
        downstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with kit.RespClient(self.redis.resp_port) as upstream, contextlib.suppress(OSError):
            buffer = bytearray()
            while data := downstream.recv(1 << 16):
                buffer += data
                while (end := kit.reply_end(buffer)) is not None:  # a request is an array too
                    args = kit.parse(buffer[:end])
                    del buffer[:end]
                    raw = self.answer(upstream, args)
                    if raw is None:
                        return
                    downstream.sendall(raw)
                    if self.request(args)[0].lower() == b"quit":
                        return

    def answer(self, upstream, args):
        upstream.send(kit.encode(self.request(args)))
        raw = upstream.raw_reply()
        return raw if raw is None else self.reply(args, raw)


# --- what is spoiled ----------------------------------------------------------------------------------------


def on(command, change):
    """A reply's change for one command only."""
    return lambda args, raw: change(raw) if args[0].lower() == command else raw


def add_to_numbers(pattern, amount):
    return lambda raw: re.sub(pattern, lambda found: b"%d" % (int(found[0]) + amount), raw)


def forget_lifetime(args):
    return args[:3] if args[0].lower() == b"set" and len(args) == 5 and args[3].lower() == b"ex" else args


def round_off(raw):
    """One digit less of floats with many."""
    value = kit.parse(raw)
    many = isinstance(value, bytes) and re.fullmatch(rb"-?\d+\.\d{16,}", value)
    return b"$%d\r\n%b\r\n" % (len(value) - 1, value[:-1]) if many else raw


def forget_a_key(raw):
    found = kit.parse(raw)
    if not isinstance(found, list) or b"k3" not in found[1]:
        return raw
    found[1].remove(b"k3")
    return kit.encode([b"0"]).replace(b"*1", b"*2", 1) + kit.encode(found[1])


SPOILED = {
    "an integer one off": {"reply": on(b"strlen", add_to_numbers(rb"(?<=:)\d+", 1))},
    "one letter of an error": {"reply": lambda args, raw: raw.replace(b"syntax error", b"Syntax error")},
    "a null for an empty string": {"reply": on(b"getrange", lambda raw: b"$-1\r\n" if raw == b"$0\r\n\r\n"
                                               else raw)},
    "the last byte of large values": {"reply": on(b"get", lambda raw: raw[:-3] + b"?\r\n" if len(raw) > 20000
                                                  else raw)},
    "a lifetime not kept": {"request": forget_lifetime},
    "a lifetime ten seconds off": {"reply": on(b"ttl", add_to_numbers(rb"\d{3,}", 10))},
    "a key that SCAN does not find": {"reply": on(b"scan", forget_a_key)},
    "a key more than KEYS should find": {"reply": on(b"keys", lambda raw: b"*1\r\n$1\r\nx\r\n"
                                                     if raw == b"*0\r\n" else raw)},
    "a float in other digits": {"reply": on(b"incrbyfloat", round_off)},
    "a reply in simple form": {"reply": on(b"echo", lambda raw: b"+x\r\n")},
    "a reply too many": {"reply": on(b"append", lambda raw: raw + b":1\r\n")},
    "no reply": {"reply": on(b"touch", lambda raw: b"")},
    "a closed connection": {"reply": on(b"getdel", lambda raw: None)},
    "a QUIT that leaves the connection open": {"request": lambda args: [b"PING"] if args[0].lower() == b"quit"
                                               else args,
                                              "reply": on(b"quit", lambda raw: b"+OK\r\n")},
    "a transaction that runs though its key changed": {"reply": on(b"exec", lambda raw: b"*0\r\n"
                                                                   if raw == b"*-1\r\n" else raw)},
    "a transaction whose last reply is another": {"reply": on(b"exec", add_to_numbers(rb"(?<=:)\d+", 1))},
    "a null of RESP2 in RESP3": {"reply": on(b"get", lambda raw: b"$-1\r\n" if raw == b"_\r\n" else raw)},
    "a map that is an array": {"reply": on(b"hello", lambda raw: raw.replace(b"%7", b"*14", 1))},
    "a database that is another": {"request": lambda args: [b"SELECT", b"3"] if args[0].lower() == b"select"
                                   and args[1:] == [b"2"] else args},
    "no RESP at all": {"reply": on(b"type", lambda raw: b"?\r\n")},
}


def check(name, changes):
    """The spoiled thing is found, and its script gets short."""
    told = io.StringIO()
    theirs, ours = same_as_redis.Side(kit.Redis), same_as_redis.Side(lambda: Proxy(**changes))
    try:
        with contextlib.redirect_stdout(told):
            found = same_as_redis.compare(same_as_redis.Comparison(theirs, ours), 11, COMMANDS, most=1)
    finally:
        theirs.end()
        ours.end()
    if not changes:
        expect(not found, f"two redis-servers differ: {told.getvalue()}")
        return
    expect(found, "not found")
    for _, indices in found.values():
        expect(indices is not None, f"found, but not shortened: {told.getvalue()}")
        expect(len(indices) <= 4, f"the shortest script has {len(indices)} steps: {told.getvalue()}")


# --- the rules, one by one ----------------------------------------------------------------------------------

WRONG = (
    ("ttl k", b":100\r\n", b":120\r\n"), ("ttl k", b":100\r\n", b":-1\r\n"),
    ("ttl k", b":-2\r\n", b":-1\r\n"), ("pttl k", b":100000\r\n", b":120000\r\n"),
    ("expiretime k", b":4102444800\r\n", b":4102444801\r\n"),
    ("pexpiretime k", b":4102444800123\r\n", b":4102444800124\r\n"),
    ("keys *", b"*1\r\n$1\r\na\r\n", b"*1\r\n$1\r\nb\r\n"),
    ("keys *", b"*1\r\n$1\r\na\r\n", b"*2\r\n$1\r\na\r\n$1\r\na\r\n"),
    ("memory usage k", b":50\r\n", b"$-1\r\n"), ("memory usage k", b":50\r\n", b":0\r\n"),
    ("client id", b":5\r\n", b"$1\r\n5\r\n"), ("client id", b":5\r\n", b":0\r\n"),
    ("info", b"$10\r\nrole:abc\r\n\r\n", b"$3\r\n#a:\r\n"),
    ("info", b"$11\r\nrole:abcd\r\n\r\n", b"$0\r\n\r\n"), ("command count", b":5\r\n", b":0\r\n"),
    ("command info get", b"*1\r\n*-1\r\n", b"*0\r\n"),
    ("config get save", b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n", b"*0\r\n"), ("get k", b"$-1\r\n", b"*-1\r\n"),
    ("client setinfo LIB-NAME x", b"-ERR unknown\r\n", b":1\r\n"),
    ("hello", b"*2\r\n$5\r\nproto\r\n:2\r\n", b"*2\r\n$5\r\nproto\r\n:3\r\n"),
    ("client list", b"$5\r\nid=1\n\r\n", b"$5\r\nid=1\n\r\n."), ("ttl k", b":1\r\n", b"-ERR\r\n"),
    ("ttl k", b"-ERR\r\n", b":1\r\n"),
)
RIGHT = (
    ("TTL k", b":100\r\n", b":99\r\n"),
    ("keys *", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
    ("memory usage k", b":50\r\n", b":70\r\n"),
    ("client setinfo LIB-NAME x", b"-ERR unknown\r\n", b"+OK\r\n"),
)


def rules_tell_right_from_wrong():
    for line, theirs, ours in WRONG:
        expect(rules.difference(line.encode().split(), theirs, ours, None),
               f"{line}: {theirs!r}, {ours!r} passes")
    for line, theirs, ours in RIGHT:
        why = rules.difference(line.encode().split(), theirs, ours, None)
        expect(not why, f"{line}: {theirs!r}, {ours!r}: {why}")


def case(name, changes):
    def run():
        check(name, changes)

    run.__name__ = name
    return run


if __name__ == "__main__":
    kit.run_cases([rules_tell_right_from_wrong,
                   case("nothing", {})] + [case(*spoiled) for spoiled in SPOILED.items()])
