# SPDX-License-Identifier: Apache-2.0
"""SIGKILL for capture, sink and broker at random moments under load: nothing lost, nothing twice, nothing half, neither
at the target nor for a read_committed reader of the log.

A kill counts as in flight when, just before the signal: for the capture, the slot's confirmed position stands behind the
last commit; for the sink, its session is in a transaction or its checkpoint stands behind the last END that is
committed in Kafka; for the broker, either. Kills inside a large unit wait for its first PART. Too few make the run
vacuous, which is a failure. PENSTOCK_KAFKA_KILLS and PENSTOCK_SEED choose another run.
"""
import collections
import os
import time
import unittest

import test_kill
from lib import checker, load
from lib.control import ControlWatch
from lib.process import wait_until
from lib.stranger import Log

KILLS = int(os.environ.get("PENSTOCK_KAFKA_KILLS", "40"))
COPY_KILLS = ("capture", "capture", "sink", "sink")
LARGE_VICTIMS = ("capture", "sink", "broker", "capture", "sink")
LARGE_ROWS = 60000  # of 600 bytes: ten PARTs, two Kafka transactions

SLOW_LARGE = """
create trigger slow before insert on large for each row execute function slow();
alter table large enable always trigger slow;
"""


class KafkaKillTest(test_kill.KillTest):
    TRANSPORT = "kafka"
    BROKER = {"log.flush.interval.messages": 1000}
    BULK_ROWS = 20000

    def setUp(self):
        super().setUp()
        self.both("create table large (id int primary key, v text)")
        self.target.execute(SLOW_LARGE)
        self.penstock.others["topics"] = {"partitions": 2}
        self.kills, self.in_flight = collections.Counter(), collections.Counter()
        self.processes = {}
        self.watch = self.committed = None

    @property
    def process(self):
        """Whose log is shown, and whose checkpoint moves."""
        return self.processes.get("sink")

    @process.setter
    def process(self, value):
        """The parent's: one process."""

    def test_random_kills_lose_nothing_and_apply_nothing_twice(self):
        began = time.monotonic()
        with load.Load(self.source, [self.bank, self.counters], workers=2, seed=test_kill.SEED, pause=0.02) as work:
            for name in ("capture", "sink"):
                self.bring_back(name)
            for victim in COPY_KILLS:
                self.kill_in_the_copy(victim)
            self.target.execute("drop trigger slow on bulk")
            self.wait_streaming(self.process)
            reader = self.begin_watching()
            for number, victim in enumerate(LARGE_VICTIMS):
                self.kill_in_a_large_unit(victim, number)
            for number in range(KILLS - len(COPY_KILLS) - len(LARGE_VICTIMS)):
                self.kill_in_the_stream(("capture", "broker", "sink")[number % 3], work)
        self.end_well()
        reader.finish()
        print(f"  kills {dict(self.kills)}, in flight {dict(self.in_flight)}, {work.committed} transactions, {reader.reads}"
              f" reads, epoch {self.checkpoint('epoch')}, {time.monotonic() - began:.0f} s")
        self.judge(reader)
        print(f"  judged after {time.monotonic() - began:.0f} s")

    def begin_watching(self):
        self.wait_applied(self.process)
        self.watch, self.committed = ControlWatch(self.broker, self.name, False), ControlWatch(self.broker, self.name)
        self.watch.start()
        self.committed.start()
        reader = checker.Reader(self.target, self.bank.total, pause=0.02)
        reader.start()
        return reader

    def end_well(self):
        self.wait_applied(self.process, 180)
        for process in self.processes.values():
            self.finish(process)
        self.watch.finish()
        self.committed.finish()
        self.start("capture", "--until-caught-up", is_release=True).expect_exit(0, 120)
        self.start("sink", "--until-caught-up", is_release=True).expect_exit(0, 120)

    def judge(self, reader):
        super().judge(reader)
        for victim in ("capture", "sink", "broker"):
            self.assertGreaterEqual(self.kills[victim], KILLS // 4)
        log = Log(self.broker, self.name, schemas={})
        self.assertEqual([], log.faults())
        self.assertGreater(sum(entry.kind == "P" for entry in log.entries), 3 * len(LARGE_VICTIMS))

    def kill_in_a_large_unit(self, victim, number):
        """The capture has written a PART of it and no END; for the sink, it holds rows of it that aren't committed."""
        before = len(self.watch.entries)
        first = number * LARGE_ROWS
        self.source.execute(f"insert into large select i, repeat(md5(i::text), 19) from generate_series({first + 1},"
                            f" {first + LARGE_ROWS}) i")
        is_inside = self.sink_holds_large_rows if victim == "sink" else lambda: self.watch.is_inside_a_unit(before)
        wait_until(is_inside, lambda: f"a part of the large unit\n{self.processes['capture'].tail()}", 60, every=0.002)
        self.sleep_until(self.rng.uniform(0, 0.1))
        self.in_flight["large"] += bool(is_inside())
        self.kill(victim)
        self.bring_back(victim)
        wait_until(lambda: self.target.value("select count(*) from large") == first + LARGE_ROWS,
                   lambda: f"the large unit at the target\n{self.process.tail()}", 120)

    def sink_holds_large_rows(self):
        self.assert_alive()
        return self.target.value("select count(*) from pg_locks where relation = 'large'::regclass and granted"
                                 " and mode = 'RowExclusiveLock'") > 0

    @staticmethod
    def comes_true(condition, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
        return True

    @staticmethod
    def sleep_until(seconds):
        deadline = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= deadline, "the moment", every=0.005)

    def kill_in_the_stream(self, victim, work):
        """After the last kill's recovery: the sink's position has moved again."""
        self.wait_moved(self.checkpoint("commit_lsn"))
        self.sleep_until(self.rng.uniform(0, 0.5))
        is_in_flight = {"capture": lambda: self.is_capture_in_flight(work), "sink": self.is_sink_in_flight,
                        "broker": lambda: self.is_capture_in_flight(work) or self.is_sink_in_flight()}[victim]
        self.in_flight["stream"] += self.comes_true(is_in_flight, 10)
        self.kill(victim)
        self.bring_back(victim)

    def is_capture_in_flight(self, work):
        written = work.written_lsn
        return self.source.value("select confirmed_flush_lsn - '0/0'::pg_lsn < %s from pg_replication_slots"
                                 " where slot_name = %s", (written, f"penstock_{self.name}"))

    def is_sink_in_flight(self):
        if self.target.column(test_kill.SINK_IN_TRANSACTION):
            return True
        return self.checkpoint("end_lsn - '0/0'::pg_lsn") < self.committed.end_lsn

    def kill_in_the_copy(self, victim):
        """The capture is done with the copy long before the sink."""
        is_copying = self.is_capture_copying if victim == "capture" else self.find_new_copier
        wait_until(is_copying, lambda: f"the copy\n{self.processes[victim].tail()}", 60, every=0.002)
        self.sleep_until(self.rng.uniform(0, 0.05))
        self.in_flight["copy"] += bool(is_copying() or self.is_copying())
        self.kill(victim)
        self.bring_back(victim)

    def is_capture_copying(self):
        self.assert_alive()
        return self.source.column("select pid from pg_stat_activity where query ilike 'copy%' and state = 'active'")

    def find_new_copier(self):
        """The sink's session, another one than the last kill's."""
        found = self.is_copying() and self.find_copier()
        is_new = found and found != self.copier
        self.copier = found or self.copier
        return is_new

    def kill(self, victim):
        self.assert_alive()
        self.kills[victim] += 1
        if victim == "broker":
            self.broker.kill9()
        else:
            self.processes[victim].kill9()

    def bring_back(self, victim):
        if victim == "broker":
            self.broker.start()
        else:
            self.processes[victim] = self.start(victim, is_release=True)

    def assert_alive(self):
        for process in self.processes.values():
            self.assert_running(process)


if __name__ == "__main__":
    unittest.main()
