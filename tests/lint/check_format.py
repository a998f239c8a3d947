# SPDX-License-Identifier: Apache-2.0
"""The form of the C files is what clang-format makes of them; skips without the version we use."""
import os
import re
import shutil
import subprocess
import sys

import tree

MAJOR = "14"  # Debian 12's: other versions lay out some lines differently
SKIPPED = 77


def clang_format():
    """The path of clang-format of our version, or None with the reason."""
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        path = shutil.which(name)
        if not path:
            continue
        version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        if re.search(rf"version {MAJOR}\.", version):
            return path, None
    return None, f"clang-format {MAJOR} is not installed"


def check(root):
    path, _ = clang_format()
    sources = tree.files(root, {".c", ".h"})
    if not sources:
        return
    result = subprocess.run([path, "--dry-run", "--Werror", *sources], cwd=root,
                            capture_output=True, text=True)
    for line in result.stderr.splitlines():
        match = re.match(r"(.+?):(\d+):\d+: error: ", line)
        if match:
            yield os.path.normpath(match[1]), int(match[2]), "clang-format would change this line"
    if result.returncode != 0 and "error: code should be" not in result.stderr:
        yield ".clang-format", 1, result.stderr.strip()


if __name__ == "__main__":
    if not clang_format()[0]:
        print("skipped:", clang_format()[1])
        sys.exit(SKIPPED)
    tree.main(check)
