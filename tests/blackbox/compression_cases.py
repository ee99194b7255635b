#!/usr/bin/env python3
"""A cache limited in memory, over RESP: compression holds more items, and every answer stays right."""

import random

import kit
from kit import Plimsoll, encode, expect

WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet")
KEYS = 30000
FLAGS = ("--line", "24MiB", "--data-dir", "", "--loops", "1")


def value_of(number):
    """Of the number alone: text that compresses, but for one key of four."""
    draw = random.Random(number)
    if number % 4 == 0:
        return draw.randbytes(700)
    fields = [b'"%b":"%b %d"' % (draw.choice(WORDS).encode(), draw.choice(WORDS).encode(), draw.randrange(10 ** 6))
              for _ in range(40)]
    return b"{" + b",".join(fields) + b"}"


def name_of(number):
    return b"user:%d" % number


def fill(client, numbers):
    for begin in range(0, len(numbers), 100):
        batch = numbers[begin:begin + 100]
        client.send(b"".join(encode([b"SET", name_of(n), value_of(n)]) for n in batch))
        for n in batch:
            answer = client.reply()
            expect(answer == b"OK", f"SET {name_of(n)} is answered {answer!r}")


def there(client, numbers):
    """Which keys are there; each has to have its value."""
    found = []
    for begin in range(0, len(numbers), 100):
        batch = numbers[begin:begin + 100]
        client.send(b"".join(encode([b"GET", name_of(n)]) for n in batch))
        for n in batch:
            answer = client.reply()
            expect(answer is None or answer == value_of(n), f"{name_of(n)} has {answer and answer[:80]!r}")
            if answer is not None:
                found.append(n)
    return found


def figures(server):
    return server.status()["cache"]


def compression_holds_distinctly_more_items():
    held = {}
    for codec in ("off", "lz4", "zstd"):
        with Plimsoll(kit.program(), *FLAGS, "--compression", codec) as server, server.connect() as client:
            fill(client, range(KEYS))
            held[codec] = len(there(client, range(KEYS)))
            seen = figures(server)
            expect(seen["compression"] == codec, f"compression is {seen['compression']}")
            expect((seen["compressed_items"] > 0) == (codec != "off"), f"{seen['compressed_items']} are compressed")
            text = kit.http_get(server.http_port, "/cache.txt").body.decode()
            expect((f"{codec} holds " in text) == (codec != "off"), f"not told: {text}")
            metrics = kit.http_get(server.http_port, "/metrics").body.decode()
            expect("plimsoll_cache_compression_saved_bytes" in metrics, "no metric")
    print(f"        keys held: {held}")
    expect(held["lz4"] > 1.1 * held["off"] and held["zstd"] > 1.2 * held["off"], f"keys held: {held}")


def the_codec_may_change_while_it_runs():
    with Plimsoll(kit.program(), *FLAGS) as server, server.connect() as client:
        numbers = range(0, KEYS * 2)
        for at, codec in enumerate((b"zstd", b"lz4", b"off", b"zstd")):
            expect(client.command(b"CONFIG", b"SET", b"compression", codec) == b"OK", f"{codec} is not taken")
            expect(client.command(b"CONFIG", b"GET", b"compression") == [b"compression", codec], "not told")
            fill(client, numbers[at * KEYS // 2:(at + 1) * KEYS // 2])
            expect(there(client, numbers[:(at + 1) * KEYS // 2]), "nothing is there")
        expect(figures(server)["compressed_items"] > 1000, "little is compressed")
        bad = client.command(b"CONFIG", b"SET", b"compression", b"gzip")
        expect(b"off, lz4, zstd" in bad, f"gzip is answered {bad!r}")


def compressed(client, numbers):
    """Keys whose value is compressed now."""
    for n in numbers:
        entry = client.command(b"PLIMSOLL.ENTRY", name_of(n))
        if entry is not None and dict(zip(entry[::2], entry[1::2]))[b"compression"] != b"off":
            yield n


def commands_see_whole_values():
    with Plimsoll(kit.program(), *FLAGS, "--compression", "zstd") as server, server.connect() as client:
        fill(client, range(KEYS))
        keys = list(zip(compressed(client, range(KEYS)), range(12)))
        expect(len(keys) == 12, "little is compressed")
        keys = [n for n, _ in keys]
        key, value = name_of(keys[0]), value_of(keys[0])
        expect(client.command(b"STRLEN", key) == len(value), "STRLEN")
        expect(client.command(b"GETRANGE", key, b"-5", b"-1") == value[-5:], "GETRANGE")
        expect(client.command(b"APPEND", key, b"!") == len(value) + 1, "APPEND")
        expect(client.command(b"GET", key) == value + b"!", "GET after APPEND")
        key, value = name_of(keys[1]), value_of(keys[1])
        expect(client.command(b"SETRANGE", key, b"3", b"abc") == len(value), "SETRANGE")
        expect(client.command(b"GET", key) == value[:3] + b"abc" + value[6:], "GET after SETRANGE")
        key, value = name_of(keys[2]), value_of(keys[2])
        expect(client.command(b"EXPIRE", key, b"1000") == 1 and client.command(b"GET", key) == value, "EXPIRE")
        key, value = name_of(keys[3]), value_of(keys[3])
        expect(client.command(b"RENAME", key, b"renamed") == b"OK", "RENAME")
        expect(client.command(b"GET", b"renamed") == value and client.command(b"GET", key) is None, "renamed")
        key, value = name_of(keys[4]), value_of(keys[4])
        expect(client.command(b"COPY", key, b"copied") == 1 and client.command(b"GET", b"copied") == value, "COPY")
        key, value = name_of(keys[5]), value_of(keys[5])
        expect(client.command(b"GETDEL", key) == value and client.command(b"EXISTS", key) == 0, "GETDEL")
        key, value = name_of(keys[6]), value_of(keys[6])
        expect(client.command(b"GETSET", key, b"12") == value and client.command(b"INCR", key) == 13, "GETSET")
        key = name_of(keys[7])
        expect(b"not an integer" in client.command(b"INCR", key), "INCR")
        expect(client.command(b"MGET", *[name_of(n) for n in keys[8:]]) == [value_of(n) for n in keys[8:]], "MGET")
        expect(client.command(b"MEMORY", b"USAGE", name_of(keys[9])) < len(value_of(keys[9])), "MEMORY USAGE")


def large_values_are_compressed_too():
    def value(n):
        return b"".join(b"line %d of %d: %d\n" % (i, n, i * n) for i in range(1800))[:40000]

    with Plimsoll(kit.program(), *FLAGS, "--compression", "lz4") as server, server.connect() as client:
        for n in range(1500):
            expect(client.command(b"SET", name_of(n), value(n)) == b"OK", "SET")
        keys = list(compressed(client, range(1500)))
        expect(len(keys) > 50, f"{len(keys)} are compressed")
        for n in keys[:20]:
            expect(client.command(b"GETRANGE", name_of(n), b"5", b"30004") == value(n)[5:30005], "GETRANGE")
            expect(client.command(b"GET", name_of(n)) == value(n), "GET")
        expect(client.command(b"RENAME", name_of(keys[0]), b"renamed") == b"OK", "RENAME")
        expect(client.command(b"GET", b"renamed") == value(keys[0]), "renamed")
        expect(client.command(b"APPEND", name_of(keys[1]), b"!") == 40001, "APPEND")
        expect(client.command(b"GET", name_of(keys[1])) == value(keys[1]) + b"!", "GET after APPEND")


def idle_times_are_true_where_facts_are_kept():
    with Plimsoll(kit.program(), *FLAGS) as server, server.connect() as client:
        client.command(b"SET", b"before", b"1")
        expect(b"CONFIG SET entry-facts yes" in client.command(b"OBJECT", b"IDLETIME", b"before"), "no reason")
        expect(client.command(b"CONFIG", b"SET", b"entry-facts", b"yes") == b"OK", "entry-facts is not taken")
        client.command(b"SET", b"after", b"1")
        expect(client.command(b"OBJECT", b"IDLETIME", b"after") in (0, 1), "idle time")
        client.command(b"GET", b"after")
        entry = client.command(b"PLIMSOLL.ENTRY", b"after")
        facts = dict(zip(entry[::2], entry[1::2]))
        expect(facts[b"accesses"] == 1 and facts[b"type"] == b"integer", f"facts: {facts}")
        client.command(b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lfu")
        expect(client.command(b"OBJECT", b"FREQ", b"before") >= 1, "no count of uses")


CASES = (compression_holds_distinctly_more_items, the_codec_may_change_while_it_runs, commands_see_whole_values,
         large_values_are_compressed_too, idle_times_are_true_where_facts_are_kept)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
