#!/usr/bin/env python3
"""What a person says to Plimsoll on the command line, in a file, in the environment; and the answers."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import kit
from kit import Deadline, Failure, Plimsoll, encode, expect, wait_until

MIB = 1 << 20
VERBS = ("serve", "status", "top", "pools", "cache", "topic", "config", "sim", "doctor", "demo", "version", "help")


def serve(*flags, **options):
    return Plimsoll(kit.program(), *flags, **options)


def fails(*flags, env=None, code=None):
    """Runs `plimsoll serve`, which has to refuse to start; answers what it said."""
    got, out, err = kit.run([kit.program(), "serve", *flags], env=env, seconds=10)
    expect(got > 0 and got == (code or got), f"exit code {got}: {out}{err}")
    expect(err.strip(), "it fails without a word on standard error")
    expect("ready" not in out, "it was ready before it failed")
    return err


class File:
    """A TOML file for the time of a `with` block."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False) as file:
            file.write(self.text)
        self.path = file.name
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


def line_of(server):
    return server.status()["memory"]["line_bytes"]


def expect_line(server, mebibytes):
    """--line is the limit; the line is that without the reserve of at most 4 % or 4 MiB."""
    line = line_of(server)
    least = mebibytes - max(0.04 * mebibytes, 4) - 1
    expect(least * MIB <= line <= mebibytes * MIB,
           f"a line of {line / MIB:.1f} MiB, where {mebibytes} MiB were given")


# --- where a value comes from -------------------------------------------------------------------------------


def a_file_wins_over_the_default():
    with File('line = "96MiB"\n') as path, serve("--config", path) as server:
        expect_line(server, 96)


def the_environment_wins_over_the_file():
    with File('line = "96MiB"\n') as path, serve("--config", path, env={"PLIMSOLL_LINE": "128MiB"}) as server:
        expect_line(server, 128)


def a_flag_wins_over_the_environment():
    with File('line = "96MiB"\n') as path:
        with serve("--config", path, "--line", "160MiB", env={"PLIMSOLL_LINE": "128MiB"}) as server:
            expect_line(server, 160)


def ports_come_from_every_source():
    resp, http = kit.free_port(), kit.free_port()
    with File(f'resp_port = {resp}\nhttp_port = 1\nbind = "127.0.0.1"\n') as path:
        with Plimsoll(kit.program(), "--config", path, "--line", "64MiB", env={"PLIMSOLL_HTTP_PORT": str(http)},
                      defaults=False) as server:
            expect(server.resp_port == resp, f"RESP on {server.resp_port}, not on {resp} as in the file")
            expect(server.http_port == http,
                   f"HTTP on {server.http_port}, not on {http} as in the environment")
            with server.connect() as client:
                expect(client.command("PING") == b"PONG", "no PONG")


def the_file_may_be_named_by_the_environment():
    with File('line = "96MiB"\n') as path, serve(env={"PLIMSOLL_CONFIG": path}) as server:
        expect_line(server, 96)


def the_file_may_come_through_a_pipe():
    code, out, err = kit.run([kit.program(), "config", "check", "/dev/stdin"], stdin=b'line = "64MiB"\n')
    expect(code == 0 and out.startswith("/dev/stdin: no faults."), f"{code}: {out}{err}")


def a_share_is_a_share_of_what_was_found():
    with serve() as whole, serve("--line", "50%") as half:
        limits = [server.status()["memory"]["limit_bytes"] for server in (whole, half)]
        expect(0.4 < limits[1] / limits[0] < 0.6, f"50 % of {limits[0]} is {limits[1]}")


def sizes_are_read_as_people_write_them():
    for text, mebibytes in (("100663296", 96), ("96m", 96), ("98304k", 96), ("0.125GiB", 128)):
        with serve("--line", text) as server:
            expect_line(server, mebibytes)


def a_switch_in_a_file_is_a_switch():
    with File("governor = false\ninsecure = true\n") as path, serve("--config", path, "--bind", "0.0.0.0",
                                                                    "--line", "64MiB") as server:
        with server.connect() as client:
            expect(client.command("PING") == b"PONG", "no PONG")


# --- what is refused ----------------------------------------------------------------------------------------


def an_unknown_key_in_a_file_is_an_error_with_its_line():
    with File('# a comment\nline = "64MiB"\nresp_prot = 1234\n') as path:
        said = fails("--config", path)
        expect(f"{path}:3" in said, f"no `{path}:3` in {said!r}")
        expect("resp_port" in said, f"no suggestion in {said!r}")


def a_bad_value_in_a_file_is_an_error_with_its_line():
    for number, text in ((1, 'line = "many"'), (2, "\nresp_port = 70000"), (2, '\nresp_port = "x"'),
                         (1, 'governor = "maybe"'), (3, '\n\npolicy = "mru"'),
                         (1, "line = [1]"), (1, 'bind = "nowhere"'), (2, '\nloops = -1'),
                         (1, 'line = "512MB" x'), (2, "\nline = "), (2, "\n[server]\nline = 1")):
        with File(text + "\n") as path:
            said = fails("--config", path)
            expect(f"{path}:{number}" in said, f"{text!r}: no `{path}:{number}` in {said!r}")


def a_bad_value_in_the_environment_is_named():
    said = fails(env={"PLIMSOLL_LINE": "many"})
    expect("PLIMSOLL_LINE" in said and "512MiB" in said, f"neither name nor example in {said!r}")
    said = fails(env={"PLIMSOLL_LIEN": "64MiB"})
    expect("PLIMSOLL_LIEN" in said and "PLIMSOLL_LINE" in said, f"no suggestion in {said!r}")


def a_bad_flag_is_named():
    said = fails("--lien", "64MiB", code=2)
    expect("--lien" in said and "--line" in said, f"no suggestion in {said!r}")
    for flags in (("--line", "12 apples"), ("--line", "0"), ("--line", "-5MiB"), ("--line", "150%"),
                  ("--resp-port", "65536"), ("--governor", "perhaps"),
                  ("--bind", "example"), ("--policy", "mru"), ("--line",), ("--loops", "x")):
        said = fails(*flags, code=2)
        expect(flags[0] in said, f"{flags}: not named in {said!r}")


def a_file_that_is_not_there_is_an_error():
    said = fails("--config", "/nowhere/plimsoll.toml")
    expect("/nowhere/plimsoll.toml" in said, f"not named in {said!r}")


def all_faults_are_told_at_once():
    with File("lien = 1\nhttp_port = -1\n") as path:
        said = fails("--config", path, "--loops", "x", env={"PLIMSOLL_POLICY": "none"})
        for part in (f"{path}:1", f"{path}:2", "--loops", "PLIMSOLL_POLICY"):
            expect(part in said, f"no {part} in {said!r}")


def secrets_are_not_shown_in_errors():
    said = fails("--password", "x" * 600)
    expect("xxxx" not in said, f"the password is shown: {said!r}")


# --- who may connect ----------------------------------------------------------------------------------------


def a_public_address_without_a_password_is_refused():
    for address in ("0.0.0.0", "::", "192.0.2.1"):
        said = fails("--bind", address)
        expect("password" in said and "--insecure" in said, f"neither way out is named: {said!r}")


def a_public_address_with_a_password_or_insecure_is_served():
    with serve("--bind", "0.0.0.0", "--insecure", "--line", "64MiB") as server, server.connect() as client:
        expect(client.command("PING") == b"PONG", "no PONG")
    # Without a log, whose clients are asked for no password.
    with serve("--bind", "0.0.0.0", "--line", "64MiB", "--data-dir", "",
               env={"PLIMSOLL_PASSWORD": "secret"}) as server, server.connect() as client:
        expect(client.command("GET", "k") == b"NOAUTH Authentication required.",
               "served without the password")
        expect(client.command("AUTH", "secret") == b"OK", "the password is not taken")
        expect(client.command("GET", "k") is None, "not served with the password")


def an_address_of_version_6_is_served():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        print("        (no IPv6 here)")
        return
    with serve("--bind", "::1", "--line", "64MiB") as server:
        with socket.create_connection(("::1", server.resp_port), timeout=5) as client:
            client.sendall(b"PING\r\n")
            expect(client.recv(100) == b"+PONG\r\n", "no PONG")


def a_taken_port_is_told_plainly():
    with socket.create_server((kit.LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        for flag in ("--resp-port", "--http-port"):
            said = fails(flag, port, "--line", "64MiB",
                         *(("--http-port", "0") if flag == "--resp-port" else ("--resp-port", "0")))
            expect(port in said and ("in use" in said or "another program" in said), f"{flag}: {said!r}")


# --- ending -------------------------------------------------------------------------------------------------


def sigterm_ends_it_with_0():
    for number in (signal.SIGTERM, signal.SIGINT):
        with serve("--line", "64MiB") as server, server.connect() as idle:
            idle.command("SET", "k", "v")
            server.signal(number)
            code = server.exit_code(5)
            expect(code == 0, f"signal {number}: exit code {code}: {server.last_words()}")


def sigterm_lets_what_was_asked_be_answered():
    with serve("--line", "256MiB") as server, server.connect() as client:
        expect(client.command("SET", "k", b"x" * MIB) == b"OK", "no OK")
        client.send(encode([b"GET", b"k"]) * 20)
        wait_until(lambda: client.receive(1), "the first bytes of the replies")
        server.signal(signal.SIGTERM)
        for number in range(20):
            expect(client.reply() == b"x" * MIB, f"reply {number} is not whole")
        code = server.exit_code(10)
        expect(code == 0, f"exit code {code}")


def sigterm_lets_a_page_be_read():
    with serve("--line", "64MiB") as server, kit.Wire(server.http_port, buffer=4096) as browser:
        browser.send(kit.http_request("/"))
        wait_until(lambda: browser.receive(1), "the first bytes of the page")
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        found = kit.http_reply(browser)
        expect(len(found.body) == int(found.headers["content-length"]), f"{len(found.body)} bytes of it")
        code = server.exit_code(5)
        expect(code == 0, f"exit code {code}")


def while_it_drains_nobody_new_is_served():
    with serve("--line", "256MiB") as server, server.connect() as slow:
        hold_it_up(server, slow)
        deadline = Deadline(3)
        while not deadline.passed():
            try:
                with server.connect(seconds=0.5) as client:
                    client.command("PING")
            except (Failure, OSError):
                return
            time.sleep(0.05)
        raise Failure("a new connection was still answered 3 s after SIGTERM")


def hold_it_up(server, slow):
    """SIGTERM to a server with a client that does not read its replies."""
    expect(slow.command("SET", "k", b"x" * MIB) == b"OK", "no OK")
    slow.send(encode([b"GET", b"k"]) * 40)
    wait_until(lambda: slow.receive(1), "the first bytes of the replies")
    server.signal(signal.SIGTERM)


def a_second_sigterm_forces_it():
    with serve("--line", "256MiB") as server, server.connect() as slow:
        hold_it_up(server, slow)
        time.sleep(0.3)
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        server.exit_code(3)
        expect(time.monotonic() - begun < 2, f"it took {time.monotonic() - begun:.1f} s")


def a_client_that_does_not_read_does_not_hold_the_end_up_for_ever():
    with serve("--line", "256MiB") as server, server.connect() as slow:
        hold_it_up(server, slow)
        server.exit_code(8)  # it drains for five seconds at most


# --- descriptors --------------------------------------------------------------------------------------------


def answers(client):
    try:
        return client.command("PING") == b"PONG"
    except (Failure, OSError):
        return False


def running_out_of_descriptors_stops_accepting():
    """With 64 descriptors, 120 clients: some are served, nothing spins; when they go, others are."""
    with serve("--line", "512MiB", descriptors=64) as server:
        clients = [server.connect(seconds=0.5) for _ in range(120)]
        try:
            served = [client for client in clients[:20] if answers(client)]
            expect(len(served) == 20, f"of the first 20 connections {len(served)} are served")
            time.sleep(0.5)
            before = kit.cpu_seconds_of(server.pid)
            time.sleep(2)
            used = (kit.cpu_seconds_of(server.pid) - before) / 2
            expect(used < 0.2, f"it spins: {used * 100:.0f} % of a processor")
            expect(server.is_alive() and answers(served[0]), "those that it serves are no longer served")
        finally:
            for client in clients:
                client.close()
        wait_until(lambda: new_client_is_served(server), "new clients to be served again")


def new_client_is_served(server):
    with server.connect(seconds=1) as client:
        return answers(client)


def closed_standard_descriptors_become_nobody_elses():
    """Who starts it with standard output closed would have its words in a file or a connection of the server."""
    resp, http = kit.free_port(), kit.free_port()
    command = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', kit.program(), "serve", "--line", "64MiB",
               "--resp-port", str(resp), "--http-port", str(http)]
    with subprocess.Popen(command, env=kit.clean_environment(), preexec_fn=kit.dies_with_us()) as server:
        try:
            wait_until(lambda: is_healthy(http), "its answer")
            for number in range(3):
                place = os.readlink(f"/proc/{server.pid}/fd/{number}")
                expect(place == "/dev/null", f"descriptor {number} is {place}")
        finally:
            server.terminate()


def is_healthy(port):
    try:
        return kit.http_get(port, "/healthz").status == 200
    except (Failure, OSError):
        return False


def the_soft_limit_of_descriptors_is_raised():
    with serve("--line", "64MiB") as server:
        with open(f"/proc/{server.pid}/limits", encoding="ascii") as file:
            found = re.search(r"^Max open files\s+(\d+)\s+(\d+)", file.read(), re.MULTILINE)
        expect(found and found[1] == found[2], f"soft {found[1]}, hard {found[2]}")


# --- the other verbs ----------------------------------------------------------------------------------------


def version_tells_the_version():
    code, out, _ = kit.run([kit.program(), "version"])
    expect(code == 0 and re.match(r"plimsoll \d+\.\d+\.\d+\b", out), f"{code}: {out!r}")


def doctor_tells_what_it_found():
    code, out, err = kit.run([kit.program(), "doctor"])
    expect(code == 0 and "limit" in out.lower(), f"{code}: {out!r} {err!r}")
    code, out, _ = kit.run([kit.program(), "doctor", "--json"])
    expect(code == 0 and isinstance(json.loads(out), dict), f"{code}: {out!r}")


def status_asks_the_running_server():
    with serve("--line", "64MiB") as server:
        where = f"{kit.LOOPBACK}:{server.http_port}"
        code, out, err = kit.run([kit.program(), "status", "--http", where])
        expect(code == 0 and "line" in out.lower(), f"{code}: {out!r} {err!r}")
        code, out, err = kit.run([kit.program(), "status", "--json", "--http", where])
        told = json.loads(out)
        expect(code == 0 and told["memory"]["line_bytes"] == line_of(server), f"{code}: {out!r} {err!r}")
    code, out, err = kit.run([kit.program(), "status", "--http", where])
    expect(code > 0 and where in err and not out, f"of a server that is gone: {code}: {out!r} {err!r}")


def an_unknown_verb_is_answered_with_the_nearest():
    for word, meant in (("sevre", "serve"), ("stauts", "status"), ("docter", "doctor"),
                        ("versoin", "version")):
        code, out, err = kit.run([kit.program(), word])
        expect(code == 2 and meant in err and not out, f"{word}: {code}: {out!r} {err!r}")
    code, _, err = kit.run([kit.program()])
    expect(code == 2 and "serve" in err, f"without a verb: {code}: {err!r}")


def every_verb_explains_itself():
    code, out, _ = kit.run([kit.program(), "--help"])
    expect(code == 0, f"--help: {code}")
    for verb in VERBS:
        expect(verb in out, f"--help does not tell of {verb}")
        code, told, err = kit.run([kit.program(), verb, "--help"])
        expect(code == 0 and verb in told and not err, f"{verb} --help: {code}: {told!r} {err!r}")


def serve_tells_its_ports_and_then_ready():
    with serve("--line", "64MiB") as server:
        lines = [line for line in server.said().splitlines() if re.match(r"(resp|http): |ready", line)]
        expect(len(lines) == 3 and lines[-1].startswith("ready"), f"it said {server.said()!r}")


CASES = (
    a_file_wins_over_the_default, the_environment_wins_over_the_file, a_flag_wins_over_the_environment,
    ports_come_from_every_source, the_file_may_be_named_by_the_environment, the_file_may_come_through_a_pipe,
    a_share_is_a_share_of_what_was_found, sizes_are_read_as_people_write_them, a_switch_in_a_file_is_a_switch,
    an_unknown_key_in_a_file_is_an_error_with_its_line, a_bad_value_in_a_file_is_an_error_with_its_line,
    a_bad_value_in_the_environment_is_named, a_bad_flag_is_named, a_file_that_is_not_there_is_an_error,
    all_faults_are_told_at_once, secrets_are_not_shown_in_errors,
    a_public_address_without_a_password_is_refused, a_public_address_with_a_password_or_insecure_is_served,
    an_address_of_version_6_is_served, a_taken_port_is_told_plainly, sigterm_ends_it_with_0,
    sigterm_lets_what_was_asked_be_answered, sigterm_lets_a_page_be_read, while_it_drains_nobody_new_is_served, a_second_sigterm_forces_it,
    a_client_that_does_not_read_does_not_hold_the_end_up_for_ever, running_out_of_descriptors_stops_accepting,
    closed_standard_descriptors_become_nobody_elses, the_soft_limit_of_descriptors_is_raised, version_tells_the_version, doctor_tells_what_it_found,
    status_asks_the_running_server, an_unknown_verb_is_answered_with_the_nearest, every_verb_explains_itself,
    serve_tells_its_ports_and_then_ready,
)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
