# SPDX-License-Identifier: Apache-2.0
"""status: each verdict, the numbers behind it, and the keys that machines rely on."""
import unittest

from lib.case import PairCase
from lib.process import wait_until

KEYS = {"name", "verdict", "state", "slot", "source_wal_lsn", "position", "lag", "tables", "unpublished_tables", "parked"}


class Status(PairCase):
    def page(self):
        return self.start("status").expect_exit(0).output

    def verdict(self):
        return self.penstock.status()["verdict"]

    def test_the_life_of_a_replication(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'a'), (2, 'b')")
        self.assertEqual("not_started", self.verdict())
        self.assertRegex(self.page(), r"\A\w+: not started")
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("insert into t values (3, 'c')", "update t set v = 'x' where id < 3", "delete from t where id = 1",
                            "truncate t", "insert into t values (9, '')")
        self.wait_applied(process)
        status = self.penstock.status()
        self.assertEqual(KEYS | ({"kafka", "sink"} if self.broker else set()), set(status))
        self.assertEqual(("in_step", "streaming", True), (status["verdict"], status["state"], status["slot"]["active"]))
        self.assertEqual(0, status["lag"]["seconds"])
        self.assertEqual([{"table": "public.t", "copied": 2, "inserted": 2, "updated": 2, "deleted": 1, "truncated": 1}],
                         status["tables"])
        self.assertRegex(self.page(), r"\A\w+: in step\n(.*\n)*public.t +2 +2 +2 +1 +1\n")
        self.finish(process)
        self.assertEqual("not_running", self.verdict())
        self.source.execute("create table later (id int primary key)")
        self.assertEqual(["public.later"], self.penstock.status()["unpublished_tables"])
        self.assertRegex(self.page(), r"not replicated.*\n  public.later\n")
        slot = f"penstock_{self.name}"
        self.source.rows("select pg_drop_replication_slot(%s)", (slot,))
        self.assertEqual("slot_missing", self.verdict())
        self.assertRegex(self.page(), rf"\A\w+: slot missing: {slot}")

    def test_a_lag_is_told_in_bytes_and_seconds(self):
        self.source.execute("create table t (id int primary key, v text)")
        process = self.start()
        self.wait_streaming(process)
        process.sigstop()
        self.source.execute("insert into t select i, repeat(md5(i::text), 20) from generate_series(1, 50000) i")
        before = self.penstock.status()
        self.assertEqual("catching_up", wait_until(lambda: self.verdict() == "catching_up" and "catching_up", "the lag to show"))
        self.assertGreater(before["lag"]["bytes"], 10 << 20)
        self.assertRegex(self.page(), r"\A\w+: catching up: \d+ MiB behind, \d+ s\n")
        self.assertGreater(self.penstock.status()["lag"]["seconds"], 0)
        self.assertGreater(before["slot"]["retained_wal_bytes"], 10 << 20)
        process.sigcont()
        self.wait_applied(process)
        self.assertEqual("in_step", self.verdict())
        self.finish(process)

    def test_a_slot_without_state(self):
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (f"penstock_{self.name}",))
        self.assertEqual("slot_foreign", self.verdict())
        self.assertRegex(self.page(), r"\A\w+: slot foreign")

    def test_names_do_not_reach_the_terminal_raw(self):
        self.source.execute('create table "a\x1b[2Jb" (id int primary key)', 'insert into "a\x1b[2Jb" values (1)')
        self.catch_up()
        self.assertIn('a\x1b[2Jb', self.penstock.status()["tables"][0]["table"])
        output = self.page()
        self.assertNotIn("\x1b", output)
        self.assertIn("\\u001b[2Jb", output)


if __name__ == "__main__":
    unittest.main()
