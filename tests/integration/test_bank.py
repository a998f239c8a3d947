# SPDX-License-Identifier: Apache-2.0
"""Whole transactions only: a reader at the target never sees half of one, while many units are applied."""
import unittest

from lib import checker, load
from lib.case import PairCase
from lib.process import wait_until

READS = 1000
UNITS = 100


class BankTest(PairCase):
    def test_the_sum_is_never_off(self):
        bank = load.Bank()
        bank.create(self.source)
        bank.create(self.target, with_rows=False)
        process = self.start()
        self.wait_streaming(process)
        self.wait_applied(process)
        reader = checker.Reader(self.target, bank.total)
        reader.start()
        with load.Load(self.source, [bank], workers=2, pause=0.003) as work:
            wait_until(lambda: reader.reads >= READS and len(reader.checkpoints) > UNITS or not process.is_running(),
                       lambda: f"{READS} reads ({reader.reads}) and {UNITS} checkpoints ({len(reader.checkpoints)})", 120)
        self.assert_running(process)
        self.wait_applied(process)
        reader.finish()
        self.finish(process)
        print(f"  {work.committed} transactions, {reader.reads} reads, {len(reader.checkpoints)} checkpoints seen")
        self.assertEqual([], reader.offences)
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assert_equal()

    def test_a_backlog_is_applied_in_whole_transactions_too(self):
        bank = load.Bank()
        bank.create(self.source)
        bank.create(self.target, with_rows=False)
        self.catch_up()
        with load.Load(self.source, [bank], workers=2) as work:
            wait_until(lambda: work.committed >= 5000, "a backlog", 120)
        reader = checker.Reader(self.target, bank.total)
        reader.start()
        self.catch_up()
        self.assertEqual([], reader.finish().offences)
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assert_equal()

    def test_versions_never_repeat_and_never_fall(self):
        bank, counters = load.Bank(accounts=20), load.Counters()
        for workload in (bank, counters):
            workload.create(self.source)
            workload.create(self.target, with_rows=False)
        checker.install_audit(self.target)
        process = self.start()
        with load.Load(self.source, [bank, counters], workers=3) as work:
            wait_until(lambda: work.committed >= 4000 or not process.is_running(), "the load", 120)
        self.wait_applied(process)
        self.finish(process)
        self.assertGreater(self.target.value("select count(*) from audit"), 1000)
        self.assertEqual([], checker.audit_errors(self.target))
        self.assert_equal()

    def test_pgbench_arrives(self):
        load.pgbench(self.source, "-i", "-s", "2", "-q", "--foreign-keys")
        process = self.start()
        load.pgbench(self.source, "-c", "4", "-j", "2", "-T", "5")
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()
        self.assertGreater(self.target.value("select count(*) from pgbench_history"), 0)


if __name__ == "__main__":
    unittest.main()
