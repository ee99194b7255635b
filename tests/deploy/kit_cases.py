#!/usr/bin/env python3
"""deploy/: what promtool and systemd say of it, and whether every metric that it names is one of ours."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--source", required=True)
SOURCE = parser.parse_args().source
DEPLOY = os.path.join(SOURCE, "deploy")
PROMTOOL = os.path.join(os.environ.get("PLIMSOLL_PEERS", ""), "promtool")
SUFFIXES = ("_bucket", "_sum", "_count")


def text_of(*where):
    with open(os.path.join(*where), encoding="utf-8") as file:
        return file.read()


def run(*command, folder=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def documented():
    return set(re.findall(r"^\| `(plimsoll_[a-z_]+)` \|", text_of(SOURCE, "docs", "metrics.md"), re.MULTILINE))


def named(text):
    found = set()
    for name in re.findall(r"\bplimsoll_[a-z_]+\b", text):
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        found.add(name)
    return found


def rules_pass_their_tests():
    folder = os.path.join(DEPLOY, "prometheus")
    run(PROMTOOL, "check", "rules", "plimsoll.rules.yml", folder=folder)
    run(PROMTOOL, "test", "rules", "plimsoll.rules.test.yml", folder=folder)
    run(PROMTOOL, "check", "config", "prometheus.yml", folder=folder)


def every_alert_has_a_test_in_which_it_fires():
    alerts = re.findall(r"- alert: (\w+)", text_of(DEPLOY, "prometheus", "plimsoll.rules.yml"))
    tests = text_of(DEPLOY, "prometheus", "plimsoll.rules.test.yml")
    assert len(alerts) >= 10, alerts
    for alert in alerts:
        fires = rf'alertname="{alert}", alertstate="firing"[^\n]*value: 1'
        assert re.search(fires, tests), f"{alert} never fires in a test"


def every_alert_is_explained():
    operating = text_of(SOURCE, "docs", "operating.md")
    for alert in re.findall(r"- alert: (\w+)", text_of(DEPLOY, "prometheus", "plimsoll.rules.yml")):
        assert f"`{alert}`" in operating, f"docs/operating.md does not say what to do for {alert}"


def rules_and_dashboard_name_metrics_that_exist():
    known = documented()
    assert len(known) > 100, "docs/metrics.md was not understood"
    for file in ("prometheus/plimsoll.rules.yml", "grafana/plimsoll.json"):
        unknown = named(text_of(DEPLOY, file)) - known
        assert not unknown, f"{file} names {sorted(unknown)}, which docs/metrics.md does not have"


def the_dashboard_is_one():
    board = json.loads(text_of(DEPLOY, "grafana", "plimsoll.json"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len(panels) >= 15 and len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            # As Grafana does before it asks; promtool then parses the expression.
            asked = target["expr"].replace("$instance", "a").replace("$__rate_interval", "1m")
            with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                json.dump({"groups": [{"name": "g", "rules": [{"record": "r", "expr": asked}]}]}, file)
                file.flush()
                run(PROMTOOL, "check", "rules", file.name)


def systemd_accepts_the_service():
    if shutil.which("systemd-analyze") is None:
        print("        not asked: there is no systemd-analyze here")
        return
    with tempfile.TemporaryDirectory() as folder:
        # It looks for the program; here there is none in /usr/bin.
        unit = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}",
                      text_of(DEPLOY, "systemd", "plimsoll.service"), flags=re.MULTILINE)
        unit = re.sub(r"^Documentation=.*\n", "", unit, flags=re.MULTILINE)
        path = os.path.join(folder, "plimsoll.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit)
        said = run("systemd-analyze", "verify", path)
        assert "plimsoll.service" not in said, said


def calls_in(group):
    """The system calls of a group, as systemd has them."""
    found = set()
    for name in re.findall(r"^    (\S+)$", run("systemd-analyze", "syscall-filter", group), re.MULTILINE):
        found |= calls_in(name) if name.startswith("@") else {name}
    return found


def calls_of_the_server():
    """Names behind `::` that may be system calls, and those that are made by number."""
    found = set()
    for folder, _, files in os.walk(os.path.join(SOURCE, "src", "plimsoll")):
        for name in files:
            if name.endswith(".cc") and not re.search(r"_(test|bench|fuzz)\.cc$", name) and os.path.basename(folder) != "cli":
                text = text_of(folder, name)
                found |= set(re.findall(r"(?<![\w>])::(\w+)\(", text)) | set(re.findall(r"\bSYS_(\w+)", text))
    return found - {"syscall"}


def the_service_may_make_every_call_that_the_server_makes():
    if shutil.which("systemd-analyze") is None:
        print("        not asked: there is no systemd-analyze here")
        return
    filters = re.search(r"^SystemCallFilter=(.*)$", text_of(DEPLOY, "systemd", "plimsoll.service"), re.MULTILINE)[1]
    allowed = set()
    for name in filters.split():
        allowed |= calls_in(name) if name.startswith("@") else {name}
    made = calls_of_the_server() & calls_in("@known")
    assert len(made) > 20 and "mmap" in made, f"the sources were not understood: {sorted(made)}"
    assert made <= allowed, f"the service may not call {sorted(made - allowed)}"


def main():
    if not os.path.exists(PROMTOOL):
        print("skipped: promtool is not here; ./dev peers fetches it")
        return 77
    failed = 0
    for case in (rules_pass_their_tests, every_alert_has_a_test_in_which_it_fires, every_alert_is_explained,
                 rules_and_dashboard_name_metrics_that_exist, the_dashboard_is_one, systemd_accepts_the_service,
                 the_service_may_make_every_call_that_the_server_makes):
        try:
            case()
            print(f"ok      {case.__name__}")
        except AssertionError as fault:
            failed += 1
            print(f"FAILED  {case.__name__}: {fault}")
    return 1 if failed else 0


sys.exit(main())
