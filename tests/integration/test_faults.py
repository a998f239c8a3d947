# SPDX-License-Identifier: Apache-2.0
"""Lost servers, lost connections, a hung target, a slot that goes back: run goes on by itself."""
import time
import unittest

from lib import checker, load
from lib.case import PairCase
from lib.process import wait_until

WALSENDER = "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s and active"
SINK_SESSIONS = ("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sink'"
                 " and backend_type = 'client backend'")


class FaultsTest(PairCase):
    def setUp(self):
        super().setUp()
        self.bank, self.counters = load.Bank(), load.Counters()
        self.target_cluster.execute(
            "do $$ begin create role sink superuser login; exception when duplicate_object then null; end $$")
        self.penstock.target["url"] = self.target.url("sink")
        for workload in (self.bank, self.counters):
            workload.create(self.source)
            workload.create(self.target, with_rows=False)
        checker.install_audit(self.target)
        self.slot = f"penstock_{self.name}"

    def begin(self):
        process = self.start()
        self.wait_streaming(process)
        self.wait_applied(process)
        return process

    def judge(self):
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assertEqual([], checker.audit_errors(self.target))
        self.assert_equal()

    def under_load(self, fault, times):
        """Each time: the target has moved on since the last one, then the fault."""
        process = self.begin()
        reader = checker.Reader(self.target, self.bank.total)
        reader.start()
        with load.Load(self.source, [self.bank, self.counters], pause=0.002) as work:
            for _ in range(times):
                committed = work.committed
                wait_until(lambda c=committed: work.committed >= c + 100, "the load", 60)
                self.wait_applied(process)
                fault()
        self.wait_applied(process)
        self.assertEqual([], reader.finish().offences)
        self.finish(process)
        self.judge()
        return process

    def confirmed(self):
        return self.source.value("select confirmed_flush_lsn from pg_replication_slots where slot_name = %s", (self.slot,))

    def test_the_slot_goes_back_with_a_crashed_source(self):
        went_back = []

        def crash():
            before = self.confirmed()
            self.source_cluster.restart("immediate")
            went_back.append(self.source.value(
                "select %s::pg_lsn - confirmed_flush_lsn from pg_replication_slots where slot_name = %s",
                (before, self.slot)))
        self.under_load(crash, 4)
        self.assertGreater(max(went_back), 0, "vacuous: the slot never went back")

    def test_the_target_restarts(self):
        self.under_load(lambda: self.target_cluster.restart("fast"), 2)

    def test_the_target_crashes(self):
        self.under_load(lambda: self.target_cluster.restart("immediate"), 3)

    def test_the_source_restarts(self):
        self.under_load(lambda: self.source_cluster.restart("fast"), 2)

    def test_connections_are_cut_at_both_ends(self):
        def cut():
            self.source.rows(WALSENDER, (self.slot,))
            self.target.execute(SINK_SESSIONS)
            self.source.rows(WALSENDER, (self.slot,))
        process = self.under_load(cut, 5)
        self.assertTrue(any(entry.get("level") == "warn" for entry in process.log), "a cut goes unmentioned")

    def test_the_source_is_away_at_the_start_of_run(self):
        self.catch_up()
        self.source_cluster.stop("fast")
        process = self.start()
        wait_until(lambda: any(entry.get("level") == "warn" for entry in process.log), "a warning")
        self.source_cluster.start()
        self.source.execute("update counter set ver = nextval('counter_ver'), note = 'back'")
        self.wait_applied(process)
        self.finish(process)
        self.judge()

    def test_catching_up_gives_up_when_a_server_is_away(self):
        self.catch_up()
        self.target_cluster.stop("fast")
        try:
            began = time.monotonic()
            self.start("run", "--until-caught-up").expect_exit(69, 45)
            self.assertGreater(time.monotonic() - began, 15)
        finally:
            self.target_cluster.start()

    def test_sigterm_while_the_target_hangs_on_a_lock(self):
        process = self.begin()
        holder = self.target.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("select note from counter where id = 7 for update")
            self.source.transaction("update account_a set balance = balance - 1, ver = ver + 1 where id = 1",
                                    "update counter set ver = nextval('counter_ver'), note = 'wanted'",
                                    "update account_b set balance = balance + 1, ver = ver + 1 where id = 1")
            wait_until(lambda: self.target.value("select count(*) from pg_locks where not granted") > 0,
                       lambda: f"the target to hang\n{process.tail()}")
            self.finish(process)
        holder.close()
        self.assertEqual(0, self.target.value("select count(*) from counter where note = 'wanted'"))
        self.assertEqual(load.BALANCE, self.target.value("select balance from account_a where id = 1"))
        self.assertEqual(0, self.target.value("select count(*) from pg_stat_activity where usename = 'sink' and"
                                              " xact_start is not null"), "a session is left at the target")
        self.catch_up()
        self.judge()

    def test_sigterm_under_load_and_in_the_copy(self):
        self.source.execute("create table bulk (id int primary key, v text)",
                            "insert into bulk select i, repeat('x', 100) from generate_series(1, 100000) i")
        process = self.start()
        wait_until(lambda: self.checkpoint("state") is not None, "the copy")
        self.finish(process)
        with load.Load(self.source, [self.bank, self.counters]) as work:
            for _ in range(4):
                process = self.start()
                self.wait_streaming(process)
                committed = work.committed
                wait_until(lambda c=committed: work.committed >= c + 200, "the load")
                self.finish(process)
        self.catch_up()
        self.judge()

    def test_sigterm_while_the_source_is_away(self):
        process = self.begin()
        self.source_cluster.stop("fast")
        wait_until(lambda: any(entry.get("level") == "warn" for entry in process.log), "a warning")
        self.finish(process)
        self.source_cluster.start()

    def test_a_frozen_penstock_goes_on(self):
        process = self.begin()
        with load.Load(self.source, [self.bank, self.counters], pause=0.002) as work:
            process.sigstop()
            committed = work.committed
            wait_until(lambda: work.committed >= committed + 500, "the load")
            process.sigcont()
        self.wait_applied(process)
        self.finish(process)
        self.judge()

    def test_an_idle_source_confirms_what_other_databases_write(self):
        process = self.begin()
        other = self.source_cluster.create_database(f"{self.name}_busy")
        self.addCleanup(other.drop)
        before = self.confirmed()
        other.execute("create table noise as select repeat('n', 1000) as v from generate_series(1, 40000)")
        lsn = other.value("select pg_current_wal_flush_lsn()")
        wait_until(lambda: self.source.value("select confirmed_flush_lsn >= %s from pg_replication_slots where slot_name"
                                             " = %s", (lsn, self.slot)),
                   lambda: f"the slot to go from {before} to {lsn}\n{process.tail()}", 45)
        self.finish(process)

    def test_nothing_is_confirmed_before_the_target_has_it_on_disk(self):
        process = self.begin()
        with load.Load(self.source, [self.bank], pause=0.001) as work:
            committed = work.committed
            while work.committed < committed + 500:
                confirmed = self.confirmed()
                recorded = self.checkpoint("greatest(end_lsn, acked_lsn)")
                self.assertTrue(self.source.value("select %s::pg_lsn <= %s::pg_lsn", (confirmed, recorded)),
                                f"confirmed {confirmed}, recorded {recorded}")
        self.finish(process)


if __name__ == "__main__":
    unittest.main()
