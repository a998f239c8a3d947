# SPDX-License-Identifier: Apache-2.0
"""No notes to self, and no paths of somebody's machine."""
import re

import tree

# Put together from parts, so that this file does not find itself.
NOTES = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX")) + r")\b")
MACHINE = re.compile(r"(?<![\w.$}/~-])/(" + "|".join(("ho" "me", "Us" "ers", "ro" "ot", "wo" "rk",
                                                      "m" "nt")) + r")/[\w.]")
CODE = {".c", ".h", ".py", ".sh", ".cmake", ".sql", ".yaml", ".yml", ".txt", ".json", ""}


def is_code(path):
    return "." + path.rpartition(".")[2] in CODE or "." not in path


def check(root):
    for path in tree.files(root):
        if path == "LICENSE" or path.startswith("tests/data/") or "/corpus/" in path:
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            if is_code(path) and NOTES.search(line):
                yield path, number, "write an issue instead of a note in the code"
            if MACHINE.search(line):
                yield path, number, "the path of a machine: " + MACHINE.search(line)[0] + "…"
            if is_code(path) and line.endswith((" ", "\t")):
                yield path, number, "white space at the end of the line"


if __name__ == "__main__":
    tree.main(check)
