#!/usr/bin/env python3
"""A cache with a level below its memory: what it gives back is right or nothing, whatever becomes of the level."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))
import kit  # noqa: E402  pylint: disable=wrong-import-position
from kit import expect  # noqa: E402  pylint: disable=wrong-import-position

BINARY = None  # set by main
SIZE = 2000
KEYS = 150000  # 300 MB, in a line of 256 MiB
BATCH = 200


def value_of(key, version=0):
    """Bytes that no codec makes shorter."""
    return random.Random(key * 10 + version).randbytes(SIZE)


class Client(kit.RespClient):
    """Requests in batches."""

    def __init__(self, server):
        super().__init__(server.resp_port, seconds=60)

    def many(self, commands):
        self.send(b"".join(kit.encode(command) for command in commands))
        return [self.reply() for _ in commands]

    def fill(self, keys, version=0):
        keys = list(keys)
        for at in range(0, len(keys), BATCH):
            part = keys[at:at + BATCH]
            said = self.many([[b"SET", b"key:%d" % key, value_of(key, version)] for key in part])
            expect(all(one == b"OK" for one in said), f"SET: {said[:3]}")

    def check(self, keys, versions=None):
        """Every value is the key's last one or absent; answers how many were there."""
        found, keys = 0, list(keys)
        for at in range(0, len(keys), BATCH):
            part = keys[at:at + BATCH]
            for key, value in zip(part, self.many([[b"GET", b"key:%d" % key] for key in part])):
                version = (versions or {}).get(key, 0)
                if value is None:
                    continue
                expect(version is not None, f"key:{key} was deleted and is back: {value[:20]}")
                expect(value == value_of(key, version), f"key:{key}: {value[:20]}, not version {version}")
                found += 1
        return found


def metrics(server):
    text = kit.http_get(server.http_port, "/metrics").text
    return {name: float(value) for name, value in
            re.findall(r"^plimsoll_cache_level_(\w+)\{[^}]*\} (\S+)$", text, re.MULTILINE)}


def serve(*flags):
    return kit.Plimsoll(BINARY, "--line", "256MiB", *flags)


def disk(folder, *flags):
    return serve("--disk-level", folder, "--disk-level-size", "1GiB", *flags)


def faces(server, client, name, state):
    """Everywhere that a user looks, the level is there, and is the same."""
    status = kit.http_get(server.http_port, "/status.txt").text
    expect(re.search(rf"^{name} level +{state}", status, re.M), f"no line of it in {status}")
    page = kit.http_get(server.http_port, "/cache.txt").text
    expect(f"below ({name})  {state}" in page, f"no line of it in {page}")
    for path in ("/api/v1/status", "/api/v1/cache"):
        told = json.loads(kit.http_get(server.http_port, path).text)
        level = told.get("cache", told)["level"]
        expect(level["name"] == name and level["state"] == state, f"{path}: {level}")
    info = client.command("INFO", "levels").decode()
    expect(f"level_{name}:state={state},size=" in info, f"{info}")


def disk_gives_back_more_than_memory_holds():
    with tempfile.TemporaryDirectory() as folder, disk(folder) as server, Client(server) as client:
        client.fill(range(KEYS))
        found = client.check(range(KEYS))
        seen = metrics(server)
        print(f"  {found} of {KEYS} keys there; {seen['demoted_total']:.0f} went down, "
              f"{seen['promoted_total']:.0f} came back")
        faces(server, client, "disk", "open")
        # What comes faster than the disk takes it is dropped and counted.
        expect(found + seen["dropped_total"] > KEYS * 0.99, f"{found} of {KEYS} keys are there, {seen}")
        expect(seen["promoted_total"] > KEYS / 8, f"{seen}")
        expect(seen["corrupt_total"] == 0 and seen["failures_total"] == 0, f"{seen}")


def disk_survives_a_kill():
    with tempfile.TemporaryDirectory() as folder, disk(folder) as server:
        versions = {}
        rng = random.Random(5)
        with Client(server) as client:
            client.fill(range(KEYS))
            # Overwritten and deleted: what was below must not come back.
            written = rng.sample(range(KEYS), 3000)
            for key in written[:2000]:
                versions[key] = 1
            client.fill(written[:2000], 1)
            for key in written[2000:]:
                versions[key] = None
            client.many([[b"DEL", b"key:%d" % key] for key in written[2000:]])
            server.process.kill()
            server.process.wait()
        server.start()
        with Client(server) as client:
            found = client.check(range(KEYS), versions)
            print(f"  {found} of {KEYS} keys there after a kill")
            expect(found > KEYS / 10, f"only {found} keys survived")
            # And a flush is one for what is below.
            expect(client.command("FLUSHALL") == b"OK", "no FLUSHALL")
            server.process.kill()
            server.process.wait()
        server.start()
        with Client(server) as client:
            found = client.check(range(KEYS), {key: None for key in range(KEYS)})
            expect(found == 0, f"{found} keys are there after FLUSHALL")


def disk_knows_every_command():
    """Keys that are below only, as each command finds them."""
    with tempfile.TemporaryDirectory() as folder, disk(folder) as server, Client(server) as client:
        names = "get append strlen getdel del rename copy expire incr exists multi move nx object".split()
        for name in names:
            client.command("SET", f"my:{name}", "17")
        client.command("SET", "my:ttl", "17", "EX", "1000")
        client.fill(range(KEYS))
        asked = [
            (["GET", "my:get"], b"17"), (["APPEND", "my:append", "x"], 3), (["STRLEN", "my:strlen"], 2),
            (["GETDEL", "my:getdel"], b"17"), (["GET", "my:getdel"], None), (["DEL", "my:del"], 1),
            (["GET", "my:del"], None), (["RENAME", "my:rename", "my:renamed"], b"OK"),
            (["GET", "my:renamed"], b"17"), (["COPY", "my:copy", "my:copied"], 1), (["GET", "my:copied"], b"17"),
            (["EXPIRE", "my:expire", "100"], 1), (["INCR", "my:incr"], 18), (["EXISTS", "my:exists"], 1),
            (["MOVE", "my:move", "3"], 1), (["SET", "my:nx", "new", "NX"], None), (["GET", "my:nx"], b"17"),
            (["OBJECT", "ENCODING", "my:object"], b"int"), (["MULTI"], b"OK"),
            (["INCR", "my:multi"], b"QUEUED"), (["EXEC"], [18])]
        for command, wanted in asked:
            got = client.command(*command)
            expect(got == wanted, f"{' '.join(command)}: {got!r}, not {wanted!r}")
        expect(900 < client.command("TTL", "my:ttl") <= 1000, "the time to live is lost")
        client.command("SELECT", "3")
        expect(client.command("GET", "my:move") == b"17", "it was not moved")
        expect(client.command("SWAPDB", "0", "3") == b"OK", "no SWAPDB")
        expect(client.command("GET", "key:1") in (None, value_of(1)), "another value after SWAPDB")


def disk_may_be_full():
    """A file system of 24 MiB, where a gigabyte was promised."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "plimsoll-test", folder],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            print("  skipped: no right to mount a file system")
            return
        try:
            with disk(os.path.join(folder, "level")) as server, Client(server) as client:
                client.fill(range(KEYS))
                versions = {key: 1 for key in range(0, KEYS, 7)}
                client.fill(versions, 1)
                found = client.check(range(KEYS), versions)
                seen = metrics(server)
                print(f"  {found} of {KEYS} keys there; {seen['failures_total']:.0f} failures")
                expect(seen["failures_total"] >= 1, f"the disk was not full: {seen}")
                expect(found > KEYS / 3, f"memory did not go on: {found}")
                server.process.kill()
                server.process.wait()
                server.start()
                with Client(server) as again:
                    print(f"  {again.check(range(KEYS), versions)} after a kill")
        finally:
            subprocess.run(["umount", "-l", folder], check=False)


def ended(server):
    server.signal(signal.SIGTERM)
    expect(server.exit_code() == 0, server.last_words())


def disk_that_is_damaged_begins_anew():
    """What RocksDB says of a damaged block has "lock" in it, and was taken for another process's lock."""
    keys = range(4000)
    with tempfile.TemporaryDirectory() as folder, disk(folder, "--cache-size", "4MiB") as server:
        with Client(server) as client:
            client.fill(keys)
        ended(server)
        server.start()  # which writes tables of what was in the log
        with Client(server) as client:
            expect(client.check(keys) > 0, "nothing survived the restart")
        ended(server)
        tables = [name for name in os.listdir(f"{folder}/data") if name.endswith(".sst")]
        expect(tables, "there is no table to damage")
        for name in tables:
            with open(f"{folder}/data/{name}", "r+b") as table:
                size = table.seek(0, os.SEEK_END)
                table.seek(max(0, size - 3000))
                table.write(b"\xa5" * min(2900, size - 100))  # the index, and not the end that says where it is
        server.start()
        with Client(server) as client:
            client.check(keys)
            client.fill(keys)
            expect(client.check(keys) > 0, "nothing is kept")
            expect(metrics(server)["up"] == 1, "the level is not up")
            # One that another process has open is not wiped.
            code, _, said = kit.run([BINARY, "serve", "--line", "256MiB", "--disk-level", folder, "--resp-port", "0",
                                     "--http-port", "0"])
            expect(code == 1 and "lock" in said, f"{code}: {said}")
            expect(client.check(keys) > 0, "what another process holds was wiped")


def disk_is_refused_where_it_does_not_fit():
    with tempfile.TemporaryDirectory() as folder:
        code, _, said = kit.run([BINARY, "serve", "--line", "128MiB", "--disk-level", folder])
        expect(code == 1 and "256MiB" in said, f"{code}: {said}")
        code, _, said = kit.run([BINARY, "serve", "--disk-level", folder, "--disk-level-size", "1GiB",
                                 "--remote-level", "redis://h:1", "--remote-level-size", "8GiB"])
        expect(code != 0 and "seven times" in said, f"{code}: {said}")
        code, _, said = kit.run([BINARY, "serve", "--remote-level", "http://h:1"])
        expect(code != 0 and "redis://" in said, f"{code}: {said}")


class Memcached(kit.Server):
    name = "memcached"

    def __init__(self):
        self.chosen = kit.free_port()
        super().__init__([kit.peer("memcached"), "-p", str(self.chosen), "-l", kit.LOOPBACK, "-m", "600", "-u",
                          "root"])

    def is_ready(self):
        try:
            kit.Wire(self.chosen, 1).close()
        except OSError:
            return False
        return True


def with_remote(remote, url):
    with serve("--remote-level", url) as server, Client(server) as client:
        client.fill(range(KEYS))
        found = client.check(range(KEYS))
        print(f"  {found} of {KEYS} keys there: {metrics(server)['promoted_total']:.0f} came back")
        expect(found > KEYS * 0.6, f"{found} of {KEYS} keys are there")
        versions = {key: 1 for key in range(0, KEYS, 5)}
        client.fill(versions, 1)
        remote.process.kill()
        remote.process.wait()
        client.fill(range(1, KEYS, 5), 2)
        versions.update({key: 2 for key in range(1, KEYS, 5)})
        found = client.check(range(KEYS), versions)
        print(f"  {found} without it")
        expect(found > KEYS / 3, f"memory did not go on: {found}")
        remote.start()
        kit.wait_until(lambda: metrics(server)["up"] == 1, "the level to come back")
        client.fill(range(2, KEYS, 5), 3)
        versions.update({key: 3 for key in range(2, KEYS, 5)})
        print(f"  {client.check(range(KEYS), versions)} with it again")
        expect(metrics(server)["corrupt_total"] == 0, "records that are none")


def remote_redis_comes_and_goes():
    with kit.Redis("--maxmemory", "600mb", "--maxmemory-policy", "allkeys-lru") as remote:
        with_remote(remote, f"redis://127.0.0.1:{remote.resp_port}")


def remote_memcached_comes_and_goes():
    with Memcached() as remote:
        with_remote(remote, f"memcached://127.0.0.1:{remote.chosen}")


def remote_may_never_have_been_there():
    with serve("--remote-level", f"redis://127.0.0.1:{kit.free_port()}") as server, Client(server) as client:
        client.fill(range(2000))
        expect(client.check(range(2000)) == 2000, "memory alone does not hold them")
        expect(metrics(server)["up"] == 0, "it is said to be up")
        faces(server, client, "remote", "failing")


def hits_of(remote):
    with kit.RespClient(remote.resp_port) as client:
        return int(re.search(rb"keyspace_hits:(\d+)", client.command("INFO", "stats"))[1])


def both_are_used_and_either_may_go():
    """A disk of 32 MiB over a Redis: what one of them loses is absent, and nothing comes back."""
    with tempfile.TemporaryDirectory() as folder, \
            kit.Redis("--maxmemory", "600mb", "--maxmemory-policy", "allkeys-lru") as remote, \
            serve("--disk-level", folder, "--disk-level-size", "32MiB", "--level-wait", "1000", "--remote-level",
                  f"redis://127.0.0.1:{remote.resp_port}", "--remote-level-size", "224MiB") as server:
        versions = {}
        with Client(server) as client:
            client.fill(range(KEYS))
            found = client.check(range(KEYS))
            seen = metrics(server)
            print(f"  {found} of {KEYS} keys there; {seen['carried_total']:.0f} were carried, {hits_of(remote)} "
                  f"found there; {seen['left_behind_total']:.0f} generations left behind")
            expect(seen["carried_total"] > 5000 and hits_of(remote) > 1000, f"{hits_of(remote)} hits, {seen}")
            expect(seen["far_failures_total"] == 0 and seen["failures_total"] == 0, f"{seen}")
            expect(seen["stored_bytes"] < 300 * 1024 * 1024, f"{seen}")
            versions.update({key: 1 for key in range(0, KEYS, 5)})
            client.fill(versions, 1)
            remote.process.kill()
            remote.process.wait()
            versions.update({key: 2 for key in range(1, KEYS, 5)})
            client.fill(range(1, KEYS, 5), 2)
            deleted = range(2, KEYS, 50)
            client.many([[b"DEL", b"key:%d" % key] for key in deleted])
            versions.update({key: None for key in deleted})
            before = metrics(server)["promoted_total"]
            found = client.check(range(KEYS), versions)
            seen = metrics(server)
            print(f"  {found} without the Redis, {seen['promoted_total'] - before:.0f} of them from the disk")
            expect(seen["far_up"] == 0 and seen["far_failures_total"] >= 1, f"{seen}")
            expect(seen["up"] == 1 and seen["failures_total"] == 0, f"the disk went with it: {seen}")
            expect(seen["promoted_total"] > before, "nothing came from the disk")
            remote.start()
            kit.wait_until(lambda: metrics(server)["far_up"] == 1, "the Redis to be used again")
            carried = seen["carried_total"]
            # A full level takes what nobody read when it is evicted for the second time.
            for version in range(3, 8):
                versions = dict.fromkeys(range(KEYS), version)
                client.fill(versions, version)
                if metrics(server)["carried_total"] > carried:
                    break
            print(f"  {client.check(range(KEYS), versions)} with it again, after {version - 2} rounds of writes")
            seen = metrics(server)
            expect(seen["carried_total"] > carried, f"nothing was carried again: {seen}")
            # What was read goes below when it is given up, and is not written again.
            for first in range(KEYS, 2 * KEYS, 10_000):
                client.fill(range(first, first + 10_000))
                client.check(range(first, first + 10_000))
        server.process.kill()
        server.process.wait()
        server.start()
        with Client(server) as client:
            client.check(range(KEYS), versions)
            found = client.check(range(KEYS, 2 * KEYS))
            print(f"  {found} after a kill")
            expect(found > 1000, "the disk did not survive")
            expect(metrics(server)["corrupt_total"] == 0, "records that are none")


def main():
    global BINARY
    parser = kit.arguments(__doc__)
    parser.add_argument("--only", default="", help="cases whose names match this")
    given = parser.parse_args()
    BINARY = given.plimsoll
    cases = [value for name, value in globals().items()
             if re.match("disk_|remote_|both_", name) and callable(value) and re.search(given.only, name)]
    failed = 0
    for case in cases:
        print(case.__name__, flush=True)
        try:
            case()
        except kit.Failure as failure:
            failed += 1
            print(f"  failed: {failure}")
    sys.exit(1 if failed else 0)


main()
