#!/usr/bin/python3
"""Runs a program of another language against a broker of its own: with_broker.py [--plimsoll B] -- PROGRAM ARGS

`@ADDRESS@` in the arguments becomes the broker's address. The program's exit code is the test's. With --kafkajs it finds
that package as `./dev` has brought it.
"""

import os
import shutil
import subprocess
import sys

import broker
import kit


def with_kafkajs():
    """The environment in which node finds kafkajs."""
    folder = os.environ.get("PLIMSOLL_KAFKAJS") or os.path.join(kit.TREE, "build", "kafkajs", "node_modules")
    if not shutil.which("node") or not os.path.isdir(os.path.join(folder, "kafkajs")):
        kit.skip(f"no node, or no kafkajs in {folder} (./dev setup brings it)")
    return {**os.environ, "NODE_PATH": folder}


def main():
    words = sys.argv[1:]
    if "--" not in words:
        sys.exit(__doc__)
    at = words.index("--")
    parser = broker.arguments(__doc__)
    parser.add_argument("--kafkajs", action="store_true", help="the program is for node and wants kafkajs")
    chosen = parser.parse_args(words[:at])
    environment = with_kafkajs() if chosen.kafkajs else None
    with broker.started(chosen) as server:
        command = [word.replace("@ADDRESS@", server.address) for word in words[at + 1 :]]
        code = subprocess.run(command, check=False, env=environment, preexec_fn=kit.dies_with_us()).returncode
        if not server.is_alive():
            print(server.last_words())
            code = code or 1
    sys.exit(code)


if __name__ == "__main__":
    main()
