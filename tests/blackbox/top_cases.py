#!/usr/bin/env python3
"""`plimsoll top` as somebody at a terminal meets it: a pseudo-terminal, keys, signals, and a server that goes away."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import kit
from kit import Deadline, Plimsoll, expect, wait_until

ENTER, LEAVE, SHOW_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
# 0.2 s is what a person is to wait at most; the rest is for a machine that does other things too.
QUICKLY = 0.2 + 0.5


class Terminal:
    """`plimsoll top` on a pseudo-terminal of its own, of which it is the foreground job."""

    def __init__(self, *flags, columns=80, rows=24, env=None):
        self.controller, self.inside = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(self.inside)
        self.said = b""
        environment = {**kit.clean_environment(), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})}
        if env and "NO_COLOR" not in env:
            environment.pop("NO_COLOR", None)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([kit.program(), "top", "--interval", "100ms", *flags], stdin=self.inside,
                                        stdout=self.inside, stderr=self.inside, env=environment,
                                        preexec_fn=own_terminal)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.controller)
        os.close(self.inside)

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds=0.05):
        """What came meanwhile."""
        if select.select([self.controller], [], [], seconds)[0]:
            self.said += os.read(self.controller, 1 << 16)
        return self.said

    def frame(self):
        """The last whole frame: its lines, without colours."""
        frames = self.said.split(b"\x1b[H")
        whole = [frame for frame in frames[1:] if b"\x1b[J" in frame]
        if not whole:
            return []
        text = whole[-1].split(b"\x1b[J")[0].decode()
        return re.split(r"\r+\n", re.sub(r"\x1b\[[0-9;]*[mK]", "", text))

    def shows(self, what, where=None):
        """Waits for a frame with this text in a line (or in that line)."""
        def there():
            self.read()
            lines = self.frame()
            return any(what in line for line in (lines if where is None else lines[where:where + 1]))
        wait_until(there, f"{what!r} on the screen, which has {self.frame()}")

    def key(self, text):
        os.write(self.controller, text.encode())

    def expect_left(self, code):
        """It ended with this code, and the terminal is as it was."""
        deadline = Deadline()
        while self.process.poll() is None and not deadline.passed():
            self.read()
        expect(self.process.poll() == code, f"exit code {self.process.poll()}, not {code}")
        self.expect_as_before()

    def expect_as_before(self):
        wait_until(lambda: self.read().rfind(LEAVE) > self.said.rfind(ENTER), "the first screen")
        expect(self.said.rfind(SHOW_CURSOR) > self.said.rfind(b"\x1b[?25l"), "the cursor is not shown")
        expect(termios.tcgetattr(self.inside) == self.before, "the terminal's settings are not what they were")


def where(server):
    return ("--http", f"127.0.0.1:{server.http_port}")


def it_shows_the_server_and_q_leaves_the_terminal_as_it_was():
    with Plimsoll(kit.program(), "--line", "128MiB") as server, Terminal(*where(server)) as top:
        top.shows("normal", 0)
        top.shows("requests/s")
        expect(termios.tcgetattr(top.inside) != top.before, "the keys are not taken one by one")
        for part in ("cache", "used ", "▲line"):
            expect(any(part in line for line in top.frame()), f"no {part!r} in {top.frame()}")
        expect(b"\x1b[32m" in top.said, "no colour on a terminal")
        top.key("q")
        top.expect_left(0)


def signals_leave_the_terminal_as_it_was():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 0), (signal.SIGHUP, 129)):
            with Terminal(*where(server)) as top:
                top.shows("normal", 0)
                top.process.send_signal(number)
                top.expect_left(code)
        with Terminal(*where(server)) as top:
            top.shows("normal", 0)
            top.key("\x03")  # Ctrl-C, as the terminal sends it
            top.expect_left(0)


def it_takes_the_size_of_the_terminal():
    with Plimsoll(kit.program(), "--line", "128MiB") as server, Terminal(*where(server)) as top:
        top.shows("q quit", 23)
        top.shows("change/s")
        top.resize(40, 10)
        top.shows("q quit", 9)
        expect(all(len(line) <= 40 for line in top.frame()), f"wider than 40 columns: {top.frame()}")
        expect(not any("change/s" in line for line in top.frame()), "40 columns have room for changes")
        top.resize(160, 50)
        top.shows("guarantee")
        top.shows("q quit", 49)
        top.key("q")
        top.expect_left(0)


def keys_sort_and_pause():
    with Plimsoll(kit.program(), "--line", "128MiB") as server, Terminal(*where(server)) as top:
        top.shows("sort: used")
        top.key("s")
        top.shows("sort: change")
        top.key("s")
        top.shows("sort: name")
        top.key(" ")
        top.shows("PAUSED", 0)
        with server.connect() as client:
            for number in range(50):
                client.command("SET", f"k{number}", "v")
            # Nothing new while it is paused, though it hears of it: several looks, told by the pictures drawn.
            seen = top.said.count(b"\x1b[H")
            wait_until(lambda: top.read().count(b"\x1b[H") > seen + 5, "pictures while it is paused")
            expect(not any("keys 50" in line for line in top.frame()), "it goes on while it is paused")
            top.key(" ")
            top.shows("keys 50")
        top.key("q")
        top.expect_left(0)


def suspended_it_gives_the_terminal_back_and_takes_it_again():
    with Plimsoll(kit.program(), "--line", "128MiB") as server, Terminal(*where(server)) as top:
        top.shows("normal", 0)
        top.key("\x1a")  # Ctrl-Z
        top.expect_as_before()
        state = lambda: open(f"/proc/{top.process.pid}/stat", encoding="ascii").read().rpartition(")")[2].split()[0]
        wait_until(lambda: state() == "T", "it to be stopped")
        drawn = len(top.said)
        top.process.send_signal(signal.SIGCONT)
        wait_until(lambda: ENTER in top.read()[drawn:], "the second screen again")
        top.shows("normal", 0)
        top.key("q")
        top.expect_left(0)


def a_server_that_goes_away_is_marked_and_asked_again():
    port = kit.free_port()
    with Plimsoll(kit.program(), "--line", "128MiB", "--http-port", str(port)) as server:
        with Terminal(*where(server), columns=100) as top:
            top.shows("normal", 0)
            server.process.kill()
            server.process.wait()
            top.shows("STALE", 0)
            top.shows("cache")  # what was known stays
            top.shows("Connection refused")
            server.start()
            wait_until(lambda: top.read() and top.frame() and "STALE" not in top.frame()[0], "it to be heard again")
            top.key("q")
            top.expect_left(0)


def a_server_that_hangs_does_not_make_the_keys_hang():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        for key in ("q", "\x03"):  # and Ctrl-C
            with Terminal(*where(server)) as top:
                top.shows("normal", 0)
                server.process.send_signal(signal.SIGSTOP)
                try:
                    top.shows("STALE", 0)  # and the next question is out, which would be waited for for two seconds
                    begun = time.monotonic()
                    top.key(key)
                    top.expect_left(0)
                    took = time.monotonic() - begun
                finally:
                    server.process.send_signal(signal.SIGCONT)
                expect(took < QUICKLY, f"it took {took:.2f} s to leave by {key!r}")


def nobody_there_is_said_and_asked_again():
    with Terminal("--http", f"127.0.0.1:{kit.free_port()}") as top:
        top.shows("STALE: no answer", 0)
        top.shows("Connection refused")
        top.key("q")
        top.expect_left(0)


def no_color_has_no_colours():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        with Terminal(*where(server), env={"NO_COLOR": "1"}) as top:
            top.shows("requests/s 1")
            top.key("q")
            top.expect_left(0)
            expect(not re.search(rb"\x1b\[[0-9;]*m", top.said), "colours where none are wanted")


def a_dumb_terminal_gets_one_picture_without_escapes():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        with Terminal(*where(server), env={"TERM": "dumb"}) as top:
            wait_until(lambda: b"page_cache" in top.read() and top.process.poll() is not None, "one picture")
            expect(top.process.returncode == 0 and b"\x1b" not in top.said, f"{top.process.returncode}: {top.said!r}")


def without_a_terminal_it_shows_one_picture_and_ends():
    with Plimsoll(kit.program(), "--line", "128MiB") as server:
        for flags in ((), ("--once",)):
            code, out, err = kit.run([kit.program(), "top", "--interval", "100ms", *where(server), *flags])
            expect(code == 0 and not err, f"{code}: {err!r}")
            expect("\x1b" not in out, f"escapes in {out!r}")
            for part in ("normal", "requests/s", "cache", "page_cache", "other"):
                expect(part in out, f"no {part} in {out}")
    code, out, err = kit.run([kit.program(), "top", *where(server)])
    expect(code == 1 and "Connection refused" in err and not out, f"{code}: {out!r} {err!r}")
    code, out, err = kit.run([kit.program(), "top", "--interval", "never"])
    expect(code == 2 and "--interval never" in err, f"{code}: {err!r}")


CASES = (
    it_shows_the_server_and_q_leaves_the_terminal_as_it_was, signals_leave_the_terminal_as_it_was,
    it_takes_the_size_of_the_terminal, keys_sort_and_pause,
    suspended_it_gives_the_terminal_back_and_takes_it_again, a_server_that_goes_away_is_marked_and_asked_again,
    a_server_that_hangs_does_not_make_the_keys_hang, nobody_there_is_said_and_asked_again,
    no_color_has_no_colours, a_dumb_terminal_gets_one_picture_without_escapes,
    without_a_terminal_it_shows_one_picture_and_ends,
)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
