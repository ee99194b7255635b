"""Random commands with edge cases and errors, the same for the same seed.

What it avoids, because two right servers could differ: lifetimes short enough to end by chance (only an
episode with its own keys has those), equal relative lifetimes under GT and LT, and sizes between 2 MiB and
512 MiB.
"""

import random
from dataclasses import dataclass, replace

# Absolute times far from now: they are compared exactly.
FAR_SECONDS = (4102444800, 4102444801, 7258118400, 33177117420)
FAR_MILLISECONDS = (4102444800123, 4102444800499, 4102444800500, 7258118400999, 33177117420001)
PAST_SECONDS = (0, 1000000000, 1400000000, 1600000000)

KEYS = tuple(b"k%d" % i for i in range(30)) + (
    b"", b"\x00", b"\xff\x00\r\n\x01", b"with space", b"k*", b"[ab]", b"a\\b", b"a:1", b"a:2", b"B:1",
    "käse".encode(), b"123", b"-", b"*", b"n1", b"f1", b"$5\r\nhello\r\n", b"long" * 300, b"L" * 20000,
)
NUMBERS = (
    b"0", b"1", b"-1", b"5", b"42", b"-0", b"+5", b" 5", b"5 ", b"05", b"", b"0x10", b"1e3", b"5.0", b"abc",
    b"1\x00", b"2147483647", b"2147483648", b"-2147483649", b"4294967296", b"9223372036854775806",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775807", b"-9223372036854775808",
    b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999999",
    b"1" * 300,
)
FLOATS = (
    b"0.1", b"-0.1", b"3.0", b"3.0e3", b"5.0e-2", b"1e10", b"-1e-10", b"1e17", b"123456789012345678",
    b"0.00000000000000001", b"1e-17", b"1e-18", b"1e300", b"1e4932", b"1e5000", b"-1e5000", b"inf", b"-inf",
    b"+inf", b"infinity", b"INF", b"nan", b"-nan", b"NaN(123)", b".5", b"5.", b".", b"-.5", b"1.5 ", b" 1.5",
    b"1,5", b"0x1p3", b"0x1.8", b"1e", b"1e+", b"1e+2", b"--1", b"1.7976931348623157e308",
    b"3.14159265358979323846", b"99999999999999999999.999", b"-0.0", b"1_000", b"1.5\x00",
    b"0.30000000000000004", b"1e19", b"1e20", b"1e21", b"1e25", b"1.2345678901234567890123", b"1" * 250,
    b"1." + b"1" * 300,
)
TIMELESS = tuple(n for n in NUMBERS if n not in (b"1", b"5", b"42", b"+5", b"05")) + FLOATS[:12]
WORDS = (b"EX", b"px", b"NX", b"xx", b"GET", b"keepttl", b"PERSIST", b"GT", b"lt", b"MATCH", b"COUNT",
         b"type", b"ASYNC", b"sync",
         b"abc", b"", b"'quoted'", b'"', b"\r\n", b"a\nb", b"\x00", b"%s%n", b"x" * 200)
PATTERNS = (b"*", b"k*", b"k?", b"k1?", b"k[0-5]", b"k[5-0]", b"k[^1]", b"k[^0-9]*", b"k\\*", b"k*2", b"*:*",
            b"?:[12]", b"", b"**", b"***1", b"[", b"k[", b"k[1", b"k[1-", b"k[]1]", b"k[1-]", b"[\\a\\[]*",
            b"\\", b"k\\", b"?", b"??", b"*\\\\*", b"nothing", b"K1", b"[kK]1*", b"*e", b"\x00", b"*\xff*",
            b"a*b", b"*[0-9]", b"k[*]", b"*a*:*1*", b"123", b"L*L")
UNKNOWN = (b"FOO", b"", b"get ", b"GETT", b"hello world", b"\r\nfoo", b"x" * 200, b"\x00get", b"sett",
           b"config|get", b"'a'", b"%s", b"\xff")


@dataclass(frozen=True)
class Step:
    args: tuple
    pause: float = 0.0  # seconds to wait before it
    number: int = 0  # its place in the whole script

    def numbered(self, number):
        return replace(self, number=number)


class Script:
    """Makes steps; `make` answers as many as asked, or a few more."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.makers = [maker for weight, maker in MAKERS for _ in range(weight)]

    def make(self, count):
        steps = []
        while len(steps) < count:
            steps += self.some()
        return steps

    def some(self):
        r = self.random
        if r.random() < 0.0008:
            return r.choice((short_lives, watched_to_the_end))(r)
        if r.random() < 0.02:
            return transaction(r)
        return one_of(r, self.makers)


def one_of(r, makers):
    """A command, spoiled at times, and what has to follow it."""
    args = list(r.choice(makers)(r))
    if r.random() < 0.12:
        args = spoiled(r, args)
    args[0] = odd_case(r, args[0])
    steps = [Step(tuple(args))]
    # Redis leaves a key that was set into the past until somebody looks: look, for the same DBSIZE.
    if args[0].lower() == b"set" and any(a.lower() in (b"exat", b"pxat") for a in args):
        steps.append(Step((b"GET", args[1])))
    return steps


# --- spoiling -----------------------------------------------------------------------------------------------

TIMED = (b"set", b"setex", b"psetex", b"getex", b"expire", b"pexpire", b"expireat", b"pexpireat")


def spoiled(r, args):
    """One argument too few, too many, doubled, or of the wrong sort."""
    junk = r.choice(TIMELESS + WORDS) if args[0].lower() in TIMED else r.choice(NUMBERS + FLOATS + WORDS)
    way = r.randrange(6)
    if way == 0 and len(args) > 1:
        return args[:-1]
    if way == 1:
        return args + [junk]
    if way == 2 and len(args) > 1:
        return args + [r.choice(args[1:])] if args[0].lower() not in TIMED else args + [args[-1]]
    if way == 3:
        return args[:1]
    if len(args) > 1:
        at = r.randrange(1, len(args))
        return args[:at] + [junk] + args[at + 1 :]
    return args + [junk]


def odd_case(r, word):
    way = r.randrange(4)
    if way == 0:
        return word.lower()
    if way == 1:
        return bytes(c ^ 32 if chr(c).isalpha() and c < 128 and r.random() < 0.5 else c for c in word)
    return word


# --- arguments ----------------------------------------------------------------------------------------------


def key(r):
    return KEYS[min(int(r.expovariate(0.07)), len(KEYS) - 1)] if r.random() < 0.8 else r.choice(KEYS)


def keys(r, most=5):
    return [key(r) for _ in range(r.randint(1, most))]


def number(r):
    return r.choice(NUMBERS) if r.random() < 0.6 else b"%d" % r.randint(-1000, 1000)


def decimal(r):
    return r.choice(FLOATS) if r.random() < 0.7 else b"%.*f" % (r.randint(0, 9), r.uniform(-1000, 1000))


def value(r):
    way = r.random()
    if way < 0.35:
        return number(r)
    if way < 0.5:
        return decimal(r)
    if way < 0.9:
        return r.randbytes(r.randint(0, 40))
    # Around the sizes at which servers change their ways.
    if way < 0.999:
        size = r.choice((44, 45, 63, 64, 200, 1000, 4095, 4096, 16383, 16384, 16385, 20000, 32768, 65535,
                         65536, 70000))
    else:
        size = r.choice((300000, 1048576))
    return (r.randbytes(61) * (size // 61 + 1))[:size]


def seconds(r):
    """A relative time: far enough not to pass, and never the same twice; or one that is refused or past."""
    way = r.random()
    if way < 0.7:
        return b"%d" % r.randint(10**6, 10**7)
    if way < 0.8:
        return b"%d" % (9 * 10**14 + r.randint(0, 10**12))
    return r.choice(TIMELESS)


def milliseconds(r):
    way = r.random()
    if way < 0.7:
        return b"%d" % r.randint(10**6, 10**10)
    if way < 0.8:
        return b"%d" % (9 * 10**17 + r.randint(0, 10**15))
    return r.choice(TIMELESS)


def at_seconds(r):
    way = r.random()
    if way < 0.6:
        return b"%d" % r.choice(FAR_SECONDS)
    return b"%d" % r.choice(PAST_SECONDS) if way < 0.85 else r.choice(TIMELESS)


def at_milliseconds(r):
    way = r.random()
    if way < 0.6:
        return b"%d" % r.choice(FAR_MILLISECONDS)
    return b"%d" % (r.choice(PAST_SECONDS) * 1000) if way < 0.85 else r.choice(TIMELESS)


def lifetime(r):
    """EX, PX, EXAT or PXAT with its number."""
    word, amount = r.choice(((b"EX", seconds), (b"PX", milliseconds), (b"EXAT", at_seconds),
                             (b"PXAT", at_milliseconds)))
    return [odd_case(r, word), amount(r)]


def chance(r, probability, *words):
    return [odd_case(r, r.choice(words))] if r.random() < probability else []


# --- commands -----------------------------------------------------------------------------------------------


def set_command(r):
    options = [lifetime(r)] if r.random() < 0.4 else []
    options += [chance(r, 0.25, b"NX", b"XX"), chance(r, 0.2, b"GET"), chance(r, 0.15, b"KEEPTTL")]
    options += [lifetime(r)] if r.random() < 0.03 else []
    options += [chance(r, 0.03, b"NX", b"XX", b"GET", b"PERSIST", b"EX")]
    r.shuffle(options)
    return [b"SET", key(r), value(r)] + sum(options, [])


def getex(r):
    options = r.choice(([], lifetime(r), lifetime(r), [odd_case(r, b"PERSIST")], [b"KEEPTTL"],
                        lifetime(r) + [b"PERSIST"]))
    return [b"GETEX", key(r)] + options


def expire(r):
    word, amount = r.choice(((b"EXPIRE", seconds), (b"PEXPIRE", milliseconds), (b"EXPIREAT", at_seconds),
                             (b"PEXPIREAT", at_milliseconds)))
    return [word, key(r), amount(r)] + chance(r, 0.4, b"NX", b"XX", b"GT",
                                              b"LT") + chance(r, 0.1, b"NX", b"XX", b"GT", b"LT", b"ZZ")


def offset(r):
    way = r.random()
    if way < 0.6:
        return b"%d" % r.randint(0, 60)
    if way < 0.7:
        return b"%d" % r.choice((16380, 16384, 20000, 70000))
    return number(r)


def setrange(r):
    return [b"SETRANGE", key(r), offset(r), r.choice((b"", b"x", b"hello", b"\x00\x01", r.randbytes(20)))]


def getrange(r):
    def end():
        return b"%d" % r.randint(-70, 70) if r.random() < 0.6 else r.choice((b"16383", b"16384", b"-16385",
                                                                             number(r)))

    return [b"GETRANGE", key(r), end(), end()]


def counter(r):
    """Commands on keys that mostly hold numbers."""
    name = r.choice((b"n1", b"n2", b"f1", b"f2"))
    by = b"%d" % r.choice((1, -1, 7, r.randint(-(2**63), 2**63 - 1), r.randint(-(2**31), 2**31)))
    return r.choice((
        [b"INCR", name], [b"DECR", name], [b"INCRBY", name, by], [b"DECRBY", name, by], [b"GET", name],
        [b"STRLEN", name], [b"INCRBYFLOAT", name, decimal(r)], [b"INCRBYFLOAT", b"f1", b"0.1"],
        [b"INCRBYFLOAT", b"f2", b"%g" % r.gauss(0, 1e6)], [b"SET", name, r.choice((by, decimal(r)))],
        [b"APPEND", name, b"5"], [b"SETRANGE", name, b"0", b"1"], [b"GETRANGE", name, b"0", b"3"],
    ))


def mset(r):
    args = [b"MSET"]
    for name in keys(r, 4):
        args += [name, value(r)]
    return args if r.random() < 0.93 else args[:-1]


def database(r):
    return r.choice((b"0", b"0", b"0", b"1", b"1", b"2", b"15", b"16", number(r)))


def select(r):
    return [b"SELECT", r.choice((b"0", b"0", b"0", b"1", b"2", b"15"))]


def copy(r):
    options = [chance(r, 0.4, b"REPLACE"), [odd_case(r, b"DB"), database(r)] if r.random() < 0.4 else [],
               chance(r, 0.04, b"DB", b"zz")]
    r.shuffle(options)
    return [b"COPY", key(r), key(r)] + sum(options, [])


def msetnx(r):
    args = [b"MSETNX"]
    for name in [r.choice((key(r), b"new%d" % r.randint(0, 20))) for _ in range(r.randint(1, 3))]:
        args += [name, value(r)]
    return args


def object_command(r):
    return [b"OBJECT", r.choice((b"ENCODING", b"encoding", b"REFCOUNT", b"IDLETIME", b"FREQ", b"zz")), key(r)]


def scan(r):
    args = [b"SCAN", b"0" if r.random() < 0.85 else number(r)]
    if r.random() < 0.5:
        args += [odd_case(r, b"MATCH"), r.choice(PATTERNS)]
    if r.random() < 0.5:
        args += [odd_case(r, b"COUNT"), r.choice((b"1", b"2", b"10", b"1000", b"0", b"-1", b"x", b"100000"))]
    if r.random() < 0.3:
        args += [odd_case(r, b"TYPE"), r.choice((b"string", b"STRING", b"hash", b"list", b"nothing"))]
    return args


def client(r):
    names = (b"me", b"a b", b"a\nb", b"", b"\xff", b"~!", b"n" * 100)
    return r.choice((
        lambda: [b"CLIENT", b"SETNAME", r.choice(names)], lambda: [b"CLIENT", b"GETNAME"],
        lambda: [b"CLIENT", b"ID"], lambda: [b"CLIENT", b"LIST"],
        lambda: [b"CLIENT", b"SETINFO", b"LIB-NAME", b"x"], lambda: [b"CLIENT"],
        lambda: [b"CLIENT", r.choice(UNKNOWN)], lambda: [b"client", b"setname"],
        lambda: [b"CLIENT", b"LIST", b"TYPE", b"normal"], lambda: [b"CLIENT", b"LIST", b"ID", b"999999"],
        lambda: [b"CLIENT", b"LIST", b"TYPE", b"zz"], lambda: [b"CLIENT", b"LIST", b"zz"],
        lambda: [b"CLIENT", b"KILL", r.choice((b"1.2.3.4:5", b"zz"))],
        lambda: [b"CLIENT", b"KILL", r.choice((b"ID", b"ADDR", b"LADDR", b"TYPE", b"USER", b"SKIPME", b"zz")),
                 r.choice((b"0", b"999999", b"1.2.3.4:5", b"master", b"pubsub", b"yes", b"zz"))],
        lambda: [b"CLIENT", b"KILL", b"ID", b"999999", b"SKIPME"], lambda: [b"CLIENT", b"KILL"],
        lambda: [b"CLIENT", b"NO-EVICT", r.choice((b"on", b"OFF", b"zz"))], lambda: [b"CLIENT", b"GETREDIR"],
        lambda: [b"CLIENT", b"TRACKINGINFO"], lambda: [b"CLIENT", b"TRACKING", b"off"],
        lambda: [b"CLIENT", b"REPLY", r.choice((b"on", b"zz"))],
        lambda: [b"CLIENT", b"UNBLOCK", r.choice((b"999999", b"zz"))] + r.choice(([], [b"ERROR"], [b"zz"], [b"a", b"b"])),
        lambda: [r.choice((b"SCRIPT", b"FUNCTION")), b"FLUSH"] + r.choice(([], [b"ASYNC"], [b"zz"], [b"sync", b"zz"])),
        lambda: [b"SCRIPT", b"EXISTS", b"a", r.choice(names)], lambda: [r.choice((b"script", b"Function"))],
        lambda: [b"FUNCTION", b"LIST"] + r.choice(([], [b"WITHCODE"], [b"LIBRARYNAME", b"x"], [b"libraryname"], [b"zz"])),
    ))()


def config(r):
    names = (b"maxmemory", b"maxmemory-policy", b"save", b"appendonly", b"MAXMEMORY", b"nosuch", b"databases",
             b"max*", b"[", b"")
    return r.choice((
        lambda: [b"CONFIG", b"GET"] + [r.choice(names) for _ in range(r.randint(1, 3))],
        lambda: [b"CONFIG", b"GET"], lambda: [b"CONFIG", b"SET", b"nosuch", b"1"],
        lambda: [b"CONFIG", b"SET"], lambda: [b"CONFIG", b"SET", b"maxmemory"], lambda: [b"CONFIG"],
        lambda: [b"CONFIG", r.choice(UNKNOWN)],
    ))()


def command(r):
    names = (b"get", b"SET", b"mget", b"mset", b"del", b"expire", b"scan", b"ping", b"incrbyfloat", b"nosuch",
             b"", b"getex", b"client", b"strlen", b"hello", b"randomkey", b"memory|usage", b"memory",
             b"config|get", b"touch", b"append", b"setrange", b"rename", b"copy", b"object", b"msetnx", b"exec",
             b"watch", b"swapdb", b"move", b"multi", b"object|freq")
    return r.choice((
        lambda: [b"COMMAND", b"COUNT"], lambda: [b"COMMAND", b"COUNT", b"x"],
        lambda: [b"COMMAND", r.choice(UNKNOWN)], lambda: [b"COMMAND", b"INFO", r.choice(names)],
        lambda: [b"COMMAND", b"DOCS", r.choice(names), r.choice(names)],
        lambda: [b"COMMAND", b"INFO", r.choice(names), r.choice(names)],
        lambda: [b"COMMAND", b"DOCS", r.choice(names)],
    ))()


def hello(r):
    return [b"HELLO"] + r.choice(([], [b"2"], [b"2"], [b"2"], [b"3"], [b"3"], [b"3", b"SETNAME", b"me"],
                                  [b"3", b"AUTH", b"default", b"x"], [b"3", b"zz"], [b"2", b"SETNAME", b"hi"], [b"2", b"SETNAME", b"a b"],
                                  [b"2", b"SETNAME"], [b"2", b"AUTH", b"x"],
                                  [b"2", b"AUTH", b"nobody", b"x"], [b"1"], [b"4"], [b"abc"], [b"-1"],
                                  [b"2", b"zz"], [b"99999999999999999999"]))


def session(r):
    """What is neither data nor asked for often."""
    return r.choice((
        client, client, config, command, hello, lambda r: [b"QUIT"] + r.choice(([], [b"now"])),
        lambda r: [b"SELECT", number(r)],
        lambda r: [b"INFO"] + r.choice(([], [b"server"], [b"nosuch"], [b"all"], [b"memory", b"keyspace"],
                                        [b"default"])),
        lambda r: [b"AUTH"] + r.choice(([], [b"x"], [b"default", b"x"], [b"nobody", b"x"],
                                        [b"a", b"b", b"c"])),
        lambda r: [b"FLUSHALL"] + r.choice(([], [b"ASYNC"], [b"SYNC"], [b"zz"], [b"sync", b"async"])),
        lambda r: [b"FLUSHDB"] + r.choice(([b"async"], [b"SYNC"], [b"zz"])), lambda r: [b"SELECT", b"0"],
        lambda r: [b"MEMORY", b"USAGE",
                   key(r)] + r.choice(([], [b"SAMPLES", number(r)], [b"SAMPLES"], [b"zz", b"1"])),
        lambda r: [b"MEMORY"] + r.choice(([], [r.choice(UNKNOWN)], [b"USAGE"], [b"STATS"], [b"DOCTOR"],
                                          [b"PURGE"], [b"MALLOC-STATS"], [b"STATS", b"x"])),
        lambda r: [b"SWAPDB", database(r), database(r)], hello,
        lambda r: r.choice(([b"EXEC"], [b"DISCARD"], [b"UNWATCH"])),
        lambda r: [r.choice(UNKNOWN)] + r.choice(([], keys(r, 40))),
        lambda r: [b"FOO"] + [r.randbytes(r.randint(0, 60)) for _ in range(r.randint(0, 6))],
        lambda r: [b"FOO", b"y" * 200, b"z"],
    ))(r)


def one_key(*words):
    return lambda r: [r.choice(words), key(r)]


MAKERS = (
    (16, set_command),
    (3, lambda r: [b"SETNX", key(r), value(r)]),
    (3, lambda r: [b"SETEX", key(r), seconds(r), value(r)]),
    (3, lambda r: [b"PSETEX", key(r), milliseconds(r), value(r)]),
    (3, lambda r: [b"GETSET", key(r), value(r)]),
    (12, one_key(b"GET")),
    (3, one_key(b"GETDEL")),
    (6, getex),
    (4, lambda r: [b"MGET"] + keys(r)),
    (4, mset),
    (5, lambda r: [b"APPEND", key(r), r.choice((b"", b"1", b"abc", r.randbytes(9)))]),
    (3, one_key(b"STRLEN")),
    (5, setrange),
    (5, getrange),
    (6, counter),
    (4, one_key(b"INCR", b"DECR")),
    (5, lambda r: [r.choice((b"INCRBY", b"DECRBY")), key(r), number(r)]),
    (7, lambda r: [b"INCRBYFLOAT", key(r), decimal(r)]),
    (4, lambda r: [b"SET", key(r), number(r)]),
    (3, lambda r: [b"SET", key(r), decimal(r)]),
    (3, lambda r: [r.choice((b"DEL", b"UNLINK"))] + keys(r, 3)),
    (3, lambda r: [r.choice((b"EXISTS", b"TOUCH"))] + keys(r)),
    (2, one_key(b"TYPE")),
    (10, expire),
    (6, one_key(b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME")),
    (3, one_key(b"PERSIST")),
    (1, scan),
    (1, lambda r: [b"KEYS", r.choice(PATTERNS)]),
    (1, lambda r: [b"RANDOMKEY"]),
    (2, lambda r: [b"DBSIZE"]),
    (2, lambda r: r.choice(([b"PING"], [b"PING", value(r)], [b"ECHO", value(r)], [b"PING", b"a", b"b"]))),
    (5, session),
    (1, select),
    (2, lambda r: [r.choice((b"RENAME", b"RENAMENX")), key(r), key(r)]),
    (3, copy),
    (1, lambda r: [b"MOVE", key(r), database(r)]),
    (2, msetnx),
    (1, object_command),
)

# What is kept for EXEC: whose replies are the same byte for byte, as its own reply is compared so.
QUEUED_MAKERS = (set_command, set_command, one_key(b"GET"), one_key(b"GET"), getex, mset, msetnx, setrange, getrange,
                 counter, counter, copy, expire, select, one_key(b"DEL"), one_key(b"EXISTS"), one_key(b"PERSIST"),
                 one_key(b"TYPE"), one_key(b"INCR"), lambda r: [b"MGET"] + keys(r), lambda r: [b"DBSIZE"],
                 lambda r: [b"RENAME", key(r), key(r)], lambda r: [b"MOVE", key(r), database(r)],
                 lambda r: [b"SWAPDB", database(r), database(r)], lambda r: [b"PING"],
                 lambda r: [b"APPEND", key(r), b"abc"], lambda r: [b"UNWATCH"], lambda r: [b"OBJECT", b"FREQ", key(r)],
                 lambda r: [b"FLUSHDB"] if r.random() < 0.1 else [b"ECHO", value(r)],
                 lambda r: [b"CLIENT", b"GETNAME"] if r.random() < 0.5 else [b"SETRANGE", key(r), b"3", b"xyz"])


def transaction(r):
    """WATCH at times, and what may change what is watched; MULTI, commands, and how it ends."""
    steps, watched = [], keys(r, 3)
    if r.random() < 0.6:
        steps.append(Step((b"WATCH", *watched)))
        for _ in range(r.choice((0, 0, 1, 1, 3))):
            steps += one_of(r, QUEUED_MAKERS)
            if r.random() < 0.3:
                steps.append(Step((r.choice((b"EXPIRE", b"TTL", b"TOUCH", b"GET", b"INCR", b"DEL", b"PERSIST")),
                                   watched[0], *([b"10000000"] if steps[-1].args[0] == b"EXPIRE" else []))))
        steps += [Step((b"UNWATCH",))] if r.random() < 0.05 else []
    steps.append(Step((b"MULTI",)))
    for _ in range(r.choice((0, 1, 2, 3, 5, 10))):
        if r.random() < 0.01:
            steps.append(Step((r.choice((b"NOSUCH", b"MULTI", b"WATCH")), b"x")))
        steps += one_of(r, QUEUED_MAKERS)
    end = r.choice((b"EXEC",) * 8 + (b"DISCARD",))
    return steps + [Step((end,) if r.random() < 0.98 else (end, b"x"))]


def watched_to_the_end(r):
    """A watched key expires, before the transaction or not at all; it is looked at after it."""
    lifetime, pause = r.choice(((b"60", 0.12), (b"100000", 0.0)))
    steps = [Step((b"SET", b"short:w", b"v", b"PX", lifetime)), Step((b"WATCH", b"short:w"))]
    steps += [Step((b"GET", b"short:w"))] if r.random() < 0.5 else []
    steps += [Step((b"MULTI",), pause=pause), Step((b"GET", b"short:w")), Step((b"EXEC",))]
    return steps + [Step((b"DEL", b"short:w")), Step((b"DBSIZE",))]


def short_lives(r):
    """Keys of their own that expire during a pause; each is looked at after it, so that none lingers."""
    names = [b"short:%d" % i for i in range(r.randint(1, 6))]
    ways = (lambda k: (b"SET", k, b"v", b"PX", b"60"), lambda k: (b"PSETEX", k, b"50", b"v"),
            lambda k: (b"SET", k, b"long", b"PX", b"100000"))
    steps = [Step(r.choice(ways)(name)) for name in names]
    looks = (b"GET", b"EXISTS", b"TTL", b"TYPE", b"STRLEN", b"PERSIST", b"GETDEL", b"TOUCH", b"INCR", b"DEL")
    steps.append(Step((b"MGET", *names[:1]), pause=0.12))
    steps += [Step((r.choice(looks), name)) for name in names]
    steps += [Step((b"MGET", *names)), Step((b"DEL", *names)), Step((b"DBSIZE",))]
    return steps
