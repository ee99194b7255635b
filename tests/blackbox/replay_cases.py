#!/usr/bin/env python3
"""A trace over RESP hits as often as `plimsoll sim` says: the simulation is of the server that serves.

Each request is a GET, and a SET where it found nothing. What the server decides by is what a record
weighs, so where bytes are bounded the simulation gets a trace with those weights for sizes.

By hand, on a recorded trace: replay_cases.py --trace web.csv.zst --capacity 1%,10% --policy lru,adaptive
(of the keys there are; `--basis bytes`: of their sizes).
"""

import json
import os
import random
import socket
import subprocess
import tempfile

import kit
from kit import LOOPBACK, Plimsoll, expect

WITHIN = 0.001  # of the requests
# A server draws anew which keys share a shard and a ghost's two bytes, and adaptive amplifies that: the simulation itself,
# with twelve seeds, spreads by 0.2 to 0.6 thousandths (standard deviation), and its extremes are up to 2 apart.
WITHIN_ADAPTIVE = 0.002
KEY = b"k%019d"
INDEX_SHARE = 8  # what MEMORY USAGE adds for the index
CAPACITY_OF_LINE = "512MiB"
POLICIES = ("lru", "lfu", "fifo", "adaptive")
OPTIONS = None  # set by main


def made_trace(seed, requests, sizes):
    """Hot keys that change, a loop and a scan: (key, size) each; a key's size is its own."""
    rng = random.Random(seed)
    size_of = {}
    trace = []
    scanned = 10**6
    for i in range(requests):
        kind = rng.random()
        if kind < 0.75:
            key = int(rng.paretovariate(0.9)) % 20000 + i // (requests // 3) * 100
        elif kind < 0.9:
            key = 10**5 + i % 1500
        else:
            key = scanned = scanned + 1
        trace.append((key, size_of.setdefault(key, rng.choice(sizes))))
    return trace


def read_trace(path):
    command = ["zstdcat", "--long=27", path] if path.endswith(".zst") else ["cat", path]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines()
    return [tuple(int(word) for word in line.split(",")[:2]) for line in lines[1:]]


def record_weights(server, value_sizes):
    """What a record with a value of each size weighs in that server."""
    weights = {}
    with server.connect() as client:
        for size in value_sizes:
            client.command("SET", KEY % 0, b"v" * size)
            weights[size] = client.command("MEMORY", "USAGE", KEY % 0) - INDEX_SHARE
        client.command("FLUSHALL")
    return weights


def replay(server, trace):
    """Hits. Plainly written, as it makes two round trips for a miss."""
    values = {size: b"$%d\r\n%b\r\n" % (size, b"v" * size) for size in {size for _, size in trace}}
    hits = 0
    with socket.create_connection((LOOPBACK, server.resp_port), timeout=kit.PATIENCE) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, size in trace:
            key = b"$20\r\n" + KEY % number + b"\r\n"
            wire.sendall(b"*2\r\n$3\r\nGET\r\n" + key)
            answer = wire.recv(1 << 16)
            if answer != b"$-1\r\n":
                hits += 1
                whole = len(b"$%d\r\n" % size) + size + 2
                while len(answer) < whole:
                    answer += wire.recv(1 << 16)
                continue
            wire.sendall(b"*3\r\n$3\r\nSET\r\n" + key + values[size])
            expect(wire.recv(1 << 16) == b"+OK\r\n", "a SET was refused")
    return hits


def simulated(trace, flags):
    """(hits, shards) as `plimsoll sim` tells."""
    with tempfile.TemporaryDirectory(prefix="plimsoll-test-") as folder:
        path = os.path.join(folder, "trace.csv")
        with open(path, "w", encoding="ascii") as file:
            file.write("key,size\n" + "".join(f"{key},{size}\n" for key, size in trace))
        code, out, err = kit.run([OPTIONS.plimsoll, "sim", path, "--json", *flags], seconds=120)
    expect(code == 0, f"sim ended with {code}: {err}")
    told = json.loads(out)
    return round((1 - told["object_miss_ratio"]) * told["requests"]), told["shards"]


def compare(trace, policy, basis, capacity, shards=None, within=WITHIN):
    """The same requests to both; answers a line about it."""
    flags = ["--policy", policy, "--line", CAPACITY_OF_LINE]
    if basis == "objects":
        trace = [(key, 8) for key, _ in trace]
        flags += ["--cache-items", str(capacity)]
    else:
        flags += ["--cache-size", str(capacity)]
    if shards:
        flags += ["--cache-shards", str(shards)]
    with Plimsoll(OPTIONS.plimsoll, *flags) as server:
        if basis == "bytes":
            with Plimsoll(OPTIONS.plimsoll, "--line", CAPACITY_OF_LINE) as probe:  # with nothing learned in the other
                weights = record_weights(probe, {size for _, size in trace})
            weighed = [(key, weights[size]) for key, size in trace]
        else:
            weighed = trace
        hits = replay(server, trace)
    told, used = simulated(weighed, ["--policy", policy, "--basis", basis, "--capacity", str(capacity)]
                           + (["--shards", str(shards)] if shards else []))
    line = (f"{policy} {basis} {capacity}, {used} shards: {hits / len(trace):.5f} over RESP, "
            f"{told / len(trace):.5f} simulated")
    expect(abs(hits - told) <= within * len(trace), line)
    return line


def bounded_by_items():
    trace = made_trace(1, 25000, [8])
    for policy in POLICIES:
        within = WITHIN_ADAPTIVE if policy == "adaptive" else WITHIN
        print(compare(trace, policy, "objects", 137, within=within))


def bounded_by_items_in_many_shards():
    # What falls into which shard is drawn anew by every server: among few items, that alone is a thousandth.
    trace = made_trace(2, 25000, [8])
    print(compare(trace, "lru", "objects", 2100, within=0.003))
    print(compare(trace, "adaptive", "objects", 2100, within=0.003))


def bounded_by_bytes():
    trace = made_trace(3, 20000, [20, 100, 500, 2000])
    for policy in POLICIES:
        within = WITHIN_ADAPTIVE if policy == "adaptive" else WITHIN
        print(compare(trace, policy, "bytes", 200_000, shards=1, within=within))


def by_hand(path, basis, capacities, policies):
    trace = read_trace(path)
    sizes = dict(trace)
    whole = len(sizes) if basis == "objects" else sum(sizes.values())
    for policy in policies:
        for text in capacities:
            share = float(text.rstrip("%")) / 100
            try:
                print(compare(trace, policy, basis, int(whole * share), 1 if basis == "bytes" else None),
                      flush=True)
            except kit.Failure as failure:
                print(f"apart: {failure}", flush=True)


def main():
    global OPTIONS
    parser = kit.arguments(__doc__)
    parser.add_argument("--trace", help="by hand, on this one")
    parser.add_argument("--basis", default="objects", choices=("objects", "bytes"))
    parser.add_argument("--capacity", default="1%,10%")
    parser.add_argument("--policy", default="lru,adaptive")
    OPTIONS = parser.parse_args()
    if OPTIONS.trace:
        by_hand(OPTIONS.trace, OPTIONS.basis, OPTIONS.capacity.split(","), OPTIONS.policy.split(","))
        return
    kit.run_cases([bounded_by_items, bounded_by_items_in_many_shards, bounded_by_bytes])


if __name__ == "__main__":
    main()
