#!/usr/bin/env python3
"""One seeded random script of commands gets the same replies from redis-server 7.0 and from Plimsoll.

Byte for byte, except for what rules.py lists with its reason. On a mismatch the script is made as short as it
goes, and `--seed N --only I,J,...` runs just that again. `--against-redis` puts a second redis-server in
Plimsoll's place.
"""

import random
import sys
import time
from dataclasses import dataclass

import kit
import rules
from kit import encode
from script import Script

SHORTENING_SECONDS = 30
END_SECONDS = 3  # in which a connection is closed after QUIT


@dataclass
class Mismatch:
    index: int
    why: str
    theirs: bytes
    ours: bytes


class Side:
    """One of the two servers, with the connection that the script uses."""

    def __init__(self, start):
        self.start = start
        self.server = start()
        self.client = self.server.connect()

    def end(self):
        self.client.close()
        self.server.end()

    def fresh(self):
        """An empty server and a new connection; a server that died is started again."""
        if not self.server.is_alive():
            self.server.end()
            self.server = self.start()
        self.reconnect()
        self.client.command("FLUSHALL")

    def reconnect(self):
        self.client.close()
        self.client = self.server.connect()

    def end_of_connection(self):
        self.client.seconds = END_SECONDS
        try:
            return "closed" if self.client.raw_reply() is None else "open, with another reply"
        except kit.Failure:
            return "open"

    def replies(self, count):
        """Raw replies; for those that never came, in brackets why."""
        found, why = [], rules.NO_REPLY + b"the connection was closed)"
        try:
            while len(found) < count and (raw := self.client.raw_reply()) is not None:
                found.append(raw)
        except kit.Failure as failure:
            why = rules.NO_REPLY + str(failure).encode() + b")"
        return found + [why] * (count - len(found))


class Comparison:
    def __init__(self, theirs, ours):
        self.theirs = theirs
        self.ours = ours
        self.compared = 0

    def fresh(self):
        self.theirs.fresh()
        self.ours.fresh()

    def first_mismatch(self, steps, first=0, shape=None):
        """Runs steps[first:] in pipelines of random lengths; `shape` (a Random) says how they are cut."""
        at = first
        while at < len(steps):
            until = end_of_pipeline(steps, at, shape)
            mismatch = self.run_pipeline(steps, at, until, shape)
            if mismatch:
                return mismatch
            at = until
        return None

    def run_pipeline(self, steps, at, until, shape):
        time.sleep(steps[at].pause)
        request = b"".join(encode(step.args) for step in steps[at:until])
        for piece in cut(request, shape):
            self.theirs.client.send(piece)
            self.ours.client.send(piece)
        theirs, ours = self.theirs.replies(until - at), self.ours.replies(until - at)
        self.compared += until - at
        for i in range(until - at):
            why = rules.difference(steps[at + i].args, theirs[i], ours[i], self)
            if why:
                return Mismatch(at + i, why, theirs[i], ours[i])
        if rules.name_of(steps[until - 1].args) == "quit":
            return self.both_closed(until - 1, theirs[-1], ours[-1])
        return None

    def both_closed(self, index, theirs, ours):
        ends = [side.end_of_connection() for side in (self.theirs, self.ours)]
        self.theirs.reconnect()
        self.ours.reconnect()
        if ends[0] != ends[1]:
            return Mismatch(index, f"after it, redis's connection is {ends[0]}, ours {ends[1]}", theirs, ours)
        return None


def end_of_pipeline(steps, at, shape):
    """Where the pipeline that begins at `at` ends: some commands go alone, some after a pause."""
    most = at + (shape.choice((1, 2, 10, 50, 200)) if shape else 1)
    until = at + 1
    if rules.goes_alone(steps[at].args):
        return until
    while until < min(most, len(steps)) and not (steps[until].pause or rules.goes_alone(steps[until].args)):
        until += 1
    return until


def cut(request, shape):
    """The request in one piece, or cut at random points."""
    if not shape or shape.random() < 0.8:
        return [request]
    points = sorted(shape.randrange(len(request) + 1) for _ in range(shape.randint(1, 8)))
    return [request[a:b] for a, b in zip([0] + points, points + [len(request)])]


# --- shortening ---------------------------------------------------------------------------------------------


def shortened(comparison, steps, last):
    """Indices of as few steps as still end in a mismatch at `last` (Zeller's ddmin), found within a time."""
    deadline = kit.Deadline(SHORTENING_SECONDS)

    def fails(indices):
        comparison.fresh()
        chosen = [steps[i] for i in indices] + [steps[last]]
        mismatch = comparison.first_mismatch(chosen)
        return mismatch is not None and mismatch.index == len(indices)

    words = set(steps[last].args[1:])
    kin = [i for i in range(last) if words & set(steps[i].args[1:])]
    indices = next((some for some in ([], kin, list(range(last))) if fails(some)), None)
    return None if indices is None else ddmin(indices, fails, deadline) + [last]


def ddmin(indices, fails, deadline):
    parts = 2
    while len(indices) >= 1 and not deadline.passed():
        size = -(-len(indices) // parts)
        for begin in range(0, len(indices), size):
            without = indices[:begin] + indices[begin + size :]
            if fails(without):
                indices, parts = without, max(parts - 1, 2)
                break
            if deadline.passed():
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(indices))
    return indices


# --- reporting ----------------------------------------------------------------------------------------------


def shown(data, most=300):
    """Bytes as redis-cli takes them in double quotes; long ones cut."""
    if len(data) > most:
        return f"{shown(data[:most])}... ({len(data)} bytes)"
    return '"' + repr(bytes(data))[2:-1].replace('"', '\\"') + '"'


def shown_step(step):
    pause = f"(after {step.pause:g} s) " if step.pause else ""
    return pause + " ".join(shown(arg, 60) for arg in step.args)


def report(comparison, seed, steps, mismatch):
    """Tells a mismatch and its shortest script; answers the indices of that."""
    print(f"\nMISMATCH at {mismatch.index}: {mismatch.why}")
    print(f"  command  {shown_step(steps[mismatch.index])}")
    print(f"  redis    {shown(mismatch.theirs)}\n  ours     {shown(mismatch.ours)}")
    if not comparison.ours.server.is_alive():
        print(f"  ours has died: {comparison.ours.server.last_words()}")
    indices = shortened(comparison, steps, mismatch.index)
    if indices is None:
        print("  it does not happen again when the same commands are run one by one", flush=True)
        return None
    print(f"  shortest script: --seed {seed} --only {','.join(str(steps[i].number) for i in indices)}")
    for index in indices:
        print(f"    {steps[index].number:6d}  {shown_step(steps[index])}")
    sys.stdout.flush()
    return indices


def compare(comparison, seed, count, only=None, most=5):
    """Runs the script; answers {command's name: (its first mismatch, the shortest script for it)}.

    After a mismatch it goes on with empty servers.
    """
    steps = [step.numbered(i) for i, step in enumerate(Script(seed).make(count))]
    shape = None if only else random.Random(seed)
    steps = [steps[i] for i in only] if only else steps
    found, at = {}, 0
    comparison.fresh()
    while at < len(steps) and len(found) < most:
        mismatch = comparison.first_mismatch(steps, at, shape)
        if mismatch is None:
            break
        name = rules.name_of(steps[mismatch.index].args)
        if name not in found:
            found[name] = (mismatch, report(comparison, seed, steps, mismatch))
        comparison.fresh()
        at = mismatch.index + 1
    return found


# --- the program --------------------------------------------------------------------------------------------


def options():
    parser = kit.arguments(__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=None, help="default: a fresh one")
    parser.add_argument("--commands", type=int, default=20000)
    parser.add_argument("--only", type=lambda text: [int(i) for i in text.split(",")], metavar="I,J,...")
    parser.add_argument("--mismatches", type=int, default=5, help="stop after so many commands that differ")
    parser.add_argument("--against-redis", action="store_true", help="compare redis-server with itself")
    return parser.parse_args()


def main():
    chosen = options()
    seed = random.SystemRandom().randrange(1, 10**9) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.commands} commands", flush=True)
    ours = kit.Redis if chosen.against_redis else lambda: kit.Plimsoll(chosen.plimsoll, "--line", "512MiB",
                                                                            "--entry-facts", "on")
    theirs = Side(kit.Redis)
    try:
        comparison = Comparison(theirs, Side(ours))
        begun = time.monotonic()
        found = compare(comparison, seed, chosen.commands, chosen.only, chosen.mismatches)
        seconds = time.monotonic() - begun
        print(f"{comparison.compared} replies compared in {seconds:.1f} s, {len(found)} commands differ")
        comparison.ours.end()
    finally:
        theirs.end()
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
