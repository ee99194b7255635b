"""What the tests with foreign Kafka clients share: a broker to point them at, topics of their own, cases.

A test is run against `plimsoll serve` (--plimsoll), against Apache Kafka (--apache JARS: what shows that the test
itself is right), or against a broker that runs already (--bootstrap). A case is a function of the address.
"""

import functools
import itertools
import os
import re
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "blackbox"))

import kit  # noqa: E402  (found through the path above)
from kit import expect  # noqa: E402

APACHE = os.path.join(kit.TREE, "bench", "peers", "apache_kafka.py")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
FLAGS = ("--line", "256MiB")
# Times of records begin here: what is older than a topic's retention, a week, may go at any moment.
BEGUN = (int(time.time()) - 3600) * 1000
_numbers = itertools.count()


def address_in(said):
    """What `kafka: 127.0.0.1:9092` names, or None while it is not said."""
    found = re.search(r"^kafka: (\S+:\d+)\s*$", said, re.MULTILINE)
    return found[1] if found else None


class Plimsoll(kit.Plimsoll):
    """`plimsoll serve` with its broker listening; the port stays the same when it is started again."""

    def __init__(self, binary, *flags, env=None):
        self.address = None
        port = [] if "--kafka-port" in flags else ["--kafka-port", str(kit.free_port())]
        super().__init__(binary, *port, *flags, env=env)

    def is_ready(self):
        if not super().is_ready():
            return False
        self.address = address_in(self.said())
        expect(self.address, f"no line `kafka: ADDRESS:PORT` before `ready` in {self.said()!r}")
        return True


class Apache(kit.Server):
    """Apache Kafka through the script that benchmarks start it with as well."""

    name = "Apache Kafka"

    def __init__(self, jars):
        self.address = None
        super().__init__([sys.executable, APACHE, "serve", jars, "--data-dir", "@DIR@/data",
                          "--port", str(kit.free_port())])

    def await_ready(self):
        kit.wait_until(lambda: not self.is_alive() or self.is_ready(), f"{self.name} to be ready", 90)
        expect(self.is_alive(), self.last_words())

    def is_ready(self):
        said = self.said()
        self.address = address_in(said)
        return re.search(r"^ready$", said, re.MULTILINE) is not None


class Foreign:
    """A broker that somebody else started and will end."""

    def __init__(self, address):
        self.address = address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def is_alive(self):
        return True


def arguments(description):
    parser = kit.arguments(description)
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="a broker that runs already")
    parser.add_argument("--apache", metavar="JARS", help="start Apache Kafka from the jars in this folder")
    parser.add_argument("--only", metavar="PATTERN", help="the cases whose names match")
    return parser


def started(chosen, *flags):
    if chosen.bootstrap:
        return Foreign(chosen.bootstrap)
    return Apache(chosen.apache) if chosen.apache else Plimsoll(chosen.plimsoll, *(flags or FLAGS))


def fresh(stem):
    """A name that no earlier run has used on a broker that stays."""
    return f"{stem}-{os.getpid()}-{next(_numbers)}"


def on(server, case):
    """The case as kit.run_cases() takes it. Clients throw types of their own, which tell it nothing."""

    @functools.wraps(case)
    def run():
        try:
            case(server.address)
        except (kit.Failure, OSError, ValueError, KeyError):
            raise
        except Exception as error:
            where = traceback.format_exc(limit=-2).replace("\n", "\n    ")
            raise kit.Failure(f"{type(error).__name__}: {error}\n    {where}") from error

    return run


def main(description, cases):
    chosen = arguments(description).parse_args()
    with started(chosen) as server:
        kit.run_cases([on(server, case) for case in cases], chosen.only, server)


def expect_same(got, wanted, what):
    """Compares two lists and names the first difference, as thousands of records are no message."""
    for at, (one, other) in enumerate(zip(got, wanted)):
        expect(one == other, f"{what}: number {at} is {one!r:.200}, not {other!r:.200}")
    expect(len(got) == len(wanted), f"{what}: {len(got)} came, not {len(wanted)}")
