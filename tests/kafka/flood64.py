#!/usr/bin/python3
"""The broker in a memory cgroup of 64 MiB, flooded: not killed, nothing acknowledged lost, and the calm are served.

Eight producers write as fast as they are answered; 200 connections idle; four readers ask for megabytes and never
read them; the cache is used beside it. Meanwhile a calm client writes and reads one small message after the other,
and what it waits is what a user would wait.
"""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import broker
import kit
from kit import expect

try:
    from kafka.admin import KafkaAdminClient, NewTopic
    from kafka.protocol.admin import ApiVersionRequest
    from kafka.protocol.api import RequestHeader
    from kafka.protocol.fetch import FetchRequest
except ImportError:
    kit.skip("no python3-kafka")

LIMIT = "64MiB"
PRODUCERS, IDLE, STALLED = 8, 200, 4
CALM_P99_MS = 50
# What is kept of a partition: ten minutes of eight floods would fill a disk.
TOPIC_SETTINGS = {"retention.bytes": str(256 << 20), "segment.bytes": str(32 << 20), "file.delete.delay.ms": "1000"}
FLOOD, CALM = broker.fresh("flood"), broker.fresh("calm")
FETCH_BYTES = 50 << 20


class Grouped(broker.Plimsoll):
    """The server in a cgroup of its own; its process is the child of the program that made the cgroup."""

    def __init__(self, cage, binary, *flags, limit=LIMIT):
        self.cage, self.limit = cage, limit
        super().__init__(binary, *flags)  # the flood: with no setting but its ports, as it must find the limit itself

    def start(self):
        if self.command[0] != self.cage:
            self.command = [self.cage, self.limit, *self.command]
        super().start()

    def await_ready(self):
        kit.wait_until(lambda: not self.is_alive() or self.is_ready(), f"{self.name} to be ready")
        if self.process.poll() == kit.SKIPPED:
            kit.skip(self.said().strip().removeprefix("skipped: "))
        expect(self.is_alive(), self.last_words())

    def figure(self, name):
        found = re.search(rf"^{name}: (-?\d+)$", self.said(), re.MULTILINE)
        expect(found, f"no line `{name}: N` in {self.said()[-500:]!r}")
        return int(found[1])

    @property
    def pid(self):
        return self.figure("pid")

    def end(self):
        """Asks first, so that the cgroup is removed."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=kit.PATIENCE)
            except subprocess.TimeoutExpired:
                os.kill(self.pid, signal.SIGKILL)
                self.process.wait(timeout=kit.PATIENCE)
        super().end()


# --- the crowd ------------------------------------------------------------------------------------------------


def framed(request, number):
    header = RequestHeader(request, correlation_id=number, client_id="crowd")  # named: the package holds it weakly
    body = header.encode() + request.encode()
    return struct.pack(">i", len(body)) + body


def idle_connection(address):
    """A connection that has asked one thing, been answered, and says no more."""
    host, _, port = address.rpartition(":")
    wire = socket.create_connection((host, int(port)), timeout=kit.PATIENCE)
    wire.sendall(framed(ApiVersionRequest[0](), 1))
    expect(len(wire.recv(4)) == 4, "an idle connection was not answered")
    return wire


def stalled_reader(address, partition):
    """A connection that has asked for much more than sockets hold, three times over, and reads none of it."""
    host, _, port = address.rpartition(":")
    wire = socket.create_connection((host, int(port)), timeout=kit.PATIENCE)
    for number in range(3):
        wanted = [(FLOOD, [(partition, 0, FETCH_BYTES)])]
        wire.sendall(framed(FetchRequest[4](-1, 100, 1, FETCH_BYTES, 0, wanted), number))
    return wire


class CacheTraffic(threading.Thread):
    """Sets and gets through RESP at a steady pace; every value that comes back is checked."""

    def __init__(self, server):
        super().__init__(name="cache", daemon=True)
        self.server, self.ended = server, threading.Event()
        self.waits, self.refused, self.fault = [], 0, None

    def run(self):
        try:
            with self.server.connect() as client:
                number = 0
                while not self.ended.wait(0.01):
                    self.turn(client, number)
                    number += 1
        except (kit.Failure, OSError) as fault:
            self.fault = fault

    def turn(self, client, number):
        key, value = f"key{number % 5000}", f"{number % 5000} " * 50
        begun = time.monotonic()
        wrote = client.command("set", key, value)
        read = client.command("get", key)
        self.waits.append(1000 * (time.monotonic() - begun))
        # A refusal is an answer; another value is not.
        self.refused += isinstance(wrote, kit.Error)
        expect(read is None or isinstance(read, kit.Error) or read == value.encode(), f"{key} has another value")

    def finish(self):
        self.ended.set()
        self.join(kit.PATIENCE)
        expect(self.fault is None, f"the cache beside it: {self.fault}")
        expect(self.waits, "the cache was never asked")
        return sorted(self.waits)[int(0.99 * (len(self.waits) - 1))]


def flood_client(program, *words):
    command = [program, *(str(word) for word in words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            preexec_fn=kit.dies_with_us())


def told_by(client, seconds):
    """The JSON object that a flood client prints at its end."""
    try:
        out, _ = client.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        client.kill()
        raise kit.Failure(f"{' '.join(client.args)}: not done after {seconds:.0f} s") from None
    expect(client.returncode == 0, f"{' '.join(client.args)}: {client.returncode}: {out[-500:]}")
    return json.loads(out)


# --- the flood ------------------------------------------------------------------------------------------------


def make_topics(address):
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(FLOOD, PRODUCERS, 1, topic_configs=TOPIC_SETTINGS), NewTopic(CALM, 1, 1)],
                        timeout_ms=10000)
    admin.close()


def watch(server, until):
    """Waits, and answers the most anonymous memory that was seen."""
    most = 0
    while time.monotonic() < until:
        if not server.is_alive():
            raise kit.Failure(f"the server was killed: {server.last_words()}")
        if not isinstance(server, broker.Foreign):
            most = max(most, kit.memory_of(server.pid)["anonymous"])
        time.sleep(0.5)
    return most


def flood(server, program, seconds):
    address = server.address
    make_topics(address)
    crowd = [idle_connection(address) for _ in range(IDLE)]
    # Something must be there before anybody stalls on it.
    writers = [flood_client(program, "write", address, FLOOD, number, seconds) for number in range(PRODUCERS)]
    cache = CacheTraffic(server) if hasattr(server, "resp_port") and server.resp_port else None
    if cache:
        cache.start()
    time.sleep(2)
    crowd += [stalled_reader(address, number) for number in range(STALLED)]
    calm = flood_client(program, "calm", address, CALM, max(1, seconds - 4))
    most = watch(server, time.monotonic() + seconds - 2)
    late = kit.Deadline(100)  # the clients' own last words take 60 s at most
    waits = told_by(calm, late.left())
    floods = [told_by(writer, late.left()) for writer in writers]
    cache_p99 = cache.finish() if cache else 0.0
    for wire in crowd:
        wire.close()
    kept = [told_by(flood_client(program, "check", address, FLOOD, number, each["confirmed"]), 60)
            for number, each in enumerate(floods)]
    report(floods, kept, waits, cache_p99, most, seconds)
    judge(floods, waits)


def report(floods, kept, waits, cache_p99, most, seconds):
    confirmed = sum(each["confirmed"] for each in floods)
    print(f"{confirmed} messages confirmed, {confirmed / seconds / 1024:.0f} MiB/s; "
          f"{sum(each['count'] for each in kept)} kept and checked")
    for what, each in waits.items():
        print(f"calm, {what}: {each['count']} times, p50 {each['p50']} ms, p99 {each['p99']} ms, max {each['max']} ms")
    print(f"cache p99 {cache_p99:.1f} ms; anonymous memory at most {most / (1 << 20):.1f} MiB", flush=True)


def judge(floods, waits):
    for number, each in enumerate(floods):
        expect(each["failed"] == 0, f"producer {number}: {each['failed']} failed, first: {each['error']}")
        expect(each["misplaced"] == 0, f"producer {number}: {each['misplaced']} confirmed where they cannot be")
        expect(each["answered"] and each["confirmed"] == each["sent"], f"producer {number} was left waiting: {each}")
        expect(each["confirmed"] > 0, f"producer {number} was starved")
    for what, each in waits.items():
        expect(each["count"] > 0 and each["p99"] < CALM_P99_MS, f"calm, {what}: p99 {each['p99']} ms")


def end_well(server):
    server.signal(signal.SIGTERM)
    code = server.exit_code(60)
    expect(server.figure("oom_kills") == 0, f"the kernel killed {server.figure('oom_kills')} times")
    expect(code == 0, server.last_words())
    print(f"the cgroup's peak was {server.figure('peak') / (1 << 20):.1f} MiB of {server.limit}")


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--programs", required=True, metavar="FOLDER",
                        help="where kafka_flood_client and kafka_in_cgroup are built")
    parser.add_argument("--seconds", type=int, default=120)
    chosen = parser.parse_args()
    program = os.path.join(chosen.programs, "kafka_flood_client")
    if not os.access(program, os.X_OK):
        kit.skip(f"no {program}")
    ours = not (chosen.bootstrap or chosen.apache)
    with (Grouped(os.path.join(chosen.programs, "kafka_in_cgroup"), chosen.plimsoll) if ours
          else broker.started(chosen)) as server:
        def not_killed_and_nothing_lost(_):
            flood(server, program, chosen.seconds)
            if ours:
                end_well(server)
        try:
            broker.on(server, not_killed_and_nothing_lost)()
        except kit.Failure as failure:
            raise SystemExit(f"FAILED  {failure}") from None
    print("ok")


if __name__ == "__main__":
    main()
