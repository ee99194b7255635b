#!/usr/bin/python3
"""SIGTERM while clients wait: each is answered or closed cleanly, what was answered is kept, and the process ends with 0.

A produce request half of which is on its way in, one that waits for the disk, a fetch that waits for records; and the
client that never goes on, for whom nobody waits longer than the server says it drains.
"""

import os
import signal
import struct
import subprocess
import time

import broker
import kit
from kit import Wire, expect

try:
    from kafka.record import MemoryRecordsBuilder
except ImportError:
    kit.skip("no python3-kafka")

DRAINS_S = 5  # what docs/operating.md promises at most
SLACK_S = 3  # of a slow machine
SOON_S = 2.5  # where nothing has to be waited for
SYNC_S = 1  # that a sync takes under the tracer; the first of a topic is three, of its file and two folders
WHOLE, SMALL = 4, 1  # batches of a request: one of some 3.5 MiB, and one that fits into a loop's buffer


def frame(key, version, number, body):
    head = struct.pack(">hhih", key, version, number, -1)
    return struct.pack(">i", len(head) + len(body)) + head + body


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def batch_of(size):
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=size)
    while builder.append(timestamp=None, key=b"k", value=os.urandom(900)):
        pass
    builder.close()
    return bytes(builder.buffer())


def produce(topic, batches):
    """One batch for each of the first partitions."""
    parts = b"".join(struct.pack(">ii", number, len(batch)) + batch for number, batch in enumerate(batches))
    return frame(0, 3, 7, struct.pack(">hhii", -1, -1, 30000, 1) + string(topic) + struct.pack(">i", len(batches)) + parts)


def fetch(topic, wait_ms, number=8):
    return frame(1, 4, number, struct.pack(">iiiibi", -1, wait_ms, 1, 8 << 20, 0, 1) + string(topic)
                 + struct.pack(">iiqi", 1, 0, 0, 8 << 20))


def answer(wire):
    """(correlation number, body) of the next one; fails when the connection ends before it."""
    deadline = kit.Deadline()
    while len(wire.buffer) < 4 or len(wire.buffer) < 4 + struct.unpack_from(">i", wire.buffer)[0]:
        expect(wire.receive(deadline.left()), f"no answer: the connection is {wire.ended or 'open'}")
    size = struct.unpack_from(">i", wire.buffer)[0]
    body = bytes(wire.buffer[4 : 4 + size])
    del wire.buffer[: 4 + size]
    return struct.unpack_from(">i", body)[0], body[4:]


def make(wire, topic):
    """By asking for it in Metadata's version 4; it has leaders when this returns."""
    request = frame(3, 4, 1, struct.pack(">i", 1) + string(topic) + b"\1")

    def led():
        wire.send(request)
        return b"\0\5" + string(topic) not in answer(wire)[1]

    kit.wait_until(led, "the topic to be led", step=0.05)


def expect_stored(body, topic, count):
    """Produce's answer of version 3: no error, and offset 0 in each of the partitions."""
    at = 4 + len(string(topic))
    rows = struct.unpack_from(">i", body, at)[0]
    found = [struct.unpack_from(">ihqq", body, at + 4 + 22 * row)[:3] for row in range(rows)]
    expect(found == [(number, 0, 0) for number in range(count)], f"partition, error, offset: {found}")


def expect_kept(server, topic, batches):
    """Started again, it has what it answered for."""
    server.start()
    with Wire(server.kafka_port) as wire:
        wire.send(fetch(topic, 0))
        _, body = answer(wire)
        expect(batches[0][100:] in body, "what was acknowledged is not there")


def told_to_end(server):
    """SIGTERM, and it has heard it: when."""
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    kit.wait_until(lambda: "draining" in server.said("err") + server.said("out"), "the server to say that it drains")
    return begun


def expect_end(server, begun, within):
    code = server.exit_code(within + kit.PATIENCE)
    took = time.monotonic() - begun
    expect(code == 0, f"it ended with {code}: {server.last_words()}")
    expect(took < within, f"it took {took:.1f} s to end, not {within} s")
    return took


def expect_close(wire):
    rest = wire.read_to_end()
    expect(wire.ended == "closed" and not rest, f"the connection was {wire.ended} with {rest[:40]!r}")


def ends_with_a_request_under_way(binary, count, part):
    """`part` of the request is there when the signal comes, and the rest some time later."""
    batches = [batch_of(900_000 if count > 1 else 20_000) for _ in range(count)]
    with broker.Plimsoll(binary, *broker.FLAGS, "--partitions", "4") as server:
        with Wire(server.kafka_port) as wire:
            make(wire, "under-way")
            request = produce("under-way", batches)
            first = int(part * len(request))
            wire.send(request[:first])
            time.sleep(0.3)
            begun = told_to_end(server)
            expect(not wire.receive(0.3) and not wire.ended, f"the connection was {wire.ended} in the midst of a request")
            wire.send(request[first:])
            number, body = answer(wire)
            expect(number == 7, f"an answer to {number}")
            expect_stored(body, "under-way", count)
            expect_close(wire)
        took = expect_end(server, begun, SOON_S)
        print(f"        {len(request)} bytes, {first} of them before the signal: ended after {took:.2f} s")
        expect_kept(server, "under-way", batches)


def a_large_produce_on_its_way_in_is_answered(binary):
    for part in (0.1, 0.5, 0.999):
        ends_with_a_request_under_way(binary, WHOLE, part)


def a_small_one_is_too(binary):
    ends_with_a_request_under_way(binary, SMALL, 0.5)
    ends_with_a_request_under_way(binary, SMALL, 3 / 20_000)  # not even its length is whole


def who_never_goes_on_is_not_waited_for_longer_than_promised(binary):
    with broker.Plimsoll(binary, *broker.FLAGS, "--partitions", "4") as server:
        wires = [Wire(server.kafka_port) for _ in range(3)]
        request = produce("never", [batch_of(900_000)] * WHOLE)
        for wire, size in zip(wires, (2, 1000, len(request) // 2)):
            wire.send(request[:size])
        time.sleep(0.3)
        begun = told_to_end(server)
        took = expect_end(server, begun, DRAINS_S + SLACK_S)
        expect(took > DRAINS_S / 2, f"it ended after {took:.1f} s, and did not wait for anybody")
        for wire in wires:
            wire.read_to_end()
            wire.close()


def a_produce_that_waits_for_the_disk_is_answered(binary):
    batches = [batch_of(20_000)]
    untraced = {"LSAN_OPTIONS": "detect_leaks=0"}  # the leak check would trace what strace does already
    with (broker.Plimsoll(binary, *broker.FLAGS, "--fsync", "always", env=untraced) as server,
          Wire(server.kafka_port) as wire):
        make(wire, "disk")
        with slow_syncs(server) as tracer:
            begun_sync = time.monotonic()
            wire.send(produce("disk", batches))
            expect(not wire.receive(0.5), "it was answered before the disk had it: is it the disk that is slow?")
            begun = told_to_end(server)
            number, body = answer(wire)
            expect(number == 7 and time.monotonic() - begun_sync > SYNC_S * 0.9, "it was not the sync's end that answered")
            expect_stored(body, "disk", 1)
            expect_close(wire)
            # Each sync is slow now, that of the clean end among them.
            took = expect_end(server, begun, DRAINS_S + SLACK_S + 3 * SYNC_S)
            tracer.wait(kit.PATIENCE)
        print(f"        ended after {took:.2f} s, with syncs of {SYNC_S} s")
        expect_kept(server, "disk", batches)


def slow_syncs(server):
    """strace makes each sync wait at its beginning."""
    try:
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e",
                                   f"inject=fsync,fdatasync:delay_enter={SYNC_S * 1_000_000}", "-o", server.path("trace"),
                                   "-p", str(server.pid)], stderr=subprocess.PIPE, preexec_fn=kit.dies_with_us())
    except FileNotFoundError:
        kit.skip("no strace")
    time.sleep(0.5)
    expect(tracer.poll() is None, f"strace does not trace here: {tracer.stderr.read() if tracer.poll() else b''}")
    return tracer


def a_fetch_that_waits_for_records_ends_at_once(binary):
    with broker.Plimsoll(binary, *broker.FLAGS) as server:
        wires = [Wire(server.kafka_port) for _ in range(20)]
        make(wires[0], "waits")
        for wire in wires[:-1]:  # and the last is at rest
            wire.send(fetch("waits", 60_000))
        expect(not wires[0].receive(0.3), "the fetch did not wait")
        begun = told_to_end(server)
        for wire in wires:
            wire.read_to_end(SOON_S)
            expect(wire.ended == "closed", f"the connection was {wire.ended}")
            if wire.buffer:
                expect(answer(wire)[0] == 8 and not wire.buffer, "it was closed in the midst of an answer")
            wire.close()
        took = expect_end(server, begun, SOON_S)
        print(f"        19 fetches of 60 s, one connection at rest: ended after {took:.2f} s")


def a_reader_gets_all_of_the_answer_that_it_reads(binary):
    """8 MiB are on their way out to somebody who begins to read only after the signal."""
    batches = [batch_of(1_000_000)]
    with broker.Plimsoll(binary, *broker.FLAGS) as server, Wire(server.kafka_port) as wire:
        make(wire, "out")
        for _ in range(8):
            wire.send(produce("out", batches))
            answer(wire)
        wire.send(fetch("out", 0))
        time.sleep(0.3)
        begun = told_to_end(server)
        number, body = answer(wire)
        expect(number == 8 and body.count(batches[0][100:]) == 8, f"{len(body)} bytes came of the answer to {number}")
        expect_close(wire)
        expect_end(server, begun, SOON_S + SLACK_S)


CASES = (a_large_produce_on_its_way_in_is_answered, a_small_one_is_too,
         who_never_goes_on_is_not_waited_for_longer_than_promised, a_produce_that_waits_for_the_disk_is_answered,
         a_fetch_that_waits_for_records_ends_at_once, a_reader_gets_all_of_the_answer_that_it_reads)


def main():
    chosen = broker.arguments(__doc__).parse_args()

    def case(run):
        def call():
            run(chosen.plimsoll)

        call.__name__ = run.__name__
        return call

    kit.run_cases([case(run) for run in CASES], chosen.only)


if __name__ == "__main__":
    main()
