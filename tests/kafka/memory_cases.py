#!/usr/bin/python3
"""What the broker's clients cost in memory, and that records pass it by: stalled frames, idle connections, partitions,
a gigabyte that streams through, sendfile seen from outside, and a restart with much on the disk.
"""

import os
import re
import resource
import signal
import socket
import struct
import subprocess
import time

import broker
import kit
from kit import expect

try:
    from kafka.admin import KafkaAdminClient, NewTopic
    from kafka.record import MemoryRecordsBuilder
except ImportError:
    kit.skip("no python3-kafka")

MIB = 1 << 20
SETTLE_S = 0.5  # for the governor to look again


def anonymous(server):
    return kit.memory_of(server.pid)["anonymous"]


def connect(server):
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), kit.PATIENCE)


def frame(key, version, body):
    head = struct.pack(">hhih", key, version, 7, 2) + b"me"
    return struct.pack(">i", len(head) + len(body)) + head + body


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def produce_request(topic, partition, batch, acks=1):
    return frame(0, 3, struct.pack(">hhii", -1, acks, 30000, 1) + string(topic)
                 + struct.pack(">iii", 1, partition, len(batch)) + batch)


def fetch_request(topic, partition, offset, most):
    return frame(1, 4, struct.pack(">iiiibi", -1, 500, 1, most, 0, 1) + string(topic)
                 + struct.pack(">iiqi", 1, partition, offset, most))


def read_reply(wire):
    head = read_exactly(wire, 4)
    return read_exactly(wire, struct.unpack(">i", head)[0])


def read_exactly(wire, size):
    data = bytearray()
    while len(data) < size:
        part = wire.recv(min(size - len(data), MIB))
        expect(part, f"the connection ended after {len(data)} of {size} bytes")
        data += part
    return bytes(data)


def make_batch(size):
    """One batch of about that size, of values of 1 KiB: the same bytes may be sent again and again."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=size)
    while builder.append(timestamp=None, key=None, value=os.urandom(512) + b"x" * 512):
        pass
    builder.close()
    return bytes(builder.buffer())


def create(server, topic, partitions):
    admin = KafkaAdminClient(bootstrap_servers=server.address, request_timeout_ms=60000)
    admin.create_topics([NewTopic(topic, partitions, 1)])
    admin.close()


def metric(server, name):
    found = re.search(rf"^plimsoll_{name} (\S+)$", kit.http_get(server.http_port, "/metrics").text, re.MULTILINE)
    expect(found, f"no metric {name}")
    return float(found[1])


def raise_descriptors(wanted):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        kit.skip(f"{wanted} descriptors are not to be had here: the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def announced_and_not_sent(server):
    """300 clients announce 100 MiB each, and send a little: they cost at most 8 MiB together."""
    for line in ("64MiB", "1GiB"):
        with broker.Plimsoll(server.binary, "--line", line) as fresh:
            before = anonymous(fresh)
            wires = [connect(fresh) for _ in range(300)]
            for wire in wires:
                wire.sendall(struct.pack(">i", 100 * MIB) + b"\0\0\0\3" + b"x" * 60000)
            time.sleep(2 * SETTLE_S)
            grown = anonymous(fresh) - before
            expect(grown <= 8 * MIB, f"at a line of {line} they cost {grown / MIB:.1f} MiB")
            # Whoever comes now is served all the same.
            with connect(fresh) as calm:
                calm.sendall(frame(18, 0, b""))
                expect(len(read_reply(calm)) > 50, "no answer to ApiVersions")
            for wire in wires:
                wire.close()


def small_frames_that_do_not_end(server):
    """3,000 clients each send nearly all of 16 KiB: more than the line has, so that some are closed and it is kept to."""
    raise_descriptors(3500)
    with broker.Plimsoll(server.binary, "--line", "64MiB") as fresh:
        wires = [connect(fresh) for _ in range(3000)]
        for wire in wires:
            wire.setblocking(False)
            try:
                wire.send(struct.pack(">i", 16300) + b"\0" * 15900)
            except OSError:  # closed already
                pass
        time.sleep(2 * SETTLE_S)
        held = anonymous(fresh)
        expect(held <= 32 * MIB, f"they hold {held / MIB:.1f} MiB")
        for wire in wires:
            wire.close()
        kit.wait_until(lambda: fresh.status()["connections"]["kafka"] == 0, "all of them to be gone")
        with connect(fresh) as calm:
            calm.sendall(frame(18, 0, b""))
            expect(len(read_reply(calm)) > 50, "no answer to ApiVersions")


def idle_connections(server):
    """10,000 idle connections cost at most 20 MiB of user memory."""
    count = 10000
    raise_descriptors(count + 500)
    with broker.Plimsoll(server.binary) as fresh:
        with connect(fresh) as first:
            first.sendall(frame(18, 0, b""))
            read_reply(first)
        before = anonymous(fresh)
        wires = []
        for _ in range(count):
            wire = connect(fresh)
            wire.sendall(frame(18, 0, b""))
            wires.append(wire)
        for wire in wires:
            read_reply(wire)
        time.sleep(SETTLE_S)
        grown = anonymous(fresh) - before
        expect(fresh.status()["connections"]["kafka"] == count, "not all were let in")
        print(f"  {count} idle connections: {grown / count:.0f} bytes of user memory each")
        expect(grown <= 20 * MIB, f"they cost {grown / MIB:.1f} MiB")
        for wire in wires:
            wire.close()


def many_partitions(server):
    """10,000 partitions cost at most 20 MiB of user memory, 1,000 of them written to."""
    batch = make_batch(2000)
    with broker.Plimsoll(server.binary) as fresh:
        before = anonymous(fresh)
        for number in range(10):
            create(fresh, f"many-{number}", 1000)
        with connect(fresh) as wire:
            for partition in range(1000):
                wire.sendall(produce_request("many-3", partition, batch))
                read_reply(wire)
        time.sleep(SETTLE_S)
        grown = anonymous(fresh) - before
        print(f"  10,000 partitions: {grown / 10000:.0f} bytes of user memory each")
        expect(grown <= 20 * MIB, f"they cost {grown / MIB:.1f} MiB")


def a_gigabyte_streams(server):
    """A gigabyte goes in and out: the heap stays as it is, and what goes out goes by sendfile."""
    topic = broker.fresh("stream")
    create(server, topic, 1)
    batch = make_batch(MIB - 200)
    times = 1024 * MIB // len(batch)
    with connect(server) as wire:
        for _ in range(8):
            wire.sendall(produce_request(topic, 0, batch))
            read_reply(wire)
        low = high = anonymous(server)
        for number in range(times - 8):
            wire.sendall(produce_request(topic, 0, batch))
            read_reply(wire)
            if number % 64 == 0:
                low, high = min(low, anonymous(server)), max(high, anonymous(server))
        copied = metric(server, "sent_bytes_total") - metric(server, "sent_from_files_bytes_total")
        position, got = 0, 0
        records = struct.unpack(">i", batch[57:61])[0]
        while got < times * len(batch):
            wire.sendall(fetch_request(topic, 0, position, 16 * MIB))
            data = read_reply(wire)
            whole = (len(data) - 60) // len(batch)
            expect(whole > 0, f"only {len(data)} bytes at {position}")
            position += whole * records
            got += whole * len(batch)
            low, high = min(low, anonymous(server)), max(high, anonymous(server))
        copied = metric(server, "sent_bytes_total") - metric(server, "sent_from_files_bytes_total") - copied
    print(f"  the heap moved by {(high - low) / MIB:.1f} MiB; {copied / got:.4%} of what went out was copied")
    expect(high - low <= 6 * MIB, f"the heap moved by {(high - low) / MIB:.1f} MiB")
    expect(copied <= got / 1000, f"{copied:.0f} bytes of {got} were copied through user memory")


def seen_by_strace(server):
    """The kernel's own witness: large fetches leave by sendfile, and no other call carries their bytes."""
    topic = broker.fresh("traced")
    create(server, topic, 1)
    batch = make_batch(MIB - 200)
    trace = server.path("trace")
    with connect(server) as wire:
        for _ in range(32):
            wire.sendall(produce_request(topic, 0, batch))
            read_reply(wire)
        try:
            tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=sendfile,sendmsg,sendto,write,writev,pread64",
                                       "-o", trace, "-p", str(server.pid)], stderr=subprocess.PIPE)
        except FileNotFoundError:
            kit.skip("no strace")
        time.sleep(SETTLE_S)
        expect(tracer.poll() is None, f"strace does not trace here: {tracer.stderr.read() if tracer.poll() else b''}")
        wire.sendall(fetch_request(topic, 0, 0, 16 * MIB))
        size = len(read_reply(wire))
        tracer.send_signal(signal.SIGINT)
        tracer.wait(kit.PATIENCE)
    expect(size > 15 * MIB, f"only {size} bytes came")
    with open(trace, encoding="ascii", errors="replace") as file:
        calls = re.findall(r"(\w+)\(.*\) = (\d+)\s*$", file.read(), re.MULTILINE)
    by_call = {}
    for name, result in calls:
        by_call[name] = by_call.get(name, 0) + int(result)
    print(f"  {by_call}")
    others = sum(moved for name, moved in by_call.items() if name != "sendfile")
    expect(by_call.get("sendfile", 0) > 15 * MIB, f"sendfile moved {by_call.get('sendfile', 0)} of {size} bytes")
    expect(others < MIB, f"other calls moved {others} bytes: {by_call}")


def restart_with_much(server, gigabytes=1):
    """Killed with 1,000 partitions and much on the disk, it answers again within a second."""
    batch = make_batch(MIB - 200)
    with broker.Plimsoll(server.binary) as fresh:
        create(fresh, "much", 1000)
        with connect(fresh) as wire:
            for number in range(gigabytes * 1024):
                wire.sendall(produce_request("much", number % 1000, batch))
                read_reply(wire)
        os.kill(fresh.pid, signal.SIGKILL)
        fresh.process.wait()
        begun = time.monotonic()
        fresh.start()
        with connect(fresh) as wire:
            wire.sendall(fetch_request("much", 1, 0, MIB))
            expect(len(read_reply(wire)) > MIB // 2, "what was written is not there")
        took = time.monotonic() - begun
        print(f"  {gigabytes} GiB in 1,000 partitions: listening and read from after {took:.2f} s")
        expect(took < 1, f"it took {took:.2f} s")


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--gigabytes", type=int, default=1, help="on the disk when it is killed")
    chosen = parser.parse_args()
    with broker.Plimsoll(chosen.plimsoll) as server:
        server.binary = chosen.plimsoll

        def case(run, *more):
            def call():
                run(server, *more)

            call.__name__ = run.__name__
            return call

        cases = [case(run) for run in (announced_and_not_sent, small_frames_that_do_not_end, idle_connections,
                                       many_partitions, a_gigabyte_streams, seen_by_strace)]
        kit.run_cases([*cases, case(restart_with_much, chosen.gigabytes)], chosen.only, server)


if __name__ == "__main__":
    main()
