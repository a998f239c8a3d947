# SPDX-License-Identifier: Apache-2.0
"""test_large with transactions of 1,000,000 rows."""
import os
import unittest

os.environ.setdefault("PENSTOCK_LARGE_ROWS", "1000000")

from test_large import LargeTest  # noqa: E402, F401  pylint: disable=wrong-import-position,unused-import

if __name__ == "__main__":
    unittest.main()
