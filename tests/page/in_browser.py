#!/usr/bin/env python3
"""Runs the page's cases where node, playwright-core and a browser are; says what is missing where they are not."""

import argparse
import os
import sys

parser = argparse.ArgumentParser(description=__doc__)
for name in ("node", "modules", "browser"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("command", nargs=argparse.REMAINDER)
chosen = parser.parse_args()
missing = [what for what, where in (("node", chosen.node), ("a browser (chromium)", chosen.browser),
                                    ("playwright-core", os.path.join(chosen.modules, "playwright-core")))
           if not os.path.exists(where)]
if missing:
    print(f"skipped: {', '.join(missing)} is not here; ./dev setup fetches it")
    sys.exit(77)
script, *rest = chosen.command[1:]
os.environ["NODE_PATH"] = chosen.modules
os.execv(chosen.node, [chosen.node, script, *rest, "--browser", chosen.browser])
