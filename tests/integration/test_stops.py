# SPDX-License-Identifier: Apache-2.0
"""Each stop of the pipe, provoked: its name, its exit code, its remedy; and that nothing went wrong before it."""
import threading
import time
import unittest

from lib.case import PairCase
from lib.cluster import Cluster, server_major
from lib.penstock import Penstock
from lib.process import wait_until

UNTIL = ("run", "--until-caught-up")


class StopCase(PairCase):
    def setUp(self):
        super().setUp()
        self.slot = f"penstock_{self.name}"

    def begin(self, setup="create table t (id int primary key, v text); insert into t values (1, 'a')"):
        """A first run that ends in step."""
        self.source.execute(setup)
        self.catch_up()
        self.assert_equal()

    def stops(self, name, code=65, timeout=60):
        return self.start(*UNTIL).expect_stop(name, code, timeout)

    def stops_for_good(self, name, mend, code=65):
        """Twice the same stop, so nothing heals by itself; once mended it catches up."""
        self.stops(name, code)
        line = self.stops(name, code)
        mend()
        self.catch_up()
        self.assert_equal()
        return line


class Slots(StopCase):
    def drop_slot(self):
        self.source.rows("select pg_drop_replication_slot(%s)", (self.slot,))

    def test_slot_missing(self):
        self.begin()
        self.drop_slot()
        self.source.execute("insert into t values (2, 'lost')")
        self.stops("SLOT_MISSING")
        line = self.stops("SLOT_MISSING")
        self.assertIn(self.slot, line["reason"] + line["do"])
        self.assertEqual([], self.source.rows("select * from pg_replication_slots where slot_name = %s", (self.slot,)))
        self.assertEqual([1], self.target.column("select id from t"))

    def test_slot_dropped_while_running(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)

        def dropped():
            self.source.rows("select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = %s",
                             (self.slot,))
            try:
                self.drop_slot()
                return True
            except Exception:  # pylint: disable=broad-except
                return False
        wait_until(dropped, "the slot to be dropped")
        process.expect_stop("SLOT_MISSING", 65)

    def test_slot_made_anew_by_another(self):
        self.begin()
        self.drop_slot()
        self.source.execute("insert into t values (2, 'lost')", "select pg_current_wal_lsn()")
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self.slot,))
        self.stops("SLOT_AHEAD")

    def test_slot_ahead(self):
        self.begin()
        self.source.execute("insert into t values (2, 'skipped')")
        self.source.rows("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", (self.slot,))
        self.source.execute("insert into t values (3, 'not skipped')")
        self.stops("SLOT_AHEAD")
        self.stops("SLOT_AHEAD")
        self.assertEqual([1], self.target.column("select id from t"))

    def test_slot_foreign(self):
        self.source.execute("create table t (id int primary key)")
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self.slot,))
        self.stops_for_good("SLOT_FOREIGN", self.drop_slot)

    def test_slot_foreign_when_the_target_is_another(self):
        self.begin()
        other = self.target_cluster.create_database(f"{self.name}_other")
        self.addCleanup(other.drop)
        self.penstock.target["url"] = other.url()
        self.stops("SLOT_FOREIGN")

    def test_slot_unsuitable(self):
        self.source.execute("create table t (id int primary key)", "create publication own for table t")
        self.source.rows("select pg_create_physical_replication_slot(%s)", (f"{self.name}_own",))
        self.penstock.source.update(slot=f"{self.name}_own", publication="own")
        try:
            self.start("run", "--until-caught-up", "--adopt-slot").expect_stop("SLOT_UNSUITABLE", 65)
        finally:
            self.source.rows("select pg_drop_replication_slot(%s)", (f"{self.name}_own",))

    def test_slot_lost(self):
        self.begin()
        self.source.execute("alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()")
        try:
            wait_until(lambda: self.source.value("show max_slot_wal_keep_size") == "1MB", "the setting")
            for _ in range(5):
                self.source.execute("insert into t select max(id) + 1, 'lost' from t", "select pg_switch_wal()")
            self.source.execute("checkpoint")
            self.assertEqual("lost", self.source.value("select wal_status from pg_replication_slots where slot_name = %s",
                                                       (self.slot,)))
            self.stops("SLOT_LOST")
            self.stops("SLOT_LOST")
        finally:
            self.source.execute("alter system reset max_slot_wal_keep_size", "select pg_reload_conf()")


class Publications(StopCase):
    def test_publication_missing_at_start(self):
        self.begin()
        self.source.execute(f"drop publication {self.slot}")
        self.stops("PUBLICATION_MISSING")
        self.source.execute("insert into t values (2, 'b')")
        self.stops("PUBLICATION_MISSING")

    def test_publication_missing_while_running(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute(f"drop publication {self.slot}")
        process.expect_stop("PUBLICATION_MISSING", 65, 30)

    def test_publication_made_anew_while_running(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.transaction(f"drop publication {self.slot}", f"create publication {self.slot} for table t")
        process.wait(30)
        self.assertIn(process.stop_line()["stop"], ("PUBLICATION_CHANGED", "PUBLICATION_MISSING"))

    def test_publication_changed(self):
        changes = [("set (publish = 'insert')", "set (publish = 'insert, update, delete, truncate')"),
                   ("drop table t", None)]
        if server_major() >= 15:
            changes += [("set table t where (id > 5)", "set table t"), ("set table t (id)", "set table t")]
        for change, back in changes:
            with self.subTest(change):
                self.setUp()
                self.begin()
                self.source.execute(f"alter publication {self.slot} {change}")
                self.stops("PUBLICATION_CHANGED")
                if back:
                    self.source.execute(f"alter publication {self.slot} {back}")
                    self.catch_up()
                    self.assert_equal()

    def test_publication_changed_while_running(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute(f"alter publication {self.slot} set (publish = 'insert')")
        process.expect_stop("PUBLICATION_CHANGED", 65, 30)

    @unittest.skipIf(server_major() < 18, "publish_generated_columns came with PostgreSQL 18")
    def test_generated_columns_published_later(self):
        self.begin("create table t (id int primary key, v text, w text generated always as (v) stored)")
        self.source.execute(f'alter publication "{self.slot}" set (publish_generated_columns = stored)')
        self.stops_for_good("PUBLICATION_CHANGED", lambda: self.source.execute(
            f'alter publication "{self.slot}" set (publish_generated_columns = none)'))

    def test_table_added_to_the_publication(self):
        self.begin()
        self.source.execute("create table late (id int primary key)", "insert into late values (1)",
                            f"alter publication {self.slot} add table late")
        self.stops("TABLE_ADDED")
        line = self.stops("TABLE_ADDED")
        self.assertIn("late", line["reason"] + line["do"])

    def test_table_added_while_running(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("create table late (id int primary key)", "insert into late values (1)",
                            f"alter publication {self.slot} add table late")
        process.expect_stop("TABLE_ADDED", 65, 30)

    def test_table_added_to_the_configuration(self):
        self.source.execute("create table t (id int primary key); create table late (id int primary key)",
                            "insert into late values (1)")
        self.penstock.source["tables"] = ["public.t"]
        self.catch_up()
        self.penstock.source["tables"] = ["public.t", "public.late"]
        self.stops("TABLE_ADDED")

    def test_a_table_created_later_is_named_but_no_stop(self):
        self.begin()
        self.source.execute("create table later (id int primary key)", "insert into t values (2, 'b')")
        process = self.catch_up()
        self.assertIn("later", process.text)
        self.assert_equal(tables=[("public", "t")])


class Targets(StopCase):
    def test_target_not_empty(self):
        self.both("create table t (id int primary key)", "create table u (id int primary key)")
        self.target.execute("insert into t values (5)")
        line = self.stops_for_good("TARGET_NOT_EMPTY", lambda: self.target.execute("truncate t"))
        self.assertRegex(line["reason"], r"\bt\b")

    def test_table_missing(self):
        self.penstock.target["create_tables"] = False
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        line = self.stops_for_good("TABLE_MISSING", lambda: self.target.execute("create table t (id int primary key)"))
        self.assertRegex(line["reason"] + line["do"], r"\bt\b")

    def test_table_dropped_at_the_target_later(self):
        self.penstock.target["create_tables"] = False
        self.both("create table t (id int primary key)")
        self.catch_up()
        self.target.execute("drop table t")
        self.source.execute("insert into t values (1)")
        self.stops_for_good("TABLE_MISSING", lambda: self.target.execute("create table t (id int primary key)"))

    def test_column_missing_at_the_start(self):
        self.source.execute("create table t (id int primary key, v text)", "insert into t values (1, 'a')")
        self.target.execute("create table t (id int primary key)")
        line = self.stops_for_good("COLUMN_MISSING", lambda: self.target.execute("alter table t add v text"))
        self.assertIn("v", line["reason"])

    def test_column_missing_in_the_stream(self):
        self.begin()
        self.source.execute("insert into t values (2, 'before')", "alter table t add added int",
                            "insert into t values (3, 'after', 3)")
        line = self.stops_for_good("COLUMN_MISSING", lambda: self.target.execute("alter table t add added int"))
        self.assertIn("added", line["reason"])

    def test_type_missing(self):
        self.source.execute("create extension hstore", "create table t (id int primary key, h hstore)",
                            "insert into t values (1, 'a=>1')")
        line = self.stops_for_good("TYPE_MISSING", lambda: self.target.execute("create extension hstore"))
        self.assertIn("hstore", line["reason"])

    def test_row_missing(self):
        self.begin()
        self.target.execute("delete from t")
        self.source.execute("update t set v = 'b'")
        self.stops_for_good("ROW_MISSING", lambda: self.target.execute("insert into t values (1, 'a')"))

    def test_row_refused(self):
        self.begin()
        self.target.execute("alter table t add constraint short check (length(v) < 3)")
        self.source.execute("insert into t values (2, 'much too long')")
        line = self.stops_for_good("ROW_REFUSED", lambda: self.target.execute("alter table t drop constraint short"))
        self.assertIn("short", line["reason"])
        self.assertNotIn("much too long", line["reason"])

    def test_fenced_by_a_checkpoint_that_another_moved(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("insert into t values (2, 'b')")
        self.wait_applied(process)
        self.target.execute("update penstock.checkpoint set commit_lsn = 'FFFF/0', ordinal = 1")
        self.source.execute("insert into t values (3, 'c')")
        process.expect_stop("FENCED", 75)
        self.assertEqual([1, 2], self.target.column("select id from t order by 1"))

    def test_a_checkpoint_of_a_newer_version(self):
        self.begin()
        version = self.checkpoint("version")
        self.target.execute("update penstock.checkpoint set version = version + 1")
        self.source.execute("insert into t values (2, 'b')")
        self.stops_for_good("STATE_NEWER", lambda: self.target.execute(f"update penstock.checkpoint set version = {version}"))


class Servers(StopCase):
    def copy_of_the_source(self, **settings):
        """A byte for byte copy of the stopped source, under another port."""
        self.source_cluster.stop()
        try:
            copy = Cluster("copy", copy_of=self.source_cluster, **settings)
        finally:
            self.source_cluster.start()
        self.addCleanup(copy.destroy)
        return copy

    def test_timeline_diverged(self):
        self.begin()
        standby = self.copy_of_the_source()
        self.source.execute("insert into t values (2, 'only at the old primary')")
        self.catch_up()
        standby._write("standby.signal", "", "w")  # pylint: disable=protected-access
        standby.start()
        standby.execute("select pg_promote()")
        wait_until(lambda: not standby.value("select pg_is_in_recovery()"), "the promotion")
        self.penstock.source["url"] = self.penstock.source["url"].replace(str(self.source_cluster.port), str(standby.port))
        self.stops("TIMELINE_DIVERGED")
        self.assertEqual([1, 2], self.target.column("select id from t order by 1"))

    def test_sysid_changed(self):
        self.begin()
        other = Cluster("other")
        self.addCleanup(other.destroy)
        other.start()
        database = other.create_database(self.name)
        database.execute("create table t (id int primary key, v text)", f"create publication {self.slot} for table t")
        database.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self.slot,))
        self.penstock.source["url"] = database.url()
        self.stops("SYSID_CHANGED")

    def test_server_unsuitable(self):
        other = Cluster("replica", wal_level="replica")
        self.addCleanup(other.destroy)
        other.start()
        database = other.create_database(self.name)
        database.execute("create table t (id int primary key)")
        self.penstock.source["url"] = database.url()
        line = self.stops("SERVER_UNSUITABLE")
        self.assertIn("wal_level", line["reason"])
        self.assertIn("wal_level", line["do"])
        self.assertIsNone(self.checkpoint("state"))

    def test_authentication_failed(self):
        self.source.execute("create table t (id int primary key)")
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute("do $$ begin create role scram_user superuser login password 'right-Secret'; exception when"
                            " duplicate_object then null; end $$")
        good = self.penstock.source["url"], self.penstock.target["url"]
        for side, database in (("source", self.source), ("target", self.target)):
            with self.subTest(side):
                self.penstock.source["url"], self.penstock.target["url"] = good
                getattr(self.penstock, side)["url"] = database.url("scram_user", "wrong-Secret")
                process = self.start(*UNTIL)
                process.expect_stop("AUTHENTICATION_FAILED", 65)
                self.assertNotIn("wrong-Secret", process.text)
        self.penstock.source["url"] = self.source.url("scram_user", "right-Secret")
        self.penstock.target["url"] = self.target.url("scram_user", "right-Secret")
        self.catch_up()

    def test_permission_denied(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute("do $$ begin create role nobody_much login; exception when duplicate_object then null; end $$")
        good = self.penstock.source["url"], self.penstock.target["url"]
        for side, database in (("source", self.source), ("target", self.target)):
            with self.subTest(side):
                self.penstock.source["url"], self.penstock.target["url"] = good
                getattr(self.penstock, side)["url"] = database.url("nobody_much")
                self.stops("PERMISSION_DENIED")
        self.penstock.source["url"], self.penstock.target["url"] = good
        self.catch_up()

    def test_the_penstock_schema_may_be_made_beforehand(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        self.target_cluster.execute("do $$ begin create role humble login; exception when duplicate_object then null; end $$")
        self.target.execute("create schema penstock authorization humble", "create table t (id int primary key)",
                            "grant all on t to humble")
        self.penstock.target["url"] = self.target.url("humble")
        self.catch_up()
        self.assert_equal(tables=[("public", "t")])

    def test_row_too_long_in_the_copy_and_in_the_stream(self):
        limit = ("--set", "limits.max_row_bytes=64KiB")
        long = "insert into t select 1, string_agg(md5(i::text), '') from generate_series(1, 4000) i"
        self.source.execute("create table t (id int primary key, v text)", long)
        self.start(*UNTIL, *limit).expect_stop("ROW_TOO_LONG", 65)
        self.source.execute("delete from t")
        self.catch_up(*limit)
        self.source.execute("insert into t values (0, 'short')", long)
        self.start(*UNTIL, *limit).expect_stop("ROW_TOO_LONG", 65)
        self.catch_up()
        self.assert_equal()

    def test_a_table_that_may_not_be_read(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        self.source_cluster.execute("do $$ begin create role repl login replication; exception when duplicate_object then"
                                    " null; end $$", f'grant create on database "{self.name}" to repl')
        self.source.execute("alter table t owner to repl", "revoke select on t from repl",
                            "grant create on schema public to repl")
        self.penstock.source["url"] = self.source.url("repl")
        self.stops_for_good("PERMISSION_DENIED", lambda: self.source.execute("grant select on t to repl"))


class TwoAtOnce(StopCase):
    def test_a_second_instance_is_refused_and_the_first_goes_on(self):
        self.begin()
        first = self.start()
        self.wait_streaming(first)
        self.source.execute("insert into t values (2, 'b')")
        self.wait_applied(first)
        began = time.monotonic()
        second = self.start()
        third = Penstock(self.name, self.penstock.source["url"], self.penstock.target["url"]).start(*UNTIL)
        self.addCleanup(third.destroy)
        finished = threading.Event()

        def write():
            number = 100
            while not finished.wait(0.2):
                number += 1
                self.source.execute(f"insert into t values ({number}, 'meanwhile')")
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        line = second.expect_stop("ALREADY_RUNNING", 75, 85)
        third.expect_stop("ALREADY_RUNNING", 75, 20)
        finished.set()
        writer.join()
        self.assertLess(time.monotonic() - began, 85)
        self.assertRegex(line["reason"], r"\d")
        self.wait_applied(first)
        self.finish(first)
        self.assert_equal()

    def test_the_successor_of_a_killed_one_starts_at_once(self):
        self.begin()
        first = self.start()
        self.wait_streaming(first)
        first.kill9()
        self.source.execute("insert into t values (2, 'b')")
        self.catch_up(timeout=20)
        self.assert_equal()

    def test_two_names_share_a_source_and_a_target(self):
        self.source.execute("create schema a; create table a.t (id int primary key);"
                            "create schema b; create table b.t (id int primary key)")
        self.penstock.source["tables"] = ["a.*"]
        other = Penstock(f"{self.name}_b", self.source.url(), self.target.url(), tables=["b.*"])
        one, two = self.start(), other.start()
        self.addCleanup(two.destroy)
        self.wait_streaming(one)
        self.source.execute("insert into a.t values (1); insert into b.t values (1), (2)")
        wait_until(lambda: self.target.value("select count(*) from pg_tables where tablename = 't'") == 2,
                   lambda: f"both tables\n{one.tail()}\n{two.tail()}")
        wait_until(lambda: self.target.value("select (select count(*) from a.t) + (select count(*) from b.t)") == 3,
                   lambda: f"all rows\n{one.tail()}\n{two.tail()}")
        self.finish(one)
        self.finish(two)
        self.assert_equal()


if __name__ == "__main__":
    unittest.main()
