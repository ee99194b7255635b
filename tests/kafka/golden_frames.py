#!/usr/bin/env python3
"""Every request and version that the broker says it serves, as Apache Kafka's own encoder wrote it, through a socket.

Two frames of each: one with a value of its own in every field (and its variants with nulls and with tags that nobody
knows), which is mostly refused, and one that is done. Both come from tools/kafka_frames. The answer is read by what
Apache's classes say of its fields, to its last byte, and by those classes themselves with --java JARS.
"""

import json
import os
import re
import struct
import subprocess
import uuid

import broker
import kit
from kit import PATIENCE, Wire, expect

FRAMES = os.path.join(kit.TREE, "src", "plimsoll", "wire", "corpus", "kafka_frames")
SERVED = os.path.join(kit.TREE, "tests", "kafka", "apache_requests.jsonl")
DECODER = os.path.join(kit.TREE, "tests", "kafka", "DecodeAnswers.java")
CORRELATION = 0x01020304  # of all of them
PRODUCE, FETCH, API_VERSIONS, METADATA, FIND_COORDINATOR = 0, 1, 18, 3, 10
UNSUPPORTED_VERSION = 35


class Body:
    """Reads fields off the front; what is short or left over is a failure."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        expect(0 <= size <= len(self.data) - self.at, f"a field of {size} bytes at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            expect(shift < 35, f"a number of more than five bytes at {self.at}")

    def length(self, kind, plain):
        return self.varint() - 1 if kind.startswith("COMPACT_") else self.number(plain)

    def sized(self, kind, plain):
        size = self.length(kind, plain)
        expect(size >= 0 or "NULLABLE" in kind or "RECORDS" in kind, f"a null where none may be, at {self.at}")
        return None if size < 0 else self.take(size)

    def tags(self):
        return {self.varint(): self.take(self.varint()) for _ in range(self.varint())}

    def value(self, kind):
        numbers = {"BOOLEAN": "?", "INT8": "b", "INT16": "h", "UINT16": "H", "INT32": "i", "INT64": "q"}
        if kind in numbers:
            return self.number(numbers[kind])
        if kind == "UUID":
            return uuid.UUID(bytes=self.take(16))
        if kind.endswith("STRING"):
            text = self.sized(kind, "h")
            return None if text is None else text.decode()
        expect(kind.endswith(("BYTES", "RECORDS")), f"no reader for {kind}")
        return self.sized(kind, "i")

    def array(self, kind, element):
        count = self.length(kind, "i")
        expect(-1 <= count <= len(self.data), f"an array of {count}")
        read = (lambda: self.fields(element)) if isinstance(element, list) else (lambda: self.value(element))
        return None if count < 0 else [read() for _ in range(count)]

    def fields(self, described):
        found = {}
        for name, kind, *element in described:
            if kind == "TAGS":
                found["tags"] = self.tags()
            else:
                found[name] = self.array(kind, *element) if element else self.value(kind)
        return found


def errors_in(answer):
    """Every error code in it, at whatever depth."""
    if isinstance(answer, list):
        return [code for one in answer for code in errors_in(one)]
    if not isinstance(answer, dict):
        return []
    own = [value for name, value in answer.items() if name == "error_code"]
    return own + [code for value in answer.values() for code in errors_in(value)]


class Api:
    """One line of apache_requests.jsonl: a version of a request."""

    def __init__(self, line):
        row = json.loads(line)
        self.key, self.version, self.name = row["key"], row["version"], row["name"]
        self.header_tags, self.response = row["header_tags"], row["response"]
        self.served = bytes.fromhex(row["request"])

    def __str__(self):
        return f"{self.name} {self.key}:{self.version}"

    def frame(self, kind):
        return os.path.join(FRAMES, f"{self.key}_{self.version}_{kind}.bin")

    def golden(self):
        """What there is of (variant, bytes); the plain one must be there."""
        for variant in ("request", "request_nulls", "request_tags"):
            if variant == "request" or os.path.exists(self.frame(variant)):
                with open(self.frame(variant), "rb") as file:
                    yield variant, file.read()

    def read(self, answer):
        body = Body(answer)
        told = body.number("i")
        expect(told == CORRELATION, f"{self}: an answer to {told:#x}")
        if self.header_tags:
            expect(body.tags() == {}, f"{self}: tags in the header")
        found = body.fields(self.response)
        expect(body.at == len(answer), f"{self}: {len(answer) - body.at} bytes behind the end of the answer")
        return found


with open(SERVED, encoding="ascii") as rows:
    APIS = {(api.key, api.version): api for api in map(Api, rows)}
with open(os.path.join(FRAMES, "codes.txt"), encoding="ascii") as rows:
    CODES = {int(row.split()[0]) for row in rows}
answers = []  # "KEY VERSION HEX" of each, for Apache's decoder


def frame_from(wire):
    """The next answer without its length."""
    deadline = kit.Deadline(PATIENCE)
    while len(wire.buffer) < 4 or len(wire.buffer) < 4 + struct.unpack_from(">i", wire.buffer)[0]:
        expect(wire.receive(deadline.left()), f"no answer: the connection is {wire.ended or 'open'}")
    size = 4 + struct.unpack_from(">i", wire.buffer)[0]
    answer = bytes(wire.buffer[4:size])
    del wire.buffer[:size]
    return answer


def ask(wire, api, request):
    wire.send(struct.pack(">i", len(request)) + request)
    answer = frame_from(wire)
    expect(not wire.buffer, f"{api}: {len(wire.buffer)} bytes behind the answer")
    answers.append(f"{api.key} {api.version} {answer.hex()}")
    found = api.read(answer)
    strange = set(errors_in(found)) - CODES
    expect(not strange, f"{api}: error codes {strange} are none of Kafka's")
    return found


def advertised(wire):
    """Every (key, version) that the broker says it serves."""
    found = ask(wire, APIS[API_VERSIONS, 0], APIS[API_VERSIONS, 0].served)
    return [(row["api_key"], version) for row in found["api_keys"]
            for version in range(row["min_version"], row["max_version"] + 1)]


def connected(address):
    return Wire(int(address.rpartition(":")[2]))


def make_topics(wire, names):
    """By name only, in Metadata's version 4, which makes what it does not find."""
    body = struct.pack(">i", len(names)) + b"".join(struct.pack(">h", len(name)) + name.encode() for name in names)
    request = struct.pack(">hhih", METADATA, 4, CORRELATION, -1) + body + b"\1"
    kit.wait_until(lambda: set(errors_in(ask(wire, APIS[METADATA, 4], request))) == {0}, "the topics", step=0.1)


def every_version_that_is_offered_has_its_frames(address):
    with connected(address) as wire:
        offered = advertised(wire)
    without = [one for one in offered if one not in APIS or not os.path.exists(APIS[one].frame("request"))]
    expect(not without, f"no frames of Apache's encoder (tools/kafka_frames) for key and version {without}")
    more = sorted(set(APIS) - set(offered))
    expect(not more, f"Apache's frames are there for {more}, which the broker does not offer")


def a_frame_with_a_value_in_every_field_is_answered(address):
    sent = 0
    with connected(address) as wire:
        offered = advertised(wire)
        make_topics(wire, [f"s{number}" for number in range(1, 30)])
    for one in offered:
        for variant, request in APIS[one].golden():
            with connected(address) as wire:
                try:
                    ask(wire, APIS[one], request)
                    expect(advertised(wire) == offered, "the connection is of no more use")
                except kit.Failure as failure:
                    raise kit.Failure(f"{APIS[one]} {variant}: {failure}") from failure
                sent += 1
    expect(sent >= 140, f"only {sent} frames were sent")
    print(f"        {sent} frames of {len(offered)} versions were answered", flush=True)


def a_frame_that_asks_for_what_can_be_done_is_done(address):
    # In the order of the keys: what Produce writes Fetch reads, what CreateTopics makes DeleteTopics deletes.
    with connected(address) as wire:
        offered = advertised(wire)
        make_topics(wire, ["apache"])
        produced = 0
        for one in sorted(offered):
            api = APIS[one]
            expected = {0}
            if api.key == PRODUCE and api.version < 3:
                expected = {UNSUPPORTED_VERSION}  # offered only for those who look for it
            elif api.key == FIND_COORDINATOR:
                expected = {0, 15}  # there are no groups yet
            found = ask(wire, api, api.served)
            errors = set(errors_in(found))
            expect(errors and errors <= expected, f"{api}: error codes {errors}, not {expected}: {found}")
            produced += 2 * (api.key == PRODUCE and 0 in errors)
            if api.key == FETCH:
                part = found["responses"][0]["partitions"][0]
                expect(part["high_watermark"] == produced, f"{api}: {part['high_watermark']}, not {produced}")
                for version in range(3, 10):
                    expect(f"version {version}".encode() in part["records"], f"{api}: a record is missing")


def apaches_decoder_reads_every_answer(jars):
    """Each must be read to its end by Apache's class, and be written again as the same bytes."""

    def apaches_decoder_reads_the_same_answers(_):
        done = subprocess.run(["java", "-Xmx256m", "-cp", jars, DECODER], input="\n".join(answers), text=True,
                              capture_output=True, timeout=120, check=False, preexec_fn=kit.dies_with_us())
        expect(done.returncode == 0, f"{done.stdout[-1000:]}{done.stderr[-2000:]}")
        read = re.search(r"^(\d+) answers read$", done.stdout, re.MULTILINE)
        expect(read and int(read[1]) == len(answers) > 0, f"{done.stdout[-1000:]}")

    return apaches_decoder_reads_the_same_answers


CASES = [every_version_that_is_offered_has_its_frames, a_frame_with_a_value_in_every_field_is_answered,
         a_frame_that_asks_for_what_can_be_done_is_done]


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--java", metavar="JARS", help="have Apache's classes read the answers: a class path")
    chosen = parser.parse_args()
    cases = CASES + ([apaches_decoder_reads_every_answer(chosen.java)] if chosen.java else [])
    with broker.started(chosen) as server:
        kit.run_cases([broker.on(server, case) for case in cases], chosen.only, server)


if __name__ == "__main__":
    main()
