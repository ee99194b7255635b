#!/usr/bin/env python3
"""The documents show what the examples print, and the README's program is one of them.

    examples_cases.py --tree TREE --programs FOLDER

Every program in examples/ has its section in docs/examples.md, with its output. It is compared letter by letter; of those
whose figures are measured, or differ from machine to machine, figures and units of sizes count as alike. With --write the
sections' outputs are written anew.
"""

import argparse
import os
import re
import subprocess
import sys

MEASURED = {"governor_in_server", "monitored_arena", "optimizer", "read_through_cache", "tuned_slab"}
SECTION = re.compile(r"^## \[(\w+)\]\(\.\./examples/(\w+)\.cc?\)\n(.*?)(?=^## |\Z)", re.M | re.S)
SHOWN = re.compile(r"^    .*(?:\n    .*|\n(?=\n    ))*\n", re.M)


def alike(text):
    return re.sub(r"[0-9][0-9,.]*( (?:[KMG]iB|[mun]?s)\b)?", "#", text)


def shown_in(body):
    found = SHOWN.search(body)
    return found and "".join(line[4:] + "\n" for line in found.group().splitlines())


def faults_of(name, shown, printed):
    if shown is None:
        return [f"{name}: docs/examples.md shows no output of it"]
    if shown == printed or (name in MEASURED and alike(shown) == alike(printed)):
        return []
    return [f"{name} prints\n{printed}and docs/examples.md shows\n{shown}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", required=True)
    parser.add_argument("--programs", required=True)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    document = os.path.join(chosen.tree, "docs", "examples.md")
    with open(document, encoding="utf-8") as file:
        text = file.read()
    sections = {title: body for title, source, body in SECTION.findall(text) if title == source}
    sources = os.listdir(os.path.join(chosen.tree, "examples"))
    names = {os.path.splitext(name)[0] for name in sources if name.endswith((".cc", ".c"))}
    faults = [f"{name}: has no section in docs/examples.md" for name in sorted(names - set(sections))]
    faults += [f"{name}: is in docs/examples.md, and there is no such program" for name in sorted(set(sections) - names)]
    for name in sorted(names & set(sections)):
        printed = subprocess.run([os.path.join(chosen.programs, "example_" + name)], capture_output=True, text=True,
                                 timeout=60, check=True).stdout
        found = faults_of(name, shown_in(sections[name]), printed)
        if found and chosen.write:
            new = "".join(f"    {line}".rstrip() + "\n" for line in printed.splitlines())
            old = sections[name]
            text = text.replace(old, SHOWN.sub(lambda _: new, old, count=1) if SHOWN.search(old) else old.rstrip() + "\n\n" + new + "\n")
        else:
            faults += found
    if chosen.write:
        with open(document, "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(chosen.tree, "README.md"), encoding="utf-8") as file:
        page = file.read()
    with open(os.path.join(chosen.tree, "examples", "smallest_adoption.cc"), encoding="utf-8") as file:
        if f"```cpp\n{file.read()}```" not in page:
            faults.append("README.md: its program is not examples/smallest_adoption.cc")
    for fault in faults:
        print(fault)
    print(f"{len(names)} programs, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
