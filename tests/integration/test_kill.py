# SPDX-License-Identifier: Apache-2.0
"""SIGKILL for run, source and target at random moments under load: nothing lost, nothing twice, nothing half.

The first kills fall into the initial copy, which a trigger at the target slows down. A kill counts as in flight
when, just before the signal, the copy is under way, the target's penstock session is in a transaction or the slot's
confirmed position stands behind the last commit. Too few of those make the run vacuous, which is a failure.
PENSTOCK_KILLS, PENSTOCK_COPY_KILLS and PENSTOCK_SEED choose another run (script/soak does).
"""
import os
import random
import time
import unittest

import psycopg2

from lib import checker, load
from lib.case import PairCase
from lib.process import wait_until

KILLS = int(os.environ.get("PENSTOCK_KILLS", "40"))
COPY_KILLS = int(os.environ.get("PENSTOCK_COPY_KILLS", "10"))
SEED = int(os.environ.get("PENSTOCK_SEED", "20260101"))
IN_FLIGHT_SHARE = 0.95

# Some of the copied rows take their time, so that the copy lasts for seconds.
SLOW_COPY = """
create function slow() returns trigger language plpgsql as $$
begin
    if new.id % 400 = 0 then perform pg_sleep(0.03); end if;
    return new;
end $$;
create trigger slow before insert on bulk for each row execute function slow();
alter table bulk enable always trigger slow;
"""

SINK_IN_TRANSACTION = """
select pid from pg_stat_activity
where usename = 'sink' and backend_type = 'client backend' and backend_xid is not null"""


class KillTest(PairCase):
    SOURCE = {"fsync": "on", "full_page_writes": "on"}
    TARGET = {"fsync": "on", "full_page_writes": "on"}
    BULK_ROWS = 40000  # of 1 KB: several times what may wait between source and target

    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        self.bank, self.counters = load.Bank(), load.Counters()
        self.target_cluster.execute("create role sink superuser login")
        self.penstock.target["url"] = self.target.url("sink")
        for workload in (self.bank, self.counters):
            workload.create(self.source)
            workload.create(self.target, with_rows=False)
        self.both("create table bulk (id int primary key, v text)")
        self.source.execute("insert into bulk select i, repeat('v', 1000)"
                            f" from generate_series(1, {self.BULK_ROWS}) i")
        self.target.execute(SLOW_COPY)
        checker.install_audit(self.target)
        self.in_flight = {"copy": 0, "stream": 0}
        self.copier = None  # (epoch, session at the target) of the last kill in the copy
        self.process = None

    def test_random_kills_lose_nothing_and_apply_nothing_twice(self):
        began = time.monotonic()
        with load.Load(self.source, [self.bank, self.counters], workers=2, seed=SEED, pause=0.002) as work:
            self.process = self.start()
            for number in range(COPY_KILLS):
                self.kill_in_the_copy(self.victim(number))
            self.target.execute("drop trigger slow on bulk")
            self.wait_streaming(self.process)
            self.wait_applied(self.process)
            reader = checker.Reader(self.target, self.bank.total)
            reader.start()
            for number in range(KILLS - COPY_KILLS):
                self.kill_in_the_stream(self.victim(number), work)
        self.assert_alive()
        self.finish(self.process)
        self.catch_up()
        reader.finish()
        print(f"  {KILLS} kills in {time.monotonic() - began:.0f} s, in flight {self.in_flight}, {work.committed}"
              f" transactions, {reader.reads} reads, epoch {self.checkpoint('epoch')}")
        self.judge(reader)

    def judge(self, reader):
        self.assertGreaterEqual(sum(self.in_flight.values()), IN_FLIGHT_SHARE * KILLS, "vacuous: too few kills in flight")
        self.assertGreater(reader.reads, 100)
        self.assertEqual([], reader.offences)
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assertEqual([], checker.audit_errors(self.target))
        self.assert_equal()

    def victim(self, number):
        """Half of the kills are for run, a quarter for each server."""
        return ("run", "source", "run", "target")[number % 4]

    def kill_in_the_copy(self, victim):
        """After the last kill's recovery: a new epoch or a new session at the target is copying."""
        before, self.copier = self.copier, None

        def has_begun():
            if self.is_copying():
                self.copier = self.find_copier()
            return self.copier and self.copier != before
        wait_until(has_begun, lambda: f"the copy to begin after {before}\n{self.process.tail()}", 60)
        deadline = time.monotonic() + self.rng.uniform(0, 0.6)
        wait_until(lambda: time.monotonic() >= deadline, "the moment", every=0.005)
        self.in_flight["copy"] += self.is_copying()
        self.kill(victim)
        self.bring_back(victim)

    def is_copying(self):
        self.assert_alive()
        return self.checkpoint("state") in ("creating", "copying")

    def find_copier(self):
        """None while the target is on its way back, or nothing is in a transaction there."""
        try:
            sessions = self.target.column(SINK_IN_TRANSACTION)
        except psycopg2.OperationalError:
            return None
        return (self.checkpoint("epoch"), sessions[0]) if sessions else None

    def kill_in_the_stream(self, victim, work):
        """After the last kill's recovery: the position has moved again."""
        before = self.checkpoint("commit_lsn")
        self.wait_moved(before)
        deadline = time.monotonic() + self.rng.uniform(0, 1.0)
        wait_until(lambda: time.monotonic() >= deadline, "the moment", every=0.005)
        for _ in range(20):
            if self.is_in_flight(work):
                self.in_flight["stream"] += 1
                break
        self.kill(victim)
        self.bring_back(victim)

    def wait_moved(self, before):
        def has_moved():
            self.assert_alive()
            return self.checkpoint("commit_lsn") != before
        wait_until(has_moved, lambda: f"the position to move from {before}\n{self.process.tail()}", 120)

    def is_in_flight(self, work):
        written = work.written_lsn
        if self.target.column(SINK_IN_TRANSACTION):
            return True
        return self.source.value("select confirmed_flush_lsn - '0/0'::pg_lsn < %s from pg_replication_slots"
                                 " where slot_name = %s", (written, f"penstock_{self.name}"))

    def kill(self, victim):
        self.assert_alive()
        if victim == "run":
            self.process.kill9()
        elif victim == "source":
            self.source_cluster.kill9()
        else:
            self.target_cluster.kill9()

    def bring_back(self, victim):
        if victim == "run":
            self.process = self.start()
        elif victim == "source":
            self.source_cluster.start()
        else:
            self.target_cluster.start()

    def assert_alive(self):
        self.assert_running(self.process)

    def checkpoint(self, column):
        """The target may be on its way back."""
        try:
            return super().checkpoint(column)
        except psycopg2.OperationalError:
            return None


if __name__ == "__main__":
    unittest.main()
