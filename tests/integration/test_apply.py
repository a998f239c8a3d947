# SPDX-License-Identifier: Apache-2.0
"""How changes are applied: what compaction may fold, what it must not, and what stops it."""
import unittest

from lib.case import PairCase
from lib.process import wait_until


class Compaction(PairCase):
    def test_a_unique_value_swapped_between_two_rows(self):
        self.both("create table t (id int primary key, u int unique, v text)",
                  "create table d (id int primary key, u int unique deferrable initially deferred)",
                  "create table x (id int primary key, r int4range, exclude using gist (r with &&))")
        swap = "update t set u = null where id = 1; update t set u = 1 where id = 2; update t set u = 2 where id = 1"
        back = "update t set u = null where id = 1; update t set u = 2 where id = 2; update t set u = 1 where id = 1"
        self.replicate(
            "insert into t select i, i, 'v' from generate_series(1, 9) i; insert into d select i, i from generate_series(1, 9)"
            " i; insert into x select i, int4range(i * 10, i * 10 + 10) from generate_series(1, 5) i",
            f"begin; {swap}; commit", f"begin; {back}; {swap}; {back}; {swap}; commit",
            [f"begin; {back}; commit", "insert into t values (20, 20, 'w')", f"begin; {swap}; commit"],
            "begin; update d set u = 2 where id = 1; update d set u = 1 where id = 2; commit",
            "update d set u = 10 - u",
            "begin; update x set r = null where id = 1; update x set r = '[10,20)' where id = 2;"
            " update x set r = '[20,30)' where id = 1; commit")

    def test_a_unique_value_added_to_over_all_rows(self):
        """At the source u = u + 1 works from the top downwards; at the target the order of rows decides."""
        self.both("create table t (id int primary key, u int unique)")
        self.replicate(
            "insert into t select i, 1000 - i from generate_series(1, 300) i",
            "do $$ begin for i in 1..300 loop update t set u = u + 1 where id = i; end loop; end $$",
            "do $$ begin for i in reverse 300..1 loop update t set u = u - 1 where id = i; end loop; end $$",
            ["do $$ begin for i in 1..300 loop update t set u = u + 1 where id = i; end loop; end $$"] * 3)

    def test_a_unique_value_handed_on_from_a_deleted_row(self):
        self.both("create table t (id int primary key, u text unique not null)")
        self.replicate(
            "insert into t values (1, 'a'), (2, 'b')",
            "begin; delete from t where id = 1; insert into t values (3, 'a'); commit",
            "begin; update t set u = 'free' where id = 3; insert into t values (4, 'a'); commit",
            "begin; insert into t values (5, 'c'); update t set u = 'd' where id = 5; insert into t values (6, 'c');"
            " delete from t where id = 5; update t set u = 'd' where id = 6; commit")

    def test_numeric_keys_that_differ_in_scale_only(self):
        self.replicate(
            "create table n (k numeric primary key, v text); create table f (k float8 primary key, v text);"
            "insert into n values (1.0, 'a'), (2.00, 'b'); insert into f values ('-0', 'a'), (1, 'b')",
            "update n set k = 1.00 where k = 1.0; update n set v = 'c' where k = 1.000",
            "begin; delete from n where k = 1; insert into n values (1.0000, 'again'); update n set k = 1 where k = 1.0; commit",
            "begin; insert into n values (3.0, 'x'); delete from n where k = 3; insert into n values (3.00, 'y');"
            " update n set v = 'z' where k = 3.0; commit",
            "begin; delete from n where k = 3; insert into n values (3.000, 'w'); delete from n where k = 3; commit",
            "begin; update f set k = 0 where k = '-0'; update f set v = 'c' where k = 0; delete from f where k = 1;"
            " insert into f values (1.0, 'd'); commit",
            "begin; insert into n values ('NaN', 'nan'); update n set v = 'nan2' where k = 'NaN'; commit")

    def test_keys_that_compare_equal_by_their_type(self):
        """citext and a case-insensitive collation: 'a' and 'A' are one key to the index."""
        self.both("create extension citext; create table c (k citext primary key, v int);"
                  "create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
                  "create table i (k text collate blind primary key, v int); create table b (k bpchar(5) primary key, v int)")
        for table in ("c", "i"):
            self.source.execute(f"insert into {table} values ('key', 1), ('other', 1)")
        self.source.execute("insert into b values ('a', 1), ('b', 1)")
        self.catch_up()
        for table in ("c", "i"):
            self.source.execute(
                f"update {table} set k = 'KEY', v = 2 where k = 'key'",
                f"begin; delete from {table} where k = 'Key'; insert into {table} values ('kEY', 3); commit",
                f"begin; update {table} set v = 4 where k = 'KEY'; update {table} set k = 'Third' where k = 'OTHER';"
                f" insert into {table} values ('OTHER', 5); delete from {table} where k = 'third'; commit")
        self.source.execute("begin; delete from b where k = 'a  '; insert into b values ('a ', 2); commit")
        self.catch_up()
        self.assert_equal()

    def test_key_swaps_with_unchanged_toast(self):
        self.replicate(
            "create table t (k int primary key, n int, big text); alter table t alter big set storage external;"
            "insert into t select i, i, repeat(md5(i::text), 500) from generate_series(1, 6) i",
            "begin; update t set k = -1 where k = 1; update t set k = 1 where k = 2; update t set k = 2 where k = -1; commit",
            "begin; update t set n = 10 where k = 3; update t set k = 30 where k = 3; update t set n = 11 where k = 30;"
            " update t set k = 3 where k = 4; update t set k = 4, n = 12 where k = 30; commit",
            ["update t set k = 50 where k = 5", "update t set n = 13 where k = 50", "insert into t values (5, 0, 'new 5')",
             "update t set k = 5000 where k = 5", "update t set k = 5 where k = 50", "update t set n = n + 1"],
            "begin; insert into t select 77, 7, big from t where k = 6; delete from t where k = 6;"
            " update t set k = 6 where k = 77; update t set n = 8 where k = 6; commit")

    def test_chains_within_one_and_over_several_transactions(self):
        self.replicate(
            "create table t (k text primary key, v int, u int unique); insert into t values ('a', 1, 1), ('x', 9, 9)",
            "begin; update t set k = 'b', v = 2 where k = 'a'; update t set k = 'c', v = 3 where k = 'b';"
            " insert into t values ('a', 10, 10); update t set k = 'b' where k = 'a'; commit",
            ["update t set k = 'd' where k = 'c'", "update t set k = 'c' where k = 'b'", "update t set k = 'b' where k = 'd'",
             "delete from t where k = 'c'", "update t set k = 'c', u = 100 where k = 'b'"],
            "begin; update t set k = 'z' where k = 'c'; delete from t where k = 'z'; insert into t values ('c', 0, 0); commit")

    def test_insert_delete_insert_of_one_key(self):
        cycle = "insert into t values (5, 'one'); delete from t where k = 5; insert into t values (5, 'two')"
        self.replicate(
            "create table t (k int primary key, v text)",
            f"begin; {cycle}; commit", "begin; delete from t; commit",
            (cycle + "; update t set v = 'three' where k = 5; delete from t where k = 5").split("; "),
            f"begin; {cycle}; delete from t where k = 5; commit",
            [f"begin; {cycle}; commit", "begin; delete from t where k = 5; insert into t values (5, 'x'); commit",
             "begin; update t set k = 6 where k = 5; insert into t values (5, 'y'); delete from t where k = 6; commit"])

    def test_truncate_amid_other_changes(self):
        self.replicate(
            "create table t (k int primary key, v text); insert into t select i, 'old' from generate_series(1, 100) i",
            ["update t set v = 'x' where k < 50", "insert into t values (200, 'before')", "truncate t",
             "insert into t values (1, 'after'), (200, 'after')", "update t set v = 'last' where k = 1"],
            "begin; insert into t values (2, 'gone'); truncate t; insert into t values (2, 'kept'); truncate t;"
            " insert into t values (3, 'kept'); commit")

    def test_large_batches_of_every_kind(self):
        self.replicate(
            "create table t (k int primary key, v text, n numeric); insert into t select i, 'v', i from generate_series(1, 20000) i",
            "insert into t select i, 'new', null from generate_series(20001, 40000) i",
            "update t set v = null where k % 3 = 0", "update t set n = n + 0.5, v = 'both' where k % 2 = 0",
            "delete from t where k % 7 = 0", "update t set k = -k where k % 11 = 0",
            "begin; delete from t where k < 0; insert into t select i, 'again', 1 from generate_series(50000, 60000) i;"
            " update t set v = 'u' where k >= 55000; delete from t where k >= 59000; commit")


class Roles(PairCase):
    """A role at the target without the right to session_replication_role or replication origins."""

    def setUp(self):
        super().setUp()
        self.target_cluster.execute(
            "do $$ begin create role plain login; exception when duplicate_object then null; end $$",
            f'grant create on database "{self.name}" to plain')
        self.target.execute("grant create on schema public to plain")
        self.penstock.target["url"] = self.target.url("plain")

    def as_plain(self, statements):
        self.target.execute(f"set role plain; {statements}")

    def test_foreign_keys_hold_in_source_order(self):
        schema = ("create table parent (id int primary key, v text);"
                  "create table child (id int primary key, p int not null references parent, v text);"
                  "create table tree (id int primary key, up int references tree)")
        self.source.execute(schema)
        self.as_plain(schema)
        self.replicate(
            None, "insert into parent values (1, 'p'); insert into child values (1, 1, 'c'); insert into tree values (1, null), (2, 1)",
            "begin; insert into parent values (2, 'p'); insert into child values (2, 2, 'c'); update child set p = 2 where"
            " id = 1; delete from parent where id = 1; commit",
            ["insert into parent values (3, 'p')", "insert into child values (3, 3, 'c')", "delete from child where id = 2",
             "update child set p = 3", "delete from parent where id = 2"],
            "begin; insert into tree values (3, 2); insert into tree values (4, 3); update tree set up = 4 where id = 2;"
            " update tree set up = 2 where id = 4; commit",
            "begin; delete from child; delete from parent; insert into parent values (9, 'q'); insert into child values"
            " (9, 9, 'd'); commit",
            "begin; update tree set up = null; delete from tree where id = 2; delete from tree; commit")

    def test_deferred_constraints_are_checked_at_commit(self):
        schema = ("create table parent (id int primary key);"
                  "create table child (id int primary key, p int references parent deferrable initially deferred);"
                  "create table seat (id int primary key, place int unique deferrable initially deferred)")
        self.source.execute(schema)
        self.as_plain(schema)
        self.replicate(
            None, "insert into seat select i, i from generate_series(1, 50) i",
            "begin; insert into child values (1, 1); insert into parent values (1); commit",
            "begin; update seat set place = 51 - place; insert into child values (2, 2); insert into parent values (2); commit",
            "begin; delete from parent where id = 1; update child set p = 2 where id = 1; commit")

    def test_triggers_of_the_target_do_as_they_are_told(self):
        """Without the replica role plain triggers fire; one that changes rows is the target's own affair."""
        self.source.execute("create table t (id int primary key, v text)")
        self.as_plain("create table t (id int primary key, v text); create table audit (id int)")
        self.as_plain("create function note() returns trigger language plpgsql as $$ begin insert into public.audit values"
                      " (new.id); return null; end $$; create trigger note after insert on t for each row execute function note()")
        self.replicate("insert into t values (1, 'a')", "insert into t values (2, 'b')")

    def test_tables_and_schemas_are_created(self):
        self.replicate(
            "create schema s; create type mood as enum ('sad', 'happy'); create table s.t (id int primary key, m mood);"
            "insert into s.t values (1, 'sad')", "insert into s.t values (2, 'happy')")


class Conflicts(PairCase):
    def test_an_insert_that_meets_a_row_is_applied_and_warned_of(self):
        self.replicate("create table t (id int primary key, v text)")
        self.target.execute("insert into t values (1, 'stranger'), (2, 'stranger')")
        self.source.execute("insert into t values (1, 'ours')", "begin; insert into t values (2, 'x');"
                            " update t set v = 'ours too' where id = 2; commit")
        process = self.catch_up()
        self.assertTrue(process.warnings("ROW_EXISTS"), process.tail())
        self.assert_equal()

    def test_a_delete_that_meets_no_row_is_warned_of(self):
        self.replicate("create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
        self.target.execute("delete from t where id < 3")
        self.source.execute("delete from t where id = 1")
        process = self.catch_up()
        self.assertTrue(process.warnings("ROW_ABSENT"), process.tail())
        self.source.execute("begin; delete from t where id = 2; insert into t values (2, 'again'); commit")
        self.catch_up()
        self.assert_equal()

    def test_an_update_that_meets_no_row_stops_with_nothing_of_its_unit(self):
        self.replicate("create table t (id int primary key, v text); create table other (id int primary key);"
                       "insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
        self.target.execute("delete from t where id = 2")
        self.source.execute(
            "insert into other values (1)", "begin; insert into other values (2); update t set v = 'x' where id = 1;"
            " update t set v = 'y' where id = 2; insert into other values (3); commit", "insert into other values (4)")
        line = self.start("run", "--until-caught-up").expect_stop("ROW_MISSING", 65)
        self.assertIn("t", line["reason"])
        self.assertEqual([1], self.target.column("select id from other"))
        self.assertEqual([(1, "a"), (3, "c")], self.target.rows("select * from t order by 1"))
        self.start("run", "--until-caught-up").expect_stop("ROW_MISSING", 65)
        self.target.execute("insert into t values (2, 'mended')")
        self.catch_up()
        self.assert_equal()

    def test_key_changes_that_meet_no_row_stop_too(self):
        self.replicate("create table t (id int primary key, v text); insert into t values (1, 'a')")
        self.target.execute("delete from t")
        self.source.execute("update t set id = 2")
        self.start("run", "--until-caught-up").expect_stop("ROW_MISSING", 65)

    def test_updates_in_a_large_batch_are_counted(self):
        self.replicate("create table t (id int primary key, v text); insert into t select i, 'a' from generate_series(1, 20000) i")
        self.target.execute("delete from t where id = 15000")
        self.source.execute("update t set v = 'b'")
        self.start("run", "--until-caught-up").expect_stop("ROW_MISSING", 65)
        self.assertEqual(0, self.target.value("select count(*) from t where v = 'b'"))

    def test_a_violated_constraint_stops_after_the_units_before(self):
        self.both("create table t (id int primary key, v int)", "create table other (id int primary key)")
        self.catch_up()
        self.target.execute("alter table t add constraint small check (v < 100)")
        self.source.execute("insert into t values (1, 1)", "insert into other values (1)",
                            "begin; insert into other values (2); insert into t values (2, 2), (4242, 4242), (3, 3); commit",
                            "insert into other values (3)")
        line = self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)
        self.assertIn("small", line["reason"])
        self.assertNotIn("4242", str(line), "values of rows are never logged")
        self.assertRegex(line["reason"], r"\bt\b")
        self.assertEqual([1], self.target.column("select id from other"))
        self.assertEqual([1], self.target.column("select id from t"))
        self.target.execute("alter table t drop constraint small")
        self.catch_up()
        self.assert_equal()

    def test_a_constraint_that_is_violated_at_commit_stops(self):
        self.both("create table t (id int primary key, v int)", "create table p (id int primary key)")
        self.target_cluster.execute("do $$ begin create role plain login; exception when duplicate_object then null; end $$",
                                    f'grant create on database "{self.name}" to plain')
        self.target.execute("alter table t add foreign key (v) references p deferrable initially deferred",
                            "alter table t owner to plain; alter table p owner to plain")
        self.penstock.target["url"] = self.target.url("plain")
        self.catch_up()
        self.source.execute("insert into t values (1, null)", "begin; insert into t values (2, 77); insert into p values (1);"
                            " commit")
        self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)
        self.assertEqual([1], self.target.column("select id from t"))
        self.target.execute("insert into p values (77)")
        self.catch_up()
        self.assertEqual([1, 2], self.target.column("select id from t order by 1"))

    def test_not_null_and_length_of_the_target_refuse(self):
        self.source.execute("create table t (id int primary key, v text)")
        for column, bad in (("varchar(3)", "'too long'"), ("text not null", "null")):
            with self.subTest(column):
                self.target.execute("drop table if exists t", f"create table t (id int primary key, v {column})")
                self.source.execute("truncate t")
                self.catch_up()
                self.source.execute("insert into t values (1, 'ok')", f"insert into t values (2, {bad})")
                self.start("run", "--until-caught-up").expect_stop("ROW_REFUSED", 65)
                self.assertEqual([1], self.target.column("select id from t"))
                self.target.execute("alter table t alter v drop not null", "alter table t alter v type text")
                self.catch_up()
                self.assert_equal()

    def test_a_hanging_lock_is_waited_for(self):
        self.replicate("create table t (id int primary key, v text); insert into t values (1, 'a')")
        process = self.start()
        self.wait_streaming(process)
        holder = self.target.connect()
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("lock table t in access exclusive mode")
            self.source.execute("update t set v = 'b'")
            wait_until(lambda: self.target.value("select count(*) from pg_locks where not granted") > 0, "the lock")
        holder.rollback()
        holder.close()
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()

    def test_deadlocks_at_the_target_are_tried_again(self):
        """Penstock or the other session loses; either way the row arrives."""
        self.replicate("create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'a')")
        process = self.start()
        self.wait_streaming(process)
        holder = self.target.connect(options="-c deadlock_timeout=10s")
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute("update t set v = 'holder' where id = 2")
            self.source.execute("begin; update t set v = 'x' where id = 1; update t set v = 'y' where id = 2; commit")
            wait_until(lambda: self.target.value("select count(*) from pg_locks where not granted") > 0, "the lock")
            cursor.execute("update t set v = 'holder' where id = 1")
        holder.rollback()
        holder.close()
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()


if __name__ == "__main__":
    unittest.main()
