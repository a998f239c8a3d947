# SPDX-License-Identifier: Apache-2.0
"""What pgoutput can say, streamed into a second server that must end up equal."""
import unittest

from lib.case import PairCase
from lib.cluster import server_major
from lib.process import wait_until


class Rows(PairCase):
    def test_inserts_updates_and_deletes_arrive(self):
        self.replicate(
            "create table t (id int primary key, a text, b numeric(12,2)); insert into t select i, 'copied', i from"
            " generate_series(1, 50) i",
            "insert into t select i, 'streamed ' || i, i / 3.0 from generate_series(51, 100) i",
            "update t set a = 'updated', b = null where id % 3 = 0",
            "delete from t where id % 5 = 0",
            "begin; insert into t values (1000, 'x', 1); update t set a = 'y' where id = 1000;"
            " delete from t where id = 1000; insert into t values (1000, 'z', 2); commit")

    def test_a_backlog_of_many_small_transactions_arrives(self):
        self.replicate("create table t (id int primary key, n int)",
                       [f"insert into t values ({i}, 0); update t set n = n + 1 where id <= {i}" for i in range(1, 60)],
                       [f"delete from t where id = {i}" for i in range(1, 60, 2)])

    def test_null_empty_and_odd_texts_stay_apart(self):
        self.source.execute("create table t (id int primary key, a text, b bytea)")
        self.catch_up()
        values = ["null", "''", r"'\N'", r"'\\'", r"E'a\tb\nc\rd'", r"'\.'", "'\"quoted\"'", "'it''s'", "'NULL'",
                  r"E'\x01\x7f'", "'" + "🐘" * 20 + "'", r"E'line\n\\.\nline'"]
        self.source.execute(*(f"insert into t values ({i}, {value}, {value if value == 'null' else 'null'})"
                              for i, value in enumerate(values)))
        self.source.execute(*(f"update t set a = {value}, b = '' where id = {len(values) - 1 - i}"
                              for i, value in enumerate(values)))
        self.catch_up()
        self.assert_equal()

    def test_the_copy_takes_every_table_and_goes_on_with_the_stream(self):
        self.source.execute(
            "create table big (id int primary key, t text); create table empty (id int primary key);"
            "create table little (id text primary key); create schema other; create table other.big (id int primary key)",
            "insert into big select i, repeat('x', 50) from generate_series(1, 25000) i; insert into little values ('a');"
            "insert into other.big select generate_series(1, 12345)")
        process = self.start()
        self.source.execute("insert into big values (-1, 'during the copy')", "update big set t = 'u' where id = 1",
                            "insert into empty values (1)", "delete from other.big where id = 2")
        self.wait_streaming(process)
        self.source.execute("insert into little values ('b')", "update big set t = 'v' where id = 25000")
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()

    def test_a_transaction_open_since_before_the_slot_arrives_whole(self):
        self.source.execute("create table t (id int primary key)")
        early = self.source.connect()
        early.autocommit = False
        with early.cursor() as cursor:
            cursor.execute("insert into t values (1)")
            process = self.start()
            wait_until(lambda: self.checkpoint("state") is not None, "the first checkpoint")
            cursor.execute("insert into t values (2)")
        early.commit()
        early.close()
        self.wait_streaming(process)
        self.wait_applied(process)
        self.finish(process)
        self.assert_equal()

    def test_catching_up_with_nothing_to_do_ends_well(self):
        self.source.execute("create table t (id int primary key)")
        for _ in range(3):
            self.catch_up()
        self.assert_equal()

    def test_a_running_penstock_applies_as_it_goes(self):
        self.source.execute("create table t (id int primary key, n int)")
        process = self.start()
        self.wait_streaming(process)
        for i in range(20):
            self.source.execute(f"insert into t values ({i}, 0)", f"update t set n = {i} where id <= {i}")
            self.wait_applied(process, 30)
            self.assert_equal()
        self.finish(process)


class Keys(PairCase):
    def test_chains_of_key_changes(self):
        setup = "create table t (k text primary key, v text); insert into t values ('a', 'one'), ('q', 'other')"
        self.replicate(setup,
                       "begin; update t set k = 'b' where k = 'a'; update t set k = 'c', v = 'two' where k = 'b'; commit",
                       ["update t set k = 'd' where k = 'c'", "update t set k = 'e' where k = 'd'",
                        "insert into t values ('d', 'new d'), ('c', 'new c')", "update t set v = 'x' where k = 'e'"],
                       "begin; delete from t where k = 'e'; update t set k = 'e' where k = 'd';"
                       " insert into t values ('d', 'newest'); commit")

    def test_swaps_of_keys(self):
        setup = "create table t (k int primary key, v text); insert into t select i, 'v' || i from generate_series(1, 9) i"
        swap = "update t set k = -1 where k = 1; update t set k = 1 where k = 2; update t set k = 2 where k = -1"
        self.replicate(setup, f"begin; {swap}; commit", swap.split("; "), f"begin; {swap}; {swap}; {swap}; commit",
                       "begin; update t set k = k + 100; update t set k = 110 - k; commit")

    def test_keys_of_several_columns(self):
        self.replicate(
            "create table t (x int, a text, y date, primary key (y, x)); insert into t select i, 'v', '2024-01-01' from"
            " generate_series(1, 20) i",
            "update t set y = '2025-01-01' where x <= 10", "update t set x = x + 100, a = 'moved' where y = '2025-01-01'",
            "delete from t where x = 105; update t set a = 'last'")

    def test_unchanged_toast_stays(self):
        for identity in ("default", "full"):
            with self.subTest(identity):
                self.source.execute(
                    f"create table toast_{identity} (k int primary key, n int, big text, j jsonb, raw bytea);"
                    f"alter table toast_{identity} alter big set storage external, alter raw set storage external;"
                    f"alter table toast_{identity} replica identity {identity};"
                    f"insert into toast_{identity} select i, 0, repeat(md5(i::text), 1000),"
                    f" jsonb_build_object('a', (select string_agg(md5(x::text), '') from generate_series(1, 500) x)),"
                    f" decode(repeat(md5(i::text), 700), 'hex') from generate_series(1, 20) i")
        self.catch_up()
        for table in ("toast_default", "toast_full"):
            self.source.execute(
                f"update {table} set n = n + 1", f"update {table} set n = 7, raw = 'short' where k = 1",
                f"update {table} set k = 100, n = 8 where k = 2",
                f"begin; update {table} set k = -1 where k = 3; update {table} set k = 3 where k = 4;"
                f" update {table} set k = 4 where k = -1; commit",
                f"begin; update {table} set big = repeat('new', 20000) where k = 5; update {table} set n = 9 where k = 5;"
                " commit",
                f"begin; insert into {table} select 200, 1, big, j, raw from {table} where k = 6;"
                f" update {table} set n = 2 where k = 200; update {table} set k = 201 where k = 200; commit",
                f"begin; update {table} set n = 3 where k = 7; delete from {table} where k = 7; commit")
        self.catch_up()
        self.assert_equal()

    def test_replica_identity_full_with_and_without_a_key(self):
        self.replicate(
            "create table keyed (k int primary key, v text); alter table keyed replica identity full;"
            "create table keyless (a int, v text); alter table keyless replica identity full;"
            "insert into keyed select i, 'v' from generate_series(1, 10) i;"
            "insert into keyless select i % 4, nullif('v' || i % 3, 'v0') from generate_series(1, 24) i",
            "update keyed set k = k + 100 where k < 5; update keyed set v = null where k = 6; delete from keyed where k = 7",
            "update keyless set v = 'was null' where v is null; delete from keyless where a = 2; insert into keyless"
            " values (null, null)", "delete from keyless where a is null")

    def test_keyless_duplicates_one_row_at_a_time(self):
        one = "(select min(ctid) from t)"
        self.replicate(
            "create table t (a int, b text, j json, p point); alter table t replica identity full;"
            "insert into t select 1, 'same', '{\"a\": 1}', '(1,2)' from generate_series(1, 3)",
            f"delete from t where ctid = {one}", f"update t set b = 'changed' where ctid = {one}",
            "insert into t select 1, 'same', '{\"a\": 1}', '(1,2)' from generate_series(1, 5)",
            [f"begin; delete from t where ctid = {one}; update t set b = 'again' where ctid = {one}; commit",
             "update t set a = a + 1", "delete from t where a = 2 and b = 'again'"])

    def test_replica_identity_by_index(self):
        self.replicate(
            "create table t (id int primary key, code text not null, region int not null, v text);"
            "create unique index by_code on t (region, code); alter table t replica identity using index by_code;"
            "insert into t select i, 'c' || i, i % 3, 'v' from generate_series(1, 12) i",
            "update t set v = 'u' where code = 'c3'", "update t set code = 'new', id = 99 where code = 'c4'",
            "update t set id = id + 1000 where region = 1", "delete from t where region = 2")

    def test_replica_identity_nothing_and_no_key_take_inserts_only(self):
        self.replicate(
            "create table nothing (id int primary key, v text); alter table nothing replica identity nothing;"
            "create table keyless (v text); insert into nothing values (1, 'a'); insert into keyless values ('a'), ('a')",
            "insert into nothing values (2, 'b'); insert into keyless values ('a'), (null)",
            "truncate keyless; insert into keyless values ('after')")
        self.source.execute("update keyless set v = 'the application goes on'", "update nothing set v = 'here too'",
                            "delete from nothing where id = 1", "insert into nothing values (3, 'c')")
        self.catch_up()
        self.assertEqual(["after"], self.target.column("select v from keyless"))
        self.assertEqual([(1, "a"), (2, "b"), (3, "c")], self.target.rows("select * from nothing order by id"))

    def test_identity_changed_in_mid_stream(self):
        self.replicate(
            "create table t (id int primary key, u int not null unique, v text);"
            "insert into t select i, i, 'v' from generate_series(1, 10) i",
            "begin; update t set v = 'a' where id = 1; alter table t replica identity full;"
            " update t set id = 100 where id = 2; commit", "alter table t replica identity using index t_u_key",
            "update t set id = 500 where u = 3; update t set u = 600 where u = 4", "alter table t replica identity default",
            "update t set id = 700 where u = 600; delete from t where u = 5")


class Statements(PairCase):
    def test_truncate_in_all_its_forms(self):
        self.replicate(
            "create table parent (id int primary key); create table child (id serial primary key, p int references parent);"
            "create table other (id int primary key); create table bystander (id int primary key);"
            "insert into parent select generate_series(1, 10); insert into child (p) select generate_series(1, 10);"
            "insert into other values (1); insert into bystander values (1)",
            "truncate other", "insert into other values (2), (3)",
            "begin; insert into other values (4); truncate other; insert into other values (5); commit",
            "truncate parent cascade", "insert into parent values (1), (2); insert into child (p) values (1), (2)",
            "truncate child restart identity", "insert into child (p) values (1)",
            "begin; truncate parent, child, other restart identity; insert into parent values (7);"
            " insert into child (p) values (7); commit",
            "begin; insert into other values (9); truncate bystander; truncate other; insert into bystander values (5);"
            " commit")
        self.assertEqual([(5,)], self.target.rows("select id from bystander"))

    def test_rolled_back_and_nested_work(self):
        self.replicate(
            "create table t (id int primary key, v text)",
            "begin; insert into t values (1, 'kept'); savepoint a; insert into t values (2, 'gone'); rollback to a;"
            " savepoint b; insert into t values (3, 'kept'); savepoint c; update t set v = 'gone' where id = 3;"
            " rollback to c; release b; commit",
            "begin; insert into t values (4, 'gone'); rollback",
            "do $$ begin for i in 10..40 loop begin insert into t values (i, 'loop');"
            " if i % 3 = 0 then raise exception 'no'; end if; exception when raise_exception then null; end; end loop; end $$",
            "begin; truncate t; rollback", "begin; savepoint s; truncate t; rollback to s; delete from t where id = 1; commit")
        self.assertEqual(21, self.target.value("select count(*) from t where v = 'loop'"))

    def test_prepared_transactions_arrive_when_they_commit(self):
        self.replicate("create table t (id int primary key, v text)")
        self.source.execute(
            "begin; insert into t values (1, 'prepared first'); prepare transaction 'p1'",
            "begin; insert into t values (2, 'prepared second'); prepare transaction 'p2'",
            "insert into t values (3, 'between')", "commit prepared 'p2'")
        self.catch_up()
        self.assertEqual([(2,), (3,)], self.target.rows("select id from t order by 1"))
        self.source.execute("update t set v = 'after' where id = 2", "commit prepared 'p1'",
                            "begin; insert into t values (4, 'no'); prepare transaction 'p3'", "rollback prepared 'p3'")
        self.catch_up()
        self.assert_equal()

    def test_logical_messages_disturb_nothing(self):
        self.replicate(
            "create table t (id int primary key)",
            ["select pg_logical_emit_message(false, 'foreign', 'non-transactional')",
             "select pg_logical_emit_message(true, 'foreign', 'transactional, alone')",
             "select pg_logical_emit_message(true, '', ''), pg_logical_emit_message(false, '', '')",
             "begin; select pg_logical_emit_message(true, 'first', repeat('x', 100000)); insert into t values (1);"
             " select pg_logical_emit_message(true, 'penstock', 'looks like ours');"
             " select pg_logical_emit_message(false, 'penstock', 'inside'); insert into t values (2); commit",
             "begin; select pg_logical_emit_message(true, 'gone', 'x'); insert into t values (3); rollback"])

    def test_columns_added_and_dropped_in_mid_transaction(self):
        self.replicate("create table t (id int primary key, a int, b text); insert into t values (1, 1, 'x'), (2, 2, 'y')")
        self.target.execute("alter table t add c int default 7", "alter table t add d text")
        self.source.execute(
            "begin; insert into t values (3, 3, 'before'); alter table t add c int default 7;"
            " insert into t values (4, 4, 'default'); insert into t values (5, 5, 'given', 8); update t set c = 9 where id = 1;"
            " alter table t add d text; update t set d = 'd' where id = 2; insert into t values (6, 6, '', 0, 'd'); commit")
        self.catch_up()
        self.assert_equal()
        self.source.execute("begin; insert into t values (7, 7, 'with a'); alter table t drop a;"
                            " insert into t values (8, 'without a'); delete from t where id = 3; commit")
        self.catch_up()
        self.assert_equal()
        self.assertEqual([(7, 7), (8, None)], self.target.rows("select id, a from t where id in (7, 8) order by 1"))

    def test_a_table_dropped_at_the_source_is_left_alone(self):
        self.replicate("create table t (id int primary key); create table gone (id int primary key)",
                       "insert into gone values (1); insert into t values (1)")
        self.source.execute("begin; insert into gone values (2); insert into t values (2); commit", "drop table gone",
                            "insert into t values (3)")
        self.catch_up()
        self.assert_equal(tables=[("public", "t")])
        self.assertEqual([(1,), (2,)], self.target.rows("select id from gone order by 1"))


class Asynchronous(PairCase):
    """Commits that the WAL writer would flush only ten seconds later."""
    SOURCE = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": 0}

    def test_catching_up_includes_commits_that_are_not_flushed_yet(self):
        self.source.execute("create table t (id int primary key)")
        self.catch_up()
        for number in range(1, 51):
            self.source.execute(f"insert into t values ({number})")
            self.catch_up()
            self.assertEqual(number, self.target.value("select count(*) from t"))

    def test_so_it_does_without_the_right_to_write_messages(self):
        self.source.execute("create table t (id int primary key)",
                            "do $$ declare f regprocedure; begin for f in select oid from pg_proc where proname ="
                            " 'pg_logical_emit_message' loop execute format('revoke execute on function %s from public', f);"
                            " end loop; end $$",
                            "create role plain login replication nosuperuser", f"grant create on database {self.name} to plain",
                            "alter table t owner to plain")
        self.addCleanup(self.source_cluster.execute, "drop role plain")
        self.addCleanup(self.source.execute, "drop owned by plain")
        self.penstock.source["url"] = self.source.url("plain")
        self.catch_up()
        for number in range(1, 4):
            self.source.execute(f"insert into t values ({number})")
            process = self.catch_up()
            self.assertEqual(number, self.target.value("select count(*) from t"), process.tail())


class Shapes(PairCase):
    def test_names_that_need_quotes(self):
        tables = ['"Sch.ema ""one"""."Table with ""quotes"" and. dots"', '"схема"."таблица 🐘"',
                  'public."' + "ü" * 31 + '"', 'public."select"', '"Sch.ema ""one"""."t\'a\\b"', 'public."a%sb$1{x}"']
        columns = '"Key 🐘" int, "col.umn ""q""" text, "sel ect" text, "it\'s" text, "back\\slash" text, "from" text'
        self.source.execute('create schema "Sch.ema ""one"""; create schema "схема"')
        for table in tables:
            self.source.execute(f'create table {table} ({columns}, primary key ("Key 🐘"))',
                                f"insert into {table} values (1, 'a', 'b', 'c', 'd', 'e')")
        self.catch_up()
        self.assert_equal()
        for table in tables:
            self.source.execute(f"insert into {table} values (2, 'f', 'g', 'h', 'i', 'j')",
                                f"""update {table} set "Key 🐘" = 3, "from" = 'k' where "Key 🐘" = 1""",
                                f"""update {table} set "it's" = 'l', "back\\slash" = null""",
                                f'delete from {table} where "Key 🐘" = 2')
        self.catch_up()
        self.assert_equal()

    def test_several_schemas_with_tables_of_the_same_name(self):
        for schema in ("s1", "s2", "s3"):
            self.source.execute(f"create schema {schema}; create table {schema}.t (id int primary key, v text)",
                                f"insert into {schema}.t values (1, '{schema}')")
        self.replicate(None, "insert into s1.t values (2, 'x'); update s2.t set id = 5; delete from s3.t",
                       "truncate s1.t")

    def test_triggers_enabled_always_fire_at_the_target_and_others_do_not(self):
        self.both("create table t (id int primary key, v text)")
        self.target.execute(
            "create table audit (seq serial, what text); create table audit_plain (what text)",
            "create function note() returns trigger language plpgsql as $$ begin"
            " insert into public.audit (what) values (tg_op); return null; end $$",
            "create function plain() returns trigger language plpgsql as $$ begin"
            " insert into public.audit_plain values (tg_op); return null; end $$",
            "create trigger always after insert or update or delete on t for each row execute function note()",
            "create trigger plain after insert or update or delete on t for each row execute function plain()",
            "alter table t enable always trigger always")
        self.replicate(None, "insert into t values (1, 'a')", "update t set v = 'b'", "delete from t")
        self.assertEqual(["INSERT", "UPDATE", "DELETE"], self.target.column("select what from audit order by seq"))
        self.assertEqual([], self.target.rows("select * from audit_plain"))

    def test_tables_with_very_many_columns(self):
        many = ", ".join(f"c{i} int" for i in range(1000))
        self.replicate(
            f"create table many (id int primary key, {many}); insert into many (id, c999) values (1, 5)",
            "insert into many (id, c0) values (2, 6)", "update many set c500 = 7")

    def test_tables_with_no_columns(self):
        self.replicate("create table none (); insert into none default values", "insert into none default values")

    def test_a_table_with_no_columns_into_one_with_some(self):
        self.source.execute("create table t ()", "insert into t select from generate_series(1, 20000)")
        self.target.execute("create table t (id int generated always as identity, v text default 'x')")
        self.catch_up()
        self.assertEqual([(20000, 20000, "x")], self.target.rows("select count(*), max(id), min(v) from t"))
        self.source.execute("insert into t default values", "insert into t select from generate_series(1, 500)")
        process = self.catch_up()
        self.assertEqual([(20501, "x")], self.target.rows("select count(*), min(v) from t"))
        self.assertEqual([], process.warnings("refused"))

    def test_a_table_whose_columns_are_all_generated_at_the_target(self):
        self.source.execute("create table t (v int)", "insert into t select 7 from generate_series(1, 1000)")
        self.target.execute("create table t (v int generated always as (7) stored)")
        self.catch_up()
        self.assert_equal()
        self.source.execute("insert into t values (7)", "insert into t select 7 from generate_series(1, 500)")
        self.catch_up()
        self.assert_equal()

    @unittest.skipIf(server_major() < 18, "publish_generated_columns came with PostgreSQL 18")
    def test_generated_columns_that_are_published(self):
        self.source.execute(
            "create table t (id int primary key, a int, b int generated always as (a * 2) stored)",
            "create table u (id int primary key, a int, b int generated always as (a * 2) stored)",
            "insert into t values (1, 2)", "insert into u values (1, 2)",
            "create publication chosen for all tables with (publish_generated_columns = stored)")
        self.target.execute("create table u (id int primary key, a int, b int generated always as (a * 2) stored)")
        self.penstock.source["publication"] = "chosen"
        self.catch_up()
        self.source.execute("insert into t select i, i from generate_series(2, 200) i", "update t set a = 5 where id = 1",
                            "insert into u select i, i from generate_series(2, 200) i", "update u set a = 5 where id = 1")
        self.catch_up()
        self.assert_equal()
        self.assertEqual("", self.target.value("select attgenerated from pg_attribute where attrelid = 't'::regclass"
                                               " and attname = 'b'"))

    def test_generated_and_identity_columns(self):
        definition = ("create table g (id int primary key, a int, twice int generated always as (a * 2) stored);"
                      "create table i (id bigint generated always as identity primary key, v text);"
                      "create table d (v text, id bigint generated by default as identity primary key)")
        self.both(definition)
        self.source.execute("insert into g (id, a) values (1, 1); insert into i (v) values ('a'); insert into d values ('a')")
        self.replicate(
            None, "insert into g (id, a) values (2, 2); insert into i (v) values ('b'); insert into d values ('b')",
            "update g set a = 5; update i set v = 'c'; update d set v = 'c', id = id + 10",
            "insert into i (v) select 'many' from generate_series(1, 3000); update i set v = 'again' where id > 5",
            "delete from g where id = 1; delete from i where id = 1; delete from d where id = 11")
        self.assertEqual([(2, 10)], self.target.rows("select id, twice from g"))

    def test_target_columns_in_another_order_and_of_its_own(self):
        self.source.execute("create table t (id int primary key, a text, b int)")
        self.target.execute("create table t (own text default 'mine', b int, id int primary key, at timestamptz default"
                            " now(), a text)")
        self.replicate("insert into t values (1, 'a', 1)",
                       "insert into t select i, 'a' || i, i from generate_series(2, 2000) i",
                       "update t set a = 'u', id = id + 10000 where id % 2 = 0", "delete from t where id < 100")
        self.assertEqual(0, self.target.value("select count(*) from t where own is distinct from 'mine' or at is null"))

    def test_relations_that_cannot_be_published_are_left_out(self):
        self.replicate(
            "create table t (id int primary key); create unlogged table fast (id int primary key);"
            "create view v as select * from t; create materialized view m as select * from t;"
            "create sequence s; create type c as (a int); insert into fast values (1)",
            "insert into t values (1); insert into fast values (2)")

    def test_partitioned_tables_arrive_in_partitions_of_the_same_names(self):
        self.both("create table p (id int, at date, v text, primary key (id, at)) partition by range (at);"
                  "create table p1 partition of p for values from ('2024-01-01') to ('2025-01-01');"
                  "create table p2 partition of p for values from ('2025-01-01') to ('2026-01-01')")
        self.replicate("insert into p select i, '2024-06-01', 'v' from generate_series(1, 20) i",
                       "insert into p select i, '2025-06-01', 'v' from generate_series(1, 20) i",
                       "update p set at = '2025-07-01' where id = 3 and at = '2024-06-01'", "truncate p2")

    def test_big_values(self):
        self.replicate(
            "create table t (id int primary key, v text, b bytea); insert into t values (1, repeat('c', 20000000), null)",
            "insert into t values (2, repeat('é🐘', 3000000), decode(repeat('00ff', 4000000), 'hex'))",
            "update t set v = (select string_agg(md5(i::text), '') from generate_series(1, 400000) i) where id = 1",
            "update t set b = '' where id = 2")

    def test_tables_are_chosen_by_patterns(self):
        self.source.execute("create schema other; create table a1 (id int primary key); create table a2 (id int primary key);"
                            "create table b1 (id int primary key); create table other.a1 (id int primary key)")
        self.penstock.source.update(tables=["public.a*", "other.*"], exclude=["public.a2"])
        for table in ("a1", "a2", "b1", "other.a1"):
            self.source.execute(f"insert into {table} values (1)")
        self.catch_up()
        self.assertEqual([("other", "a1"), ("public", "a1")],
                         self.target.rows("select schemaname::text, relname::text from pg_stat_user_tables"
                                          " where schemaname <> 'penstock' order by 1, 2"))
        self.source.execute("insert into a1 values (2); insert into a2 values (2); insert into other.a1 values (2)")
        self.catch_up()
        self.assert_equal(tables=[("other", "a1"), ("public", "a1")])


if __name__ == "__main__":
    unittest.main()
