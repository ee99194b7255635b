#!/usr/bin/python3
"""kcat, the tool that everybody types: what it writes with every codec comes back, from wherever one reads."""

import json
import shutil
import time

import broker
import kit
from broker import CODECS, fresh
from kit import expect

if not shutil.which("kcat"):
    kit.skip("no kcat")
try:
    import raw_fetch
except ImportError:
    kit.skip("no python3-kafka")

SECONDS = 30


def kcat(address, *args, stdin=b"", fails=False):
    command = ["kcat", "-b", address, *args]
    code, out, err = kit.run(command, SECONDS, stdin=stdin)
    expect((code != 0) == fails, f"{' '.join(command)}: {code}: {out[-500:]}{err[-500:]}")
    return err if fails else out


def produce(address, topic, lines, *args):
    """Sends lines to partition 0, or as `args` say; a '|' parts key and value."""
    where = () if "-p" in args else ("-p", "0")
    kcat(address, "-P", "-t", topic, "-K", "|", *where, *args, stdin="".join(f"{line}\n" for line in lines).encode())


def consume(address, topic, *args):
    """[(partition, offset, key, value)] up to the end."""
    where = () if "-p" in args else ("-p", "0")
    out = kcat(address, "-C", "-q", "-e", "-t", topic, *where, "-f", "%p|%o|%k|%s\n", *args)
    rows = [line.split("|") for line in out.splitlines()]
    return [(int(partition), int(offset), key, value) for partition, offset, key, value in rows]


def lines_of(topic, count, first=0):
    """Compressible, and no two alike."""
    return [f"key{i}|{topic} line {i} {'abc' * (i % 40)}" for i in range(first, first + count)]


def rows_of(lines, first=0, partition=0):
    return [(partition, first + at, *line.split("|")) for at, line in enumerate(lines)]


def expect_log(address, topic, lines, partition=0):
    got = consume(address, topic, "-o", "beginning", "-p", str(partition))
    broker.expect_same(got, rows_of(lines, partition=partition), f"{topic}/{partition}")


def metadata_lists_brokers_and_topics(address):
    topic = fresh("kcat-list")
    produce(address, topic, ["a|b"])
    told = json.loads(kcat(address, "-L", "-J"))
    expect(told["brokers"], "no brokers")
    names = {each["topic"]: each for each in told["topics"]}
    expect(topic in names, f"{topic} is not among {sorted(names)}")
    ids = {each["id"] for each in told["brokers"]}
    partitions = names[topic]["partitions"]
    expect(partitions and all(each["leader"] in ids for each in partitions), f"no leaders: {partitions}")
    expect([each["partition"] for each in partitions] == list(range(len(partitions))), f"numbers: {partitions}")
    only = json.loads(kcat(address, "-L", "-J", "-t", topic))
    expect([each["topic"] for each in only["topics"]] == [topic], f"-t {topic} lists {only['topics']}")


def every_codec_and_every_acks(address):
    for codec in CODECS:
        topic = fresh(f"kcat-{codec}")
        written = []
        for acks in ("1", "all", "0"):
            lines = lines_of(topic, 300, len(written))
            produce(address, topic, lines, "-z", codec, "-X", f"acks={acks}")
            written += lines
            if acks == "0":  # answered by nobody: the end tells that it came
                kit.wait_until(lambda: len(consume(address, topic, "-o", "beginning")) >= len(written), "acks=0")
        expect_log(address, topic, written)
        kept = raw_fetch.batches(address, topic)
        # A batch that would not become smaller is sent as it is.
        used = {each.codec for each in kept if each.count > 10}
        expect(used == {codec}, f"{codec} was stored as {used}")
        expect(all(each.whole for each in kept), f"{codec}: a checksum is wrong")


def idempotent_writes_are_numbered(address):
    topic = fresh("kcat-idempotent")
    lines = lines_of(topic, 2000)
    produce(address, topic, lines, "-X", "enable.idempotence=true", "-X", "batch.num.messages=100", "-z", "lz4")
    expect_log(address, topic, lines)
    kept = raw_fetch.batches(address, topic)
    expect(len({each.producer_id for each in kept}) == 1 and kept[0].producer_id >= 0, "producer ids differ")
    sequence = 0
    for each in kept:
        expect(each.base_sequence == sequence, f"sequence {each.base_sequence}, not {sequence}")
        sequence += each.count
    expect(sequence == len(lines), f"{sequence} numbered")


def reading_from_every_kind_of_offset(address):
    topic = fresh("kcat-offsets")
    lines = lines_of(topic, 500)
    produce(address, topic, lines, "-X", "batch.num.messages=40")
    rows = rows_of(lines)
    for where, wanted in (("beginning", rows), ("0", rows), ("123", rows[123:]), ("499", rows[499:]), ("-7", rows[-7:]),
                          ("500", []), ("end", [])):
        got = consume(address, topic, "-o", where)
        broker.expect_same(got, wanted, f"-o {where}")
    broker.expect_same(consume(address, topic, "-o", "100", "-c", "5"), rows[100:105], "-c 5")


def an_offset_beyond_the_end_is_out_of_range(address):
    topic = fresh("kcat-range")
    lines = lines_of(topic, 10)
    produce(address, topic, lines)
    refused = kcat(address, "-C", "-q", "-e", "-t", topic, "-p", "0", "-o", "11", "-X", "topic.auto.offset.reset=error",
                   fails=True)
    expect("out of range" in refused.lower(), f"it said {refused!r}")
    got = consume(address, topic, "-o", "11", "-X", "topic.auto.offset.reset=earliest")
    broker.expect_same(got, rows_of(lines), "reset to the earliest")


def reading_and_asking_by_time(address):
    topic = fresh("kcat-time")
    written, moments = [], []
    for _ in range(3):
        moments.append(int(time.time() * 1000))
        lines = lines_of(topic, 50, len(written))
        produce(address, topic, lines)
        written += lines
        time.sleep(0.05)
    rows = rows_of(written)
    for at, moment in enumerate(moments):
        broker.expect_same(consume(address, topic, "-o", f"s@{moment}"), rows[at * 50:], f"from {moment}")
        told = kcat(address, "-Q", "-t", f"{topic}:0:{moment}")
        expect(told.split() == [topic, "[0]", "offset", str(at * 50)], f"-Q {moment}: {told!r}")
    between = consume(address, topic, "-o", f"s@{moments[1]}", "-o", f"e@{moments[2]}")
    broker.expect_same(between, rows[50:100], "from one moment to another")
    later = int(time.time() * 1000) + 3600 * 1000
    for moment, offset in ((-2, "0"), (-1, "150"), (later, "-1")):
        told = kcat(address, "-Q", "-t", f"{topic}:0:{moment}")
        expect(told.split()[-1] == offset, f"-Q {moment}: {told!r}")


def keys_choose_partitions_and_stay_in_order(address):
    topic = fresh("kcat-keys")
    produce(address, topic, ["warm|up"])  # a topic made by the first write, of as many partitions as are the default
    lines = [f"key{i % 17}|{i}" for i in range(1000)]
    produce(address, topic, lines, "-p", "-1")
    count = len(json.loads(kcat(address, "-L", "-J", "-t", topic))["topics"][0]["partitions"])
    homes, rows = {}, []
    for partition in range(count):
        got = [row for row in consume(address, topic, "-o", "beginning", "-p", str(partition)) if row[2] != "warm"]
        rows += got
        for _, _, key, _ in got:
            expect(homes.setdefault(key, partition) == partition, f"{key} is in two partitions")
        for key in {row[2] for row in got}:
            order = [int(row[3]) for row in got if row[2] == key]
            expect(order == sorted(order), f"{key} is out of order")
    expect(sorted(int(row[3]) for row in rows) == list(range(1000)), "not each once")


def headers_nulls_and_binary_survive(address):
    topic = fresh("kcat-binary")
    kcat(address, "-P", "-t", topic, "-p", "0", "-H", "one=1", "-H", "two=", "-K", ":", "-Z", stdin=b"k1:v1\nk2:\n:v3\n")
    told = kcat(address, "-C", "-q", "-e", "-t", topic, "-p", "0", "-f", "%h|%K|%S|%k|%s\n")
    expect(told.splitlines() == ["one=1,two=|2|2|k1|v1", "one=1,two=|2|-1|k2|", "one=1,two=|-1|2||v3"], f"{told!r}")
    blob = bytes(range(256)).replace(b"\xff", b"") * 400
    kcat(address, "-P", "-t", topic, "-p", "1", "-D", "\xff", stdin=blob)
    code, out, err = kit.run(["kcat", "-b", address, "-C", "-q", "-e", "-t", topic, "-p", "1", "-f", "%S\n"], SECONDS)
    expect(code == 0 and out == f"{len(blob)}\n", f"100 KiB came as {out!r}{err!r}")


def a_message_larger_than_the_limit_is_refused(address):
    topic = fresh("kcat-large")
    produce(address, topic, ["a|b"])
    big = b"x" * (2 << 20)
    told = kcat(address, "-P", "-t", topic, "-p", "0", "-X", "message.max.bytes=100000000", stdin=big + b"\n", fails=True)
    expect("too large" in told.lower(), f"it said {told[-300:]!r}")
    expect_log(address, topic, ["a|b"])


CASES = (metadata_lists_brokers_and_topics, every_codec_and_every_acks, idempotent_writes_are_numbered,
         reading_from_every_kind_of_offset, an_offset_beyond_the_end_is_out_of_range, reading_and_asking_by_time,
         keys_choose_partitions_and_stay_in_order, headers_nulls_and_binary_survive,
         a_message_larger_than_the_limit_is_refused)

if __name__ == "__main__":
    broker.main(__doc__, CASES)
