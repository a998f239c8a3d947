# SPDX-License-Identifier: Apache-2.0
"""docs/stops.md explains exactly the stops of base/stops.h, each below a heading `### NAME`."""
import re

import tree

TABLE = "base/stops.h"
PAGE = "docs/stops.md"


def named(root, path, pattern):
    """{name: line} of all lines that match."""
    found = {}
    for number, line in enumerate(tree.lines(root, path), 1):
        match = re.match(pattern, line)
        if match:
            found[match[1]] = number
    return found


def check(root):
    stops = named(root, TABLE, r"\s+X\(([A-Z][A-Z0-9_]*), *EXIT_")
    headings = named(root, PAGE, r"### `?([A-Z][A-Z0-9_]*)`?\s*$")
    if not stops:
        yield TABLE, 1, "no stops found: does the table still read X(NAME, EXIT_…)?"
    for name in stops.keys() - headings.keys():
        yield TABLE, stops[name], f"{name} has no heading in {PAGE}"
    for name in headings.keys() - stops.keys():
        yield PAGE, headings[name], f"{name} is not in {TABLE}"


if __name__ == "__main__":
    tree.main(check)
