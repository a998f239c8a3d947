# SPDX-License-Identifier: Apache-2.0
"""status, verify, check and cat over a real broker: what each says of a whole pipeline and of its halves."""
import json
import re
import unittest

from lib.case import PairCase
from lib.process import wait_until


class CommandCase(PairCase):
    TRANSPORT = "kafka"

    def capture(self):
        return self.start("capture", "--until-caught-up").expect_exit(0, 120)

    def sink(self):
        return self.start("sink", "--until-caught-up").expect_exit(0, 120)

    def half(self, without):
        """The configuration of one half, as a file of its own."""
        penstock = self.new_penstock()
        penstock.others = {**self.penstock.others}
        if without == "source":
            penstock.source = None
        else:
            penstock.target = None
        return penstock


class Status(CommandCase):
    def test_both_halves_and_each_alone(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1), (2)")
        self.assertEqual("not_started", self.penstock.status()["verdict"])
        capture = self.start("capture")
        wait_until(lambda: self.penstock.status()["verdict"] == "sink_not_running", lambda: f"the copy\n{capture.tail()}")
        page = self.start("status").expect_exit(0).output
        self.assertRegex(page, r"\A\w+: sink not running: nobody applies")
        self.assertRegex(page, r"\ncontrol +offsets 0 to \d+; sink \w+ is nowhere yet, and doesn't run\n")
        alone = self.half("target").status()
        self.assertEqual(("in_step", "streaming", None), (alone["verdict"], alone["state"], alone["sink"]))
        self.assertTrue(alone["slot"]["active"])
        sink = self.start("sink")
        self.wait_streaming(sink)
        self.source.execute("insert into t values (3)", "delete from t where id = 1")
        self.wait_applied(sink)
        status = self.penstock.status()
        self.assertEqual(("in_step", True, 0), (status["verdict"], status["sink"]["running"], status["lag"]["seconds"]))
        self.assertEqual([{"table": "public.t", "copied": 2, "inserted": 1, "updated": 0, "deleted": 1, "truncated": 0}],
                         status["tables"])
        self.assertGreater(status["sink"]["control_offset"], 0)
        self.assertLessEqual(status["sink"]["control_offset"], status["kafka"]["control_end_offset"])
        alone = self.half("source").status()
        self.assertEqual(("in_step", None), (alone["verdict"], alone["slot"]))
        self.assertEqual(status["tables"], alone["tables"])
        page = self.half("source").start("status").expect_exit(0).output
        self.assertRegex(page, r"\A\w+: in step\n\nkafka ")
        self.assertNotIn("\nslot", page)
        self.finish(sink)
        self.finish(capture)
        self.assertEqual("not_running", self.penstock.status()["verdict"])

    def test_a_sink_that_is_behind(self):
        """What Kafka has isn't what the target has: the slot is confirmed long before the sink comes."""
        self.source.execute("create table t (id int primary key, v text)")
        self.capture()
        self.sink()
        self.source.execute("insert into t select i, repeat('x', 100) from generate_series(1, 20000) i")
        self.capture()
        status = self.penstock.status()
        self.assertEqual("not_running", status["verdict"])
        self.assertGreater(status["sink"]["lag_bytes"], 1 << 20)
        self.assertLess(status["kafka"]["lag_bytes"], 1 << 20)
        alone = self.half("source").status()
        self.assertEqual("sink_not_running", alone["verdict"])
        self.assertEqual(alone["lag"]["bytes"], alone["sink"]["lag_bytes"])
        self.assertGreater(alone["lag"]["seconds"], 0)
        self.sink()
        self.assertLess(self.penstock.status()["sink"]["lag_bytes"], 1 << 20)

    def test_a_sink_that_retention_has_cut_off(self):
        import confluent_kafka  # pylint: disable=import-outside-toplevel
        self.source.execute("create table t (id int primary key)")
        self.capture()
        self.sink()
        self.assertFalse(self.penstock.status()["sink"]["cut_off"])
        self.source.execute("insert into t values (1)")
        self.capture()
        where = confluent_kafka.TopicPartition(f"__penstock.{self.name}.control", 0, -1)
        client = self.broker.admin()  # it ends with its last name
        client.delete_records([where])[where].result(30)
        self.assertTrue(self.penstock.status()["sink"]["cut_off"])
        self.assertIn("retention took what the sink has yet to read", self.start("status").expect_exit(0).output)

    def test_a_slot_without_state_in_kafka(self):
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (f"penstock_{self.name}",))
        self.assertEqual("slot_foreign", self.penstock.status()["verdict"])

    def test_no_broker(self):
        self.penstock.others = {"kafka": {"bootstrap.servers": "127.0.0.1:1"}}
        process = self.start("status")
        process.expect_exit(69, 60)
        self.assertIn("no Kafka broker can be reached", process.text)
        self.assertIn("kafka.bootstrap.servers", process.text)


class Verify(CommandCase):
    def verify(self, code):
        process = self.start("verify")
        self.assertEqual(code, process.wait(150), process.tail())
        return process

    def test_waits_for_the_sink_not_for_the_slot(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'x')")
        self.assertIn("start penstock capture", self.verify(75).text)
        self.capture()
        self.assertIn("start penstock sink", self.verify(75).text)
        self.sink()
        self.assertRegex(self.verify(0).output, r"equal      public.t  1 rows\nequal: 1 tables, 1 rows\n$")
        self.source.execute("insert into t select i, 'y' from generate_series(2, 50000) i")
        self.capture()
        self.assertIn("nobody applies to the target: start penstock sink", self.verify(75).text)
        sink = self.start("sink")
        self.assertIn("equal: 1 tables, 50000 rows\n", self.verify(0).output)
        self.source.execute("insert into t values (0, 'z')")
        self.assertIn("nobody reads the slot: start penstock capture", self.verify(75).text)
        capture = self.start("capture")
        self.source.execute("update t set v = 'u' where id < 20000")
        self.assertIn("equal: 1 tables, 50001 rows\n", self.verify(0).output)
        self.target.execute("delete from t where id = 7", "update t set v = 'other' where id = 8")
        output = self.verify(1).output
        self.assertIn("missing    id=7", output)
        self.assertIn("different: 1 of 1 tables", output)
        self.finish(sink)
        self.finish(capture)

    def test_only_tables_that_the_sink_takes(self):
        self.source.execute("create table a (id int primary key); create table b (id int primary key);"
                            "insert into a values (1); insert into b values (1), (2)")
        self.capture()
        self.penstock.others["sink"] = {"name": "only_a", "tables": ["public.a"]}
        self.sink()
        self.assertRegex(self.verify(0).output, r"\Aequal      public.a  1 rows\nequal: 1 tables, 1 rows\n$")


if __name__ == "__main__":
    unittest.main()
