#!/usr/bin/env python3
"""Whether the program, the changelog, the packages and pkg-config say the one version of base/version.h."""

import argparse
import json
import os
import re
import subprocess
import sys

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--source", required=True)
parser.add_argument("--build", required=True)
parser.add_argument("--version", required=True)
parser.add_argument("--plimsoll", default="")
ARGUMENTS = parser.parse_args()


def text_of(*where):
    with open(os.path.join(*where), encoding="utf-8") as file:
        return file.read()


def found(pattern, text, what):
    match = re.search(pattern, text, re.MULTILINE)
    assert match, f"{what} has no version: {pattern}"
    return match[1]


def header():
    text = text_of(ARGUMENTS.source, "src", "plimsoll", "base", "version.h")
    return ".".join(found(rf"^#define PLIMSOLL_VERSION_{part} (\d+)$", text, "base/version.h") for part in ("MAJOR", "MINOR", "PATCH"))


def changelog():
    return found(r"^## (\d+\.\d+\.\d+)\b", text_of(ARGUMENTS.source, "CHANGELOG.md"), "CHANGELOG.md")


def newest_heading_is_a_version():
    return found(r"\A(?:.*\n)*?## (\S+)", text_of(ARGUMENTS.source, "CHANGELOG.md"), "the newest heading of CHANGELOG.md")


def cmake_package():
    return found(r'^set\(PACKAGE_VERSION "([^"]*)"\)', text_of(ARGUMENTS.build, "plimsoll-config-version.cmake"), "find_package")


def pkg_config():
    return found(r"^Version: (\S+)$", text_of(ARGUMENTS.build, "plimsoll.pc"), "plimsoll.pc")


def debian_package():
    if not ARGUMENTS.plimsoll:
        return ARGUMENTS.version
    text = text_of(ARGUMENTS.build, "CPackConfig.cmake")
    return found(r'^set\(CPACK_DEBIAN_PACKAGE_VERSION "([^"]*)"\)', text, "the package for Debian")


def program():
    if not ARGUMENTS.plimsoll:
        return ARGUMENTS.version
    said = subprocess.run([ARGUMENTS.plimsoll, "version", "--json"], capture_output=True, text=True, check=True, timeout=30)
    return json.loads(said.stdout)["version"]


failed = 0
for case in (header, changelog, newest_heading_is_a_version, cmake_package, pkg_config, debian_package, program):
    try:
        said = case()
        assert said == ARGUMENTS.version, f"the build's is {ARGUMENTS.version}, this one says {said}"
        print("ok  ", case.__name__, said)
    except AssertionError as error:
        failed += 1
        print("FAIL", case.__name__, error)
sys.exit(1 if failed else 0)
