# SPDX-License-Identifier: Apache-2.0
"""What reviews found: each case lost, doubled or refused something once."""
import os
import resource
import signal
import time
import unittest

from lib.case import PairCase
from lib.cluster import server_major
from lib.process import children_of, send, wait_until

RELEASE = {"is_release": True}


def without_much_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (256 << 20, 256 << 20))


class Changes(PairCase):
    def test_a_table_altered_in_mid_batch_keeps_the_order_of_its_changes(self):
        self.source.execute("create table t (id int primary key, v text)")
        self.catch_up()
        self.source.execute("insert into t select i, 'x' from generate_series(1, 100) i",
                            "alter table t add column c int", "delete from t")
        self.target.execute("alter table t add column c int")
        self.catch_up()
        self.assertEqual(0, self.target.value("select count(*) from t"))

    def test_many_updates_of_a_long_row_fit_the_memory(self):
        self.source.execute("create table t (id int primary key, n int, doc text)",
                            "alter table t alter doc set storage external")
        self.catch_up()
        self.source.execute("insert into t values (1, 0, repeat('x', 1000000))",
                            "do $$ begin for i in 1..1500 loop update t set n = i; end loop; end $$")
        self.catch_up(preexec=without_much_memory, **RELEASE)
        self.assert_equal()

    def test_many_tables_come_again_after_the_slot_went_back(self):
        tables = [f"m{i:03}" for i in range(100)]
        self.source.execute(*[f"create table {table} (id int primary key)" for table in tables])
        process = self.start()
        self.wait_streaming(process)
        self.wait_applied(process)
        self.source.execute("checkpoint")
        self.source.execute(*[f"insert into {table} values (1)" for table in tables])
        self.wait_applied(process)
        self.source_cluster.restart("immediate")
        self.source.execute("insert into m099 values (2)")
        self.wait_applied(process)
        process.sigterm()
        process.expect_exit(0)
        self.assert_equal()

    def test_identity_always_at_the_target(self):
        ddl = "create table t (k int primary key, n bigint generated always as identity, v text)"
        self.both(ddl, "create table u (id bigint generated always as identity primary key, v text)")
        self.catch_up()
        self.source.execute("insert into t (k, v) select i, 'a' from generate_series(1, 100) i")
        self.catch_up()
        self.source.execute("update t set v = 'b'", "update t set v = 'c' where k = 1",
                            "insert into u (v) select 'x' from generate_series(1, 100) i", "truncate u",
                            "insert into u (v) select 'y' from generate_series(1, 10) i")
        self.catch_up()
        self.assert_equal()
        self.source.execute("update t set n = default where k = 2")
        self.start("run", "--until-caught-up").expect_stop("ROW_MISSING", 65)

    def test_a_partitioned_target(self):
        self.source.execute("create table t (id int primary key, v text)")
        self.target.execute("create table t (id int primary key, v text) partition by range (id)",
                            "create table t_1 partition of t for values from (0) to (1000000)")
        self.catch_up()
        self.source.execute("insert into t select i, 'x' from generate_series(1, 100) i", "truncate t",
                            "insert into t select i, 'y' from generate_series(1, 10) i")
        self.catch_up()
        self.assertEqual(10, self.target.value("select count(*) from t"))

    def test_a_partitioned_source_published_by_its_root(self):
        for name, where in (("plain", ""), ("filtered", "where (id > 50)")):
            self.source.execute(f"create table {name} (id int primary key, v text) partition by range (id)",
                                f"create table {name}_1 partition of {name} for values from (0) to (1000000)",
                                f"insert into {name} select i, 'x' from generate_series(1, 100) i")
            self.target.execute(f"create table {name} (id int primary key, v text)")
        self.source.execute("create publication mine for table plain, filtered where (id > 50)"
                            " with (publish_via_partition_root = true)")
        self.penstock.source.update(publication="mine")
        self.catch_up()
        self.source.execute("update plain set v = 'y' where id <= 10", "insert into filtered values (101, 'z')")
        self.catch_up()
        self.assertEqual([(100, 10)], self.target.rows("select count(*), count(*) filter (where v = 'y') from plain"))
        self.assertEqual(51, self.target.value("select count(*) from filtered"))
        self.assertIn("equal: 2 tables", self.penstock.verify().output)

    def test_a_stage_follows_the_types_of_its_table(self):
        self.source.execute("create table t (id int primary key, d timestamp)",
                            "insert into t select i, '2020-01-01' from generate_series(1, 100) i")
        self.target.execute("create table t (id int primary key, d date)")
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("update t set d = '2020-01-02'")
        self.wait_applied(process)
        self.target.execute("alter table t alter d type timestamp")
        self.source.execute("update t set d = '2020-01-03 10:11:12'")
        self.wait_applied(process)
        self.assert_equal()

    def test_stages_do_not_pile_up_at_fallbacks(self):
        self.source.execute("create table t (id int primary key, u int unique, v text)",
                            "insert into t select i, i, 'x' from generate_series(1, 200) i")
        process = self.start(**RELEASE)
        self.wait_streaming(process)
        self.target.execute("create unique index on t (u)")
        for n in range(10):
            self.source.transaction("update t set u = u + 1000", "update t set u = 1201 - u")
            self.wait_applied(process)
            self.source.execute(f"update t set v = 'n{n}'")
            self.wait_applied(process)
        stages = "select count(*) from pg_class where relname like 'penstock_%' and relpersistence = 't'"
        self.assertLess(self.target.value(stages), 5)
        self.assert_equal()

    def test_a_row_without_key_is_found_byte_by_byte(self):
        self.source.execute("create table t (v text)", "alter table t replica identity full",
                            "insert into t values ('A'), ('a')")
        self.target.execute("create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                            "create table t (v text collate ci)")
        self.catch_up()
        self.source.execute("delete from t where v = 'a'")
        self.catch_up()
        self.assertEqual(["A"], self.target.column("select v from t"))

    def test_a_column_generated_at_the_target_only(self):
        self.source.execute("create table t (id int primary key, a int, b int)", "insert into t values (1, 2, 4)")
        self.target.execute("create table t (id int primary key, a int, b int generated always as (a * 2) stored)")
        self.catch_up()
        self.source.execute("insert into t values (2, 3, 6)")
        self.catch_up()
        self.assert_equal()


class Names(PairCase):
    def test_a_renamed_table_is_to_be_renamed_at_the_target(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'a')")
        self.catch_up()
        self.source.execute("alter table t rename to t2", "insert into t2 values (2, 'b')")
        self.start("run", "--until-caught-up").expect_stop("TABLE_MISSING", 65)
        self.target.execute("alter table t rename to t2")
        self.catch_up()
        self.assert_equal()

    def test_a_table_made_anew_must_begin_empty_at_the_target(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'old')",
                            "create publication alls for all tables")
        self.penstock.source.update(publication="alls")
        self.catch_up()
        self.source.execute("drop table t", "create table t (id int primary key, v text)",
                            "insert into t values (2, 'new')")
        self.start("run", "--until-caught-up").expect_stop("TARGET_NOT_EMPTY", 65)
        self.start("run", "--until-caught-up").expect_stop("TARGET_NOT_EMPTY", 65)
        self.target.execute("truncate t")
        self.catch_up()
        self.assert_equal()

    def test_a_name_with_a_newline(self):
        self.source.execute('create table "a\nb" (id int primary key)', 'insert into "a\nb" values (1)')
        self.catch_up()
        self.source.execute('insert into "a\nb" values (2)')
        self.catch_up()
        self.assert_equal()


class Sessions(PairCase):
    def test_sigterm_with_a_frozen_target(self):
        self.source.execute("create table t (id int primary key, v text)")
        process = self.start(**RELEASE)
        self.wait_streaming(process)
        self.wait_applied(process)
        pids = [self.target_cluster.postmaster.pid] + children_of(self.target_cluster.postmaster.pid)
        for pid in pids:
            send(pid, signal.SIGSTOP)
        try:
            self.source.execute("insert into t select i, 'x' from generate_series(1, 1000) i")
            began = time.monotonic()
            process.sigterm()
            process.expect_exit(0, 40)
            self.assertLess(time.monotonic() - began, 11)
        finally:
            for pid in pids:
                send(pid, signal.SIGCONT)
        self.catch_up()
        self.assert_equal()

    def test_a_refused_row_of_the_copy_stops(self):
        self.source.execute("create table t (id int primary key, v text)",
                            "insert into t select i, repeat('x', 10000) from generate_series(1, 3000) i")
        self.target.execute("create table t (id int primary key check (id <> 5), v text)")
        self.start().expect_stop("ROW_REFUSED", 65)

    def test_the_slot_of_another_is_never_dropped(self):
        self.source.execute("create table t (id int primary key)", "create publication other for table t")
        self.source.rows("select pg_create_logical_replication_slot('others_slot', 'pgoutput')")
        self.addCleanup(self.source.rows, "select pg_drop_replication_slot('others_slot')")
        self.start("run", environment={"PENSTOCK_FAILPOINT": "recorded_creating:crash"}).wait()
        self.penstock.source.update(slot="others_slot")
        self.start("run", "--until-caught-up").expect_stop("SLOT_FOREIGN", 65)

    def test_careful_mode_applies_nothing_twice(self):
        for passing in (3, 9, 20):
            name = f"log{passing}"
            self.source.execute(f"create table {name} (v int)")
            self.penstock.source["tables"] = [f"public.{name}", "public.big", "public.bad"]
        self.penstock.source["tables"] = ["*.*"]
        self.source.execute("create table big (id int primary key)", "create table bad (id int primary key)")
        self.catch_up()
        self.target.execute("alter table bad add check (id <> 1)")
        self.source.execute(*[f"insert into log9 values ({i})" for i in range(30)], "insert into bad values (1)",
                            "insert into big select generate_series(1, 300)")
        for passing in (3, 9, 20):
            self.start("run", "--until-caught-up", "--set", "batch.max_rows=60",
                       environment={"PENSTOCK_FAILPOINT": f"before_checkpoint:error:{passing}"}).wait()
        self.assertEqual([], self.target.rows("select v, count(*) from log9 group by v having count(*) > 1"))
        self.target.execute("alter table bad drop constraint bad_id_check")
        self.catch_up()
        self.assert_equal()

    def test_a_backend_that_dies_of_its_batch_is_tried_with_pauses(self):
        self.source.execute("create table t (id int primary key)")
        process = self.start(**RELEASE)
        self.wait_streaming(process)
        self.wait_applied(process)
        self.target.execute(
            "create function die() returns trigger language plpgsql as"
            " $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$",
            "create trigger die after insert on t for each row execute function die()",
            "alter table t enable always trigger die")
        self.source.execute("insert into t values (1)")
        began = time.monotonic()
        wait_until(lambda: sum(entry.get("event") == "target is back" for entry in process.log) >= 4, "four tries")
        self.assertGreater(time.monotonic() - began, 0.5)
        self.target.execute("drop trigger die on t")
        self.wait_applied(process)
        self.assert_equal()


class Origins(PairCase):
    TARGET = {"max_replication_slots": 1, **({"max_active_replication_origins": 1} if server_major() >= 18 else {})}

    def test_a_target_without_room_for_an_origin_gets_its_rows_unmarked(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        other = self.target.connect()
        with other.cursor() as cursor:
            cursor.execute("select pg_replication_origin_create('other'), pg_replication_origin_session_setup('other')")
            process = self.catch_up()
        other.close()
        self.assert_equal()
        process.wait_for_event("no replication origin at the target")


class Durability(PairCase):
    TARGET = {"wal_writer_delay": "10s", "wal_writer_flush_after": 0, "bgwriter_delay": "10s", "fsync": "on"}

    def test_what_a_killed_predecessor_left_unflushed_is_not_confirmed(self):
        self.source.execute("create table t (id int primary key, v text)")
        process = self.start(**RELEASE)
        self.wait_streaming(process)
        self.wait_applied(process)
        self.source.execute("insert into t values (1, 'x')")
        wait_until(lambda: self.target.value("select count(*) from t") == 1, "the row")
        end = self.checkpoint("end_lsn")
        process.kill9()
        process = self.start(**RELEASE)
        confirmed = "select confirmed_flush_lsn >= %s from pg_replication_slots where slot_name = %s"
        wait_until(lambda: self.source.rows(confirmed, (end, f"penstock_{self.name}")) == [(True,)], "the confirmation")
        self.target_cluster.kill9()
        process.kill9()
        self.target_cluster.start()
        self.catch_up()
        self.assert_equal()


class Promotion(PairCase):
    def test_a_promoted_source_is_no_divergence_later(self):
        self.source.execute("create table t (id int primary key, v text)")
        self.catch_up()
        self.source_cluster.stop("fast")
        with open(os.path.join(self.source_cluster.data, "standby.signal"), "w", encoding="ascii"):
            pass
        self.source_cluster.configure(primary_conninfo="")
        self.source_cluster.start()
        self.source_cluster.execute("select pg_promote()")
        for number in (1, 2):
            self.source.execute(f"insert into t values ({number}, 'x')")
            self.catch_up()
        self.assert_equal()


if __name__ == "__main__":
    unittest.main(verbosity=1)
