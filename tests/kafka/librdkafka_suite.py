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
# number: (half, what it is about or why it needs groups)
TABLE = {
#TABLE#
}


class Outcome:
    def __init__(self, number, word, seconds, why=""):
        self.number, self.word, self.seconds, self.why = number, word, seconds, why


def first_fault(text):
    """What the runner says of the first check that failed."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    found = re.search(r"(?:TEST FAILURE|Test \S+ failed).*?(?:\n.*){0,3}", plain)
    lines = found[0] if found else plain[-300:]
    return " ".join(lines.split())[:300]


def run_one(number, runner, address, seconds, logs):
    with tempfile.TemporaryDirectory(prefix="plimsoll-librdkafka-") as folder:
        configuration = os.path.join(folder, "test.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(f"metadata.broker.list={address}\ntest.topic.random=true\n")
        scenario = ["-s", "noautocreate"] if number in ("0107", "0111") else []
        tests = os.path.dirname(os.path.abspath(runner))
        # Its own libraries, as the runner would take the distribution's without a word.
        libraries = ":".join(os.path.join(os.path.dirname(tests), each) for each in ("src", "src-cpp"))
        environment = kit.clean_environment({"RDKAFKA_TEST_CONF": configuration, "TESTS": number,
                                             "TEST_KAFKA_VERSION": "3.4.0", "LD_LIBRARY_PATH": libraries})
        begun = time.monotonic()
        log = os.path.join(logs, f"{number}.log")
        with open(log, "wb") as out:
            # A group of its own: some tests start programs.
            test = subprocess.Popen([os.path.abspath(runner), "-Q", "-L", "-E", "-p1", *scenario], env=environment, stdout=out,
                                    stderr=subprocess.STDOUT, cwd=tests,
                                    stdin=subprocess.DEVNULL, start_new_session=True)
            try:
                code = test.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if test.poll() is None:
                    os.killpg(test.pid, signal.SIGKILL)
                    test.wait()
        took = time.monotonic() - begun
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    if code is None:
        return Outcome(number, "FAILED", took, f"not done after {seconds} s")
    if code != 0:
        return Outcome(number, "FAILED", took, first_fault(text))
    # Zero is also the answer when nothing was run, or all of it was left out.
    passed = re.search(rf"\b{number}_\w+\s*\|\s*(?:\x1b\[\S*?m)?\s*PASSED", text)
    return Outcome(number, "passed" if passed else "SKIPPED", took, "" if passed else "the runner left it out")


def chosen_numbers(chosen):
    if chosen.numbers:
        return chosen.numbers
    return [number for number, (half, _) in TABLE.items() if chosen.half in (half, "all")]


def run_all(chosen, server, logs):
    bad = 0
    numbers = chosen_numbers(chosen)
    print(f"{len(numbers)} of librdkafka's tests against {server.address}; logs in {logs}", flush=True)
    for number in numbers:
        outcome = run_one(number, chosen.runner, server.address, chosen.seconds, logs)
        about = TABLE.get(number, ("", ""))[1]
        print(f"{outcome.number}  {outcome.word:8}{outcome.seconds:7.1f} s  {outcome.why or about}", flush=True)
        bad += outcome.word != "passed"
        if not server.is_alive():
            print(server.last_words())
            sys.exit("the server has died")
    print(f"{len(numbers) - bad} passed, {bad} failed")
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
