#!/usr/bin/env python3
"""Completions and man pages as shells and roff read them."""

import os
import re
import shutil
import tempfile

import kit
from kit import expect

def said(*words):
    code, out, err = kit.run([kit.program(), *words])
    expect(code == 0 and not err, f"{words}: {code}: {err!r}")
    return out


def verbs():
    """Each verb with its flags, as the help has them."""
    names = re.findall(r"^  ([a-z]+)  ", said("help").split("\n\n")[2] + "\n", re.MULTILINE)
    expect(len(names) > 10, f"the help names {names}")
    return {name: re.findall(r"^  (--[a-z-]+)", said(name, "--help"), re.MULTILINE) for name in names}


def completed(*words):
    """What bash offers behind these words, the last of which is being typed."""
    line = " ".join(f"'{word}'" for word in words)
    code, out, err = kit.run(["bash", "-c", f"source <('{kit.program()}' completion bash); COMP_WORDS=({line}); "
                              f"COMP_CWORD={len(words) - 1}; _plimsoll; printf '%s\\n' \"${{COMPREPLY[@]}}\""])
    expect(code == 0 and not err, f"{words}: {code}: {err!r}")
    return out.split()


def bash_completes_verbs_and_flags():
    table = verbs()
    expect(set(completed("plimsoll", "")) >= set(table), "not every verb is offered")
    expect(completed("plimsoll", "ser") == ["serve"], f"{completed('plimsoll', 'ser')}")
    for verb, flags in table.items():
        offered = completed("plimsoll", verb, "--")
        expect(sorted(offered) == sorted(set(flags)), f"{verb}: {offered}, where the help has {flags}")
    expect(completed("plimsoll", "serve", "--fsync-") == ["--fsync-interval"], "no flag by its beginning")


def bash_completes_values():
    for words, wanted in ((("serve", "--fsync", ""), ["never", "interval", "always"]),
                          (("serve", "--fsync", "=", "a"), ["always"]), (("serve", "--fsync", "="), ["never", "interval", "always"]),
                          (("serve", "--line", ""), []), (("topic", "cr"), ["create"]),
                          (("config", ""), ["show", "check"]), (("completion", "f"), ["fish"]),
                          (("help", "vers"), ["version"]), (("man", "doc"), ["doctor"])):
        expect(completed("plimsoll", *words) == wanted, f"{words}: {completed('plimsoll', *words)}")


def bash_completes_files():
    with tempfile.TemporaryDirectory(prefix="plimsoll-test-") as folder:
        open(os.path.join(folder, "web.csv"), "w", encoding="ascii").close()
        os.mkdir(os.path.join(folder, "web_data"))
        begin, both = os.path.join(folder, "web"), [os.path.join(folder, n) for n in ("web.csv", "web_data")]
        for words, wanted in ((("serve", "--config", begin), both), (("serve", "--data-dir", begin), both[1:]),
                              (("sim", begin), both), (("sim", "--all", begin), both), (("config", "check", begin), both)):
            expect(sorted(completed("plimsoll", *words)) == wanted, f"{words}: {completed('plimsoll', *words)}")


def other_shells_take_their_scripts():
    for shell in ("zsh", "fish", "bash"):
        if not shutil.which(shell):
            print(f"        no {shell} here: its script is not read")
            continue
        with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
            file.write(said("completion", shell))
            file.flush()
            code, out, err = kit.run([shell, "-n", file.name])
            expect(code == 0 and not err, f"{shell} -n: {code}: {out}{err}")


def fish_completes():
    if not shutil.which("fish"):
        print("        no fish here: nothing is completed by it")
        return
    for line, wanted in (("plimsoll ser", "serve"), ("plimsoll serve --fsync a", "always"), ("plimsoll topic cr", "create"),
                         ("plimsoll serve --disk-level-s", "--disk-level-size"), ("plimsoll help versi", "version")):
        code, out, err = kit.run(["fish", "--no-config", "-c", f"'{kit.program()}' completion fish | source; complete -C '{line}'"],
                                 env={"HOME": "/nowhere"})
        offered = [row.split("\t")[0] for row in out.splitlines()]
        expect(code == 0 and offered == [wanted], f"{line}: {code}: {offered}: {err}")


def man_pages_are_read_without_a_warning():
    if not shutil.which("groff"):
        kit.skip("no groff (package groff-base)")
    for verb, flags in {None: ["--help", "--version"], **verbs()}.items():
        page = said("man", *([verb] if verb else []))
        code, out, err = kit.run(["groff", "-man", "-Tutf8", "-ww", "-P-cbou"], stdin=page.encode())
        expect(code == 0 and not err, f"{verb}: {code}: {err}")
        for flag in flags:
            expect(flag in out, f"man {verb} has no {flag}: {out}")
        for section in ("NAME", "EXIT STATUS", "EXAMPLES"):
            expect(f"\n{section}\n" in out, f"man {verb} has no {section}")
        expect("\\" not in out, f"an escape is shown in man {verb}")


CASES = (
    bash_completes_verbs_and_flags, bash_completes_values, bash_completes_files, other_shells_take_their_scripts,
    fish_completes, man_pages_are_read_without_a_warning,
)

if __name__ == "__main__":
    kit.main(__doc__, CASES)
