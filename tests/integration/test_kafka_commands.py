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


class CheckCase(CommandCase):
    def check(self, code, penstock=None):
        process = (penstock or self.penstock).check(90)
        self.assertEqual(code, process.popen.returncode, process.tail())
        return process.output

    def find(self, output, kind, pattern):
        """What it says to type against the one finding of that kind that matches."""
        blocks = re.findall(r"^(ok|warn|FAIL) +(.*)\n((?:      do: .*\n)*)", output, re.M)
        found = [commands for word, line, commands in blocks if word == kind and re.search(pattern, line)]
        self.assertEqual(1, len(found), f"{kind} {pattern}\n{output}")
        self.assertTrue(found[0] or kind == "ok", f"no command\n{output}")
        return found[0]

    def mend(self, commands):
        """What kafka-configs would do, by a client of the tests."""
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        topic, name, value = re.search(r"kafka-configs .*--entity-name (\S+) --add-config (\S+)=(\S+)", commands).groups()
        entry = admin.ConfigEntry(name, value, incremental_operation=admin.AlterConfigOpType.SET)
        resource = admin.ConfigResource(admin.ResourceType.TOPIC, topic, incremental_configs=[entry])
        client = self.broker.admin()
        client.incremental_alter_configs([resource])[resource].result(30)


class Check(CheckCase):
    def test_both_halves_and_each_alone(self):
        self.source.execute("create table t (id int primary key)")
        output = self.check(0)
        for pattern in ("kafka: 1 broker, librdkafka ", f"kafka state: prefix {self.name}, none", f"begin with {self.name}-",
                        "kafka topics: 3 will be made", "registry: built in"):
            self.find(output, "ok", pattern)
        self.assertEqual({}, {name: count for name, count in self.broker.topics().items() if self.name in name},
                         "check makes nothing")
        alone = self.half("source")
        self.find(self.check(0, alone), "warn", "control isn't there")
        self.capture()
        self.sink()
        self.find(self.check(0), "ok", "kafka topics: 3 exist")
        self.find(self.check(0), "warn", "limits.max_row_bytes allows")
        self.assertNotIn("source", self.check(0, alone).replace("source.", ""))
        self.assertNotIn("target", self.check(0, self.half("target")))

    def test_does_not_fence_a_running_capture(self):
        self.source.execute("create table t (id int primary key)")
        capture, sink = self.start("capture"), self.start("sink")
        self.wait_streaming(sink)
        self.check(0)
        self.source.execute("insert into t values (1)")
        self.wait_applied(sink)
        self.assert_running(capture)
        self.assertEqual([], [entry for entry in capture.log if entry["level"] in ("warn", "error")])
        self.finish(sink)
        self.finish(capture)

    def test_the_slot_is_judged_by_kafka_not_by_the_target(self):
        self.source.execute("create table t (id int primary key)")
        self.capture()
        self.sink()
        self.source.execute("insert into t select generate_series(1, 10000)")
        self.capture()
        self.find(self.check(0), "ok", "source slot: ")
        self.source.execute("insert into t values (0)")
        self.source.rows("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", (f"penstock_{self.name}",))
        self.find(self.check(65), "FAIL", "SLOT_AHEAD: .* Kafka has only what is before")
        self.source.rows("select pg_drop_replication_slot(%s)", (f"penstock_{self.name}",))
        self.find(self.check(65), "FAIL", "SLOT_MISSING: .* Kafka has its changes")

    def test_another_cluster(self):
        self.source.execute("create table t (id int primary key)")
        self.capture()
        other = self.new_penstock()
        other.source["url"] = self.target.url()
        self.find(self.check(65, other), "FAIL", "SYSID_CHANGED")

    def test_topics_that_do_not_fit_are_mended_by_the_commands(self):
        self.source.execute("create table t (id int primary key)")
        self.broker.create_topic(f"__penstock.{self.name}.control", config={"cleanup.policy": "compact"})
        self.broker.create_topic(f"__penstock.{self.name}.offsets")
        self.broker.create_topic(f"{self.name}.public.t", config={"max.message.bytes": "100000", "cleanup.policy": "compact"})
        output = self.check(65)
        for pattern in ("control is compacted", "offsets isn't compacted only", "public.t takes 100000 bytes at a time",
                        "public.t is compacted"):
            self.mend(self.find(output, "FAIL", f"TOPIC_UNSUITABLE: .*{pattern}"))
        self.assertNotIn("FAIL", self.check(0))
        self.capture()

    def test_replicas_that_are_too_few(self):
        self.source.execute("create table t (id int primary key)")
        self.broker.create_topic(f"{self.name}.public.t", config={"min.insync.replicas": "2"})
        self.mend(self.find(self.check(65), "FAIL", r"1 replicas in sync, and takes writes with 2"))
        self.assertNotIn("FAIL", self.check(0))
        self.penstock.others["topics"] = {"replication": 3}
        self.find(self.check(65), "FAIL", "TOPIC_UNSUITABLE: .*can't be made as configured")

    def test_topics_of_others(self):
        self.source.execute("create table t (id int primary key)")
        self.broker.create_topic(f"{self.name}.public.t")
        producer = self.broker.producer()
        producer.produce(f"{self.name}.public.t", b"somebody's")
        producer.flush(30)
        self.find(self.check(65), "FAIL", "TOPIC_NOT_EMPTY")
        self.penstock.others["topics"] = {"prefix": f"{self.name}x"}
        self.capture()
        self.penstock.name = "another"
        self.find(self.check(65), "FAIL", f"TOPICS_FOREIGN: .* belong to pipeline {self.name}")

    def test_a_control_topic_without_its_state(self):
        self.source.execute("create table t (id int primary key)")
        self.capture()
        self.broker.delete_topic(f"__penstock.{self.name}.offsets")
        wait_until(lambda: f"__penstock.{self.name}.offsets" not in self.broker.topics(), "the topic to be gone")
        output = self.check(65)
        self.find(output, "FAIL", "SLOT_FOREIGN: .* Kafka has no state")
        self.find(output, "FAIL", "TOPIC_NOT_EMPTY: __penstock.*control")

    def test_partitions_that_were_added(self):
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        self.source.execute("create table t (id int primary key)")
        self.capture()
        client = self.broker.admin()
        client.create_partitions([admin.NewPartitions(f"{self.name}.public.t", 3)])[f"{self.name}.public.t"].result(30)
        self.find(self.check(65), "FAIL", "TOPIC_CHANGED: .* has 3 partitions, it should have 1")

    def test_no_broker_and_a_library_too_old_for_scram(self):
        self.penstock.others = {"kafka": {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "sasl_plaintext",
                                          "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "u", "sasl.password": "p"}}
        output = self.check(69)
        self.find(output, "FAIL", "kafka: no Kafka broker can be reached")
        version = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", output)
        if version:  # it is named only where it is older than 2.6.1
            self.find(output, "warn", "SCRAM-SHA-256 with Kafka up to 3.9 only")
            self.assertLess(tuple(map(int, version.groups())), (2, 6, 1))

    def test_a_registry_that_is_not_there(self):
        self.penstock.others["registry"] = {"url": "http://127.0.0.1:1"}
        self.find(self.check(69), "FAIL", "registry: ")


class Rights(CheckCase):
    BROKER = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
              "allow.everyone.if.no.acl.found": "true"}

    def deny(self, kind, name, operation):
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        rule = admin.AclBinding(kind, name, admin.ResourcePatternType.PREFIXED, "User:ANONYMOUS", "*", operation,
                                admin.AclPermissionType.DENY)
        client = self.broker.admin()
        client.create_acls([rule])[rule].result(30)

    def test_each_missing_right_is_named_with_its_command(self):
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        self.source.execute("create table t (id int primary key)")
        self.check(0)
        self.deny(admin.ResourceType.TRANSACTIONAL_ID, f"{self.name}-", admin.AclOperation.WRITE)
        commands = self.find(self.check(65), "FAIL", "kafka transactions: PERMISSION_DENIED")
        self.assertIn(f"--transactional-id {self.name}- --resource-pattern-type prefixed", commands)
        self.start("capture").expect_stop("PERMISSION_DENIED", 65)
        self.deny(admin.ResourceType.TOPIC, f"{self.name}.", admin.AclOperation.CREATE)
        commands = self.find(self.check(65), "FAIL", "kafka topics: PERMISSION_DENIED")
        self.assertIn(f"--topic {self.name}. --resource-pattern-type prefixed", commands)


class LeastRights(CheckCase):
    """The broker refuses the rest: whoever isn't named in a resource's ACLs has no right to it."""
    BROKER = Rights.BROKER

    def forbid(self, kind, name, *operations):
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        rules = [admin.AclBindingFilter(kind, name, admin.ResourcePatternType.PREFIXED, "User:ANONYMOUS", "*", operation,
                                        admin.AclPermissionType.ALLOW) for operation in operations]
        client = self.broker.admin()
        for done in client.delete_acls(rules).values():
            done.result(30)

    def allow(self, kind, name, *operations, user="ANONYMOUS", is_prefix=True):
        from confluent_kafka import admin  # pylint: disable=import-outside-toplevel
        pattern = admin.ResourcePatternType.PREFIXED if is_prefix else admin.ResourcePatternType.LITERAL
        rules = [admin.AclBinding(kind, name, pattern, f"User:{user}", "*", operation, admin.AclPermissionType.ALLOW)
                 for operation in operations]
        client = self.broker.admin()
        for done in client.create_acls(rules).values():
            done.result(30)

    def test_those_of_the_manual_suffice(self):
        """docs/operations.md, Rights in Kafka."""
        from confluent_kafka.admin import AclOperation, ResourceType  # pylint: disable=import-outside-toplevel
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        self.allow(ResourceType.BROKER, "kafka-cluster", AclOperation.CLUSTER_ACTION, AclOperation.ALTER, is_prefix=False)
        for kind in (ResourceType.TOPIC, ResourceType.TRANSACTIONAL_ID, ResourceType.GROUP):
            self.allow(kind, "*", AclOperation.ALL, user="other", is_prefix=False)
        self.allow(ResourceType.TOPIC, "__transaction_state", AclOperation.CREATE, is_prefix=False)  # the brokers' own
        self.allow(ResourceType.TOPIC, "__consumer_offsets", AclOperation.CREATE, is_prefix=False)
        self.start("capture").expect_stop("PERMISSION_DENIED", 65)
        rows = (AclOperation.CREATE, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS, AclOperation.READ, AclOperation.WRITE)
        ids = (AclOperation.WRITE, AclOperation.DESCRIBE)
        self.allow(ResourceType.TOPIC, f"{self.name}.", *rows)
        self.allow(ResourceType.TOPIC, f"__penstock.{self.name}.", *rows)
        self.allow(ResourceType.TRANSACTIONAL_ID, f"{self.name}-", *ids)
        self.allow(ResourceType.TOPIC, "_schemas", *rows, is_prefix=False)
        self.allow(ResourceType.TRANSACTIONAL_ID, "penstock-schemas", *ids, is_prefix=False)
        self.check(0, self.half("target"))
        self.capture()
        for prefix in (f"{self.name}.", f"__penstock.{self.name}."):  # from now on the sink's only
            self.forbid(ResourceType.TOPIC, prefix, AclOperation.CREATE, AclOperation.DESCRIBE_CONFIGS, AclOperation.WRITE)
        self.find(self.check(65, self.half("target")), "FAIL", "the settings of __penstock.*offsets may not be read")
        self.allow(ResourceType.GROUP, self.name, AclOperation.READ, AclOperation.DESCRIBE, is_prefix=False)
        self.check(0, self.half("source"))
        self.sink()
        self.assert_equal()


class Cat(CommandCase):
    def cat(self, topic, code=0):
        process = self.start("cat", topic)
        self.assertEqual(code, process.wait(60), process.tail())
        return process

    def test_rows_and_control_as_json(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'copied')")
        self.capture()
        self.source.execute("update t set v = 'é\"' where id = 1", "delete from t where id = 1")
        self.capture()
        rows = [json.loads(line) for line in self.cat(f"{self.name}.public.t").output.splitlines()]
        self.assertEqual(["r", "u", "d", None], [row["value"] and row["value"]["op"] for row in rows])
        self.assertEqual([{"id": 1}] * 4, [row["key"] for row in rows])
        self.assertEqual({"id": 1, "v": 'é"'}, rows[1]["value"]["after"])
        for before, after in zip(rows, rows[1:]):
            self.assertEqual(before["position"], after["previous"])
        control = [json.loads(line) for line in self.cat(f"__penstock.{self.name}.control").output.splitlines()]
        kinds = [entry["kind"] for record in control for entry in record["entries"]]
        self.assertLessEqual({"EPOCH", "END", "WATERMARK"}, set(kinds))

    def test_a_topic_that_is_not_there(self):
        process = self.cat("nowhere", 69)
        self.assertIn("nowhere", process.text)


class Moving(CommandCase):
    def test_from_the_pipe_to_kafka_without_a_new_copy(self):
        """docs/operations.md, From the pipe to Kafka."""
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'x'), (2, 'x')")
        kafka, self.penstock.others = self.penstock.others, {}
        self.catch_up()
        self.source.execute("insert into t values (3, 'x')")
        self.catch_up()
        self.source.execute("insert into t values (4, 'x')", "update t set v = 'y' where id = 2")
        self.penstock.others = kafka
        stop = self.start("capture", "--until-caught-up").expect_stop("SLOT_FOREIGN", 65)
        self.assertIn("TRANSPORT_CHANGED", stop["reason"])
        self.start("capture", "--until-caught-up", "--adopt-slot").expect_exit(0, 120)
        self.sink()
        self.assert_equal()
        self.source.execute("delete from t where id = 1")
        self.capture()
        self.sink()
        self.assert_equal()


class Messages(CommandCase):
    def test_a_broker_that_is_away_is_told_once_and_so_is_its_return(self):
        self.source.execute("create table t (id int primary key)")
        capture = self.start("capture")
        capture.wait_for_event("streaming")
        self.assertEqual([], [entry for entry in capture.log if entry["event"] == "kafka"])
        self.broker.kill9()
        away = capture.wait_for_event("Kafka is away")
        self.assertIn("kafka.bootstrap.servers", away["do"])
        self.source.execute("insert into t values (1)")
        self.broker.start()
        capture.wait_for_event("Kafka answers again")
        told = [entry["client"] for entry in capture.log if entry["event"] == "Kafka is away"]
        self.assertLessEqual(len(told), 4, capture.tail())
        self.finish(capture)


if __name__ == "__main__":
    unittest.main()
