#!/usr/bin/env python3
"""Transactions, databases and RESP3 with a client library that we did not write, and several clients at once."""

import sys
import threading
import time

import kit
from kit import expect

try:
    import redis
except ImportError:
    print("skipped: no redis for Python (python3-redis of the distribution)")
    sys.exit(77)

SERVER = None  # set by main
ROUNDS = 300


def client(database=0):
    return redis.Redis(port=SERVER.resp_port, db=database, socket_timeout=kit.PATIENCE)


def at_once(*works):
    """Runs functions in threads of their own; the first failure is raised."""
    failures = []

    def guarded(work):
        try:
            work()
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def pipelines_run_as_one():
    with client() as one:
        one.flushall()
        with one.pipeline(transaction=True) as pipe:
            expect(pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, b"2"], "another result")
        with one.pipeline(transaction=True) as pipe:
            pipe.set("a", "x").incr("a").get("a")
            results = pipe.execute(raise_on_error=False)
        expect(isinstance(results[1], redis.ResponseError) and results[2] == b"x", f"results {results}")


def a_watched_key_that_changes_ends_a_transaction():
    with client() as one, client() as other:
        one.set("k", 1)
        with one.pipeline() as pipe:
            pipe.watch("k")
            other.incr("k")
            pipe.multi()
            pipe.set("k", "lost")
            try:
                pipe.execute()
                raise kit.Failure("it ran")
            except redis.WatchError:
                pass
        expect(one.get("k") == b"2", "another value")


def a_counter_of_many_clients_comes_out_right():
    """Each reads, adds one in the client and writes, and tries again when another was faster."""
    clients = 6
    with client() as one:
        one.set("counter", 0)

    def count():
        with client() as mine:
            for _ in range(ROUNDS):
                mine.transaction(lambda pipe: (lambda n: (pipe.multi(), pipe.set("counter", n + 1)))(
                    int(pipe.get("counter"))), "counter")

    at_once(*[count] * clients)
    with client() as one:
        expect(one.get("counter") == b"%d" % (clients * ROUNDS), f"it is {one.get('counter')}")


def nobody_sees_the_middle_of_a_transaction():
    done = threading.Event()
    names = [f"part:{i}" for i in range(1000)]  # long enough to be seen in the middle
    with client() as one:
        one.mset({name: 0 for name in names})

    def write():
        try:
            with client() as mine:
                for i in range(ROUNDS * 2 // 3):
                    with mine.pipeline(transaction=True) as pipe:
                        for name in names:
                            pipe.set(name, i)
                        pipe.execute()
        finally:
            done.set()

    def read():
        with client() as mine:
            while not done.is_set():
                seen = set(mine.mget(names))
                expect(len(seen) == 1, f"MGET saw {seen}")
                with mine.pipeline(transaction=True) as pipe:
                    for name in names:
                        pipe.get(name)
                    seen = set(pipe.execute())
                expect(len(seen) == 1, f"a transaction saw {seen}")

    at_once(write, read, read, read)


def nobody_sees_half_of_what_is_done_to_several_keys():
    done = threading.Event()
    names = [f"several:{i}" for i in range(1000)]  # long enough to be seen in the middle
    with client() as one:
        one.mset({name: 0 for name in names})

    def write():
        try:
            with client() as mine:
                for i in range(ROUNDS):
                    mine.mset({name: i for name in names})
                    if i % 3 == 0:
                        mine.delete(*names)
        finally:
            done.set()

    def read():
        with client() as mine:
            while not done.is_set():
                seen = set(mine.mget(names))
                expect(len(seen) == 1, f"MGET saw {seen}")
                there = mine.exists(*names)
                expect(there in (0, len(names)), f"{there} are there")

    at_once(write, read, read, read)


def a_renamed_key_is_always_somewhere():
    done = threading.Event()
    with client() as one:
        one.delete("here", "there")
        one.set("here", "x" * 50000)  # one with pages of its own

    def move():
        try:
            with client() as mine:
                for _ in range(ROUNDS):
                    mine.rename("here", "there")
                    mine.rename("there", "here")
        finally:
            done.set()

    def look():
        with client() as mine:
            while not done.is_set():
                expect(mine.exists("here", "there") == 1, "at both or at none")

    at_once(move, look, look)


def databases_have_their_own_keys():
    clients = [client(database) for database in range(16)]
    clients[0].flushall()
    for database, each in enumerate(clients):
        each.mset({"k": database, f"only:{database}": "x"})
    for database, each in enumerate(clients):
        expect(each.get("k") == b"%d" % database, f"{database}: another value")
        expect(set(each.scan_iter()) == {b"k", b"only:%d" % database}, f"{database}: SCAN")
        expect(each.dbsize() == 2, f"{database}: DBSIZE")
    told = clients[0].info("keyspace")
    expect({name: told[name]["keys"] for name in told} == {f"db{i}": 2 for i in range(16)}, f"INFO says {told}")
    clients[3].flushdb()
    expect(clients[3].dbsize() == 0 and clients[4].dbsize() == 2, "FLUSHDB")
    clients[0].swapdb(0, 5)
    expect(clients[0].get("k") == b"5" and clients[5].get("k") == b"0", "SWAPDB")
    clients[0].flushall()
    expect(sum(each.dbsize() for each in clients) == 0, "FLUSHALL")


def resp3_has_types_of_its_own():
    with kit.RespClient(SERVER.resp_port) as three:
        three.send(kit.encode([b"HELLO", b"3", b"SETNAME", b"me"]))
        expect(three.raw_reply().startswith(b"%7\r\n"), "HELLO is no map")
        for command, reply in (("GET nosuch", b"_\r\n"), ("CLIENT GETNAME", b"$2\r\nme\r\n"),
                               ("CONFIG GET save", b"%1\r\n$4\r\nsave\r\n$0\r\n\r\n")):
            three.send(kit.encode(command.encode().split()))
            got = three.raw_reply()
            expect(got == reply, f"{command}: {got!r}")
        for command in ("INFO server", "CLIENT LIST", "MEMORY DOCTOR"):
            three.send(kit.encode(command.encode().split()))
            got = three.raw_reply()
            expect(got.startswith(b"=") and b"txt:" in got[:20], f"{command}: {got[:60]!r}")
        expect(three.command("MULTI") == b"OK" and three.command("CLIENT", "LIST") == b"QUEUED", "no MULTI")
        expect(b" name=me " in three.command("EXEC")[0], "EXEC of CLIENT LIST")


def lists_of_clients_within_transactions_end():
    """EXEC holds everybody still, and CLIENT LIST looks at everybody."""

    def work():
        with client() as mine:
            for _ in range(50):
                with mine.pipeline(transaction=True) as pipe:
                    pipe.client_list()
                    pipe.swapdb(0, 1)
                    listed, swapped = pipe.execute()
                    expect(len(listed) >= 1 and swapped, "another result")
                mine.client_list()

    at_once(*[work] * 4)


def what_a_transaction_keeps_is_bounded():
    if isinstance(SERVER, kit.Redis):
        return
    with kit.RespClient(SERVER.resp_port) as greedy, client() as other:
        expect(greedy.command("MULTI") == b"OK", "no MULTI")
        value, kept = b"v" * 10000, 0
        while greedy.command("SET", "k", value) == b"QUEUED":
            kept += 1
            expect(kept < 20000, "200 MB are kept")
        expect(greedy.command("EXEC").startswith(b"EXECABORT"), "it runs")
        expect(other.ping() and greedy.command("PING") == b"PONG", "nobody is served")


def a_silent_transaction_gives_way_to_who_waits():
    """It holds a large value and says nothing; another value fits only when it is gone."""
    if isinstance(SERVER, kit.Redis):
        return
    with kit.Plimsoll(SERVER.command[0], "--line", "64MiB") as server:
        bodies = next(account for account in server.status()["accounts"] if account["name"] == "bodies")
        most = bodies["maximum_bytes"]
        with kit.RespClient(server.resp_port) as silent, kit.RespClient(server.resp_port) as other:
            expect(silent.command("MULTI") == b"OK", "no MULTI")
            expect(silent.command("SET", "held", b"h" * (1 << 20)) == b"QUEUED", "it is not kept")
            expect(other.command("SET", "small", b"s" * 1000) == b"OK", "small values are to pass")
            begun = time.monotonic()
            expect(other.command("SET", "large", b"l" * (most - (1 << 19))) == b"OK", "it was not let in")
            expect(1 < time.monotonic() - begun < 5, "it did not wait for the silence to be long enough")
            silent.read_to_end()
            expect(silent.ended, "the silent client is still there")
        told = server.status()
        expect(told["connections"]["bodies_closed"] == 1, f"counted: {told['connections']}")


def resetstat_counts_from_there():
    with client() as one:
        one.set("k", "v")
        one.get("k")
        expect(one.info("stats")["keyspace_hits"] > 0, "no hit was counted")
        one.config_resetstat()
        stats = one.info("stats")
        expect(stats["keyspace_hits"] == 0 and stats["total_commands_processed"] < 10, f"still {stats}")
        one.get("k")
        expect(one.info("stats")["keyspace_hits"] == 1, "hits are not counted on")


def large_values_of_transactions_arrive():
    with client() as one:
        values = {f"large:{i}": bytes([65 + i]) * (300000 + i) for i in range(5)}
        with one.pipeline(transaction=True) as pipe:
            for name, value in values.items():
                pipe.set(name, value)
                pipe.get(name)
            results = pipe.execute()
        expect(results[1::2] == list(values.values()), "other values")
        one.delete(*values)


CASES = (pipelines_run_as_one, a_watched_key_that_changes_ends_a_transaction,
         a_counter_of_many_clients_comes_out_right, nobody_sees_the_middle_of_a_transaction, nobody_sees_half_of_what_is_done_to_several_keys,
         a_renamed_key_is_always_somewhere, databases_have_their_own_keys, resp3_has_types_of_its_own,
         lists_of_clients_within_transactions_end, large_values_of_transactions_arrive,
         what_a_transaction_keeps_is_bounded, a_silent_transaction_gives_way_to_who_waits,
         resetstat_counts_from_there)


def main():
    global SERVER
    parser = kit.arguments(__doc__)
    parser.add_argument("--against-redis", action="store_true", help="run the cases against redis-server")
    parser.add_argument("--only", metavar="PATTERN")
    chosen = parser.parse_args()
    SERVER = kit.Redis() if chosen.against_redis else kit.Plimsoll(chosen.plimsoll, "--line", "256MiB")
    with SERVER:
        kit.run_cases(CASES, chosen.only, SERVER)


if __name__ == "__main__":
    main()
