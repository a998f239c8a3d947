# SPDX-License-Identifier: Apache-2.0
"""target.on_row_error: park: what the target refuses is kept aside with all that follows it, and nothing else is."""
import unittest

from lib.case import PairCase
from lib.process import wait_until


class ParkCase(PairCase):
    def setUp(self):
        super().setUp()
        self.penstock.target["on_row_error"] = "park"

    def parked(self, columns, where="resolved_at is null"):
        return self.target.rows(f"select {columns} from penstock.parked where {where} order by commit_lsn, ordinal")

    def resolve(self):
        self.target.execute("begin; lock table penstock.parked in share row exclusive mode;"
                            " update penstock.parked set resolved_at = now() where resolved_at is null; commit")

    def assert_differs(self, said):
        process = self.penstock.verify()
        self.assertEqual(1, process.popen.returncode, process.tail())
        self.assertIn(said, process.output)


class Refusals(ParkCase):
    def test_each_kind_of_refusal_in_the_middle_of_a_large_batch(self):
        self.source.execute("create table t (id int primary key, u int, v text, p int)")
        self.target.execute("create table parent (id int primary key)", "insert into parent values (0)",
                            "create table t (id int primary key, u int constraint unique_u unique, v varchar(8) not null, p int,"
                            " constraint small check (id < 100000 or id = 200001))")
        self.catch_up()
        self.source.execute(
            "begin; insert into t select i, i, 'v', 0 from generate_series(1, 7000) i;"
            " insert into t values (200000, 200000, 'c', 0), (7001, 5, 'u', 0), (7002, 7002, null, 0),"
            " (7003, 7003, 'much too long', 0); insert into t select i, i, 'v', 0 from generate_series(7010, 12000) i; commit",
            "update t set v = 'w' where id between 10 and 20")
        process = self.catch_up()
        self.assertEqual([(200000, "23514", "small"), (7001, "23505", "unique_u"), (7002, "23502", None), (7003, "22001", None)],
                         self.parked("(key->>'id')::int, sqlstate, constraint_name"))
        self.assertEqual(7000 + 4991, self.target.value("select count(*) from t"))
        self.assertEqual(11, self.target.value("select count(*) from t where v = 'w'"))
        warning = process.warnings("ROWS_PARKED")[0]
        self.assertEqual((4, 0), (warning["refused"], warning["behind"]))
        self.assertNotIn("much too long", process.text)
        self.assertNotIn("200000", process.text)
        self.assert_differs("4 changes of this table are parked")

    def test_an_entry_tells_all_that_is_needed(self):
        self.both("create table t (\"the Key\" int primary key, v text, big text)", "alter table t alter big set storage external")
        self.source.execute("insert into t values (1, 'a', repeat('x', 10000))")
        self.catch_up()
        self.target.execute("alter table t add constraint no_c check (v <> 'ç\"\\\U0001f600')")
        self.source.execute("update t set v = 'ç\"\\\U0001f600' where \"the Key\" = 1", "delete from t")
        self.catch_up()
        first, second = self.target.rows(
            "select operation, source_xid is not null, commit_time > now() - interval '1 hour', schema_name, table_name,"
            " key->>'the Key', old_row::text, new_row->>'v', (new_row->'big') is null, unchanged_columns::text, sqlstate,"
            " constraint_name, name, epoch from penstock.parked order by commit_lsn, ordinal")
        self.assertEqual(("update", True, True, "public", "t", "1", None, "ç\"\\\U0001f600", True, '["big"]', "23514", "no_c",
                          self.name, 1), first)
        self.assertEqual(("delete", "1", '{"the Key":"1"}', None, None), (second[0], second[5], second[6], second[7], second[10]))

    def test_a_character_that_the_target_lacks(self):
        self.target_cluster.execute(f'drop database "{self.name}"',
                                    f'create database "{self.name}" encoding LATIN1 locale \'C\' template template0')
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'é')")
        self.catch_up()
        self.source.execute("insert into t values (2, '€')", "insert into t values (3, 'ü')")
        self.catch_up()
        self.assertEqual([1, 3], self.target.column("select id from t order by 1"))
        self.assertEqual([("2", "22P05", '{"id":"2","v":"\\u20ac"}')], self.parked("key->>'id', sqlstate, new_row::text"))

    def test_an_update_that_meets_no_row(self):
        self.replicate("create table t (id int primary key, v text); create table n (v text); alter table n replica identity full;"
                       "insert into t values (1, 'a'), (2, 'b'); insert into n values ('a'), ('b')")
        self.target.execute("delete from t where id = 1", "delete from n where v = 'a'")
        self.source.execute("update t set v = v || '!'", "update t set v = v || '!'", "update n set v = v || '!'")
        self.catch_up()
        self.assertEqual([("t", "1"), ("t", "1"), ("n", None)], self.parked("table_name, key->>'id'"))
        self.assertEqual([(False,), (True,), (False,)], self.parked("is_waiting"))
        self.assertEqual([(2, "b!!")], self.target.rows("select * from t"))
        self.assertEqual(["b!"], self.target.column("select v from n"))

    def test_what_is_no_matter_of_a_row_stops_as_ever(self):
        self.replicate("create table t (id int primary key, v text)")
        self.source.execute("alter table t add added int", "insert into t values (1, 'a', 1)")
        self.start("run", "--until-caught-up").expect_stop("COLUMN_MISSING", 65)
        self.assertEqual([], self.parked("*"))

    def test_the_initial_copy_parks_nothing(self):
        self.source.execute("create table t (id int primary key, v int)", "insert into t values (1, 1000)")
        self.target.execute("create table t (id int primary key, v int check (v < 100))")
        self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)
        self.assertEqual([], self.parked("*"))

    def test_without_the_setting_it_stops(self):
        del self.penstock.target["on_row_error"]
        self.both("create table t (id int primary key, v int)")
        self.catch_up()
        self.target.execute("alter table t add constraint small check (v < 100)")
        self.source.execute("insert into t values (1, 1000)")
        line = self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)
        self.assertIn("on_row_error", line["do"])
        self.assertEqual([], self.parked("*"))


class Order(ParkCase):
    def refuse_two(self):
        """2 is refused; 1 and 3 are there."""
        self.both("create table t (id int primary key, v int)")
        self.catch_up()
        self.target.execute("alter table t add constraint small check (v < 100)")
        self.source.execute("insert into t values (1, 1), (2, 200), (3, 3)")
        self.catch_up()
        self.assertEqual([("2",)], self.parked("key->>'id'"))

    def test_later_changes_of_the_key_wait(self):
        self.refuse_two()
        self.source.execute("update t set v = 2 where id = 2", "begin; update t set v = v + 1; delete from t where id = 2; commit",
                            "insert into t values (2, 7)", "insert into t select i, 1 from generate_series(1000, 9000) i",
                            "update t set v = 8")
        self.catch_up()
        self.assertEqual(["insert", "update", "update", "delete", "insert", "update"], [row[0] for row in self.parked("operation")])
        self.assertEqual(1, len(self.parked("1", "not is_waiting")))
        self.assertEqual([(1, 8), (3, 8)], self.target.rows("select * from t where id < 10 order by 1"))
        self.assertEqual(8001, self.target.value("select count(*) from t where id > 10 and v = 8"))

    def test_keys_that_change_into_a_parked_one_and_out_of_it(self):
        self.refuse_two()
        self.source.execute("update t set id = 20 where id = 2", "update t set id = 2 where id = 3",
                            "insert into t values (3, 33)", "update t set v = 5 where id = 20", "update t set v = 6 where id = 1")
        self.catch_up()
        self.assertEqual([("2",), ("2",), ("3",), ("3",), ("20",)], self.parked("key->>'id'"))
        self.assertEqual([(1, 6), (3, 3)], self.target.rows("select * from t order by 1"))

    def test_mended_by_hand_it_goes_on(self):
        self.refuse_two()
        self.source.execute("update t set v = 201 where id = 2")
        self.catch_up()
        self.assert_differs("2 changes of this table are parked")
        self.target.execute("alter table t drop constraint small", "insert into t values (2, 201)")
        self.resolve()
        self.source.execute("update t set v = v + 1")
        self.catch_up()
        self.assert_equal()
        self.assertEqual(0, self.penstock.verify().popen.returncode)
        self.assertEqual([], self.penstock.status()["parked"])

    def test_a_running_process_sees_what_was_resolved(self):
        self.refuse_two()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("update t set v = 4 where id = 2")
        self.wait_applied(process)
        self.assertEqual(2, len(self.parked("1")))
        self.target.execute("insert into t values (2, 4)", "delete from penstock.parked")
        self.source.execute("update t set v = 5 where id = 2")
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()

    def test_who_mends_under_the_lock_misses_nothing(self):
        self.refuse_two()
        process = self.start()
        self.wait_streaming(process)
        mender = self.target.connect()
        mender.autocommit = False
        with mender.cursor() as cursor:
            cursor.execute("lock table penstock.parked in share row exclusive mode")
            self.source.execute("update t set v = 4 where id = 2")
            wait_until(lambda: self.target.value("select count(*) from pg_locks where not granted") > 0, "the lock")
            cursor.execute("insert into t values (2, 3)")
            cursor.execute("update penstock.parked set resolved_at = now()")
        mender.commit()
        mender.close()
        self.wait_applied(process)
        self.finish(process)
        self.assertEqual([], self.parked("*"))
        self.assert_equal()

    def test_truncate_resolves(self):
        self.refuse_two()
        self.source.execute("update t set v = 4 where id = 2", "truncate t", "insert into t values (2, 5)")
        self.catch_up()
        self.assertEqual([], self.parked("*"))
        self.assertEqual(2, len(self.parked("1", "resolved_at is not null")))
        self.assert_equal()

    def test_back_to_stop_the_order_holds(self):
        self.refuse_two()
        del self.penstock.target["on_row_error"]
        self.source.execute("update t set v = 4 where id = 2")
        self.catch_up()
        self.assertEqual(2, len(self.parked("1")))
        self.source.execute("insert into t values (4, 400)")
        self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)

    def test_killed_and_started_again_each_change_is_parked_once(self):
        """What is refused stays so: else a batch that folds insert and update into one good row would park neither."""
        self.both("create table t (id int primary key, v int)")
        self.catch_up()
        self.target.execute("alter table t add constraint small check (v < 100)")
        for turn in range(6):
            process = self.start()
            self.wait_streaming(process)
            for i in range(40):
                self.source.execute(f"insert into t values ({turn * 1000 + i}, {1000 if i % 7 == 0 else 1})",
                                    f"update t set v = case when v >= 100 then v + 1 else 2 end where id = {turn * 1000 + i}")
            process.kill9()
        self.catch_up()
        refused = [turn * 1000 + i for turn in range(6) for i in range(0, 40, 7)]
        self.assertEqual([(str(i), operation) for i in refused for operation in ("insert", "update")],
                         self.parked("key->>'id', operation"))
        self.assertEqual(6 * 40 - len(refused), self.target.value("select count(*) from t where v = 2"))

    def test_status_names_the_tables(self):
        self.refuse_two()
        self.source.execute("update t set v = 2 where id = 2")
        self.catch_up()
        status = self.penstock.status()["parked"]
        self.assertEqual([("public.t", 2, 1)], [(entry["table"], entry["changes"], entry["refused"]) for entry in status])
        self.assertTrue(status[0]["since"])
        page = self.start("status").expect_exit(0).output
        self.assertRegex(page, r"parked.*\n  public\.t  2 changes, 1 of them refused")


class Deferred(ParkCase):
    """A role at the target without the right to session_replication_role: foreign keys are checked."""

    def setUp(self):
        super().setUp()
        self.target_cluster.execute(
            "do $$ begin create role plain login; exception when duplicate_object then null; end $$",
            f'grant create on database "{self.name}" to plain')
        self.both("create table t (id int primary key, v int)", "create table p (id int primary key)")
        self.target.execute("alter table t owner to plain; alter table p owner to plain")
        self.penstock.target["url"] = self.target.url("plain")

    def test_a_foreign_key_at_once(self):
        self.target.execute("alter table t add constraint fk foreign key (v) references p")
        self.catch_up()
        self.source.execute("begin; insert into p select generate_series(1, 200); insert into t select i, i from"
                            " generate_series(1, 200) i; insert into t values (777, 777); insert into p values (999); commit",
                            "delete from p where id = 5")
        self.catch_up()
        self.assertEqual([("777", "23503", "fk"), ("5", "23503", "fk")], self.parked("key->>'id', sqlstate, constraint_name"))
        self.assertEqual((200, 201), (self.target.value("select count(*) from t"), self.target.value("select count(*) from p")))

    def test_a_deferred_foreign_key_is_checked_at_commit(self):
        self.target.execute("alter table t add constraint fk foreign key (v) references p deferrable initially deferred")
        self.catch_up()
        self.source.execute("insert into t values (1, null)",
                            "begin; insert into t select i, i from generate_series(100, 400) i; insert into p select"
                            " generate_series(100, 400); commit",
                            "begin; insert into t values (2, 77), (3, 100); insert into p values (1); commit")
        self.catch_up()
        self.source.execute("update t set v = 101 where id = 2")
        self.catch_up()
        self.assertEqual([("2", "23503"), ("2", None)], self.parked("key->>'id', sqlstate"))
        self.assertEqual([(1, None), (3, 100)], self.target.rows("select * from t where id < 100 order by 1"))
        self.assertEqual(302, self.target.value("select count(*) from p"))

    def test_a_deferred_foreign_key_in_a_large_transaction(self):
        self.target.execute("alter table t add constraint fk foreign key (v) references p deferrable initially deferred")
        self.catch_up()
        self.source.execute("begin; insert into p select generate_series(1, 100);"
                            " insert into t select i, 1 + i % 100 from generate_series(1, 3000) i; insert into t values (5000, 5000);"
                            " insert into t select i, 1 + i % 100 from generate_series(5001, 8000) i; commit")
        self.catch_up("--set", "batch.max_rows=1000")
        self.assertEqual([("5000", "23503", True)], self.parked("key->>'id', sqlstate, source_xid is not null"))
        self.assertEqual(6000, self.target.value("select count(*) from t"))


class Large(ParkCase):
    def test_one_bad_row_of_300_000_in_one_transaction(self):
        self.both("create table t (id int primary key, v int)")
        self.catch_up()
        self.target.execute("alter table t add constraint small check (v < 1000000)")
        self.source.execute("begin; insert into t select i, case when i = 234567 then 9999999 else i end from"
                            " generate_series(1, 300000) i; update t set v = 5 where id in (1, 234567); commit")
        process = self.start("run", "--until-caught-up", is_release=True)
        process.expect_exit(0, 120)
        self.assertEqual([("insert", True), ("update", True)], self.parked("operation, source_xid is not null"))
        self.assertEqual(299999, self.target.value("select count(*) from t"))
        self.assertEqual(5, self.target.value("select v from t where id = 1"))


if __name__ == "__main__":
    unittest.main()
