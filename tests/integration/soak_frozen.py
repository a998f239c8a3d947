# SPDX-License-Identifier: Apache-2.0
"""A process that freezes in mid-statement: its successor takes over, and woken it writes nothing."""
import time
import unittest

from lib.case import PairCase
from lib.process import wait_until

HOLDER = ("select a.state, a.wait_event from pg_stat_activity a join pg_locks l on l.pid = a.pid"
          " where l.locktype = 'advisory' and l.granted and a.datname = current_database()")


class FrozenTest(PairCase):
    def freeze_in_mid_statement(self, process):
        """Stops it while its session at the target has begun a statement and waits for more of it: there no time-out
        of the server's ends the session."""
        def is_caught():
            self.source.execute("insert into t select i, repeat('x', 100) from generate_series(1, 100000) i")
            process.sigstop()
            found = [self.target.rows(HOLDER)]
            wait_until(lambda: found.append(self.target.rows(HOLDER)) or found[-1] == found[-2], "a steady state")
            if found[-1] == [("active", "ClientRead")]:
                return True
            process.sigcont()
            return False
        wait_until(is_caught, lambda: f"a statement to freeze in\n{process.tail()}", 120)

    def test_a_successor_takes_over_and_the_frozen_one_writes_nothing(self):
        self.source.execute("create table t (n int, v text)")
        frozen = self.start(is_release=True)
        self.wait_streaming(frozen)
        self.freeze_in_mid_statement(frozen)
        began = time.monotonic()
        successor = self.start(is_release=True)
        self.wait_streaming(successor)
        self.wait_applied(successor, 150)
        self.assertLess(time.monotonic() - began, 90)
        self.assert_equal()
        frozen.sigcont()
        self.source.execute("insert into t values (-1, 'while it wakes')")
        self.assertEqual(75, frozen.wait(200), frozen.tail())
        self.assertIn(frozen.stop_line()["stop"], ("FENCED", "ALREADY_RUNNING"))
        self.source.execute("insert into t values (-2, 'after it')")
        self.wait_applied(successor)
        self.finish(successor)
        self.assert_equal()


if __name__ == "__main__":
    unittest.main(verbosity=1)
