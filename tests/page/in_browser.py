#!/usr/bin/env python3
"""Runs the page's cases where node, playwright-core and a browser are; says what is missing where they are not.

They are looked for when the test runs: a tree may be configured before they are installed.
"""

import argparse
import os
import shutil
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--modules", required=True)
parser.add_argument("command", nargs=argparse.REMAINDER)
chosen = parser.parse_args()
node = shutil.which("node")
browser = shutil.which("chromium")
module = os.path.join(chosen.modules, "playwright-core")
missing = [what for what, where in (("node", node), ("a browser (chromium)", browser), ("playwright-core", module))
           if where is None or not os.path.exists(where)]
if missing:
    print(f"skipped: {', '.join(missing)} is not here; ./dev setup fetches it")
    sys.exit(77)
script, *rest = chosen.command[1:]
os.environ["NODE_PATH"] = chosen.modules
os.execv(node, [node, script, *rest, "--browser", browser])
