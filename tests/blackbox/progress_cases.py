#!/usr/bin/env python3
"""What a person sees who waits for a verb: one line on a terminal after two seconds, and nothing anywhere else."""

import os
import pty
import re
import select
import signal
import subprocess
import time

import kit
from kit import Plimsoll, expect

def rows(first, count):
    return "".join(f"{key % 50_000},100\n" for key in range(first, first + count)).encode()


def run_on_terminal(words, stdin_parts=(), pause=2.3, terminal=True):
    """Runs a verb with standard error on a terminal; the parts of its input come with pauses between them.

    Answers (exit code, standard output, standard error).
    """
    controller, inside = pty.openpty()
    errors = inside if terminal else subprocess.PIPE
    process = subprocess.Popen([kit.program(), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                               env={**kit.clean_environment(), "TERM": "xterm"})
    try:
        for number, part in enumerate(stdin_parts):
            time.sleep(pause if number else 0)
            process.stdin.write(part)
            process.stdin.flush()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    said = err or b""
    while terminal and select.select([controller], [], [], 0.1)[0]:
        said += os.read(controller, 1 << 16)
    os.close(controller)
    os.close(inside)
    return process.returncode, out.decode(), said.decode()


def trace_in_parts():
    return [b"key,size\n" + rows(0, 100_000), rows(100_000, 100_000)]


def a_long_trace_shows_how_far_it_is_and_leaves_no_trace_of_it():
    code, out, err = run_on_terminal(["sim", "-", "--capacity", "10%"], trace_in_parts())
    expect(code == 0 and "object_miss_ratio" in out and "\r" not in out, f"{code}: {out!r}")
    expect("\rreading standard input  " in err and re.search(r" rows, [2-4] s\x1b\[K", err), f"nothing of reading in {err!r}")
    expect("\rreplaying adaptive at 10%  [" in err and " %" in err, f"nothing of replaying in {err!r}")
    expect(err.endswith("\r\x1b[K"), f"the line is not erased: {err[-60:]!r}")
    expect("\n" not in err, f"more than one line: {err!r}")


def what_is_soon_over_shows_nothing():
    few = b"key,size\n" + rows(0, 1000)  # so that no build is slow enough to take two seconds for them
    code, _, err = run_on_terminal(["sim", "-", "--policy", "lru", "--capacity", "10%"], [few])
    expect(code == 0 and err == "", f"{code}: {err!r}")


def without_a_terminal_there_is_no_progress():
    code, _, err = run_on_terminal(["sim", "-", "--capacity", "10%"], trace_in_parts(), terminal=False)
    expect(code == 0 and err == "", f"{code}: {err!r}")


def a_fault_stands_alone():
    code, _, err = run_on_terminal(["sim", "-"], [*trace_in_parts(), b"bogus\n"], pause=1.3)
    expect(code == 1, f"exit code {code}")
    expect(err.rpartition("\r\x1b[K")[2].startswith("plimsoll: sim: standard input:200002: "), f"{err!r}")


def a_server_that_hangs_is_waited_for_aloud():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        server.process.send_signal(signal.SIGSTOP)
        try:
            code, out, err = run_on_terminal(["status", "--http", f"127.0.0.1:{server.http_port}"])
        finally:
            server.process.send_signal(signal.SIGCONT)
        expect(code == 1 and not out, f"{code}: {out!r}")
        expect(re.search(rf"\rwaiting for 127.0.0.1:{server.http_port}  [2-4] s\x1b\[K", err), f"{err!r}")
        expect(err.rpartition("\r\x1b[K")[2].startswith("plimsoll: status: "), f"{err!r}")


CASES = (
    a_long_trace_shows_how_far_it_is_and_leaves_no_trace_of_it, what_is_soon_over_shows_nothing,
    without_a_terminal_there_is_no_progress, a_fault_stands_alone, a_server_that_hangs_is_waited_for_aloud,
)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
