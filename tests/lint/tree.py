# SPDX-License-Identifier: Apache-2.0
"""What the lint checks share: which files there are, and how a finding is printed."""
import os
import sys

MODULES = ("base", "config", "schema", "transport", "postgres", "capture", "sink", "cli")
NOT_OURS = {".git", "build", "__pycache__"}


def files(root, suffixes=None, below=None):
    """Paths of the tree's files, relative to `root`, sorted; only below the folders `below`."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if suffixes is not None and os.path.splitext(name)[1] not in suffixes:
                continue
            if below is None or path.split(os.sep)[0] in below:
                found.append(path)
    return sorted(found)


def lines(root, path):
    """The file's lines without their ends; none for a file that is not text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    try:
        return [] if b"\0" in data else data.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return []


def main(check):
    """Prints what `check(root)` finds as file:line: reason; the exit code says whether it did."""
    root = sys.argv[1] if len(sys.argv) > 1 else os.getcwd()
    findings = sorted(set(check(root)))
    for path, line, reason in findings:
        print(f"{path}:{line}: {reason}")
    sys.exit(1 if findings else 0)
