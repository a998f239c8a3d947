# SPDX-License-Identifier: Apache-2.0
"""What lies in Kafka: chains, counts and values as a stranger reads them, and the faults of topics, each by its name."""
import decimal
import unittest

from lib.case import PairCase
from lib.process import wait_until
from lib.stranger import KEY_CHANGE, Log

COMMON = """
create type mood as enum ('sad', 'ok', 'happy');
create domain positive as int check (value > 0);
create table common (id bigint primary key, b bool, i2 smallint, i4 int not null, o oid, f4 real, f8 double precision,
    n numeric(12,2), nv numeric, t text not null, v varchar(20), c char(5), raw bytea, u uuid, j json, jb jsonb, d date,
    ti time, tz timetz, ts timestamp, tsz timestamptz, ts0 timestamp(0), iv interval, m mood, p positive, ip inet)"""

ROW = """insert into common values ({id}, true, -7, 42, 4000000000, 1.5, -2.25, 1234567.89, 12.3400, 'text 🐘', 'var', 'ab', '\\x00ff',
    '11111111-2222-3333-4444-555555555555', '{{"a": 1}}', '{{"b": [1, null]}}', '2024-02-29', '23:59:59.123456',
    '12:00:00+02', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+02', '2024-02-29 12:34:57', '1 mon 2 days 03:04:05',
    'ok', 5, '10.0.0.1')"""


class KafkaCase(PairCase):
    TRANSPORT = "kafka"

    def log(self):
        return Log(self.broker, self.name)

    def capture(self, *options):
        """capture --until-caught-up, which must end well."""
        return self.start("capture", "--until-caught-up", *options).expect_exit(0, 120)

    def sink(self, *options):
        return self.start("sink", "--until-caught-up", *options).expect_exit(0, 120)


class Strangers(KafkaCase):
    def test_chains_and_counts_are_whole(self):
        self.penstock.others["topics"] = {"partitions": 2}
        self.source.execute("create table a (id int primary key, v text); create table b (id int primary key, v int);"
                            "create table keyless (v int); insert into a select i, 'copied' from generate_series(1, 500) i")
        self.capture()
        for i in range(30):
            self.source.execute(f"begin; insert into a values ({1000 + i}, 'x'); insert into b values ({i}, 1);"
                                f" update a set v = 'y' where id <= {i}; delete from a where id = {i};"
                                f" insert into keyless values ({i}); commit")
        self.source.execute("begin; truncate a, b; insert into a values (1, 'after'); commit",
                            "insert into b select i, i from generate_series(1, 25000) i",
                            "update b set id = id + 100000 where id <= 10")
        self.capture()
        log = self.log()
        self.assertEqual([], log.faults())
        self.assertEqual({f"{self.name}.public.a", f"{self.name}.public.b", f"{self.name}.public.keyless"}, set(log.topics))
        self.assertEqual(1, len(log.rows(f"{self.name}.public.a")))
        ids = sorted(after["id"] for after, _ in log.rows(f"{self.name}.public.b").values())
        self.assertEqual(self.source.column("select id from b order by id"), ids)
        parts = [entry for entry in log.entries if entry.kind == "P"]
        self.assertGreaterEqual(len(parts), 2, "a unit of 25,000 rows has parts")

    def test_values_are_debeziums(self):
        self.source.execute(COMMON, ROW.format(id=1))
        self.capture()
        self.source.execute(ROW.format(id=2), "update common set n = null, t = '' where id = 2", "delete from common where id = 1")
        self.capture()
        log = self.log()
        self.assertEqual([], log.faults())
        messages = log.messages[f"{self.name}.public.common"]
        events = [log.decode(message.value) for message in messages]
        self.assertEqual(["r", "c", "u", "d", None], [event and event["op"] for event in events])
        self.assertEqual([{"id": 1}, {"id": 2}, {"id": 2}, {"id": 1}, {"id": 1}], [log.decode(message.key) for message in messages])
        row = events[1]["after"]
        self.assertIsNone(events[1]["before"])
        expected = {"id": 2, "b": True, "i2": -7, "i4": 42, "o": 4000000000, "f4": 1.5, "f8": -2.25,
                    "n": decimal.Decimal("1234567.89"), "t": "text 🐘", "v": "var", "c": "ab   ", "raw": b"\x00\xff",
                    "u": "11111111-2222-3333-4444-555555555555", "j": '{"a": 1}', "jb": '{"b": [1, null]}', "d": 19782,
                    "ti": 86399123456, "tz": "10:00:00Z", "ts": 1709210096789000, "tsz": "2024-02-29T10:34:56.789000Z",
                    "ts0": 1709210097000, "m": "ok", "p": 5, "ip": "10.0.0.1"}
        self.assertEqual(expected, {name: row[name] for name in expected})
        source = events[1]["source"]
        self.assertEqual(("postgresql", self.name, self.name, "public", "common", "false"),
                         (source["connector"], source["name"], source["db"], source["schema"], source["table"], source["snapshot"]))
        self.assertEqual("true", events[0]["source"]["snapshot"])

    def test_a_key_change_is_a_delete_a_tombstone_and_a_create(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'x')")
        self.capture()
        self.source.execute("update t set id = 2 where id = 1")
        self.capture()
        log = self.log()
        self.assertEqual([], log.faults())
        last = log.messages[f"{self.name}.public.t"][-3:]
        self.assertEqual([0, 1, 2], [message.position.step for message in last])
        self.assertTrue(all(message.flags & KEY_CHANGE for message in last))
        self.assertEqual(["d", None, "c"], [message.value and log.decode(message.value)["op"] for message in last])
        self.assertEqual(last[0].key, last[2].sections["old_key"])


class Sinks(KafkaCase):
    def test_sinks_with_their_own_tables(self):
        self.source.execute("create table a (id int primary key); create table b (id int primary key);"
                            "insert into a select generate_series(1, 100); insert into b select generate_series(1, 100)")
        self.capture()
        self.penstock.others["sink"] = {"name": "only_a", "tables": ["public.a"]}
        self.sink()
        self.assert_equal(tables=[("public", "a")])
        self.assertIsNone(self.target.value("select to_regclass('public.b')"))
        self.source.execute("insert into a values (1000)", "insert into b values (1000)")
        self.capture()
        self.penstock.others["sink"] = {"name": "only_b", "tables": ["public.b"]}
        self.sink()
        self.penstock.others["sink"] = {"name": "only_a", "tables": ["public.a"]}
        self.sink()
        self.assert_equal()

    def test_a_standby_takes_over(self):
        self.source.execute("create table t (id int primary key)")
        capture = self.start("capture")
        first, second = self.start("sink"), None
        self.wait_streaming(first)
        second = self.start("sink")
        self.source.execute("insert into t values (1)")
        self.wait_applied(first)
        first.kill9()
        self.source.execute("insert into t values (2)")
        self.wait_applied(second, 180)
        self.assert_equal()
        self.finish(second)
        self.finish(capture)

    def test_tables_that_appear_later(self):
        self.source.execute("create publication everything for all tables", "create table a (id int primary key)")
        self.penstock.source["publication"] = "everything"
        capture, sink = self.start("capture"), self.start("sink")
        self.wait_streaming(sink)
        self.source.execute("create table later (id int primary key, v text); insert into later values (1, 'x')",
                            "insert into a values (1)")
        self.wait_applied(sink)
        self.assert_equal()
        self.finish(sink)
        self.finish(capture)


class Topics(KafkaCase):
    def set_up_rows(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'x')")
        self.capture()
        self.source.execute("insert into t select i, 'y' from generate_series(2, 100) i")
        self.capture()

    def delete_records(self, topic, before):
        import confluent_kafka  # pylint: disable=import-outside-toplevel
        client = self.broker.admin()
        where = confluent_kafka.TopicPartition(topic, 0, before)
        client.delete_records([where])[where].result(30)

    def test_a_log_emptied_by_retention_is_fine_for_the_capture(self):
        self.set_up_rows()
        self.sink()
        self.delete_records(f"{self.name}.public.t", -1)
        self.source.execute("insert into t values (1000, 'z')")
        self.capture()
        self.sink()
        self.assert_equal()

    def test_rows_trimmed_before_a_new_sink_read_them(self):
        self.set_up_rows()
        self.delete_records(f"{self.name}.public.t", 10)
        self.start("sink", "--until-caught-up").expect_stop("HISTORY_TRUNCATED", 65)

    def test_rows_trimmed_under_a_sink(self):
        self.set_up_rows()
        self.sink()
        self.source.execute("insert into t select i, 'y' from generate_series(1000, 1020) i", "insert into t values (2000, 'z')")
        self.capture()
        self.delete_records(f"{self.name}.public.t", 110)
        self.start("sink", "--until-caught-up").expect_stop("CHAIN_GAP", 65)

    def test_a_topic_made_anew(self):
        self.set_up_rows()
        self.broker.delete_topic(f"{self.name}.public.t")
        wait_until(lambda: f"{self.name}.public.t" not in self.broker.topics(), "the topic to be gone")
        self.broker.create_topic(f"{self.name}.public.t")
        self.start("capture", "--until-caught-up").expect_stop("POSITION_MISMATCH", 65)

    def test_a_topic_that_was_there(self):
        self.broker.create_topic(f"{self.name}.public.t")
        producer = self.broker.producer()
        producer.produce(f"{self.name}.public.t", b"somebody's")
        producer.flush(30)
        self.source.execute("create table t (id int primary key)")
        self.start("capture", "--until-caught-up").expect_stop("TOPIC_NOT_EMPTY", 65)

    def test_a_strangers_record(self):
        self.set_up_rows()
        producer = self.broker.producer()
        producer.produce(f"{self.name}.public.t", b"somebody's")
        producer.flush(30)
        self.source.execute("insert into t values (1000, 'z')")
        self.start("capture", "--until-caught-up").expect_stop("POISON", 65)


if __name__ == "__main__":
    unittest.main()
