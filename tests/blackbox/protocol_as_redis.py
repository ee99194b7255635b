#!/usr/bin/env python3
"""Bytes that are no proper requests, or come oddly, do with Plimsoll what they do with redis-server 7.0.

The same replies or errors, byte for byte, and the connection closed or left open likewise. After every case a
new connection is answered, and the server holds no more descriptors than before. `--against-redis` compares
Redis with itself.
"""

import random
import re
import sys
import time
from dataclasses import dataclass

import kit
from kit import encode, expect

PASSWORD = "secret"
NOAUTH = b"NOAUTH Authentication required."
QUIET = 0.06  # seconds without a byte after which a connection counts as left open
LATE = 5.0  # as long a difference is waited for to go away


@dataclass(frozen=True)
class Case:
    name: str
    pieces: tuple  # bytes to send, or seconds to wait
    end: str = "open"  # what the client does then: "open" (wait), "half" (close its half), "reset"
    allowed: bytes = None  # a pattern of what ours may reply instead
    why: str = ""


def words(line):
    return encode(line.split())


def case(name, *pieces, end="open", **more):
    return Case(name, pieces, end, **more)


# --- lengths and other faults -------------------------------------------------------------------------------

SET = encode([b"SET", b"key", b"value"])
PING = encode([b"PING"])


def truncated():
    for at in range(len(SET)):
        yield case(f"SET cut after {at} bytes, half-closed", SET[:at], end="half")
    for at in (1, 4, 9, 14, 25, len(SET) - 1):
        yield case(f"SET cut after {at} bytes, left open", PING + SET[:at])
        yield case(f"SET cut after {at} bytes, reset", SET[:at], end="reset")
    yield case("a body of 1 MB cut in half", b"*2\r\n$4\r\nECHO\r\n$1000000\r\n" + b"x" * 500000, end="half")
    yield case("a body of 1 MB cut in half, reset", b"*2\r\n$4\r\nECHO\r\n$1000000\r\n" + b"x" * 500000,
               end="reset")
    yield case("a SET of 1 MB cut in half", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n" + b"x" * 500000,
               0.02, end="half")


COUNTS = (b"-1", b"0", b"-10", b"-0", b"00", b"01", b"+1", b" 1", b"1 ", b"", b"abc", b"1.5", b"1a", b"0x1",
          b"1048577", b"2147483647", b"2147483648", b"4294967297", b"-2147483649", b"9223372036854775807",
          b"9223372036854775808", b"9" * 30, b"-", b"1\x00")
LENGTHS = (b"-1", b"-2", b"-0", b"04", b"+4", b" 4", b"4 ", b"", b"abc", b"4a", b"4.0", b"536870912",
           b"536870913", b"2147483648",
           b"4294967300", b"9223372036854775807", b"9223372036854775808", b"9" * 30, b"-9" * 10, b"4\x00")


def lengths():
    for count in COUNTS:
        yield case(f"an array of {count!r}", b"*" + count + b"\r\n" + b"$4\r\nPING\r\n" + PING)
    for length in LENGTHS:
        yield case(f"a bulk string of {length!r}", PING + b"*1\r\n$" + length + b"\r\nPING\r\n" + PING)
        yield case(f"a second bulk string of {length!r}", b"*2\r\n$4\r\nECHO\r\n$" + length + b"\r\nabcd\r\n")
    yield case("a long count", b"*" + b"1" * 65636)
    yield case("a long length", b"*1\r\n$" + b"1" * 65636)
    yield case("a long line", b"a" * 65636)
    yield case("a long count with its end", b"*" + b"1" * 3000 + b"\r\n")
    for kind in (b":", b"+", b"-", b"*", b"P", b"\x00", b" ", b"'", b"\xff", b"\r", b"\n"):
        yield case(f"{kind!r} for a bulk string", b"*2\r\n$4\r\nECHO\r\n" + kind + b"4\r\nabcd\r\n" + PING)
    yield case("a body longer than it says", b"*1\r\n$4\r\nPINGPING\r\n")
    yield case("a body shorter than it says", b"*1\r\n$6\r\nPING\r\n*1\r\n$4\r\nPING\r\n")
    yield case("no line end after the body", b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n")
    yield case("bare line feeds", b"*1\n$4\nPING\n", end="half")
    yield case("bare line feeds after a good command", PING + b"*1\n$4\nPING\n" + PING)
    yield case("a carriage return and something else", b"*1\rx$4\rxPING\r\n" + PING)
    yield case("replies sent as requests", b"+OK\r\n:5\r\n$-1\r\n-ERR x\r\n")
    yield case("an empty command name", encode([b""]) + encode([b"", b"a"]) + PING)
    yield case("commands after an error", b"*1\r\nx\r\n" + PING * 5)
    yield case("empty arrays between commands", b"*0\r\n*-1\r\n" + PING + b"*0\r\n" + PING)


# --- inline -------------------------------------------------------------------------------------------------

INLINE = (
    b"PING\r\n", b"PING\n", b"   PING   \r\n", b"\tPING\t\r\n", b"\r\n", b"\n\n\n", b"   \r\n",
    b"ECHO 'a b'\r\n", b'ECHO "a b"\r\n', b'ECHO "\\x41\\x00\\xff\\n\\r\\t\\b\\a\\\\\\"\\q"\r\n',
    b"ECHO 'it\\'s \\x41 \\n'\r\n", b'ECHO "\\xZZ"\r\n', b'ECHO "\\x4"\r\n', b'ECHO ""\r\n', b"ECHO ''\r\n",
    b'ECHO "open\r\n', b"ECHO 'open\r\n", b'ECHO "a"b\r\n', b"ECHO 'a'b\r\n", b'ECHO a"b c"\r\n',
    b"ECHO a'b'\r\n", b'ECHO "\r\n', b'ECHO "a\\\r\n', b"ECHO a\\ b\r\n", b"ECHO \x80\xff\r\n",
    b"ECHO a\x0bb\r\n", b"ECHO a\x0cb\r\n", b"ECHO a\rb\r\n", b"PING\r\r\n", b"PING\x00\r\n",
    b"PING \x00 \r\n\r\n", b"\x00PING\r\n", b"ECHO a\x00b\r\n", b"SET a b c d\r\nGET a\r\n",
    b"SET inl 1\r\nINCR inl\r\nGET inl\r\n", b"NOSUCH 'a b' \"\"\r\n", b"$6\r\nnosuch\r\n",
    b"MGET " + b"x " * 2000 + b"\r\n", b"ECHO " + b"y" * 30000 + b"\r\n", b"PING", b"ping\r\nPiNg\r\n",
    b"QUIT\r\nPING\r\n", b"'PING'\r\n", b'"PI\\x4eG"\r\n', b"''\r\n", b"\"\" a\r\n",
    b"PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", b"DEL a\r\n *1\r\n$4\r\nPING\r\n",
    b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
    b"*\r\n", b"-\r\n",
)


def inline():
    for end in ("open", "half"):
        yield case(f"a browser, {end}", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", end=end,
                   allowed=rb"-ERR wrong number of arguments for 'get' command\r\n",
                   why="Redis closes without sending what it has replied already")
    for line in INLINE:
        yield case(f"inline {line[:40]!r}", line)
        yield case(f"inline {line[:40]!r}, half-closed", line, end="half")


# --- oddly delivered ----------------------------------------------------------------------------------------


def sensible_commands(r, count):
    names = (b"a", b"b", b"c\r\n", b"")
    makers = (
        lambda k: [b"SET", k, r.randbytes(r.choice((0, 3, 50, 500)))], lambda k: [b"GET", k],
        lambda k: [b"APPEND", k, b"x"], lambda k: [b"INCR", k], lambda k: [b"MGET", k, k, b"nosuch"],
        lambda k: [b"PING"], lambda k: [b"ECHO", k], lambda k: [b"DEL", k], lambda k: [b"STRLEN", k],
        lambda k: [b"GETRANGE", k, b"0", b"-2"], lambda k: [b"NOSUCH", k],
    )
    return [[b"FLUSHALL"]] + [r.choice(makers)(r.choice(names)) for _ in range(count)]


def pieces_of(r, data, cuts, pause):
    points = [0] + sorted(r.randrange(len(data) + 1) for _ in range(cuts)) + [len(data)]
    for begin, end in zip(points, points[1:]):
        yield data[begin:end]
        if r.random() < pause:
            yield 0.001


def delivered(seed):
    r = random.Random(seed)
    slow = b"".join(map(encode, sensible_commands(r, 25))) + b"PING\r\nECHO 'a b'\r\n"
    yield case("a byte at a time", *pieces_of(r, slow, len(slow) * 3, 0.05))
    for i in range(20):
        data = b"".join(map(encode, sensible_commands(r, 200)))
        yield case(f"200 commands cut at random ({i})", *pieces_of(r, data, r.choice((1, 5, 50, 300)), 0.2),
                   end=r.choice(("open", "half")))
    for size in (16383, 16384, 16385, 65536, 1000000):
        data = encode([b"SET", b"big", r.randbytes(size)]) + words(b"GET big") + words(b"STRLEN big") + PING
        yield case(f"a value of {size} bytes cut at random", *pieces_of(r, data, 8, 0.5))
        yield case(f"a value of {size} bytes, then half-closed", data + encode([b"DEL", b"big"]), end="half")
    yield case("10,000 PINGs", PING * 10000)
    yield case("1,000 PINGs, half-closed", PING * 1000, end="half")
    yield case("MGET of 100,000", encode([b"MGET"] + [b"none:%d" % i for i in range(100000)]))
    yield case("DEL of 300,000", encode([b"DEL"] + [b"none:%d" % i for i in range(300000)]))
    yield case("PING with 1,000,000 arguments", b"*1000001\r\n$4\r\nPING\r\n" + b"$1\r\nx\r\n" * 1000000)
    yield case("1,000,000 arguments announced, few sent",
               b"*1000001\r\n$4\r\nPING\r\n" + b"$1\r\nx\r\n" * 1000, end="half")
    yield case("nothing, half-closed", end="half")
    yield case("nothing, reset", end="reset")
    yield case("QUIT and more", encode([b"QUIT"]) + PING)
    yield case("QUIT in two halves", encode([b"QUIT"])[:9], 0.01, encode([b"QUIT"])[9:])
    yield case("replies not read, reset", encode([b"SET", b"big", b"x" * 200000]), 0.02,
               encode([b"GET", b"big"]) * 50, end="reset")


TELLING = b"\r\n\x00*$:-0123456789 '\"\\aG"


def mangled(seed, count=1500):
    """Good pipelines with a few bytes changed, lost or doubled."""
    r = random.Random(seed)
    for i in range(count):
        data = bytearray(b"".join(map(encode, sensible_commands(r, 8))))
        for _ in range(r.choice((1, 1, 2, 5))):
            at = r.randrange(16, len(data))  # FLUSHALL stays
            way = r.randrange(3)
            if way == 0:
                data[at] = r.choice(TELLING) if r.random() < 0.7 else r.randrange(256)
            elif way == 1:
                del data[at : at + r.choice((1, 2, 5))]
            else:
                data[at:at] = data[at : at + r.choice((1, 2, 9))]
        yield case(f"mangled {i} of seed {seed}: {bytes(data[16:])[:700]!r}", bytes(data), end="half")


# --- what Plimsoll is not -----------------------------------------------------------------------------------

ABSENT = b"""SUBSCRIBE c
LPUSH l a b
HSET h f v
SADD s m
ZADD z 1 m
XADD x * f v
EVAL return 0
DUMP k
SETBIT bits 1 1
BITCOUNT k
PFADD hll a
SUBSTR k 0 1
LCS a b
SORT l
ACL WHOAMI
CLUSTER INFO
EVALSHA abc 0
SLOWLOG LEN
LATENCY LATEST
WAIT 0 0
LASTSAVE""".split(b"\n")


def absent():
    for line in ABSENT:
        name, *args = line.split()
        preview = b"".join(b"'%b' " % re.escape(arg) for arg in args)
        unknown = b"-ERR unknown command '" + name + b"', with args beginning with: " + preview + b"\r\n"
        yield case(f"{line.decode()}, which we do not have", encode([b"FLUSHALL"]) + words(line),
                   allowed=rb"\+OK\r\n" + unknown,
                   why="strings only")


# --- with a password ----------------------------------------------------------------------------------------

LOCKED = b"""GET k
SET k v
PING
ECHO a
NOSUCH a b
GET
COMMAND COUNT
CLIENT ID
HELLO
HELLO 2
HELLO 2 AUTH default wrong
HELLO 2 AUTH nobody secret
HELLO 2 SETNAME x
AUTH
AUTH wrong
AUTH nobody secret
AUTH a b c
AUTH secret
AUTH default secret
QUIT
SELECT 0
INFO
FLUSHALL""".split(b"\n")


def locked():
    for line in LOCKED:
        yield case(f"{line.decode()}, not authenticated", words(line) + words(b"PING"))
    lines = (b"GET k", b"AUTH secret", b"SET k v", b"GET k", b"AUTH wrong", b"GET k")
    yield case("authenticated", b"".join(map(words, lines)))
    yield case("HELLO that authenticates", words(b"HELLO 2 AUTH default secret") + words(b"STRLEN nosuch"),
               allowed=rb"\*14\r\n.*\r\n:0\r\n", why="its own id, name and version")
    yield case("HELLO 3 that authenticates", words(b"HELLO 3 AUTH default secret") + words(b"GET nosuch"),
               allowed=rb"%7\r\n.*\r\n_\r\n", why="its own id, name and version")
    yield case("a transaction, not authenticated", words(b"MULTI") + words(b"GET k") + words(b"EXEC"))
    for count in (9, 10, 11, 12, 1000000):
        yield case(f"{count} arguments, not authenticated",
                   b"*%d\r\n" % count + b"$4\r\nECHO\r\n" + b"$1\r\na\r\n" * 8)
    for length in (16383, 16384, 16385, 500000000):
        yield case(f"{length} bytes, not authenticated", b"*2\r\n$4\r\nAUTH\r\n$%d\r\n" % length)
    yield case("a thousand arguments, authenticated",
               words(b"AUTH secret") + encode([b"DEL"] + [b"x"] * 1000))
    yield case("two steps to authenticate", words(b"AUTH secret"), 0.02, encode([b"ECHO", b"x" * 20000]))


# --- comparing ----------------------------------------------------------------------------------------------


def play(wire, some_case):
    for piece in some_case.pieces:
        if isinstance(piece, float):
            time.sleep(piece)
        else:
            wire.send(piece)
    if some_case.end == "half":
        wire.half_close()


def outcome(wire):
    return bytes(wire.buffer), "closed" if wire.ended else "open"


def outcomes(ports, some_case):
    """What both servers made of it, once they agree and are quiet, or when they have not agreed for long."""
    wires = [kit.Wire(port) for port in ports]
    try:
        for wire in wires:
            play(wire, some_case)
        if some_case.end == "reset":
            for wire in wires:
                wire.reset()
            return [(b"", "reset")] * 2
        late = kit.Deadline(LATE)
        while True:
            heard = [wire.receive(QUIET / 2) for wire in wires]
            found = [outcome(wire) for wire in wires]
            if not any(heard) and (found[0] == found[1] or agreed(some_case, *found) or late.passed()):
                return found
    finally:
        for wire in wires:
            wire.close()


def agreed(some_case, theirs, ours):
    if theirs == ours:
        return True
    return bool(some_case.allowed and theirs[1] == ours[1]
                and re.fullmatch(some_case.allowed, ours[0], re.DOTALL))


class Baseline:
    """Descriptors that an idle server holds."""

    def __init__(self, server):
        self.server = server
        self.ping()
        time.sleep(0.1)
        self.descriptors = kit.descriptors_of(server.pid)

    def ping(self):
        with self.server.connect() as client:
            expect(client.command("PING") in (b"PONG", NOAUTH), "PING is not answered any more")

    def check(self):
        expect(self.server.is_alive(), self.server.last_words())
        self.ping()
        kit.wait_until(lambda: kit.descriptors_of(self.server.pid) <= self.descriptors,
                       f"the server to hold no more than {self.descriptors} descriptors", LATE)


def compare(servers, cases, most=50):
    """The number of cases in which they differ, and of cases; stops when they differed in `most`."""
    theirs, ours = servers
    baseline = Baseline(ours)
    failed = total = 0
    for some_case in cases:
        if failed == most:
            break
        total += 1
        try:
            found = outcomes((theirs.resp_port, ours.resp_port), some_case)
            baseline.check()
        except kit.Failure as failure:
            failed += 1
            print(f"FAILED  {some_case.name}: {failure}", flush=True)
            if not ours.is_alive():
                return failed, total
            continue
        if not agreed(some_case, *found):
            failed += 1
            print(f"FAILED  {some_case.name}", f"redis  {shown(found[0])}", f"ours   {shown(found[1])}",
                  sep="\n        ", flush=True)
    return failed, total


def shown(found):
    data, end = found
    return f"{data[:600]!r}{f'... {len(data)} bytes' if len(data) > 600 else ''}, {end}"


def groups(seed):
    yield "lengths", "", lengths()
    yield "truncated", "", truncated()
    yield "inline", "", inline()
    yield "delivered", "", delivered(seed)
    yield "mangled", "", mangled(seed)
    yield "absent", "", absent()
    yield "locked", PASSWORD, locked()


def servers_for(password, binary):
    """Redis and ours, or two of Redis."""
    redis_flags = ["--requirepass", password] if password else []
    ours_env = {"PLIMSOLL_PASSWORD": password} if password else {}
    ours = kit.Plimsoll(binary, "--line", "512MiB", env=ours_env) if binary else kit.Redis(*redis_flags)
    return kit.Redis(*redis_flags), ours


def main():
    parser = kit.arguments(__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--against-redis", action="store_true", help="compare redis-server with itself")
    parser.add_argument("--only", default="", metavar="GROUP")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    all_failed = 0
    for name, password, cases in groups(chosen.seed):
        if chosen.only not in name or (chosen.against_redis and name == "absent"):
            continue
        begun = time.monotonic()
        theirs, ours = servers_for(password, None if chosen.against_redis else chosen.plimsoll)
        with theirs, ours:
            failed, total = compare((theirs, ours), cases)
        all_failed += failed
        print(f"{name}: {total} cases, {failed} failed ({time.monotonic() - begun:.1f} s)", flush=True)
    sys.exit(1 if all_failed else 0)


if __name__ == "__main__":
    main()
