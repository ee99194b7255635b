#!/usr/bin/env python3
"""Shows that protocol_as_redis.py can fail: a proxy that passes bytes on, but not quite, in Plimsoll's place.

And that it does not fail by itself: two redis-servers do the same with everything.
"""

import contextlib
import io
import os
import selectors
import socket
import threading

import kit
import protocol_as_redis
from kit import expect


class ByteProxy:
    """Passes bytes between clients and a redis-server; `alter` changes what the server says."""

    def __init__(self, alter=lambda data: data, keeps_open=False, leaks=False):
        self.redis = kit.Redis()
        self.alter, self.keeps_open, self.leaks = alter, keeps_open, leaks
        self.kept = []  # connections never closed
        self.listener = socket.create_server((kit.LOOPBACK, 0))
        self.resp_port = self.listener.getsockname()[1]
        self.pid = os.getpid()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.redis.end()

    def is_alive(self):
        return self.redis.is_alive()

    def last_words(self):
        return self.redis.last_words()

    def connect(self):
        return kit.RespClient(self.resp_port)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.create_connection((kit.LOOPBACK, self.redis.resp_port))
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            self.pass_on(client, server)
        server.close()
        if self.leaks or self.keeps_open:
            self.kept.append(client)
        else:
            client.close()

    def pass_on(self, client, server):
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 18)
                    if key.fileobj is server and not data:
                        return
                    if key.fileobj is server:
                        client.sendall(self.alter(data))
                    elif data:
                        server.sendall(data)
                    else:
                        ready.unregister(client)
                        server.shutdown(socket.SHUT_WR)


SPOILED = {
    "an error in other words": {"alter": lambda data: data.replace(b"invalid bulk length",
                                                                   b"bad bulk length")},
    "an error without its end": {"alter": lambda data: data[:-1] if data.startswith(b"-") else data},
    "a swallowed reply": {"alter": lambda data: b"" if data.startswith(b"-ERR Prot") else data},
    "a connection left open": {"keeps_open": True}, "descriptors not given back": {"leaks": True},
}


def check(ours):
    """How many of some cases of each kind fail, until one does."""
    told = io.StringIO()
    cases = [*protocol_as_redis.lengths()][::4] + [*protocol_as_redis.inline()][::15]
    cases += [*protocol_as_redis.truncated()][::9]
    with kit.Redis() as theirs, ours as ours, contextlib.redirect_stdout(told):
        failed, total = protocol_as_redis.compare((theirs, ours), cases, most=1)
    return failed, total, told.getvalue()


def nothing_is_found_between_two_of_redis():
    failed, total, told = check(kit.Redis())
    expect(not failed and total > 30, f"{failed} of {total}: {told}")
    failed, total, told = check(ByteProxy())
    expect(not failed, f"the proxy itself: {failed} of {total}: {told}")


def case(name, changes):
    def run():
        failed, total, _ = check(ByteProxy(**changes))
        expect(failed, f"none of {total} cases failed")

    run.__name__ = name
    return run


if __name__ == "__main__":
    protocol_as_redis.LATE = 1.0
    kit.run_cases([nothing_is_found_between_two_of_redis] + [case(*spoiled) for spoiled in SPOILED.items()])
