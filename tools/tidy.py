#!/usr/bin/env python3
"""The style check that runs with the tests: python3 tools/tidy.py [TREE]. Says nothing when all is well.

The map of rooms is read from the table in ARCHITECTURE.md, so that it cannot drift from the code. Every fault is
one line, `file:line: what is wrong; what would be right [rule]`. Each rule has a tree in tidy_test.py that breaks it.
"""

import os
import re
import sys

FILE_STOP = 600  # lines
FUNCTION_STOP = 70
CODE = (".h", ".cc", ".c")
SCANNED = ("src", "tests", "bench", "tools", "cmake", "docs", "examples", ".ci")
CONTRACT = ("Thread-safety:", "Cost:", "Limits:", "Errors:")
PROGRAMS = ("server", "cli")  # rooms that are not part of the library
LIGHT_INCLUDES = ("tl/expected.hpp", "sanitizer/asan_interface.h", "emmintrin.h", "stddef.h", "stdint.h")  # beside the standard library, in public headers
MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")


class Source:
    """One file: its text, and for code the text without comments, literals and directives, of the same length."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            self.text = file.read()
        self.lines = self.text.split("\n")
        parts = path.split("/")
        self.name = parts[-1]
        self.stem = self.name.rsplit(".", 1)[0]
        self.is_code = path.endswith(CODE)
        self.is_header = path.endswith(".h")
        self.in_src = path.startswith("src/plimsoll/") and len(parts) > 3
        self.room = parts[2] if self.in_src else ""
        self.is_front = re.fullmatch(r"src/plimsoll/\w+\.h", path) is not None  # of no room: the C face
        self.is_internal = "internal" in parts
        self.is_test = not (self.in_src or self.is_front) or self.stem.endswith(("_test", "_bench", "_fuzz"))
        self.code = without_directives(stripped(self.text)) if self.is_code else ""

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match[1] == "<", match[2]


LITERALS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\"]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|(?<!\w)'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def stripped(text):
    return LITERALS.sub(blank, text)


def without_directives(code):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, code, flags=re.MULTILINE)


class Faults:
    def __init__(self):
        self.found = []

    def add(self, rule, path, line, text):
        self.found.append((path, line, f"{path}:{line}: {text} [{rule}]"))


# --- the map ---------------------------------------------------------------------------------------------------


class Map:
    """room -> the rooms it may include, as the table of ARCHITECTURE.md says; None where there is no table."""

    def __init__(self, rows):
        self.rows = rows  # room -> (line, floor, words of "may include", marked as started)
        self.allowed = {}
        above = []
        for room, (_, floor, words, _) in rows.items():
            text = " ".join(words)
            if text == "all above":
                rooms = set(above)
            elif text.startswith("all but "):
                rooms = set(rows) - set(re.split(r"[\s,]+", text[len("all but ") :]))
            else:
                rooms = set(words)
            self.allowed[room] = rooms | {room}
            above.append(room)


def read_map(source):
    rows = {}
    for number, line in enumerate(source.lines, 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 5 and re.fullmatch(r"\d+|door", cells[0]):
            rows[cells[1]] = (number, cells[0], cells[2].replace(",", " ").split(), cells[4] == "yes")
    return Map(rows) if rows else None


def check_map(tree, faults):
    rows = tree.map.rows
    for room, (line, floor, words, started) in rows.items():
        present = os.path.isdir(os.path.join(tree.root, "src/plimsoll", room))
        if present != started:
            said, right = ("yes", "nothing") if started else ("nothing", "yes")
            faults.add("map", "ARCHITECTURE.md", line, f"`{room}` is marked {said} under today; write {right}")
        if words[:1] == ["all"]:
            continue
        for other in words:
            if other not in rows:
                faults.add("map", "ARCHITECTURE.md", line, f"`{room}` may include {other}, which is no room")
            elif rows[other][1] >= floor:
                faults.add("map", "ARCHITECTURE.md", line,
                           f"`{room}` (floor {floor}) may include {other} (floor {rows[other][1]}); only lower floors")
    source_root = os.path.join(tree.root, "src/plimsoll")
    for room in sorted(os.listdir(source_root) if os.path.isdir(source_root) else []):
        if os.path.isdir(os.path.join(source_root, room)) and room not in rows:
            faults.add("map", "ARCHITECTURE.md", 1, f"no row for src/plimsoll/{room}; add one to the table of floors")


def check_floors(tree, faults):
    for source in tree.code:
        if source.in_src and source.room in tree.map.allowed:
            for line, _, target in source.includes():
                check_include(tree, faults, source, line, target)
    for source in tree.sources:
        match = re.fullmatch(r"src/plimsoll/(\w+)/CMakeLists.txt", source.path)
        if match and match[1] in tree.map.allowed:
            check_links(tree, faults, source, match[1])


def check_include(tree, faults, source, line, target):
    match = re.match(r"plimsoll/(\w+)/(internal/)?", target)
    if not match:
        return
    room = match[1]
    if room not in tree.map.allowed[source.room]:
        may = ", ".join(sorted(tree.map.allowed[source.room] - {source.room})) or "none"
        faults.add("floors", source.path, line,
                   f"{source.room} includes {target}; its row in ARCHITECTURE.md allows: {may}")
    elif match[2] and room != source.room:
        faults.add("walls", source.path, line,
                   f"{target} is seen by {room} only; include a public header of {room}")


def check_links(tree, faults, source, room):
    match = re.search(r"\bROOMS\b([^)]*?)(?=\)|\b[A-Z_]{4,}\b)", source.text)
    for other in match[1].split() if match else []:
        if other not in tree.map.allowed[room]:
            faults.add("floors", source.path, source.line_of(match.start()),
                       f"{room} links {other}; its row in ARCHITECTURE.md does not name it")


# --- lengths ---------------------------------------------------------------------------------------------------


def check_file_length(tree, faults):
    for source in tree.sources:
        if source.is_code or source.path.endswith(".py"):
            count = source.text.count("\n")
            if count > FILE_STOP:
                faults.add("file-length", source.path, FILE_STOP + 1,
                           f"{count} lines; at most {FILE_STOP}: split it by idea")


SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
CONSTRUCTOR_MEMBER = re.compile(r"\)[\s\w]*(?<!:):(?!:)[^;]*[\w>]\s*$")


def brace_after(before):
    """What the `{` after this text opens, which follows the last ; { or } of a scope."""
    flat = re.sub(r"template\s*<[^;{}]*?>(?=\s*\w)", "", before)
    smaller = re.sub(r"\([^()]*\)", "", flat)
    while smaller != flat:
        flat, smaller = smaller, re.sub(r"\([^()]*\)", "", smaller)
    if SCOPE.search(flat):
        return "scope"
    if flat.rstrip().endswith("=") or CONSTRUCTOR_MEMBER.search(before):
        return "initializer"  # `x = {...}`, or a constructor's `member_{...}`
    return "function" if "(" in before else "scope"


def functions(code):
    """Yields (offset of the signature, offset of the closing brace) of every function, lambdas within it included."""
    depth_of_function = 0  # braces open within the function being read, 0 outside one
    depth_of_initializer = 0
    start = begin = 0
    for match in re.finditer(r"[{};]", code):
        at, mark = match.start(), match[0]
        if depth_of_function:
            depth_of_function += {"{": 1, "}": -1, ";": 0}[mark]
            if depth_of_function == 0:
                yield begin, at
                start = at + 1
        elif depth_of_initializer:
            depth_of_initializer += {"{": 1, "}": -1, ";": 0}[mark]
        elif mark == "{":
            before = re.sub(r"^\s*(?:public|private|protected)\s*:", "", code[start:at])
            opened = brace_after(before)
            if opened == "initializer":
                depth_of_initializer = 1
            elif opened == "function":
                begin = at - len(before.lstrip())
                depth_of_function = 1
            else:
                start = at + 1
        else:
            start = at + 1


def check_function_length(tree, faults):
    for source in tree.code:
        for begin, end in functions(source.code):
            count = source.code.count("\n", begin, end) + 1
            if count > FUNCTION_STOP:
                faults.add("function-length", source.path, source.line_of(begin),
                           f"a function of {count} lines; at most {FUNCTION_STOP}: split it by idea")


# --- banned calls ----------------------------------------------------------------------------------------------


def calls(names):
    """A call of one of these by its plain, std:: or global name: not a member, not a declaration's own name."""
    return re.compile(r"(?:(?<![\w.:>~])|(?<=[^\w]std::)|(?<![\w>])::)(?:" + names + r")\s*\(")


IN_TESTS = "tests"
# rule, what is searched for in code without comments and literals, rooms (or "tests") where it is allowed, advice
BANNED = (
    ("system-calls",
     calls("mmap|munmap|mremap|madvise|process_madvise|mlock2?|mlockall|munlock|mprotect|mincore|msync|cachestat|"
           "pread|preadv|pwrite|pwritev|openat|creat|fopen|ftruncate|fallocate|posix_fallocate|posix_fadvise|"
           "sync_file_range|fsync|fdatasync|memfd_create|sendfile|readahead|syscall"),
     ("os", IN_TESTS), "memory and files are reached through room os"),
    ("system-calls", re.compile(r"(?<![\w>])::(?:open|rename|unlink|truncate|opendir|stat)\s*\("),
     ("os", IN_TESTS), "memory and files are reached through room os"),
    ("raw-memory", calls("malloc|calloc|realloc|posix_memalign|aligned_alloc|memalign|valloc|strdup"),
     ("os", "alloc", "profile", IN_TESTS), "use a container or std::unique_ptr, charged to its account"),
    ("raw-memory", re.compile(r"\bnew\s+[\w:]+(?:<[^;(){}]*>)?\s*\[|\bdelete\s*\["),
     (IN_TESTS,), "use std::vector or std::make_unique"),
    ("unsafe-calls",
     calls("strcpy|strcat|stpcpy|sprintf|vsprintf|gets|atoi|atol|atoll|atof|strtok|s?rand|alloca"),
     (), "use base/text.h, snprintf or base/random.h"),
    ("detach", re.compile(r"(?:\.|->)detach\s*\("), (), "a thread has one owner, which joins it"),
    ("throw", re.compile(r"\bthrow\b"), (IN_TESTS,), "a failure is a Result or an Error (base/result.h)"),
    ("sleep", re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.])::sleep\s*\("),
     ("cli", IN_TESTS), "wait for a condition with a deadline, or on the clock that was passed in"),
    ("iostream", re.compile(r"\bstd::(?:cout|cerr|clog|cin)\b"),
     ("cli", IN_TESTS), "a library does not print: report through a Result or a StatSink"),
    ("locks",
     re.compile(r"\bstd::(?:recursive_|shared_|timed_)?mutex\b|\bstd::(?:lock_guard|unique_lock|scoped_lock|"
                r"shared_lock|condition_variable)\b"),
     ("base", IN_TESTS), "use Mutex, MutexLock, CondVar (base/mutex.h): clang checks those"),
    ("names", re.compile(r"\b(?:class|struct)\s+\w*(?:Manager|Helper|Utils?)\b"),
     (), "name it after what it is"),
)
BANNED_INCLUDES = (
    ("system-calls", re.compile(r"sys/mman\.h|fstream|filesystem"),
     ("os", IN_TESTS), "memory and files are reached through room os"),
    ("iostream", re.compile(r"iostream"), ("cli", IN_TESTS), "a library does not print"),
)


def allowed_here(source, where):
    return source.room in where or (source.is_test and IN_TESTS in where)


def check_banned(tree, faults):
    for source in tree.code:
        for rule, pattern, where, advice in BANNED:
            if allowed_here(source, where):
                continue
            for match in pattern.finditer(source.code):
                word = match[0].rstrip("( ")
                faults.add(rule, source.path, source.line_of(match.start()), f"`{word}` here; {advice}")
        for line, _, target in source.includes():
            for rule, pattern, where, advice in BANNED_INCLUDES:
                if pattern.fullmatch(target) and not allowed_here(source, where):
                    faults.add(rule, source.path, line, f"<{target}> here; {advice}")


# --- headers ---------------------------------------------------------------------------------------------------


def check_headers(tree, faults):
    for source in tree.code:
        if source.is_header:
            check_header(faults, source)


def check_header(faults, source):
    first = next((line for line in source.lines if line and not line.startswith("//")), "")
    if first != "#pragma once":
        faults.add("pragma-once", source.path, 1, "the first line after the head comment must be #pragma once")
    for match in re.finditer(r"\busing\s+namespace\b", source.code):
        faults.add("using-namespace", source.path, source.line_of(match.start()),
                   "`using namespace` in a header reaches every file that includes it; name what is used")
    if not (source.in_src or source.is_front) or source.is_internal:
        return
    head = []
    for line in source.lines:
        if not line.startswith("//"):
            break
        head.append(line)
    missing = [word for word in CONTRACT if not any(word in line for line in head)]
    if missing:
        faults.add("contract", source.path, 1, f"the head comment lacks {' '.join(missing)}; say each, or `none`")
    if source.room in PROGRAMS or source.is_test:
        return
    for line, is_system, target in source.includes():
        if is_system and ("/" in target or target.endswith(".h")) and target not in LIGHT_INCLUDES:
            faults.add("heavy-include", source.path, line,
                       f"<{target}> in a public header; only the standard library and tl/expected.hpp: "
                       "include it in one .cc")


# --- marks and names -------------------------------------------------------------------------------------------


def check_marks(tree, faults):
    for source in tree.sources:
        for number, line in enumerate(source.lines, 1):
            match = MARKS.search(line)
            if match:
                faults.add("marks", source.path, number, f"{match[0]} in the tree; do it, or write an issue")


TEST = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)", re.M)


def check_feature_names(tree, faults):
    """Rows of docs/features.md name tests as `room.Suite.Name` and files by (the end of) their path."""
    table = next((source for source in tree.sources if source.path == "docs/features.md"), None)
    if table is None:
        return
    tests = {f"{source.room}.{suite}.{name}" for source in tree.code for suite, name in TEST.findall(source.text)}
    paths = ["/" + source.path for source in tree.sources]
    for number, line in enumerate(table.lines, 1):
        for name in re.findall(r"`([^`\s]+)`", line):
            if re.fullmatch(r"[a-z_]+\.[A-Z]\w*\.[A-Z]\w*", name):
                if name not in tests:
                    faults.add("feature-names", table.path, number, f"there is no test {name}; name one that exists")
            elif re.fullmatch(r"[\w./-]+\.(?:h|cc|py|sh|md|cmake)", name):
                if not any(path.endswith("/" + name) for path in paths):
                    faults.add("feature-names", table.path, number, f"there is no file {name}; name one that exists")


# ---------------------------------------------------------------------------------------------------------------

RULES = (check_map, check_floors, check_file_length, check_function_length, check_banned, check_headers, check_marks,
         check_feature_names)


class Tree:
    def __init__(self, root):
        self.root = root
        self.sources = [Source(root, path) for path in sorted(paths_of(root))]
        self.code = [source for source in self.sources if source.is_code]
        architecture = next((source for source in self.sources if source.path == "ARCHITECTURE.md"), None)
        self.map = read_map(architecture) if architecture else None


def paths_of(root):
    """Text that people write: the folders that hold it and the files at the top."""
    for name in os.listdir(root):
        if os.path.isfile(os.path.join(root, name)) and (name.endswith((".md", ".txt")) or name == "dev"):
            yield name
    for folder in SCANNED:
        for where, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = [name for name in folders if name not in ("corpus", "results", "__pycache__")]
            for name in names:
                if name.endswith((".h", ".cc", ".c", ".py", ".sh", ".md", ".txt", ".cmake")) or "." not in name:
                    yield os.path.relpath(os.path.join(where, name), root)


def check(root):
    """All faults of the tree at `root`, as lines to print, in the order of files."""
    tree = Tree(root)
    faults = Faults()
    if tree.map is None:
        faults.add("map", "ARCHITECTURE.md", 1, "no table of floors; | floor | room | may include | what | today |")
        tree.map = Map({})
    for rule in RULES:
        rule(tree, faults)
    return [text for _, _, text in sorted(faults.found)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    faults = check(root)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
