# SPDX-License-Identifier: Apache-2.0
"""At each edge where a crash, an error or a pause matters, one of them happens; nothing is lost or applied twice.

Needs a build with failpoints (the dev preset)."""
import os
import unittest

from lib import checker, load
from lib.case import PairCase
from lib.process import wait_until

# Where the failpoints stand, and at which passing each strikes.
COPY = ("capture_locked", "target_locked", "recorded_creating", "slot_created", "recorded_copying", "copied",
        "before_checkpoint", "before_commit", "after_commit")
STREAM = ("capture_locked", "target_locked", "slot_held", "before_unit_end", "before_checkpoint", "before_commit",
          "after_commit", "before_confirm")
KILLED = -9


class FailpointsTest(PairCase):
    TARGET = {"fsync": "on"}

    def setUp(self):
        super().setUp()
        self.bank, self.counters = load.Bank(), load.Counters()
        for workload in (self.bank, self.counters):
            workload.create(self.source)
            workload.create(self.target, with_rows=False)
        checker.install_audit(self.target)

    def strike(self, name, action, passing=1):
        """Runs into the failpoint; a crash kills it, an error and a pause are lived through."""
        failpoint = f"{name}:{action}:{passing}"
        process = self.start("run", "--until-caught-up", environment={"PENSTOCK_FAILPOINT": failpoint})
        code = process.wait(120)
        self.assertIn(code, (KILLED, 0) if action == "crash" else (0,), process.tail())
        if action == "crash":
            self.assertEqual(KILLED, code, f"{failpoint} was never passed\n{process.tail()}")

    def change(self):
        with load.Load(self.source, [self.bank, self.counters]) as work:
            wait_until(lambda: work.committed >= 20, "the load")

    def judge(self):
        self.catch_up()
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assertEqual([], checker.audit_errors(self.target))
        self.assert_equal()

    def test_each_edge_of_the_copy(self):
        for name in COPY:
            self.strike(name, "crash")
        self.judge()

    def test_each_edge_of_the_stream(self):
        self.catch_up()
        for action in ("crash", "error"):
            for name in STREAM:
                self.change()
                self.strike(name, action)
        self.judge()

    def test_a_commit_whose_outcome_is_unknown(self):
        self.catch_up()
        for passing in (1, 2, 3):
            for name in ("before_commit", "after_commit"):
                self.change()
                self.strike(name, "crash", passing=1)
                self.strike(name, "error", passing=passing)
        self.judge()


if __name__ == "__main__":
    unittest.main(verbosity=1)
