#!/usr/bin/env python3
"""librdkafka's own tests against a broker on one node: by hand, as their source is not in this tree.

Build its tests from a tree of its source (`./configure --disable-gssapi && make libs && make -C tests test-runner`),
then: librdkafka_suite.py --runner TREE/tests/test-runner [--half first] [--bootstrap HOST:PORT]

Which numbers need consumer groups was found by running them all against Apache Kafka with the requests of groups and
transactions taken out of what it says it serves: those of the first half passed, the others did not.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import broker
import kit

FIRST, SECOND, BESIDES = "first", "second", "besides"
WITHOUT_CREATION = ("0107", "0111")  # they want a broker that makes no topics by itself
# number: (half, what it is about or why it needs groups)
TABLE = {
    "0001": (FIRST, "several topic objects of one topic"),
    "0002": (FIRST, "a partition that does not exist"),
    "0003": (FIRST, "messages at and over the size limit"),
    "0005": (FIRST, "order of confirmations"),
    "0007": (FIRST, "a topic made by writing to it"),
    "0008": (FIRST, "acks 0, 1 and all"),
    "0012": (FIRST, "written and read back, also by a queue of partitions"),
    "0013": (FIRST, "null messages"),
    "0015": (FIRST, "seeks"),
    "0017": (FIRST, "every codec"),
    "0031": (FIRST, "watermarks"),
    "0034": (FIRST, "offset resets"),
    "0036": (FIRST, "a fetch cut at its limit"),
    "0039": (FIRST, "events of delivery"),
    "0041": (FIRST, "fetches larger than their limit"),
    "0048": (FIRST, "partitioners"),
    "0054": (FIRST, "offsets by time"),
    "0055": (FIRST, "how long a producer waits"),
    "0057": (FIRST, "a topic name that cannot be"),
    "0059": (FIRST, "search by time in a large log"),
    "0063": (FIRST, "the cluster's id"),
    "0065": (FIRST, "yielding in callbacks"),
    "0070": (FIRST, "null and empty keys and values"),
    "0073": (FIRST, "headers"),
    "0086": (FIRST, "purging what is under way"),
    "0110": (FIRST, "batch sizes (built with RapidJSON only)"),
    "0112": (FIRST, "assigning a partition that comes later"),
    "0114": (FIRST, "the sticky partitioner"),
    "0127": (FIRST, "back-off of a full fetch queue"),
    "0014": (SECOND, "goes on from a stored offset"),
    "0018": (SECOND, "leaves a group"),
    "0019": (SECOND, "lists groups"),
    "0022": (SECOND, "subscribes"),
    "0026": (SECOND, "subscribes and commits"),
    "0029": (SECOND, "subscribes"),
    "0030": (SECOND, "commits"),
    "0033": (SECOND, "subscribes by pattern"),
    "0040": (SECOND, "subscribes"),
    "0042": (SECOND, "reads many topics by subscription"),
    "0050": (SECOND, "subscribes"),
    "0051": (SECOND, "assigns without an offset: asks for the committed one"),
    "0056": (SECOND, "balances a group"),
    "0060": (SECOND, "subscribes and commits"),
    "0061": (SECOND, "assigns without an offset: asks for the committed one"),
    "0064": (SECOND, "subscribes and commits"),
    "0067": (SECOND, "assigns without an offset: asks for the committed one"),
    "0069": (SECOND, "subscribes"),
    "0083": (SECOND, "subscribes"),
    "0084": (SECOND, "subscribes"),
    "0085": (SECOND, "assigns without an offset: asks for the committed one"),
    "0090": (SECOND, "writes idempotently, but reads by subscription"),
    "0093": (SECOND, "subscribes"),
    "0099": (SECOND, "commits with metadata"),
    "0113": (SECOND, "balances a group"),
    "0118": (SECOND, "commits while balancing"),
    "0122": (SECOND, "subscribes"),
    "0125": (SECOND, "reads by subscription"),
    "0130": (SECOND, "stores and commits offsets"),
    "0132": (SECOND, "subscribes"),
    "0137": (SECOND, "subscribes"),
    "0140": (SECOND, "commits with metadata"),
    "0011": (BESIDES, "a compacted topic refuses a record without a key"),
    "0092": (BESIDES, "AlterConfigs; reads by subscription"),
    "0102": (BESIDES, "static members"),
    "0107": (BESIDES, "delete and create again under a live producer; without automatic creation"),
    "0111": (BESIDES, "topics that come late; without automatic creation"),
}


class Outcome:
    def __init__(self, number, word, seconds, why=""):
        self.number, self.word, self.seconds, self.why = number, word, seconds, why


def first_fault(text):
    """What the runner says of the first check that failed."""
    found = re.search(r"(?:TEST FAILURE|Test \S+ failed).*?(?:\n.*){0,3}", text)
    return " ".join((found[0] if found else text[-300:]).split())[:300]


def did_nothing(number, text):
    """Whether each part of the test was over at once: parts may be left out of quick mode without a word."""
    took = [float(ms) for ms in re.findall(rf"\b{number}_\w+: duration ([0-9.]+)ms", text)]
    return max(took, default=0.0) < 5


def start(number, runner, flags, configuration, out):
    tests = os.path.dirname(os.path.abspath(runner))
    # Its own libraries, as the runner would take the distribution's without a word.
    libraries = ":".join(os.path.join(os.path.dirname(tests), each) for each in ("src", "src-cpp"))
    environment = kit.clean_environment({"RDKAFKA_TEST_CONF": configuration, "TESTS": number,
                                         "TEST_KAFKA_VERSION": "3.4.0", "LD_LIBRARY_PATH": libraries})
    # A session of its own: some tests start programs.
    return subprocess.Popen([os.path.abspath(runner), "-L", "-E", "-p1", *flags], env=environment, cwd=tests, stdout=out,
                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)


def run_once(number, flags, chosen, address, log):
    """(exit code or None when it was not done in time, what it said without colours)."""
    with tempfile.TemporaryDirectory(prefix="plimsoll-librdkafka-") as folder, open(log, "wb") as out:
        configuration = os.path.join(folder, "test.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(f"metadata.broker.list={address}\ntest.topic.random=true\n")
        test = start(number, chosen.runner, flags, configuration, out)
        try:
            code = test.wait(timeout=chosen.seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if test.poll() is None:
                os.killpg(test.pid, signal.SIGKILL)
                test.wait()
    with open(log, encoding="utf-8", errors="replace") as file:
        return code, re.sub(r"\x1b\[[0-9;]*m", "", file.read())


def run_one(number, chosen, address, logs):
    log = os.path.join(logs, f"{number}.log")
    flags = ["-s", "noautocreate"] if number in WITHOUT_CREATION else []
    begun = time.monotonic()
    code, text = run_once(number, ["-Q", *flags], chosen, address, log)
    if code == 0 and did_nothing(number, text):
        code, text = run_once(number, flags, chosen, address, log)
    took = time.monotonic() - begun
    if code is None:
        return Outcome(number, "FAILED", took, f"not done after {chosen.seconds} s")
    if code != 0:
        return Outcome(number, "FAILED", took, first_fault(text))
    # Zero is also the answer when all of it was left out.
    if re.search(rf"\| {number}_\w+ *\| *PASSED", text) and not did_nothing(number, text):
        return Outcome(number, "passed", took)
    left_out = re.search(rf"\| {number}_\w+ *\| *SKIPPED \|[^|]*\| *(.*)", text)
    return Outcome(number, "SKIPPED", took, left_out[1] if left_out else "it did nothing")


def chosen_numbers(chosen):
    if chosen.numbers:
        return chosen.numbers
    return [number for number, (half, _) in TABLE.items() if chosen.half in (half, "all")]


def run_all(chosen, server, logs):
    bad = 0
    numbers = chosen_numbers(chosen)
    print(f"{len(numbers)} of librdkafka's tests against {server.address}; logs in {logs}", flush=True)
    for number in numbers:
        outcome = run_one(number, chosen, server.address, logs)
        about = TABLE.get(number, ("", ""))[1]
        print(f"{outcome.number}  {outcome.word:8}{outcome.seconds:7.1f} s  {outcome.why or about}", flush=True)
        bad += outcome.word != "passed"
        if not server.is_alive():
            print(server.last_words())
            sys.exit("the server has died")
    print(f"{len(numbers) - bad} passed, {bad} failed or were left out")
    return 1 if bad else 0


def main():
    parser = broker.arguments(__doc__)
    parser.add_argument("--runner", required=True, metavar="TEST-RUNNER", help="the built program of librdkafka's tests")
    parser.add_argument("--half", choices=(FIRST, SECOND, BESIDES, "all"), default=FIRST)
    parser.add_argument("--seconds", type=int, default=180, help="that one test may take")
    parser.add_argument("--logs", metavar="FOLDER", help="where what the tests say is kept")
    parser.add_argument("numbers", nargs="*", help="these instead of a half")
    chosen = parser.parse_args()
    if not os.access(chosen.runner, os.X_OK):
        sys.exit(f"no program {chosen.runner}")
    logs = chosen.logs or tempfile.mkdtemp(prefix="plimsoll-librdkafka-logs-")
    os.makedirs(logs, exist_ok=True)
    with broker.started(chosen) as server:
        sys.exit(run_all(chosen, server, logs))


if __name__ == "__main__":
    main()
