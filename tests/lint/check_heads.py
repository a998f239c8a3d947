# SPDX-License-Identifier: Apache-2.0
"""The head of each file: licence, purpose, header guard."""
import re

import tree

LICENCE = "SPDX-License-Identifier: Apache-2.0"


def purpose(lines):
    """The text of the comment that begins on the second line, or None."""
    if len(lines) < 2 or not lines[1].startswith("/*"):
        return None
    text = []
    for line in lines[1:]:
        text.append(re.sub(r"^(/\*| \*(?!/))\s?", "", line).split("*/")[0].strip())
        if "*/" in line:
            return " ".join(part for part in text if part)
    return None


def check_source(path, lines):
    if not lines or lines[0] != f"/* {LICENCE} */":
        yield path, 1, f"the first line must be /* {LICENCE} */"
    text = purpose(lines)
    if not text:
        yield path, 2, "below the licence, a comment must say what the file is for"
    elif not text.endswith(".") or re.search(r"[.?!] [A-Z]", text) and path.endswith(".c"):
        yield path, 2, "the purpose of a file is one sentence with a full stop"


def check_guard(path, lines):
    guard = "PENSTOCK_" + re.sub(r"\W", "_", path.upper())
    if f"#ifndef {guard}" not in lines or f"#define {guard}" not in lines:
        yield path, 3, f"the header guard must be {guard}"
    elif lines[-1] != "#endif":
        yield path, len(lines), "the header guard must end on the last line"


def check_script(path, lines):
    if lines and not any(LICENCE in line for line in lines[:2]):
        yield path, 1, f"one of the first two lines must be # {LICENCE}"


def check(root):
    for path in tree.files(root, {".c", ".h"}):
        lines = tree.lines(root, path)
        yield from check_source(path, lines)
        if path.endswith(".h"):
            yield from check_guard(path, lines)
    for path in tree.files(root, {".py", ".sh", ".cmake"}) + tree.files(root, {""}, {"script"}):
        yield from check_script(path, tree.lines(root, path))


if __name__ == "__main__":
    tree.main(check)
