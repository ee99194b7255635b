#!/usr/bin/python3
"""kill -9 in mid-flow, twenty times: all that was acknowledged is there, each message once, in every producer's order.

Two idempotent producers live through all of it, so that the broker has to know their numbers again after each start;
a third is new in each round. They share partition 0 and have one each. What a process that is killed could leave
behind lies beyond the end of some active segments when the server starts again: zeroes, noise, a length that lies,
half a batch, a batch whose checksum is wrong. A reader goes on through it all, and must see the log as it ends up.
"""

import glob
import os
import random
import re
import signal
import struct
import time

import broker
import kit
from kit import expect

try:
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
    from confluent_kafka.admin import AdminClient, NewTopic
except ImportError:
    kit.skip("no python3-confluent-kafka")

TOPIC = "kill-nine"
SHARED = 0  # the partition of all producers
PARTITIONS = 4
SEGMENT_BYTES = 1 << 20
HEADER = 61
WAIT = 60.0


# --- the server -----------------------------------------------------------------------------------------------


class Plimsoll(broker.Plimsoll):
    def folder_of(self, partition):
        return self.path(os.path.join("data", "topics", TOPIC, str(partition)))

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=kit.PATIENCE)


class Apache(broker.Apache):
    """The same with Apache Kafka, which shows that the test asks for nothing unheard of."""

    def folder_of(self, partition):
        return self.path(os.path.join("data", "log", f"{TOPIC}-{partition}"))

    def kill(self):
        os.kill(int(re.search(r"^pid: (\d+)$", self.said(), re.MULTILINE)[1]), signal.SIGKILL)
        self.process.wait(timeout=kit.PATIENCE)


def active_segment(folder):
    segments = sorted(glob.glob(os.path.join(folder, "*.log")))
    expect(segments, f"no segments in {folder}")
    return segments[-1]


def last_batch(data):
    """(start, end) of the last whole batch, found by walking the lengths."""
    at, last = 0, None
    while at + HEADER <= len(data):
        end = at + 12 + struct.unpack_from(">i", data, at + 8)[0]
        if end > len(data) or end < at + HEADER:
            break
        at, last = end, (at, end)
    return last


def litter(kind, data, dice):
    """What is written beyond the end; never a batch that a broker may take for whole."""
    found = last_batch(data)
    if kind == "zeroes":
        return bytes(dice.randrange(1, 9000))
    if kind == "noise" or not found:
        return dice.randbytes(dice.randrange(1, 9000))
    batch = bytearray(data[found[0] : found[1]])
    base, = struct.unpack_from(">q", batch, 0)
    struct.pack_into(">q", batch, 0, base + struct.unpack_from(">i", batch, 23)[0] + 1)
    if kind == "half":
        return bytes(batch[: dice.randrange(1, len(batch))])
    if kind == "length":
        struct.pack_into(">i", batch, 8, dice.choice((0, -1, 0x7FFFFFFF, len(batch) * 2)))
        return bytes(batch)
    batch[dice.randrange(21, len(batch))] ^= 1 << dice.randrange(8)  # "checksum": one bit within what it covers
    return bytes(batch)


KINDS = ("zeroes", "noise", "half", "length", "checksum")


def tear(server, dice):
    """Litters one partition, and sometimes halves an index; says what it did."""
    partition, kind = dice.randrange(PARTITIONS), dice.choice(KINDS)
    path = active_segment(server.folder_of(partition))
    # Segments may be made as long as they will be, with zeroes at the end: litter goes where the batches end.
    with open(path, "r+b") as file:
        data = file.read()
        found = last_batch(data)
        file.seek(found[1] if found else 0)
        file.write(litter(kind, data, dice))
    told = f"{kind} in {partition}"
    indexes = [name for name in glob.glob(os.path.join(server.folder_of(partition), "*index"))
               if os.path.getsize(name)]
    if indexes and dice.random() < 0.5:
        name = dice.choice(sorted(indexes))
        os.truncate(name, os.path.getsize(name) // 2)
        told += f", half of {os.path.basename(name)}"
    return told


# --- the clients ----------------------------------------------------------------------------------------------


class Writer:
    """An idempotent producer; its messages say who sent them, where to, and which of its own they are."""

    def __init__(self, name, address, partitions):
        self.name, self.partitions = name, partitions
        self.sent = {partition: 0 for partition in partitions}
        self.acknowledged = {partition: {} for partition in partitions}  # number -> offset, where it was told
        self.failed = []
        self.producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, "acks": "all",
                                  "message.timeout.ms": 0, "linger.ms": 2, "batch.num.messages": 100,
                                  "reconnect.backoff.max.ms": 200, "queue.buffering.max.messages": 5000,
                                  "log_level": 0})

    def pump(self, count):
        for _ in range(count):
            for partition in self.partitions:
                number = self.sent[partition]
                value = f"{self.name} {partition} {number} ".encode() + b"x" * (number * 37 % 700)
                try:
                    self.producer.produce(TOPIC, value, partition=partition, on_delivery=self.told(partition, number))
                except BufferError:
                    continue
                self.sent[partition] += 1
        self.producer.poll(0)

    def told(self, partition, number):
        def delivered(error, message):
            if error:
                self.failed.append(f"{self.name} {partition} {number}: {error}")
            else:
                self.acknowledged[partition][number] = message.offset()
        return delivered

    def finish(self):
        left = self.producer.flush(WAIT)
        expect(left == 0, f"{self.name}: {left} messages were not answered in {WAIT:g} s")
        expect(not self.failed, f"{self.name}: {len(self.failed)} failed, first: {self.failed[:1]}")

    def under_way(self):
        return len(self.producer)


class Follower:
    """A reader that begins with the test and goes on through every kill."""

    def __init__(self, address, partition):
        self.reader = Consumer({"bootstrap.servers": address, "group.id": "unused", "enable.auto.commit": False,
                                "enable.partition.eof": True, "auto.offset.reset": "error", "log_level": 0,
                                "reconnect.backoff.max.ms": 200})
        self.reader.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING)])
        self.partition, self.seen, self.at_end = partition, [], False

    def read(self, seconds):
        for message in self.reader.consume(5000, seconds):
            if not message.error():
                self.seen.append((message.offset(), message.value()))
                self.at_end = False
            elif message.error().code() == KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                self.at_end = True
            elif not message.error().retriable() and message.error().code() not in (
                    KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):  # pylint: disable=protected-access
                raise KafkaException(message.error())

    def finish(self):
        self.at_end = False
        deadline = kit.Deadline(WAIT)
        while not self.at_end:
            expect(not deadline.passed(), f"no end of partition {self.partition} after {len(self.seen)}")
            self.read(0.5)
        self.reader.close()
        return self.seen


# --- the test -------------------------------------------------------------------------------------------------


def make_topic(address):
    client = AdminClient({"bootstrap.servers": address})
    topic = NewTopic(TOPIC, PARTITIONS, 1, config={"segment.bytes": str(SEGMENT_BYTES)})
    client.create_topics([topic], operation_timeout=10)[TOPIC].result(WAIT)


def flow(writers, follower, seconds):
    deadline = kit.Deadline(seconds)
    while not deadline.passed():
        for writer in writers:
            writer.pump(20)
        follower.read(0.002)


def check_partition(partition, log, writers):
    """`log` is [(offset, value)] of the whole partition."""
    at_offset = dict(log)
    broker.expect_same([offset for offset, _ in log], list(range(len(log))), f"offsets of {partition}")
    came = {}
    for _, value in log:
        name, home, number, _ = value.split(b" ", 3)
        expect(int(home) == partition, f"{value[:40]} lies in {partition}")
        came.setdefault(name.decode(), []).append(int(number))
    for writer in writers:
        if partition not in writer.sent:
            continue
        numbers = came.pop(writer.name, [])
        broker.expect_same(numbers, list(range(writer.sent[partition])), f"what {writer.name} sent to {partition}")
        for number, offset in writer.acknowledged[partition].items():
            wanted = f"{writer.name} {partition} {number} ".encode()
            expect(offset < 0 or at_offset[offset].startswith(wanted),
                   f"{wanted} was acknowledged at {offset}, where {at_offset.get(offset, b'nothing')[:40]} is")
    expect(not came, f"nobody sent {list(came)}")


def round_of(number, server, lasting, follower, dice):
    """One life of the server, which ends in mid-flow. Answers the producer that is new in it."""
    guest = Writer(f"guest{number}", server.address, (SHARED, 3))
    flow([*lasting, guest], follower, dice.uniform(0.3, 1.2))
    under_way = sum(each.under_way() for each in (*lasting, guest))
    server.kill()
    told = tear(server, dice) if number % 4 else "nothing torn"  # and some rounds as they are
    begun = time.monotonic()
    server.start()
    print(f"round {number:2}: {under_way} messages under way, {told}, back after {time.monotonic() - begun:.2f} s",
          flush=True)
    flow(lasting, follower, 0.2)
    guest.finish()
    return guest


def run(server, rounds, dice):
    make_topic(server.address)
    lasting = [Writer("first", server.address, (SHARED, 1)), Writer("second", server.address, (SHARED, 2))]
    follower = Follower(server.address, SHARED)
    guests = [round_of(number, server, lasting, follower, dice) for number in range(rounds)]
    for writer in lasting:
        writer.finish()
    server.kill()
    server.start()
    for partition in range(PARTITIONS):
        log = Follower(server.address, partition).finish()
        check_partition(partition, log, [*lasting, *guests])
        if partition == SHARED:
            broker.expect_same(follower.finish(), log, "what the reader saw through all of it")
        print(f"partition {partition}: {len(log)} messages, each once and in order", flush=True)


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with Apache(chosen.apache) if chosen.apache else Plimsoll(chosen.plimsoll, *broker.FLAGS) as server:
        case = broker.on(server, lambda _: run(server, chosen.rounds, random.Random(seed)))
        case.__name__ = f"kill_nine_{seed}"
        kit.run_cases([case], None, server)


if __name__ == "__main__":
    main()
