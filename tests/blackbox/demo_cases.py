#!/usr/bin/env python3
"""`plimsoll demo` by who may not make a memory cgroup, as most users may not."""

import json
import os
import shutil
import subprocess
import tempfile

import kit
from kit import expect

NOBODY = 65534
MIB = 1 << 20


def demo(*flags):
    """(exit code, output, errors) of a demo that nobody runs, with a program that everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = shutil.copy(kit.program(), folder)
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run([program, "demo", *flags], capture_output=True, timeout=120, cwd=folder,
                              env=kit.clean_environment(), check=False, **who)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def without_a_cgroup_the_server_holds_the_limit_that_it_is_told():
    code, out, err = demo("--seconds", "3", "--limit", "64MiB", "--json")
    expect(code == 0, f"{code}: {out}{err}")
    flood = json.loads(out)
    expect(flood["highest_bytes"] <= 64 * MIB, f"it held {flood['highest_bytes'] / MIB:.1f} MiB of 64")
    expect(flood["served"] > 0 and not flood["died"], out)


def without_a_cgroup_it_says_so():
    code, out, err = demo("--seconds", "1", "--limit", "64MiB")
    expect(code == 0, f"{code}: {out}{err}")
    expect("with --line 64 MiB, as no memory cgroup can be made here" in " ".join(out.split()), out)


def without_a_cgroup_nothing_unbounded_is_started():
    code, out, err = demo("--governor", "off")
    expect(code == 1 and "no" in err and "memory cgroup" in err, f"{code}: {out}{err}")


CASES = (
    without_a_cgroup_the_server_holds_the_limit_that_it_is_told, without_a_cgroup_it_says_so,
    without_a_cgroup_nothing_unbounded_is_started,
)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
