# SPDX-License-Identifier: Apache-2.0
"""Includes follow the arrows of docs/architecture.md; a foreign library is seen by one folder only."""
import re

import tree

ARROWS = {
    "base": {"base"},
    "config": {"config", "base"},
    "schema": {"schema", "base"},
    "transport": {"transport", "base"},
    "postgres": {"postgres", "base"},
    "capture": {"capture", "schema", "transport", "postgres", "base"},
    "sink": {"sink", "schema", "transport", "postgres", "base"},
    "cli": set(tree.MODULES),
}

FOREIGN = (
    (re.compile(r"(libpq|postgres_ext|pg_config|server/|catalog/)"), "postgres"),
    (re.compile(r"yaml\.h"), "config"),
    (re.compile(r"(librdkafka/|rdkafka)"), "transport"),
    (re.compile(r"(avro(\.h|/)|jansson|curl/|openssl/)"), "schema"),
)

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^">]+)[">]')


def foreign_reason(folder, header):
    """Why `folder` may not include the library's header, or None."""
    for pattern, owner in FOREIGN:
        if pattern.match(header) and folder != owner:
            return f"<{header}> is included from {owner}/ only"
    return None


def project_reason(folder, header):
    """Why `folder` may not include the project's header, or None."""
    target = header.split("/")[0]
    if "/" not in header or target not in tree.MODULES:
        return f'"{header}" is not a path from the root into a module'
    if target not in ARROWS[folder]:
        return f"{folder}/ must not include {target}/"
    return None


def check(root):
    for path in tree.files(root, {".c", ".h"}, tree.MODULES):
        folder = path.split("/")[0]
        for number, line in enumerate(tree.lines(root, path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            reason = foreign_reason(folder, match[2])
            if not reason and match[1] == '"':
                reason = project_reason(folder, match[2])
            if reason:
                yield path, number, reason


if __name__ == "__main__":
    tree.main(check)
