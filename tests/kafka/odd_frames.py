#!/usr/bin/env python3
"""Requests that are not as the protocol has them, and that real clients send: each with who sends it."""

import socket
import struct

import broker
from broker import fresh
from kit import PATIENCE, expect, wait_until

API_VERSIONS, METADATA, CREATE_TOPICS = 18, 3, 19


class Wire:
    def __init__(self, address, window=None):
        host, _, port = address.rpartition(":")
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.connect((host, int(port)))
        self.stream = self.socket.makefile("rb")

    def ask(self, key, version, number, body):
        """The answer after its correlation number, which must be the request's; no client id is given."""
        self.socket.sendall(self.frame(key, version, number, body))
        return self.answer(number)

    @staticmethod
    def frame(key, version, number, body):
        request = struct.pack(">hhih", key, version, number, -1) + body
        return struct.pack(">i", len(request)) + request

    def answer(self, number):
        head = self.stream.read(8)
        expect(len(head) == 8, "the broker closed the connection")
        size, told = struct.unpack(">ii", head)
        expect(told == number, f"an answer to {told}, not to {number}")
        return self.stream.read(size - 4)


def bytes_after_the_end_of_a_request_are_passed_over(address):
    # librdkafka 2.15 asks for all topics so: a count of four bytes where the null of one belongs, so that what is read
    # ends one byte early. Apache Kafka does not mind.
    wire, topic = Wire(address), fresh("odd")
    no_tags, names = b"\0", b"\0\0\0\1" + struct.pack(">h", len(topic)) + topic.encode()
    wire.ask(METADATA, 4, 1, names + b"\1")  # makes it
    odd = no_tags + b"\0\0\0\0\1\0\0\0"
    wait_until(lambda: topic.encode() in wire.ask(METADATA, 9, 2, odd), "the new topic to be named", step=0.1)
    wire.ask(METADATA, 9, 3, no_tags + b"\0\0\0\0\0")  # and the connection goes on


def a_version_of_the_future_is_answered_in_the_oldest(address):
    # Every new client asks old brokers so, and reads the answer in version 0 to know what to ask instead.
    wire = Wire(address)
    answer = wire.ask(API_VERSIONS, 99, 7, b"\0")
    error, count = struct.unpack_from(">hi", answer, 0)
    expect(error == 35, f"error {error}, not 35")
    rows = [struct.unpack_from(">hhh", answer, 6 + 6 * at) for at in range(count)]
    expect(any(row[0] == API_VERSIONS and row[1] == 0 and row[2] >= 3 for row in rows), f"{rows}")
    expect(struct.unpack_from(">h", wire.ask(API_VERSIONS, 0, 8, b""), 0)[0] == 0, "the connection is of no more use")


def lz4_is_offered_in_the_way_that_librdkafka_looks_for(address):
    # It takes a broker for one that knows lz4 when that serves version 0 of FindCoordinator, and gzip and snappy (before
    # 2.11.1) when it serves version 0 of Produce; else it sends what is asked to be compressed as it is, without a word.
    answer = Wire(address).ask(API_VERSIONS, 0, 1, b"")
    rows = [struct.unpack_from(">hhh", answer, 6 + 6 * at) for at in range(struct.unpack_from(">i", answer, 2)[0])]
    lowest = {key: low for key, low, _ in rows}
    expect(lowest.get(10) == 0, "no version 0 of FindCoordinator")
    expect(lowest.get(0) == 0, "no version 0 of Produce")


def what_is_asked_at_once_is_answered_however_slowly_it_is_read(address):
    # librdkafka asks for metadata behind a fetch: both may be there before the fetch's answer has left, and that may be
    # more than a socket takes.
    wire, topic = Wire(address, window=4096), fresh("many")
    named = struct.pack(">h", len(topic)) + topic.encode()
    wire.ask(CREATE_TOPICS, 2, 1, struct.pack(">i", 1) + named + struct.pack(">ihiiib", 2000, 1, 0, 0, 10000, 0))
    count = 100
    wire.socket.sendall(b"".join(wire.frame(METADATA, 1, 2 + at, struct.pack(">i", 1) + named) for at in range(count)))
    for at in range(count):
        size = len(wire.answer(2 + at))
        expect(size > 2000 * 20, f"answer {at} has {size} bytes")


CASES = (bytes_after_the_end_of_a_request_are_passed_over, a_version_of_the_future_is_answered_in_the_oldest,
         lz4_is_offered_in_the_way_that_librdkafka_looks_for,
         what_is_asked_at_once_is_answered_however_slowly_it_is_read)

if __name__ == "__main__":
    broker.main(__doc__, CASES)
