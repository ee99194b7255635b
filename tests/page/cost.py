#!/usr/bin/env python3
"""What the live view costs the server: processor time and memory with nobody who looks, with one page, and with four.

    tests/page/cost.py [--seconds 20] [--rounds 3]

A page is what it asks for: the events, and the three cards that are asked for every five seconds. The server has a full
cache, and serves nobody else. By hand, on a quiet machine; docs/targets.md has what was measured.
"""

import os
import re
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "blackbox"))
import kit  # noqa: E402  pylint: disable=wrong-import-position

ASK_EVERY = 5.0


class Page:
    """Asks as a browser's page does, and reads what it is told."""

    def __init__(self, port):
        self.port, self.ended, self.told = port, threading.Event(), 0
        self.socket = socket.create_connection((kit.LOOPBACK, port))
        self.socket.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        self.threads = [threading.Thread(target=run) for run in (self.listen, self.ask)]
        for thread in self.threads:
            thread.start()

    def listen(self):
        while data := self.socket.recv(1 << 16):
            self.told += len(data)

    def ask(self):
        while not self.ended.is_set():
            for what in ("cache", "pools", "topics"):
                kit.http_get(self.port, f"/api/v1/{what}")
            self.ended.wait(ASK_EVERY)

    def end(self):
        self.ended.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M).group(1)) / 1024


def main():
    parser = kit.arguments(__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with kit.Plimsoll(chosen.plimsoll, "--line", "256MiB") as server:
        with kit.RespClient(server.resp_port, seconds=60) as client:
            for at in range(0, 300000, 500):
                client.send(b"".join(kit.encode([b"SET", b"key:%d" % key, b"x" * 1000]) for key in range(at, at + 500)))
                for _ in range(500):
                    client.reply()
        cpu, memory = {}, {}
        for _ in range(chosen.rounds):
            for count in (0, 1, 4):
                pages = [Page(server.http_port) for _ in range(count)]
                time.sleep(1.5)
                before = cpu_of(server.pid)
                time.sleep(chosen.seconds)
                cpu.setdefault(count, []).append((cpu_of(server.pid) - before) / chosen.seconds)
                memory.setdefault(count, []).append(resident_of(server.pid))
                for page in pages:
                    page.end()
        for count, shares in cpu.items():
            print(f"{count} pages: {100 * statistics.median(shares):.2f} % of a core "
                  f"({', '.join(f'{100 * share:.2f}' for share in shares)}); resident "
                  f"{statistics.median(memory[count]):.2f} MiB")


main()
