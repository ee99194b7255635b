#!/usr/bin/python3
"""The page cache that the log needs is not squeezed out by the cache: measured by what a reader makes the disk read.

In a memory cgroup with a full cache that is written to without end, a producer appends and a reader follows it at a
distance that what the cache has to leave to the log holds, and what it leaves by itself does not. With the guarantee the
reader's pages are there; with `--page-cache 0` they come from the disk again, which shows that the test can tell.
"""

import os
import random
import re
import struct
import threading
import time

import broker
import flood64
import kit
from draining import answer, batch_of, frame, make, produce, string
from kit import RespClient, Wire, expect

MIB = 1 << 20
LIMIT = "256MiB"  # the line is 246 MiB, an eighth of it 31 MiB
BEHIND = 9 * MIB  # that the reader follows at
FURTHER_BEHIND = 22 * MIB  # more than is kept behind the writer when nobody reads, less than the guarantee
BATCH = 500_000
WARM_S, MEASURED_S = 10, 15
RATE = 12 * MIB  # a second, so that slow disks are not what is measured
VALUE = b"v" * 4000


class FullCache(threading.Thread):
    """Fills the cache, then writes on: everything that memory gives would be taken."""

    def __init__(self, port, number):
        super().__init__(name="cache", daemon=True)
        self.port, self.number = port, number
        self.full, self.ended, self.fault = threading.Event(), threading.Event(), None

    def run(self):
        try:
            with RespClient(self.port) as client:
                written = 0
                while not self.ended.is_set():
                    client.pipeline([(b"set", b"%d:%d" % (self.number, random.randrange(200_000)), VALUE)
                                     for _ in range(100)])
                    written += 100 * len(VALUE)
                    if written > 300 * MIB:
                        self.full.set()
                        time.sleep(0.02)  # the machine is for others as well
        except (kit.Failure, OSError) as fault:
            self.fault = fault
            self.full.set()

    def finish(self):
        self.ended.set()
        self.join(kit.PATIENCE)
        expect(self.fault is None, f"the cache: {self.fault}")


def disk_reads(server):
    """What the process had the disk read, in bytes: sendfile's reads are its own."""
    with open(f"/proc/{server.pid}/io", encoding="ascii") as file:
        return int(re.search(r"^read_bytes: (\d+)$", file.read(), re.MULTILINE)[1])


def refaults(server):
    """Pages of files that came back after they had been taken."""
    folder = re.search(r"^cgroup: (\S+)$", server.said(), re.MULTILINE)[1]
    with open(os.path.join(folder, "memory.stat"), encoding="ascii") as file:
        found = re.search(r"^workingset_refault(?:_file)? (\d+)$", file.read(), re.MULTILINE)
    return int(found[1]) if found else 0


def fetch_at(topic, offset):
    return frame(1, 4, 8, struct.pack(">iiiibi", -1, 100, 1, BATCH + 10_000, 0, 1) + string(topic)
                 + struct.pack(">iiqi", 1, 0, offset, BATCH + 10_000))


class Follower:
    """A producer, and a reader that follows it: each step appends one batch and reads one."""

    def __init__(self, server, topic, behind):
        self.server, self.topic, self.behind = server, topic, behind
        self.batch = batch_of(BATCH)
        self.records = struct.unpack_from(">i", self.batch, 57)[0]
        self.written = self.read = 0

    def run(self, wire, seconds):
        begun, first = time.monotonic(), self.written
        while time.monotonic() - begun < seconds:
            wire.send(produce(self.topic, [self.batch]))
            answer(wire)
            self.written += 1
            while (self.written - self.read) * len(self.batch) > self.behind:
                wire.send(fetch_at(self.topic, self.read * self.records))
                expect(len(answer(wire)[1]) > len(self.batch), "the reader got less than a batch")
                self.read += 1
            ahead = (self.written - first) * len(self.batch) / RATE - (time.monotonic() - begun)
            time.sleep(max(0.0, ahead))


def share_from_disk(cage, binary, *flags, behind=BEHIND):
    """Of what the reader read while it was measured, what came from the disk."""
    with flood64.Grouped(cage, binary, *flags, limit=LIMIT) as server:
        caches = [FullCache(server.resp_port, number) for number in range(2)]
        for cache in caches:
            cache.start()
        for cache in caches:
            expect(cache.full.wait(60), "the cache was not filled in time")
        with Wire(server.kafka_port) as wire:
            make(wire, "followed")
            follower = Follower(server, "followed", behind)
            follower.run(wire, WARM_S)
            bytes_before, pages_before, read_before = disk_reads(server), refaults(server), follower.read
            follower.run(wire, MEASURED_S)
            from_disk = disk_reads(server) - bytes_before
            pages = refaults(server) - pages_before
            read = (follower.read - read_before) * len(follower.batch)
        status = server.status()
        for cache in caches:
            cache.finish()
        expect(read > 5 * behind, f"only {read / MIB:.0f} MiB were read")
        print(f"        {' '.join(flags) or 'as it is'}, {behind // MIB} MiB behind: {from_disk / MIB:.1f} of {read / MIB:.0f} MiB from the disk, "
              f"{pages} pages came back; {status['log']['page_cache_bytes'] / MIB:.1f} MiB of the log cached", flush=True)
        flood64.end_well(server)
    return from_disk / read


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--programs", required=True, metavar="FOLDER", help="where kafka_in_cgroup is built")
    chosen = parser.parse_args()
    cage = os.path.join(chosen.programs, "kafka_in_cgroup")

    def who_follows_reads_from_memory():
        share = share_from_disk(cage, chosen.plimsoll)
        expect(share < 0.01, f"{share:.1%} of what the reader read came from the disk")

    def who_follows_further_behind_does_too():
        share = share_from_disk(cage, chosen.plimsoll, behind=FURTHER_BEHIND)
        expect(share < 0.02, f"{share:.1%} of what the reader read came from the disk")

    def without_the_guarantee_it_comes_from_the_disk():
        share = share_from_disk(cage, chosen.plimsoll, "--page-cache", "0")
        expect(share > 0.25, f"only {share:.1%} came from the disk: the guarantee is not what is measured")

    kit.run_cases([who_follows_reads_from_memory, who_follows_further_behind_does_too,
                   without_the_guarantee_it_comes_from_the_disk], chosen.only)


if __name__ == "__main__":
    main()
