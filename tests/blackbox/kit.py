"""What the black-box tests share: servers started and ended, sockets, RESP, HTTP, readings from /proc.

Every wait has a deadline, and only processes started here are ever ended. What cannot run calls
skip().
"""

import argparse
import ctypes
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77
PATIENCE = 20.0  # seconds that anything may take before it counts as stuck
LOOPBACK = "127.0.0.1"


class Failure(Exception):
    """What was expected did not happen."""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Deadline:
    def __init__(self, seconds=PATIENCE):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())

    def passed(self):
        return time.monotonic() >= self.end


def wait_until(condition, what, seconds=PATIENCE, step=0.01):
    """Returns the first true answer of `condition`."""
    deadline = Deadline(seconds)
    while True:
        answer = condition()
        if answer:
            return answer
        if deadline.passed():
            raise Failure(f"waited {seconds:g} s in vain: {what}")
        time.sleep(step)


# --- programs -----------------------------------------------------------------------------------------------


def peer(name):
    """The path of a peer's wrapper, as `./dev peers` unpacked it; skips the test if there is none."""
    folder = os.environ.get("PLIMSOLL_PEERS") or os.path.join(TREE, "build", "peers", "bin")
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        skip(f"no {name} in {folder} (./dev peers unpacks it)")
    return path


def arguments(description, needs_plimsoll=True):
    """A parser that knows --plimsoll; a script adds its own options."""
    parser = argparse.ArgumentParser(description=description)
    found = os.environ.get("PLIMSOLL", os.path.join(TREE, "build", "release", "plimsoll"))
    if needs_plimsoll:
        parser.add_argument("--plimsoll", default=found, metavar="BINARY", help=f"default: {found}")
    return parser


def clean_environment(extra=None):
    """The environment without PLIMSOLL_*, which would configure the server under test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLIMSOLL")}
    return {**kept, **(extra or {})}


def dies_with_us(descriptors=None):
    """Run in the child before exec: it ends with this test, however the test ends."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare():
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    return prepare


def run(command, seconds=PATIENCE, env=None, stdin=b""):
    """Runs a program to its end; answers (exit code, standard output, standard error) as text."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=False,
                              env=clean_environment(env), preexec_fn=dies_with_us())
    except subprocess.TimeoutExpired as expired:
        raise Failure(f"{' '.join(command)}: not done after {seconds:g} s; "
                      f"said {(expired.stdout or b'')[-500:]!r}") from None
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


class Server:
    """A child process with its output in files; ended when the `with` block is left."""

    name = "server"

    def __init__(self, command, env=None, descriptors=None):
        self.folder = tempfile.TemporaryDirectory(prefix="plimsoll-test-")
        self.command = [part.replace("@DIR@", self.folder.name) for part in command]
        self.env, self.descriptors = clean_environment(env), descriptors
        self.resp_port = self.http_port = self.kafka_port = self.process = None
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def start(self):
        """Also once more, after it has ended."""
        with open(self.path("out"), "wb") as out, open(self.path("err"), "wb") as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env=self.env, preexec_fn=dies_with_us(self.descriptors))
        self.await_ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def said(self, stream="out"):
        with open(self.path(stream), encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process.poll() is None

    def await_ready(self):
        wait_until(lambda: not self.is_alive() or self.is_ready(), f"{self.name} to be ready")
        expect(self.is_alive(), self.last_words())

    def is_ready(self):
        raise NotImplementedError

    def last_words(self):
        return (f"{self.name} ended with {self.process.poll()}: {' '.join(self.command)}\n"
                f"{self.said('out')[-2000:]}{self.said('err')[-4000:]}")

    def signal(self, number):
        self.process.send_signal(number)

    def exit_code(self, seconds=PATIENCE):
        """Waits for the process to end by itself."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds:g} s") from None

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=PATIENCE)
        self.folder.cleanup()

    def connect(self, **options):
        return RespClient(self.resp_port, **options)


class Plimsoll(Server):
    """`plimsoll serve` on ports of its own choice."""

    name = "plimsoll"

    def __init__(self, binary, *flags, env=None, descriptors=None, defaults=True):
        expect(os.access(binary, os.X_OK), f"no program {binary}: build it, or name it with --plimsoll")
        command = [binary, "serve", *flags]
        if defaults:
            given = set(flags)
            for flag, value in (("--resp-port", "0"), ("--http-port", "0"), ("--kafka-port", "0"),
                                ("--data-dir", "@DIR@/data")):
                if flag not in given:
                    command += [flag, value]
        super().__init__(command, env=env, descriptors=descriptors)

    def is_ready(self):
        said = self.said()
        if not re.search(r"^ready\b", said, re.MULTILINE):
            return False
        self.resp_port = self.port_of("resp", said)
        self.http_port = self.port_of("http", said)
        self.kafka_port = None if re.search(r"^kafka: off", said, re.MULTILINE) else self.port_of("kafka", said)
        return True

    def port_of(self, what, said):
        found = re.search(rf"^{what}: \S*:(\d+)\s*$", said, re.MULTILINE)
        expect(found, f"no line `{what}: ADDRESS:PORT` in {said!r}")
        return int(found[1])

    def status(self):
        return json.loads(http_get(self.http_port, "/api/v1/status").body)


class Redis(Server):
    """redis-server 7.0 with nothing saved."""

    name = "redis-server"

    def __init__(self, *flags):
        self.chosen = free_port()
        super().__init__([peer("redis-server"), "--port", str(self.chosen), "--bind", LOOPBACK, "--dir",
                          "@DIR@",
                          "--save", "", "--appendonly", "no", *flags])

    def is_ready(self):
        if "Ready to accept connections" not in self.said():
            return False
        self.resp_port = self.chosen
        return True


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


# --- readings -----------------------------------------------------------------------------------------------


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory_of(pid):
    """Resident and anonymous bytes, and the highest resident bytes so far."""
    fields = {}
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon", "VmHWM"):
                fields[name] = int(value.split()[0]) * 1024
    return {"resident": fields["VmRSS"], "anonymous": fields["RssAnon"], "peak": fields["VmHWM"]}


def cpu_seconds_of(pid):
    """User and system time of all threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- sockets ------------------------------------------------------------------------------------------------


class Wire:
    """A TCP connection that says plainly what became of it."""

    def __init__(self, port, seconds=PATIENCE, buffer=None):
        """`buffer`: of what the kernel receives, in bytes; what is beyond waits at the other side."""
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(seconds)
        self.socket.connect((LOOPBACK, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds = seconds
        self.buffer = bytearray()
        self.ended = None  # None while open, then "closed" or "reset"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with a reset, as a client does whose machine went away and came back."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        """Sends all of it; a peer that closed meanwhile is seen when reading."""
        try:
            self.socket.settimeout(self.seconds)
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def receive(self, seconds):
        """Adds what comes within the time to the buffer; false when nothing came or the peer has closed."""
        if self.ended:
            return False
        try:
            self.socket.settimeout(max(seconds, 0.001))
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            return False
        except (ConnectionResetError, BrokenPipeError):
            self.ended = "reset"
            return False
        if not data:
            self.ended = "closed"
        self.buffer += data
        return bool(data)

    def read_to_end(self, seconds=PATIENCE):
        """All that comes until the peer closes."""
        deadline = Deadline(seconds)
        while not self.ended:
            self.receive(deadline.left())
            expect(self.ended or not deadline.passed(),
                   f"connection still open; it said {bytes(self.buffer[-200:])!r}")
        return bytes(self.buffer)


# --- RESP ---------------------------------------------------------------------------------------------------


class Error(bytes):
    """An error reply, without its '-'."""


class Simple(bytes):
    """A simple string, without its '+'."""


def encode(args):
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


def reply_end(data, start=0):
    """Where the reply that begins at `start` ends, or None while it is not all there."""
    pending = 1
    while pending:
        line_end = data.find(b"\r\n", start)
        if line_end < 0:
            return None
        kind, line, start = data[start : start + 1], data[start + 1 : line_end], line_end + 2
        expect(kind in (b"+", b"-") or re.fullmatch(rb"[:$*]-?[0-9]+|_|,[-+.0-9a-z]+|#[tf]|[%~=][0-9]+",
                                                    kind + line),
               f"no reply of RESP: {bytes(kind + line)[:60]!r}")
        pending -= 1
        if kind in (b"$", b"="):
            start += int(line) + 2 if int(line) >= 0 else 0
        elif kind in (b"*", b"~", b"%"):
            pending += max(int(line), 0) * (2 if kind == b"%" else 1)
    return start if start <= len(data) else None


def parse(data):
    """The value of one whole reply: Simple, Error, int, float, bool, bytes, list or None.

    A map is a list of its keys and values, as RESP2 has it; a set is a list.
    """
    value, _ = parse_at(data, 0)
    return value


def parse_at(data, start):
    line_end = data.index(b"\r\n", start)
    kind, line, after = data[start : start + 1], bytes(data[start + 1 : line_end]), line_end + 2
    if kind == b"+":
        return Simple(line), after
    if kind == b"-":
        return Error(line), after
    if kind == b"_":
        return None, after
    if kind == b",":
        return float(line), after
    if kind == b"#":
        return line == b"t", after
    number = int(line)
    if kind == b":":
        return number, after
    if number < 0:
        return None, after
    if kind == b"$":
        return bytes(data[after : after + number]), after + number + 2
    if kind == b"=":
        return bytes(data[after + 4 : after + number]), after + number + 2
    values = []
    for _ in range(number * (2 if kind == b"%" else 1)):
        value, after = parse_at(data, after)
        values.append(value)
    return values, after


def as_bytes(arg):
    return arg if isinstance(arg, bytes) else str(arg).encode()


class RespClient(Wire):
    """A client that keeps replies as they came."""

    def raw_reply(self):
        """The next reply's bytes, or None when the server closed before it was whole."""
        deadline = Deadline(self.seconds)
        while True:
            end = reply_end(self.buffer)
            if end is not None:
                raw = bytes(self.buffer[:end])
                del self.buffer[:end]
                return raw
            if not self.receive(deadline.left()):
                if self.ended:
                    return None
                raise Failure(f"no whole reply in {self.seconds:g} s; so far {bytes(self.buffer[:100])!r}")

    def raw_replies(self, count):
        return [self.raw_reply() for _ in range(count)]

    def reply(self):
        raw = self.raw_reply()
        expect(raw is not None, f"the server closed the connection; before: {bytes(self.buffer[:100])!r}")
        return parse(raw)

    def command(self, *args):
        self.send(encode([as_bytes(arg) for arg in args]))
        return self.reply()

    def pipeline(self, commands):
        self.send(b"".join(encode([as_bytes(arg) for arg in args]) for args in commands))
        return [self.reply() for _ in commands]


# --- HTTP ---------------------------------------------------------------------------------------------------


class HttpReply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()


def http_request(path, method="GET", headers=(), version="HTTP/1.1"):
    lines = [f"{method} {path} {version}", "Host: localhost", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def http_reply(wire, head_only=False):
    """Reads one reply from a connection, by its Content-Length or to the end."""
    deadline = Deadline()
    while b"\r\n\r\n" not in wire.buffer:
        wire.receive(deadline.left())
        expect(not wire.ended and not deadline.passed() or b"\r\n\r\n" in wire.buffer,
               f"no HTTP reply: {bytes(wire.buffer[:200])!r}, connection {wire.ended or 'open'}")
    head, _, rest = bytes(wire.buffer).partition(b"\r\n\r\n")
    status, headers = parse_head(head)
    length = 0 if head_only or status in (204, 304) else int(headers.get("content-length", -1))
    while len(rest) < length or (length < 0 and not wire.ended):
        expect(not deadline.passed() and not (wire.ended and len(rest) < length),
               "the HTTP body was cut short")
        wire.receive(deadline.left())
        rest = bytes(wire.buffer).partition(b"\r\n\r\n")[2]
    length = len(rest) if length < 0 else length
    wire.buffer = bytearray(rest[length:])
    return HttpReply(status, headers, rest[:length])


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    found = re.fullmatch(r"HTTP/1\.[01] (\d{3}) .+", lines[0])
    expect(found, f"no HTTP status line: {lines[0]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        expect(colon and re.fullmatch(r"[!#-'*+.^-z|~A-Z0-9-]+", name), f"no HTTP header: {line!r}")
        headers[name.lower()] = value.strip()
    return int(found[1]), headers


def http_get(port, path, method="GET"):
    with Wire(port) as wire:
        wire.send(http_request(path, method, ["Connection: close"]))
        return http_reply(wire, head_only=method == "HEAD")


# --- a script of cases --------------------------------------------------------------------------------------


def has_died(server):
    """A moment is given to a server that is just about to."""
    time.sleep(0.2)
    return not server.is_alive()


def run_cases(cases, only=None, server=None):
    """Runs named functions one after the other, tells how each went, and exits with 1 if one failed.

    A `server` that they share fails the case in which it dies, and is started again for the next.
    """
    failed = 0
    for case in cases:
        name = case.__name__
        if only and not re.search(only, name):
            continue
        begun = time.monotonic()
        try:
            case()
            expect(not server or server.is_alive(), "the server has died")
            print(f"ok      {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        except (Failure, OSError, ValueError, KeyError) as failure:
            failed += 1
            print(f"FAILED  {name}: {type(failure).__name__}: {failure}", flush=True)
            if server and has_died(server):
                print(server.last_words(), flush=True)
                server.start()
    sys.exit(1 if failed else 0)


_program = None


def program():
    """The program under test, of whoever called main()."""
    return _program


def main(description, cases):
    """A script whose cases each start what they need: --plimsoll and --only, then run_cases()."""
    global _program  # pylint: disable=global-statement
    parser = arguments(description)
    parser.add_argument("--only", metavar="PATTERN", help="the cases whose names match")
    chosen = parser.parse_args()
    _program = chosen.plimsoll
    run_cases(cases, chosen.only)
