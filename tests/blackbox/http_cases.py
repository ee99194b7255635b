#!/usr/bin/env python3
"""The HTTP side of `plimsoll serve`: the pages, what is refused, and connections kept, idle or slow."""

import json
import os
import re
import time

import kit
from kit import Wire, expect, http_get, http_reply, http_request, wait_until

MIB = 1 << 20
MOST_SERIES = 500
LEVELS = ("normal", "moderate", "high", "critical", "emergency")
SERVER = None  # set by main


def connection():
    return Wire(SERVER.http_port)


def ask(raw, end="open"):
    """One request as it is on a new connection; answers the reply and whether the server closed after it."""
    with connection() as wire:
        wire.send(raw)
        if end == "half":
            wire.half_close()
        found = http_reply(wire)
        wire.receive(0.3)
        return found, bool(wire.ended)


def work():
    """Something for the figures to show."""
    with SERVER.connect() as client:
        client.pipeline([("SET", f"http:{i}", "x" * 1000) for i in range(2000)])
        client.pipeline([("GET", f"http:{i}") for i in range(3000)])
        client.command("NOSUCH")


# --- pages --------------------------------------------------------------------------------------------------


def metrics_please_promtool():
    work()
    reply = http_get(SERVER.http_port, "/metrics")
    expect(reply.status == 200, f"status {reply.status}")
    expect(reply.headers["content-type"].startswith("text/plain; version=0.0.4"),
           reply.headers["content-type"])
    code, out, err = kit.run([kit.peer("promtool"), "check", "metrics"], stdin=reply.body)
    expect(code == 0 and not out.strip() and not err.strip(), f"promtool: {code}: {out}{err}")


def samples(text):
    """{series: value} of a scrape."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{.*\})?) (\S+)', line)
            expect(match, f"no sample: {line!r}")
            expect(match[1] not in found, f"twice: {match[1]}")
            found[match[1]] = float(match[2])
    return found


def metrics_say_what_was_promised():
    found = samples(http_get(SERVER.http_port, "/metrics").text)
    expect(len(found) <= MOST_SERIES, f"{len(found)} series")
    expect(all(name.startswith("plimsoll_") for name in found),
           f"without our prefix: {[n for n in found if n[:9] != 'plimsoll_'][:5]}")
    level = found["plimsoll_memory_pressure_level"]
    expect(level in range(5), f"level {level}")
    expect(found["plimsoll_memory_limit_bytes"] == 256 * MIB, f"limit {found['plimsoll_memory_limit_bytes']}")
    expect(0 <= found["plimsoll_memory_usage_ratio"] <= 1.5, f"usage {found['plimsoll_memory_usage_ratio']}")
    expect("plimsoll_memory_unaccounted_bytes" in found, "no plimsoll_memory_unaccounted_bytes")


def counters_count():
    before = samples(http_get(SERVER.http_port, "/metrics").text)
    work()
    after = samples(http_get(SERVER.http_port, "/metrics").text)
    fallen = [name for name in before if re.search(r"_total(\{|$)", name)
              and after.get(name, 0) < before[name]]
    expect(not fallen, f"counters that fell: {fallen}")
    risen = [name for name in after if re.search(r"_total(\{|$)", name)
             and after[name] >= before.get(name, 0) + 5000]
    expect(risen, "5,000 commands are seen in no counter")


def no_label_comes_from_the_data():
    with SERVER.connect() as client:
        client.command("SET", "surprise-key", "surprise-value")
        client.command("CLIENT", "SETNAME", "surprise-name")
        for path in ("/metrics", "/api/v1/status", "/status.txt"):
            expect("surprise" not in http_get(SERVER.http_port, path).text, f"{path} shows the clients' data")


def documented_metrics_are_those_that_are_there():
    path = os.path.join(kit.TREE, "docs", "metrics.md")
    if not os.path.exists(path):
        print("        (no docs/metrics.md yet)")
        return
    with open(path, encoding="utf-8") as file:
        documented = file.read()
    text = http_get(SERVER.http_port, "/metrics").text
    missing = [name for name in re.findall(r"(?m)^# TYPE (\S+)", text)
               if not re.search(rf"\b{name}\b", documented)]
    expect(not missing, f"not in docs/metrics.md: {missing}")


def health_is_told():
    reply = http_get(SERVER.http_port, "/healthz")
    expect(reply.status == 200 and reply.text.strip(), f"{reply.status}: {reply.text!r}")


def the_status_page_is_for_people():
    reply = http_get(SERVER.http_port, "/status.txt")
    expect(reply.status == 200 and reply.headers["content-type"].startswith("text/plain"),
           f"{reply.status}, {reply.headers}")
    for word in ("line", "cache", "level"):
        expect(word in reply.text.lower(), f"no `{word}` in {reply.text!r}")
    expect(max(map(len, reply.text.splitlines())) < 200, "lines longer than a screen is wide")


def the_status_is_json_with_sums_that_agree():
    work()
    reply = http_get(SERVER.http_port, "/api/v1/status")
    expect(reply.headers["content-type"].startswith("application/json"), reply.headers["content-type"])
    expect(reply.text.endswith("}\n"), "the answer does not end its line")
    status = json.loads(reply.body)
    memory = status["memory"]
    expect(status["level"]["name"] == LEVELS[status["level"]["number"]], f"level {status['level']}")
    expect(0 < memory["line_bytes"] < memory["limit_bytes"] == 256 * MIB, f"memory {memory}")
    expect(status["resp_port"] == SERVER.resp_port and status["http_port"] == SERVER.http_port, "other ports")
    expect(status["process"] == SERVER.pid, "another process")
    expect(status["connections"]["commands"] >= 5000, f"connections {status['connections']}")
    accounts = {account["name"]: account for account in status["accounts"]}
    expect(len(accounts) == len(status["accounts"]), "two accounts of one name")
    for name in ("runtime", "other", "cache"):
        expect(name in accounts, f"no account `{name}` among {sorted(accounts)}")
    expect_sums(memory, accounts)


def expect_sums(memory, accounts):
    """An account's use includes that of those under it; those without a parent make the total."""
    top = sum(a["used_bytes"] for a in accounts.values() if not a["parent"])
    expect(top == memory["charged_bytes"], f"accounts hold {top}, in all {memory['charged_bytes']}")
    for name in {a["parent"] for a in accounts.values() if a["parent"]}:
        below = sum(a["used_bytes"] for a in accounts.values() if a["parent"] == name)
        expect(below <= accounts[name]["used_bytes"] + MIB, f"{name} holds less than those under it")
    cache = accounts["cache"]["used_bytes"]
    expect(cache >= 2000 * 1000, f"2,000 values of 1,000 bytes, and the cache holds {cache}")


# --- what is refused ----------------------------------------------------------------------------------------

HOST = b"Host: a\r\n\r\n"
BAD = (
    (b"GET\r\n" + HOST, 400), (b"GET /healthz\r\n" + HOST, 400), (b"GET  /healthz HTTP/1.1\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1 x\r\n" + HOST, 400), (b"GET /healthz HTTX/1.1\r\n" + HOST, 400),
    (b"GET /healthz HTTP/2.0\r\n" + HOST, 505), (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    (b"GET healthz HTTP/1.1\r\n" + HOST, 400), (b"BREW /healthz HTTP/1.1\r\n" + HOST, 501),
    (b"get /healthz HTTP/1.1\r\n" + HOST, 501),
    (b"POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n" + HOST, 405),
    (b"PUT /metrics HTTP/1.1\r\n" + HOST, 405), (b"DELETE / HTTP/1.1\r\n" + HOST, 405),
    (b"OPTIONS * HTTP/1.1\r\n" + HOST, 405),
    (b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n" + HOST + b"hello", 400),
    (b"GET /healthz HTTP/1.1\r\nContent-Length: x\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nbad name: x\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1\r\n folded: x\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1\r\nX\x00: x\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n" + HOST, 400),
    (b"GET /healthz HTTP/1.1\r\nnocolon\r\n" + HOST, 400), (b"GET /\x01 HTTP/1.1\r\n" + HOST, 400),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST, 414),
    (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 17000 + b"\r\n" + HOST, 431),
    (b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % i for i in range(80)) + HOST, 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400), (b"*1\r\n$4\r\nPING\r\n\r\n", 400),
    (b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" + HOST, 501),
)


def fault_of(raw, status):
    """What is wrong with the answer to a bad request, or None."""
    reply, closed = ask(raw)
    if reply.status != status:
        return f"{reply.status}, not {status}"
    if status == 405:
        return None if "GET" in reply.headers.get("allow", "") else "405 without Allow"
    return None if closed else "the connection stays open"


def bad_requests_are_refused_and_the_connection_closed():
    faults = [f"{raw[:60]!r}: {fault}" for raw, status in BAD if (fault := fault_of(raw, status))]
    expect(not faults, "; ".join(faults))


def what_is_not_there_is_not_found():
    for path in ("/nothing", "/metrics/x", "/../etc/passwd", "/%2e%2e/etc/passwd", "/api/v1/", "/api/v2/status",
                 "/.git/config", "/status", "/<script>"):
        reply = http_get(SERVER.http_port, path)
        expect(reply.status in (404, 400), f"{path}: {reply.status}")
        expect("root:" not in reply.text and "script" not in reply.text, f"{path}: it says {reply.text!r}")
    for path in ("/", "/status.txt", "/metrics", "/api/v1/events"):
        expect(re.search(rf"^{path}  +\w", reply.text, re.MULTILINE), f"what is there is not named: {reply.text!r}")


def good_requests_in_odd_forms_are_served():
    for raw in (b"GET /healthz HTTP/1.1\r\nhOsT:a\r\n\r\n", b"\r\n\r\nGET /healthz HTTP/1.1\r\n" + HOST,
                b"GET /healthz?x=1&y HTTP/1.1\r\n" + HOST,
                b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST, b"GET /healthz HTTP/1.0\r\n\r\n",
                b"GET /healthz HTTP/1.1\r\nX:  \t a  \r\n" + HOST):
        reply, _ = ask(raw)
        expect(reply.status == 200, f"{raw!r}: {reply.status}")
    reply, closed = ask(http_request("/healthz"), end="half")
    expect(reply.status == 200 and closed, f"half-closed: {reply.status}, closed: {closed}")


def hot_keys_are_told_unless_there_is_a_password():
    for flags in ((), ("--password", "secret")):
        with kit.Plimsoll(SERVER.command[0], "--line", "64MiB", *flags) as server, server.connect() as client:
            if flags:
                client.command("AUTH", flags[1])
            client.pipeline([("SET", f"session:{i}", "x" * 100) for i in range(4000)])

            def told(path, server=server, client=client):
                client.pipeline([("GET", "session:7")] * 3000 + [("GET", f"session:{i}") for i in range(4000)])
                return http_get(server.http_port, path).text

            hot = wait_until(lambda: json.loads(told("/api/v1/cache"))["hot_keys"], "a hot key")
            named = any("session:" in text for text in (str(hot), told("/cache.txt"), told("/cache/curve.txt")))
            expect(named != bool(flags), f"{flags}: {hot}")


# --- connections --------------------------------------------------------------------------------------------


def head_is_get_without_the_body():
    with connection() as wire:
        for path in ("/healthz", "/status.txt", "/nothing"):
            wire.send(http_request(path, "HEAD"))
            head = http_reply(wire, head_only=True)
            wire.send(http_request(path))
            get = http_reply(wire)
            expect(head.status == get.status and head.headers["content-type"] == get.headers["content-type"],
                   f"{path}: {head.headers}")
            if path != "/status.txt":
                expect(int(head.headers["content-length"]) == len(get.body), f"{path}: another length")


def a_connection_is_kept():
    with connection() as wire:
        for _ in range(100):
            wire.send(http_request("/healthz"))
            expect(http_reply(wire).status == 200, "no 200")
        wire.send(http_request("/healthz") * 10 + http_request("/nothing") + http_request("/metrics"))
        found = [http_reply(wire).status for _ in range(12)]
        expect(found == [200] * 10 + [404, 200], f"pipelined: {found}")
        time.sleep(1)
        wire.send(http_request("/healthz", headers=["Connection: close"]))
        expect(http_reply(wire).headers.get("connection", "").lower() == "close",
               "it does not say that it closes")
        wire.read_to_end(3)


def version_1_0_is_closed_unless_it_asks():
    for headers, kept in (([], False), (["Connection: keep-alive"], True)):
        with connection() as wire:
            wire.send(http_request("/healthz", headers=headers, version="HTTP/1.0"))
            expect(http_reply(wire).status == 200, "no 200")
            wire.receive(0.3)
            expect(bool(wire.ended) != kept, f"{headers}: connection {wire.ended or 'open'}")


def a_request_may_come_a_byte_at_a_time():
    with connection() as wire:
        for byte in http_request("/healthz", headers=["X-A: b"]):
            wire.send(bytes([byte]))
            time.sleep(0.001)
        expect(http_reply(wire).status == 200, "no 200")


def a_head_that_never_ends_is_cut_off():
    """A byte a second keeps no connection open for ever."""
    with connection() as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\n")
        begun = time.monotonic()
        while not wire.ended:
            expect(time.monotonic() - begun < 40, "still open after 40 s")
            wire.send(b"X")
            wire.receive(1)
        expect(time.monotonic() - begun > 1, "cut off at once")


def an_answer_may_be_read_slowly():
    """Longer than a request may take to come: the live page over a poor connection is not cut off."""
    # On a small line little of the page is in the kernel.
    with kit.Plimsoll(SERVER.command[0], "--line", "64MiB") as small, Wire(small.http_port, buffer=4096) as wire:
        wire.send(http_request("/"))
        time.sleep(11)
        found = http_reply(wire)
        expect(found.status == 200 and len(found.body) == int(found.headers["content-length"]),
               f"{found.status}, {len(found.body)} bytes")


def many_at_once_are_served_and_nothing_is_left():
    http_get(SERVER.http_port, "/healthz")
    time.sleep(0.2)
    before = kit.descriptors_of(SERVER.pid)
    wires = [connection() for _ in range(200)]
    for wire in wires:
        wire.send(http_request("/metrics"))
    for wire in wires[:150]:
        expect(http_reply(wire).status == 200, "no 200")
    for i, wire in enumerate(wires):
        if i % 2:
            wire.reset()
        else:
            wire.close()
    wait_until(lambda: kit.descriptors_of(SERVER.pid) <= before, f"no more than {before} descriptors", 10)
    expect(http_get(SERVER.http_port, "/healthz").status == 200, "no 200")


CASES = (
    metrics_please_promtool, metrics_say_what_was_promised, counters_count, no_label_comes_from_the_data,
    documented_metrics_are_those_that_are_there, health_is_told, the_status_page_is_for_people,
    the_status_is_json_with_sums_that_agree,
    bad_requests_are_refused_and_the_connection_closed, what_is_not_there_is_not_found,
    good_requests_in_odd_forms_are_served, hot_keys_are_told_unless_there_is_a_password,
    head_is_get_without_the_body, a_connection_is_kept,
    version_1_0_is_closed_unless_it_asks, a_request_may_come_a_byte_at_a_time,
    a_head_that_never_ends_is_cut_off, an_answer_may_be_read_slowly, many_at_once_are_served_and_nothing_is_left,
)


def main():
    global SERVER
    parser = kit.arguments(__doc__)
    parser.add_argument("--only", metavar="PATTERN")
    chosen = parser.parse_args()
    with kit.Plimsoll(chosen.plimsoll, "--line", "256MiB") as SERVER:
        kit.run_cases(CASES, chosen.only, SERVER)


if __name__ == "__main__":
    main()
