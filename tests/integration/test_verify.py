# SPDX-License-Identifier: Apache-2.0
"""verify: equal, each kind of difference, a source that moves, a target that is behind, bounded memory."""
import resource
import time
import unittest

from lib import load
from lib.case import PairCase

DATA_LIMIT = 64 << 20


class VerifyCase(PairCase):
    def verify(self, code, **process_options):
        process = self.start("verify", **process_options)
        found = process.wait(150)
        self.assertEqual(code, found, process.tail())
        self.seen = process
        return process.output

    def assert_different(self, *lines):
        output = self.verify(1)
        for line in lines:
            self.assertIn(line, output)
        return output


class Equal(VerifyCase):
    def test_tables_of_all_shapes(self):
        self.source.execute(
            "create table plain (id int primary key, v text, n numeric, t timestamptz, f float8, b bytea, j jsonb)",
            "insert into plain select i, case when i % 3 > 0 then 'v' || i end, i / 7.0, now(), i / 3.0::float8,"
            " decode(md5(i::text), 'hex'), jsonb_build_object('i', i) from generate_series(1, 2000) i",
            "create table pair (b text, a int, v text, primary key (a, b))",
            "insert into pair select 'x,\"(' || i, i % 10, null from generate_series(1, 500) i",
            "create table computed (id int primary key, twice int generated always as (id * 2) stored)",
            "insert into computed select generate_series(1, 10)",
            "create table keyless (a int, b text)", "insert into keyless values (1, 'x'), (1, 'x'), (null, ''), (null, null)",
            "create table whole (a int, b text)", "alter table whole replica identity full",
            "insert into whole values (1, 'x'), (1, 'x')",
            "create table empty (id int primary key)", "create table zero ()", "insert into zero default values",
            'create schema "S p"', 'create table "S p"."Tä""b" ("K y" text primary key)', 'insert into "S p"."Tä""b" values (\'ß\')',
            "create table parent (id int primary key)", "create table child (extra int) inherits (parent)",
            "insert into parent values (1)", "insert into child values (2, 2)")
        self.catch_up()
        output = self.verify(0)
        self.assertIn("equal      public.plain  2000 rows\n", output)
        self.assertIn('equal      "S p"."Tä""b"  1 rows\n', output)
        self.assertRegex(output, r"\nequal: 10 tables, 2520 rows\n$")
        self.target.execute("delete from pair where a = 3 and b like '%13'", "update computed set id = 100 where id = 7",
                            "delete from child", "update whole set b = 'y' where ctid = '(0,1)'")
        self.assert_different("missing    (b, a)=(\"x,\"\"(13\",3)", "missing    id=7", "extra      id=100",
                              "DIFFERENT  public.child", "equal      public.parent  1 rows",
                              "DIFFERENT  public.whole  2 rows, 2 at the target: 1 missing, 1 extra")

    def test_column_lists_and_row_filters(self):
        self.source.execute("create table t (id int primary key, a text, secret text)",
                            "insert into t select i, 'a', 's' from generate_series(1, 10) i",
                            "create publication own for table t (id, a) where (id > 5)")
        self.penstock.source["publication"] = "own"
        self.catch_up()
        self.assertIn("equal      public.t  5 rows", self.verify(0))
        self.target.execute("delete from t where id = 8", "insert into t values (2, 'a')")
        self.assert_different("missing    id=8", "extra      id=2")

    def test_a_table_that_is_not_published_any_more_is_skipped(self):
        self.source.execute("create table t (id int primary key)", "create table u (id int primary key)")
        self.catch_up()
        self.source.execute(f"alter publication penstock_{self.name} drop table u")
        self.assertRegex(self.verify(0), r"skipped    public.u .*\n(.*\n)*equal: 1 tables, 0 rows, 1 skipped\n$")


class Different(VerifyCase):
    def setUp(self):
        super().setUp()
        self.source.execute("create table t (id int primary key, v text)",
                            "insert into t select i, 'v' || i from generate_series(1, 3000) i",
                            "create table keyless (a int, b text)", "insert into keyless values (1, 'x'), (1, 'x'), (2, null)")
        self.catch_up()

    def test_each_kind_by_its_key(self):
        self.target.execute("delete from t where id = 43", "update t set v = v || '!' where id in (42, 2999)",
                            "insert into t values (4444, 'x')")
        self.assert_different("DIFFERENT  public.t  3000 rows, 3000 at the target: 1 missing, 1 extra, 2 different",
                              "missing    id=43\n", "different  id=42\n", "different  id=2999\n", "extra      id=4444\n",
                              "equal      public.keyless  3 rows\n", "\ndifferent: 1 of 2 tables\n")
        self.assertNotIn("4444", self.seen.text)

    def test_null_differs_from_empty(self):
        self.target.execute("update keyless set b = '' where a = 2")
        self.assert_different("DIFFERENT  public.keyless  3 rows, 3 at the target: 1 missing, 1 extra, 0 different")

    def test_multisets_by_their_counts(self):
        self.target.execute("delete from keyless where ctid = '(0,1)'", "insert into keyless values (7, 'seven')")
        output = self.assert_different("DIFFERENT  public.keyless  3 rows, 3 at the target: 1 missing, 1 extra, 0 different")
        self.assertRegex(output, "rows with hash [0-9a-f]{32}  2 at the source, 1 at the target")
        self.assertRegex(output, "rows with hash [0-9a-f]{32}  0 at the source, 1 at the target")

    def test_the_first_ten_are_named_and_all_are_counted(self):
        self.target.execute("delete from t where id % 2 = 0")
        output = self.assert_different("3000 rows, 1500 at the target: 1500 missing, 0 extra, 0 different")
        self.assertEqual(10, output.count("missing    id="))

    def test_a_table_or_column_that_is_gone(self):
        self.target.execute("drop table keyless", "alter table t drop column v")
        self.assert_different("DIFFERENT  public.keyless  the target has no such table",
                              "DIFFERENT  public.t  the target has no column v", "different: 2 of 2 tables")

    def test_keys_do_not_reach_the_terminal_raw(self):
        self.source.execute("create table u (id text primary key)", f"alter publication penstock_{self.name} add table u")
        self.target.execute("drop schema penstock cascade", "truncate t, keyless")
        self.source.rows("select pg_drop_replication_slot(%s)", (f"penstock_{self.name}",))
        self.catch_up()
        self.target.execute("insert into u values (e'\\033[2J\\n')")
        self.assert_different("extra      id=\\u001b[2J\\n")

    def test_work_of_others_does_not_blur_the_verdict(self):
        other = self.source_cluster.create_database(f"{self.name}_other")
        self.addCleanup(other.drop)
        bank = load.Bank()
        bank.create(other)
        process = self.start()
        self.wait_streaming(process)
        self.target.execute("delete from t where id = 43")
        with load.Load(other, [bank], workers=1, pause=0.001):
            self.assert_different("missing    id=43")
        self.finish(process)


class Collations(VerifyCase):
    WORDS = ("insert into t select w || i, 'x' from unnest(array['a', 'B', 'é', 'Z', 'ä', '_', 'ß', ' ']) w,"
             " generate_series(1, 300) i")

    def compare(self):
        self.source.execute("create table t (id text primary key, v text)", self.WORDS)
        self.catch_up()
        self.verify(0)
        self.target.execute("delete from t where id = 'é77'", "update t set v = 'é' where id = '_5'",
                            "insert into t values ('ZZ', '')")
        output = self.assert_different("1 missing, 1 extra, 1 different", "missing    id=é77\n", "different  id=_5\n",
                                       "extra      id=ZZ\n")
        self.assertEqual(3, output.count(" id="))

    def use(self, side, options):
        cluster = getattr(self, f"{side}_cluster")
        database = cluster.create_database(f"{self.name}_{side}", options)
        self.addCleanup(database.drop)
        setattr(self, side, database)
        getattr(self.penstock, side)["url"] = database.url()

    def test_collations_that_differ(self):
        self.use("target", "locale_provider icu icu_locale 'de-AT' template template0")
        self.compare()

    def test_encodings_that_differ(self):
        self.use("source", "encoding 'LATIN1' locale 'C' template template0")
        self.compare()

    def test_encodings_that_differ_the_other_way(self):
        self.use("target", "encoding 'WIN1252' locale 'C' template template0")
        self.compare()


class Moving(VerifyCase):
    def test_differences_while_the_source_moves_decide_nothing(self):
        bank = load.Bank()
        bank.create(self.source)
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        process = self.start()
        self.wait_streaming(process)
        self.target.execute("delete from t")
        with load.Load(self.source, [bank], workers=1, pause=0.001):
            self.assertIn("not decided: ", self.verify(75))
        self.wait_applied(process)
        self.assert_different("missing    id=1")
        self.finish(process)

    def test_what_is_being_applied_is_waited_for(self):
        self.source.execute("create table t (id int primary key)")
        process = self.start()
        self.wait_streaming(process)
        process.sigstop()
        self.source.execute("insert into t select generate_series(1, 1000)")
        verify = self.start("verify")
        time.sleep(1)
        self.assertTrue(verify.is_running(), verify.tail())
        process.sigcont()
        self.assertEqual(0, verify.wait(60), verify.tail())
        self.assertIn("equal      public.t  1000 rows", verify.output)
        self.finish(process)

    def test_a_target_that_is_behind_is_not_compared(self):
        self.source.execute("create table t (id int primary key)")
        self.catch_up()
        self.source.execute("insert into t values (1)")
        self.assertRegex(self.verify(75), "not compared: the target is .* behind")
        self.assertIn("start penstock run", self.seen.text)
        self.catch_up()
        self.verify(0)

    def test_what_needs_no_applying_is_not_waited_for(self):
        self.source.execute("create table t (id int primary key)")
        self.catch_up()
        self.source.execute("create table later (id int)", "insert into later select generate_series(1, 1000)")
        self.source.rows("select pg_switch_wal()")
        self.verify(0)

    def test_before_the_copy_there_is_nothing_to_compare(self):
        self.assertIn("not compared: nothing was copied yet", self.verify(75))

    def test_without_a_slot_it_compares_as_it_stands(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        self.catch_up()
        self.source.rows("select pg_drop_replication_slot(%s)", (f"penstock_{self.name}",))
        self.verify(0)
        self.assertTrue(self.seen.warnings("comparing without waiting"))
        self.source.execute("insert into t values (2)")
        self.assert_different("missing    id=2")

    def test_being_asked_to_end_is_no_verdict(self):
        self.source.execute("create table t (id int primary key)")
        process = self.start()
        self.wait_streaming(process)
        process.sigstop()
        self.source.execute("insert into t values (1)")
        verify = self.start("verify")
        time.sleep(1)
        verify.sigterm()
        self.assertEqual(75, verify.wait(10), verify.tail())
        process.sigcont()
        self.finish(process)


class Memory(VerifyCase):
    def test_a_table_of_any_size_fits_into_little(self):
        self.source.execute("create table t (id text primary key, v text)",
                            "insert into t select repeat('k', 100) || i, repeat('v', 200) from generate_series(1, 300000) i",
                            "create table keyless (v text)",
                            "insert into keyless select repeat('v', 200) || i from generate_series(1, 300000) i")
        self.catch_up(is_release=True)
        self.target.execute("update t set v = 'other'", "update keyless set v = v || 'other'")
        output = self.verify(1, is_release=True, preexec=limit_memory)
        self.assertIn("0 missing, 0 extra, 300000 different", output)
        self.assertIn("300000 missing, 300000 extra, 0 different", output)


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (DATA_LIMIT, DATA_LIMIT))


if __name__ == "__main__":
    unittest.main()
