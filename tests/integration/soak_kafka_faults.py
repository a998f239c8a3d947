# SPDX-License-Identifier: Apache-2.0
"""Faults between source, Kafka and target, one by one: what is lost is told by its name, what is late or torn is healed."""
import glob
import os
import shutil
import time
import unittest

from lib import checker, load
from lib.case import PairCase
from lib.process import wait_until
from lib.registry import Registry
from lib.stranger import Log
from test_large import PeakMemory

KILLED = -9
DOWN_SECONDS = int(os.environ.get("PENSTOCK_DOWN_SECONDS", "20"))
CAPTURE_LIMIT_KIB = 64 << 10
LARGE = "insert into large select i, repeat(md5(i::text), 19) from generate_series({}, {}) i"


class FaultCase(PairCase):
    TRANSPORT = "kafka"

    def setUp(self):
        super().setUp()
        self.penstock.others["topics"] = {"partitions": 2}

    def capture(self, **options):
        return self.start("capture", "--until-caught-up", **options).expect_exit(0, 120)

    def sink(self, **options):
        return self.start("sink", "--until-caught-up", **options).expect_exit(0, 120)

    def log(self):
        return Log(self.broker, self.name, schemas={})

    def judge(self):
        """After both have caught up: nothing is lost, doubled or torn, in the log and at the target."""
        self.assertEqual([], self.log().faults())
        self.assert_equal()

    def wait_recorded(self, process):
        """Until Kafka has all that is committed at the source now."""
        process.wait_for_event("streaming", 90)
        lsn = self.source.value("select pg_current_wal_flush_lsn()")

        def is_recorded():
            self.assert_running(process)
            return self.source.value("select confirmed_flush_lsn >= %s from pg_replication_slots where slot_name = %s",
                                     (lsn, f"penstock_{self.name}"))
        wait_until(is_recorded, lambda: f"the capture to reach {lsn}\n{process.tail()}", 120)


class Edges(FaultCase):
    """Needs a build with failpoints (the dev preset)."""
    EDGES = ("before_unit_end", "inside_truncate", "before_kafka_commit", "kafka_committed", "before_confirm")

    def strike(self, name, action):
        process = self.start("capture", "--until-caught-up", environment={"PENSTOCK_FAILPOINT": f"{name}:{action}"})
        code = process.wait(120)
        self.assertEqual(KILLED if action == "crash" else 0, code, f"{name}:{action}\n{process.tail()}")

    def test_each_edge_of_the_capture(self):
        self.source.execute("create table a (id int primary key, v int); create table b (id int primary key, v int)")
        self.capture()
        number = 0
        for action in ("crash", "error"):
            for edge in self.EDGES:
                number += 1
                self.source.execute(f"begin; insert into a select i, {number} from generate_series(1, 50) i;"
                                    f" insert into b values ({number + 1000}, 1); commit",
                                    f"begin; truncate a, b; insert into a values (0, {number});"
                                    f" insert into b select i, {number} from generate_series(1, 20) i; commit")
                self.strike(edge, action)
        self.capture()
        self.sink()
        self.judge()

    def test_a_cut_after_the_last_row_of_a_large_transaction(self):
        """Its first Kafka transactions are committed, its last rows and its END are not."""
        self.source.execute("create table large (id int primary key, v text)")
        self.capture()
        self.source.execute(LARGE.format(1, 60000))
        self.strike("before_unit_end", "crash")
        entries = self.log().entries
        self.assertEqual("P", entries[-1].kind, "vacuous: nothing of the transaction was committed")
        self.capture()
        self.sink()
        self.judge()


class Frozen(FaultCase):
    SOURCE = {"wal_sender_timeout": "8s"}  # thrice what one turn of the capture takes while Kafka is away

    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.broker.is_running() or self.broker.start())

    def test_the_broker_is_down_and_comes_back(self):
        """The capture waits; the source hears of it all the while; its memory stays. PENSTOCK_DOWN_SECONDS for longer."""
        bank = load.Bank()
        bank.create(self.source)
        self.source.execute("create table large (id int primary key, v text)")
        capture, sink = self.start("capture", is_release=True), self.start("sink", is_release=True)
        peak = PeakMemory(capture.pid)
        peak.start()
        self.wait_streaming(sink)
        self.wait_applied(sink)
        walsender = self.active_pid()
        with load.Load(self.source, [bank]):
            self.broker.kill9()
            self.source.execute(LARGE.format(1, 100000))
            began = time.monotonic()
            while time.monotonic() - began < DOWN_SECONDS:
                self.assert_running(capture)
                self.assert_running(sink)
                self.assertEqual(walsender, self.active_pid(), f"the source lost it\n{capture.tail()}")
                time.sleep(0.5)
            self.broker.start()
        self.wait_applied(sink)
        self.finish(capture)
        self.finish(sink)
        self.assertEqual([], checker.ledger_errors(self.target))
        self.assertLess(peak.peak_kib, CAPTURE_LIMIT_KIB)
        self.judge()

    def active_pid(self):
        return self.source.value("select active_pid from pg_replication_slots where slot_name = %s", (f"penstock_{self.name}",))

    def test_the_broker_is_down_for_longer_than_a_kafka_transaction_may_last(self):
        self.penstock.others["kafka"]["transaction.timeout.ms"] = 10000
        bank = load.Bank()
        bank.create(self.source)
        capture, sink = self.start("capture"), self.start("sink")
        self.wait_streaming(sink)
        with load.Load(self.source, [bank], pause=0.002):
            self.wait_applied(sink)
            self.broker.kill9()
            time.sleep(13)
            self.broker.start()
            self.wait_applied(sink)
        self.wait_applied(sink)
        self.finish(capture)
        self.finish(sink)
        self.judge()

    def test_a_frozen_capture_is_fenced(self):
        """It sleeps with a Kafka transaction open; its successor takes over as soon as the source gives up on it."""
        self.source.execute("create table large (id int primary key, v text)")
        self.penstock.others["kafka"]["transaction.timeout.ms"] = 10000
        frozen = self.start("capture", is_release=True)
        self.wait_recorded(frozen)
        self.source.execute(LARGE.format(1, 40000))
        wait_until(lambda: len(self.broker.read(f"{self.name}.public.large", isolation_level="read_uncommitted")) > 0,
                   "rows in an open Kafka transaction", every=0.001)
        frozen.sigstop()
        successor = self.start("capture", is_release=True)
        successor.wait_for_event("streaming", 90)
        self.source.execute(LARGE.format(40001, 50000))
        self.wait_recorded(successor)
        frozen.sigcont()
        self.source.execute(LARGE.format(50001, 60000))
        self.assertEqual(75, frozen.wait(120), frozen.tail())
        self.assertIn(frozen.stop_line()["stop"], ("FENCED", "ALREADY_RUNNING"))
        self.wait_recorded(successor)
        self.finish(successor)
        self.sink()
        self.judge()

    def test_a_frozen_sink_writes_nothing(self):
        """Its standby takes over once the target has ended the frozen one's session."""
        self.source.execute("create table t (id int primary key, v text)")
        capture, frozen = self.start("capture", is_release=True), self.start("sink", is_release=True)
        self.wait_streaming(frozen)
        self.wait_applied(frozen)
        frozen.sigstop()
        standby = self.start("sink", is_release=True)
        self.source.execute("insert into t select i, 'while it sleeps' from generate_series(1, 1000) i")
        self.wait_applied(standby, 150)
        frozen.sigcont()
        self.source.execute("update t set v = 'awake' where id <= 500", "delete from t where id > 900")
        self.wait_applied(standby)
        frozen.wait_for_event("trying again", 60)
        self.assertTrue(standby.is_running(), standby.tail())
        self.finish(standby)
        self.finish(frozen)
        self.finish(capture)
        self.judge()


class Aborted(FaultCase):
    def test_aborted_records_before_the_tail(self):
        self.source.execute("create table large (id int primary key, v text)")
        self.capture(is_release=True)
        topic = f"{self.name}.public.large"
        for number in range(3):
            before = len(self.broker.read(topic, isolation_level="read_uncommitted"))
            process = self.start("capture", is_release=True)
            self.source.execute(LARGE.format(number * 30000 + 1, number * 30000 + 30000))
            wait_until(lambda most=before: len(self.broker.read(topic, isolation_level="read_uncommitted")) > most,
                       lambda: f"rows in an open Kafka transaction\n{process.tail()}", every=0.001)
            process.kill9()
        self.capture(is_release=True)
        everything = len(self.broker.read(topic, isolation_level="read_uncommitted"))
        self.assertGreater(everything, len(self.broker.read(topic)), "vacuous: nothing was aborted")
        self.sink(is_release=True)
        self.judge()


class Lost(FaultCase):
    def lose(self, topic):
        """The broker comes back without what the topic's partitions held."""
        self.broker.kill9()
        found = glob.glob(os.path.join(self.broker.data, f"{topic}-[0-9]*"))
        self.assertEqual(2, len(found))
        for folder in found:
            shutil.rmtree(folder)
        self.broker.start()

    def test_lost_rows_are_told(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t select i, 'x' from generate_series(1, 100) i")
        self.capture()
        self.sink()
        self.source.execute("insert into t select i, 'y' from generate_series(101, 200) i")
        self.capture()
        self.lose(f"{self.name}.public.t")
        self.start("capture", "--until-caught-up").expect_stop("POSITION_MISMATCH", 65)
        self.start("sink", "--until-caught-up").expect_stop("CHAIN_GAP", 65)
        self.assertEqual(100, self.target.value("select count(*) from t"))


class Registries(FaultCase):
    def setUp(self):
        super().setUp()
        self.registry = Registry()
        self.penstock.others["registry"] = {"url": self.registry.url}
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'x')")

    def start_registry(self):
        self.registry.start()
        self.addCleanup(self.registry.stop)

    def test_a_registry_that_is_down_is_waited_for(self):
        capture = self.start("capture")
        wait_until(lambda: capture.warnings("trying again"), lambda: f"a warning\n{capture.tail()}")
        self.start_registry()
        self.wait_recorded(capture)
        self.finish(capture)
        self.sink()
        self.judge()

    def test_a_slow_registry_only_takes_time(self):
        self.registry.delay_seconds = 1
        self.start_registry()
        self.capture()
        self.sink()
        self.judge()
        self.assertGreaterEqual(self.registry.requests, 2)

    def test_an_answer_that_never_comes_is_tried_again(self):
        self.penstock.others["registry"]["timeout"] = "200ms"
        self.registry.delay_seconds = 2
        self.start_registry()
        capture = self.start("capture")
        wait_until(lambda: capture.warnings("trying again"), lambda: f"a warning\n{capture.tail()}")
        self.registry.delay_seconds = 0
        self.wait_recorded(capture)
        self.finish(capture)
        self.sink()
        self.judge()

    def test_a_registry_that_gives_an_id_to_another_schema(self):
        self.start_registry()
        self.capture()
        self.registry.schemas.reverse()
        self.start("sink", "--until-caught-up").expect_stop("SCHEMA_CHANGED", 65)
        self.assertIsNone(self.target.value("select to_regclass('public.t')"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
