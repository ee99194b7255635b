#!/usr/bin/env python3
"""The tools that everybody has, redis-cli and redis-benchmark, work with Plimsoll."""

import re

import kit
from kit import expect

SERVER = None  # set by main


def cli(*args, stdin=b"", seconds=kit.PATIENCE):
    code, out, err = kit.run([kit.peer("redis-cli"), "-p", str(SERVER.resp_port), *args], seconds,
                             stdin=stdin)
    expect(code == 0, f"redis-cli {' '.join(args)}: {code}: {out}{err}")
    return out


def benchmark(*args):
    command = [kit.peer("redis-benchmark"), "-p", str(SERVER.resp_port), "-n", "20000", *args]
    code, out, err = kit.run(command, 60)
    expect(code == 0, f"{' '.join(command)}: {code}: {out}{err}")
    expect(not re.search(r"(?i)error|warning", out + err), f"{' '.join(args)}: {out}{err}")
    return out


def keys_and_values_through_redis_cli():
    cli("flushall")
    expect(cli("ping") == "PONG\n", "no PONG")
    expect(cli("set", "greeting", "hello") == "OK\n", "no OK")
    expect(cli("get", "greeting") == "hello\n", "another value")
    expect(cli("incr", "greeting").startswith("ERR value is not an integer"), "no error")
    expect(cli("dbsize") == "1\n", "another size")
    expect(cli("-x", "set", "binary", stdin=bytes(range(256))) == "OK\n", "no OK")
    expect(cli("--no-raw", "strlen", "binary") == "(integer) 256\n", "another length")


def commands_typed_into_redis_cli():
    told = cli(stdin=b"set a 1\nincr a\nmget a nosuch\nselect 0\nquit\n")
    expect(told.split("\n")[:3] == ["OK", "2", "2"], f"it said {told!r}")


def redis_cli_scans():
    cli("flushall")
    names = {f"scan:{i}" for i in range(3000)}
    lines = "".join(f"SET {name} {'x' * (len(name) * 10)}\r\n" for name in names)
    expect("errors: 0, replies: 3000" in cli("--pipe", stdin=lines.encode()), "--pipe")
    expect(set(cli("--scan").split()) == names, "--scan finds other keys")
    expect(set(cli("--scan", "--pattern", "scan:1?").split()) == {f"scan:1{i}" for i in range(10)},
           "--pattern")
    expect("Biggest string found" in cli("--bigkeys"), "--bigkeys finds nothing")
    expect("Biggest string found" in cli("--memkeys"), "--memkeys finds nothing")


def redis_cli_looks_around():
    expect("redis_version:7.0" in cli("info", "server"), "no redis_version")
    expect("used_memory:" in cli("info"), "no used_memory")
    expect("maxmemory" in cli("config", "get", "maxmemory"), "no maxmemory")
    expect("name=me " in cli(stdin=b"client setname me\nclient list\n"), "no name in CLIENT LIST")
    expect(re.search(r"\d", cli("command", "count")), "no COMMAND COUNT")
    expect("PONG" in cli("-3", "ping"), "no redis-cli -3")


def redis_benchmark_finishes():
    for name in ("ping", "set", "get", "incr", "mset"):
        told = benchmark("-t", name, "-q")
        expect("requests per second" in told, f"-t {name}: {told!r}")


def redis_benchmark_finishes_with_pipelines():
    for flags in (("-P", "16"), ("-P", "100", "-c", "200"), ("-d", "20000"), ("-c", "1"),
                  ("-r", "10000", "--threads", "2")):
        expect("requests per second" in benchmark("-t", "set,get", "-q", *flags), f"{flags}")


def redis_benchmark_runs_any_command():
    expect("requests per second" in benchmark("-q", "-r", "1000", "SET", "key:__rand_int__", "x", "EX",
                                              "100"), "SET with EX")
    expect("requests per second" in benchmark("-q", "-P", "8", "MGET", "a", "b", "c"), "MGET")


CASES = (keys_and_values_through_redis_cli, commands_typed_into_redis_cli, redis_cli_scans,
         redis_cli_looks_around,
         redis_benchmark_finishes, redis_benchmark_finishes_with_pipelines, redis_benchmark_runs_any_command)


def main():
    global SERVER
    parser = kit.arguments(__doc__)
    parser.add_argument("--against-redis", action="store_true", help="run the tools against redis-server")
    parser.add_argument("--only", metavar="PATTERN")
    chosen = parser.parse_args()
    SERVER = kit.Redis() if chosen.against_redis else kit.Plimsoll(chosen.plimsoll, "--line", "256MiB")
    with SERVER:
        kit.run_cases(CASES, chosen.only, SERVER)


if __name__ == "__main__":
    main()
