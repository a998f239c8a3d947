# SPDX-License-Identifier: Apache-2.0
"""Each lint check passes on a clean tree and fails, with the right line, on a tree with a fault."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* A fixture. */\n"
STOPS = "#define STOPS(X) \\\n    X(SLOT_LOST, EXIT_PERSON) \\\n    X(FENCED, EXIT_TRY_AGAIN)\n"
CLEAN = {
    "base/error.h": HEAD + "#ifndef PENSTOCK_BASE_ERROR_H\n#define PENSTOCK_BASE_ERROR_H\n"
                           "#include <stdbool.h>\n#endif\n",
    "base/stops.h": HEAD + "#ifndef PENSTOCK_BASE_STOPS_H\n#define PENSTOCK_BASE_STOPS_H\n"
                    + STOPS + "#endif\n",
    "sink/apply.c": HEAD + '#include "base/error.h"\n#include "postgres/query.h"\n',
    "postgres/query.c": HEAD + "#include <libpq-fe.h>\n",
    "docs/stops.md": "# Stops\n## Slots\n### SLOT_LOST\n### FENCED\n### What they share\n",
}


def function(lines, head="int main(void)"):
    """A C function of so many lines."""
    return head + "\n{\n" + "    x();\n" * (lines - 3) + "}\n"


class Lint(unittest.TestCase):
    def run_check(self, name, files):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return subprocess.run([sys.executable, "-B", os.path.join(HERE, f"check_{name}.py"),
                                   root], capture_output=True, text=True)

    def finds(self, name, path, text, *where):
        """The check finds exactly the places `where`, each "line: words", in `path`."""
        result = self.run_check(name, {**CLEAN, path: text})
        found = result.stdout.splitlines()
        self.assertEqual(len(found), len(where), result.stdout + result.stderr)
        for line, expected in zip(found, where):
            number, words = expected.split(": ", 1)
            self.assertTrue(line.startswith(f"{path}:{number}: "), line)
            self.assertIn(words, line)
        self.assertEqual(result.returncode, 1 if where else 0, result.stderr)

    def test_a_clean_tree_passes_every_check(self):
        for name in ("includes", "size", "heads", "text", "stops"):
            with self.subTest(name):
                result = self.run_check(name, CLEAN)
                self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_an_include_against_the_arrows_is_found(self):
        for path, header, words in (
                ("base/x.c", "schema/change.h", "base/ must not include schema/"),
                ("sink/x.h", "capture/run.h", "sink/ must not include capture/"),
                ("capture/x.c", "sink/run.h", "capture/ must not include sink/"),
                ("schema/x.c", "postgres/type.h", "schema/ must not include postgres/"),
                ("transport/x.c", "schema/wire.h", "transport/ must not include schema/"),
                ("capture/x.c", "config/settings.h", "capture/ must not include config/"),
                ("base/x.c", "cli/main.h", "base/ must not include cli/"),
                ("base/x.c", "error.h", "not a path from the root"),
                ("base/x.c", "../base/error.h", "not a path from the root"),
                ("cli/x.c", "tests/support/server.h", "not a path from the root")):
            with self.subTest(path=path, header=header):
                self.finds("includes", path, HEAD + f'#include "{header}"\n', "3: " + words)

    def test_an_include_along_the_arrows_passes(self):
        headers = "".join(f'#include "{name}/x.h"\n' for name in
                          ("base", "config", "schema", "transport", "postgres", "capture", "sink"))
        self.finds("includes", "cli/x.c", headers)
        self.finds("includes", "tests/unit/base/x_test.c", headers)

    def test_a_foreign_library_outside_its_folder_is_found(self):
        for path, header in (("sink/x.c", "libpq-fe.h"), ("cli/x.c", "yaml.h"),
                             ("capture/x.c", "librdkafka/rdkafka.h"), ("sink/x.c", "avro.h"),
                             ("base/x.h", "libpq/libpq-fs.h")):
            with self.subTest(path=path, header=header):
                self.finds("includes", path, HEAD + f"#  include <{header}>\n", "3: included from")

    def test_a_long_function_is_found_where_it_begins(self):
        self.finds("size", "base/x.c", HEAD + function(60))
        self.finds("size", "base/x.c", HEAD + function(61), "3: function of 61 lines")
        two_line_head = "static bool read(struct reader *reader,\n                 int size)"
        self.finds("size", "base/x.c", HEAD + "int x;\n\n" + function(60, two_line_head),
                   "5: function of 61 lines")
        self.finds("size", "tests/x.py", "def x():\n" + "    x()\n" * 60, "1: function of 61 lines")

    def test_a_long_file_is_found_unless_it_is_a_table(self):
        self.finds("size", "base/x.c", HEAD + "int x;\n" * 498)
        self.finds("size", "base/x.c", HEAD + "int x;\n" * 499, "501: 501 lines")
        self.finds("size", "base/x.c", HEAD + "/* lint: table of data */\n" + "int x;\n" * 900)

    def test_a_wrong_head_is_found(self):
        licence, purpose = HEAD.splitlines()
        for text, words in ((f"// {licence}\n{purpose}\n", "1: the first line must be"),
                            (f"{licence}\n#include <x.h>\n", "2: what the file is for"),
                            (f"{licence}\n/* A fixture */\n", "2: one sentence"),
                            (f"{licence}\n/* A fixture. It has\n * two sentences. */\n",
                             "2: one sentence")):
            with self.subTest(text=text):
                self.finds("heads", "base/x.c", text, words)
        self.finds("heads", "base/x.c", f"{licence}\n/* A sentence that goes\n * on here. */\n")
        self.finds("heads", "tests/x.py", "import os\n", "1: one of the first two lines")

    def test_a_wrong_header_guard_is_found(self):
        self.finds("heads", "base/x.h", HEAD + "#ifndef X_H\n#define X_H\n#endif\n",
                   "3: must be PENSTOCK_BASE_X_H")
        self.finds("heads", "base/x.h", HEAD + "#ifndef PENSTOCK_BASE_X_H\n"
                   "#define PENSTOCK_BASE_X_H\n#endif\nint x;\n", "6: must end on the last line")

    def test_a_note_to_self_is_found_in_code(self):
        for note in ("TO" "DO", "FIX" "ME", "X" "XX"):
            self.finds("text", "base/x.c", f"int x; /* {note}: later */\n", "1: write an issue")
            self.finds("text", "docs/x.md", f"No {note} in code.\n")
        self.finds("text", "script/x", "mktemp /tmp/x.XXXXXX\n")

    def test_the_path_of_a_machine_is_found(self):
        self.finds("text", "docs/x.md", "see `/ho" "me/ada/penstock`\n", "1: the path of a machine")
        self.finds("text", "script/x", "cd /wo" "rk/tree\n", "1: the path of a machine")
        self.finds("text", "script/x", "cd /usr/share /var/lib \"$HO" "ME/x\" docs/ho" "me/x\n")

    def test_white_space_at_the_end_of_a_line_is_found(self):
        self.finds("text", "base/x.c", "int x; \n", "1: white space")

    def test_a_difference_between_the_stops_and_their_page_is_found(self):
        self.finds("stops", "docs/stops.md", "### SLOT_LOST\n### FENCED\n### GONE\n", "3: GONE is")
        result = self.run_check("stops", {**CLEAN, "docs/stops.md": "### SLOT_LOST\n"})
        self.assertEqual(result.stdout, "base/stops.h:7: FENCED has no heading in docs/stops.md\n")
        self.assertEqual(result.returncode, 1)

    def test_a_form_that_clang_format_would_change_is_found(self):
        result = self.run_check("format", {"base/x.c": HEAD + "int x;\nint  y;\n"})
        if result.returncode == 77:
            self.skipTest(result.stdout.strip())
        self.assertEqual(result.stdout, "base/x.c:4: clang-format would change this line\n")
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    unittest.main()
