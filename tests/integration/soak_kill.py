# SPDX-License-Identifier: Apache-2.0
"""test_kill with 1,000 kills, 100 of them in the copy."""
import os
import unittest

os.environ.setdefault("PENSTOCK_KILLS", "1000")
os.environ.setdefault("PENSTOCK_COPY_KILLS", "100")

from test_kill import KillTest  # noqa: E402, F401  pylint: disable=wrong-import-position,unused-import

if __name__ == "__main__":
    unittest.main()
