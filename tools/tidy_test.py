#!/usr/bin/env python3
"""Every rule of tidy.py on a little tree that breaks it, and on one that does not."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

ARCHITECTURE = """# Map

| floor | room | may include | what lives there | today |
| --- | --- | --- | --- | --- |
| 0 | base | | words | yes |
| 1 | os | base | system calls | yes |
| 1 | budget | base | the line | |
| 2 | governor | base os budget | levels | |
| 6 | server | all above | connections | |
| 6 | cli | all above | verbs | |
| door | front | all but server, cli | the facade | |
"""
HEAD = "// X: a thing.\n//\n// Thread-safety: a value. Cost: none. Limits: none.\n// Errors: none.\n#pragma once\n"
CLEAN = {
    "ARCHITECTURE.md": ARCHITECTURE,
    "src/plimsoll/base/CMakeLists.txt": "plimsoll_room(base HEADERS x.h)\n",
    "src/plimsoll/base/x.h": HEAD + "#include <vector>\n#include <tl/expected.hpp>\n",
    "src/plimsoll/base/x.cc": '#include "plimsoll/base/x.h"\n#include "plimsoll/base/internal/y.h"\n',
    "src/plimsoll/base/internal/y.h": "#pragma once\n#include <xxhash.h>\n",
    "src/plimsoll/base/x_test.cc": "TEST(X, Holds) { throw 1; }\n",
    "src/plimsoll/os/CMakeLists.txt": "plimsoll_room(os ROOMS base HEADERS)\n",
    "src/plimsoll/os/pages.cc": '#include "plimsoll/base/x.h"\nvoid f() { ::mmap(0, 1); }\n',
}


def faults_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **files}.items():
            where = os.path.join(root, path)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "w", encoding="utf-8") as file:
                file.write(text)
        return tidy.check(root)


def in_budget(text):
    """A tree in which the room budget exists and has one file with this text."""
    architecture = ARCHITECTURE.replace("the line | |", "the line | yes |")
    return {"ARCHITECTURE.md": architecture, "src/plimsoll/budget/a.cc": text}


# rule -> trees that break it, each with a piece of the message it must give
BROKEN = {
    "map": [
        ({"ARCHITECTURE.md": "nothing\n"}, "no table of floors"),
        ({"src/plimsoll/attic/a.cc": ""}, "no row for src/plimsoll/attic"),
        ({"src/plimsoll/budget/a.cc": ""}, "`budget` is marked nothing under today; write yes"),
        ({"ARCHITECTURE.md": ARCHITECTURE.replace("levels | |", "levels | yes |")}, "`governor` is marked yes"),
        ({"ARCHITECTURE.md": ARCHITECTURE.replace("| base | system", "| base budget | system")}, "only lower floors"),
        ({"ARCHITECTURE.md": ARCHITECTURE.replace("| base | system", "| base bass | system")}, "bass, which is no room"),
    ],
    "floors": [
        (in_budget('#include "plimsoll/os/pages.h"\n'), "src/plimsoll/budget/a.cc:1: budget includes plimsoll/os"),
        ({"src/plimsoll/base/x_test.cc": '\n#include "plimsoll/os/pages.h"\n'}, "x_test.cc:2: base includes"),
        ({"src/plimsoll/base/CMakeLists.txt": "plimsoll_room(base ROOMS os)\n"}, "base links os"),
    ],
    "walls": [(in_budget('#include "plimsoll/base/internal/y.h"\n'), "seen by base only")],
    "file-length": [
        ({"src/plimsoll/base/x.cc": "\n" * 601}, "601 lines; at most 600"),
        ({"tools/long.py": "\n" * 601}, "601 lines; at most 600"),
    ],
    "function-length": [
        ({"src/plimsoll/base/x.cc": "int f(int x) {\n" + "  ++x;\n" * 69 + "}\n"}, "x.cc:1: a function of 71 lines"),
        ({"src/plimsoll/base/x.cc": "class A {\n public:\n  A() : a_{1}, b_(2) {\n" + "\n" * 69 + "  }\n};\n"},
         "x.cc:3: a function of 71 lines"),
        ({"src/plimsoll/base/x_test.cc": "namespace {\nTEST(X, Y) {\n" + "\n" * 70 + "}\n}\n"}, "a function of 72"),
        ({"src/plimsoll/base/x.cc": "template <class T>\nauto f(T a = {}) -> std::vector<T> {\n" + "\n" * 70 + "}\n"},
         "x.cc:1: a function of 73"),
    ],
    "system-calls": [
        (in_budget("void f() { mmap(0, 1); }\n"), "`mmap` here"),
        (in_budget("void f() { ::open(p, 0); }\n"), "`::open` here"),
        (in_budget("void f() { std::fopen(p, 0); }\n"), "`fopen` here"),
        (in_budget("#include <sys/mman.h>\n"), "<sys/mman.h> here"),
        (in_budget("#include <fstream>\n"), "<fstream> here"),
    ],
    "raw-memory": [
        (in_budget("void* p = std::malloc(3);\n"), "`malloc` here"),
        (in_budget("auto p = new char[3];\n"), "`new char[` here"),
        (in_budget("void f() { delete[] p; }\n"), "`delete[` here"),
    ],
    "unsafe-calls": [
        ({"src/plimsoll/base/x_test.cc": "void f() { strcpy(a, b); }\n"}, "`strcpy` here"),
        (in_budget("int a = std::atoi(b);\n"), "`atoi` here"),
        (in_budget("int a = rand();\n"), "`rand` here"),
    ],
    "detach": [({"src/plimsoll/base/x_test.cc": "void f() { t.detach(); }\n"}, "`.detach` here")],
    "throw": [(in_budget("void f() { throw 1; }\n"), "`throw` here")],
    "sleep": [(in_budget("void f() { std::this_thread::sleep_for(x); }\n"), "`sleep_for` here")],
    "iostream": [(in_budget("#include <iostream>\n"), "<iostream> here"), (in_budget("auto& o = std::cout;\n"), "cout")],
    "locks": [(in_budget("std::mutex m;\n"), "`std::mutex` here"), (in_budget("std::lock_guard l(m);\n"), "lock_guard")],
    "names": [(in_budget("class LineManager {};\n"), "`class LineManager` here")],
    "pragma-once": [({"src/plimsoll/base/internal/y.h": "#ifndef Y\n#define Y\n#endif\n"}, "must be #pragma once")],
    "using-namespace": [({"src/plimsoll/base/x.h": HEAD + "using namespace std;\n"}, "x.h:6: `using namespace`")],
    "contract": [
        ({"src/plimsoll/base/x.h": HEAD.replace("Cost: none. ", "")}, "the head comment lacks Cost:;"),
        ({"src/plimsoll/base/x.h": "#pragma once\n" + HEAD}, "lacks Thread-safety: Cost: Limits: Errors:"),
        ({"src/plimsoll/front.h": "// The C face.\n#pragma once\n"}, "src/plimsoll/front.h:1: the head comment lacks"),
    ],
    "heavy-include": [({"src/plimsoll/base/x.h": HEAD + "#include <spdlog/spdlog.h>\n"}, "<spdlog/spdlog.h> in a public")],
    "marks": [
        ({"src/plimsoll/base/x.cc": "// TO" "DO: later\n"}, "x.cc:1: TO" "DO in the tree"),
        ({"docs/a.md": "\nFIX" "ME\n"}, "docs/a.md:2:"),
        ({"dev": "# XX" "X\n"}, "dev:1:"),
    ],
    "feature-names": [
        ({"docs/features.md": "| P1 | `base.X.Sinks` |\n"}, "there is no test base.X.Sinks"),
        ({"docs/features.md": "| P1 | `base/z.h` |\n"}, "there is no file base/z.h"),
    ],
}

# Trees that look like one of the above and are not.
ALLOWED = {
    "a comment, a string or a member is no call": in_budget(
        '// mmap( throw\n/* throw\n throw */ auto a = "throw strcpy(" R"(throw)"; void f() { x.free(); y->rand(); }\n'
        "auto b = '\"'; int c = 1'000'000;\n"
    ),
    "a method of that name is no call": in_budget("Result<File> File::open(Path p) { return x.rename(p); }\n"),
    "70 lines are allowed": in_budget("void f() {\n" + "\n" * 68 + "}\n"),
    "a long table is no function": in_budget(
        "constexpr Row kRows[] = {\n" + "  {f(1), 2},\n" * 99 + "};\nstruct A final : B<int()> {\n" + "  int a();\n" * 99 + "};\n"
    ),
    "a class behind an annotation is no function": in_budget(
        "class ANNOTATE(capability()) A : public B {\n" + "  int f() { return 1; }\n" * 99 + "};\n"
    ),
    "a macro's body is not code": in_budget("#define F(x) \\\n  { throw x; \\\n  {\nint a;\n"),
    "tests may throw, print and sleep": {"src/plimsoll/base/x_test.cc": "void f() { sleep_for(x); std::cout << 1; throw 1; }\n"},
    "rows name what exists": {"docs/features.md": "| P1 | `base/x.h` `base.X.Holds` `x_test.cc` `./dev bench base` | K.1 |\n"},
    "six X are a file's template": in_budget('char name[] = "/tmp/a.XXXXXX";\n'),
    "a sibling that stands above in the table": {
        "ARCHITECTURE.md": ARCHITECTURE.replace("connections | |", "connections | yes |").replace("verbs | |", "verbs | yes |"),
        "src/plimsoll/server/s.h": HEAD + "#include <asio/ip/tcp.hpp>\n",
        "src/plimsoll/cli/main.cc": '#include <iostream>\n#include "plimsoll/server/s.h"\nvoid f() { sleep_for(x); }\n',
    },
}


class TidyTest(unittest.TestCase):
    def test_a_clean_tree_has_no_fault(self):
        self.assertEqual(faults_of({}), [])

    def test_each_broken_tree_is_found_by_its_rule_and_no_other(self):
        for rule, trees in BROKEN.items():
            for files, words in trees:
                with self.subTest(rule=rule, words=words):
                    faults = faults_of(files)
                    self.assertTrue(any(words in fault for fault in faults), faults)
                    self.assertEqual({fault.rsplit("[", 1)[1] for fault in faults}, {rule + "]"}, faults)

    def test_what_only_looks_like_a_fault_is_none(self):
        for story, files in ALLOWED.items():
            with self.subTest(story):
                self.assertEqual(faults_of(files), [])

    def test_every_rule_of_the_check_is_broken_here(self):
        with open(tidy.__file__, encoding="utf-8") as file:
            text = file.read()
        named = set(tidy.re.findall(r'faults\.add\("([a-z-]+)"', text))
        named |= {row[0] for row in tidy.BANNED + tidy.BANNED_INCLUDES}
        self.assertEqual(named, set(BROKEN))


if __name__ == "__main__":
    unittest.main()
