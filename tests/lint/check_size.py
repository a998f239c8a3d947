# SPDX-License-Identifier: Apache-2.0
"""Functions of at most 60 lines and files of at most 500, unless a file says that it is a table."""
import ast
import re

import tree

MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 500
TABLE = "lint: table of data"
SUFFIXES = {".c", ".h", ".py", ".sh", ".cmake", ".sql"}


def c_functions(lines):
    """(first line, number of lines) of each function: clang-format puts its braces in column 1."""
    start = signature = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = signature
        elif line.startswith("}"):
            if start and line == "}":
                yield start, number - start + 1
            start = signature = 0
        elif start:
            continue
        elif re.match(r"[A-Za-z_]", line):
            signature = signature or number
            if line.endswith(";"):
                signature = 0
        elif not line or line.startswith(("#", "/*", " *")) or line.endswith(";"):
            signature = 0


def python_functions(lines):
    try:
        parsed = ast.parse("\n".join(lines))
    except SyntaxError:
        return
    for node in ast.walk(parsed):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def functions(path, lines):
    if path.endswith((".c", ".h")):
        return c_functions(lines)
    return python_functions(lines) if path.endswith(".py") else ()


def check(root):
    for path in tree.files(root, SUFFIXES) + tree.files(root, {""}, {"script"}):
        lines = tree.lines(root, path)
        if any(TABLE in line for line in lines[:10]):
            continue
        if len(lines) > MOST_FILE_LINES:
            yield path, len(lines), f"{len(lines)} lines; at most {MOST_FILE_LINES}"
        for start, count in functions(path, lines):
            if count > MOST_FUNCTION_LINES:
                yield path, start, f"function of {count} lines; at most {MOST_FUNCTION_LINES}"


if __name__ == "__main__":
    tree.main(check)
