# SPDX-License-Identifier: Apache-2.0
"""check: each finding is provoked once, and what it says to type mends it."""
import re
import time
import unittest

from lib.case import PairCase
from lib.process import wait_until

ROLE = "checked"


class CheckCase(PairCase):
    def setUp(self):
        super().setUp()
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute(f"do $$ begin create role {ROLE} login; exception when duplicate_object then null; end $$;"
                            f" alter role {ROLE} login noreplication nosuperuser nobypassrls")

    def check(self, code=None):
        process = self.penstock.check()
        if code is not None:
            self.assertEqual(code, process.popen.returncode, process.tail())
        self.assertRegex(process.output, r"\n\d+ ok, \d+ warnings, \d+ failures\n$")
        return process.output

    def findings(self, output, kind):
        """(finding, its commands) of each finding of that kind."""
        found = []
        for line in output.splitlines():
            if re.match(r"(ok|warn|FAIL) ", line):
                found.append((line, []))
            elif line.startswith("      do: "):
                found[-1][1].append(line[len("      do: "):])
        return [(line, commands) for line, commands in found if line.startswith(kind)]

    def find(self, output, kind, pattern):
        """The commands of the one finding of that kind that matches."""
        found = [commands for line, commands in self.findings(output, kind) if re.search(pattern, line)]
        self.assertEqual(1, len(found), f"{kind} {pattern}\n{output}")
        self.assertTrue(found[0] or kind == "ok", f"no command\n{output}")
        return found[0]

    def mend(self, database, commands):
        for command in commands:
            database.execute(re.split(r";  ", command)[0])

    def assert_mended(self, kind, pattern, database, code=0):
        """The finding is there; after its commands it is not."""
        output = self.check()
        self.mend(database, self.find(output, kind, pattern))
        after = self.check(code)
        self.assertEqual([], [line for line, _ in self.findings(after, kind) if re.search(pattern, line)], after)


class Source(CheckCase):
    def test_all_is_well(self):
        self.source.execute("create table t (id int primary key)")
        output = self.check(0)
        self.assertEqual([], self.findings(output, "FAIL"), output)
        self.find(output, "ok", "slot: penstock_t.* will be made")
        self.find(output, "ok", "1 to replicate: public.t")

    def test_rights_of_the_role_are_mended_by_the_commands(self):
        self.source.execute("create schema s", "create table s.t (id int primary key)",
                            'create table "Odd ""name" (id int primary key)')
        self.penstock.source["url"] = self.source.url(ROLE)
        output = self.check(65)
        for pattern in ("lacks the attribute REPLICATION", "may not look into schema s", "may not read 2",
                        "may not create publications", "can't publish tables that postgres owns"):
            self.mend(self.source, self.find(output, "FAIL", pattern))
        self.addCleanup(self.source_cluster.execute, f"revoke postgres from {ROLE}")
        self.check(0)

    def test_row_level_security_that_hides_rows(self):
        self.source.execute("create table t (id int primary key)", "alter table t enable row level security",
                            f"grant select on t to {ROLE}")
        self.penstock.source["url"] = self.source.url(ROLE)
        output = self.check(65)
        self.mend(self.source, self.find(output, "FAIL", "row-level security"))
        self.assertNotIn("row-level security", self.check())

    def test_tables_without_identity(self):
        self.source.execute("create table keyless (a int)", "create table nothing (id int primary key)",
                            "alter table nothing replica identity nothing")
        output = self.check(0)
        self.mend(self.source, self.find(output, "warn", "no replica identity.*: public.keyless$"))
        self.mend(self.source, self.find(output, "warn", "IDENTITY NOTHING.*: public.nothing$"))
        self.assertNotIn("identity", self.check(0).lower())

    def test_relations_that_are_not_replicated(self):
        self.source.execute("create unlogged table u (id int primary key)",
                            "create table p (id int primary key) partition by range (id)",
                            "create table p1 partition of p for values from (0) to (10)")
        output = self.check(0)
        self.find(output, "warn", "partitioned.*: public.p$")
        self.mend(self.source, self.find(output, "warn", "unlogged.*: public.u$"))
        self.assertNotIn("unlogged", self.check(0))

    def test_patterns_that_match_nothing(self):
        self.penstock.source["tables"] = ["nowhere.*"]
        self.find(self.check(0), "warn", "none matches")

    def test_a_publication_of_a_person(self):
        self.source.execute("create table t (id int primary key)", "create table later (id int primary key)",
                            "create table keyless (a int)")
        self.penstock.source["publication"] = "own"
        self.mend(self.source, self.find(self.check(65), "FAIL", "PUBLICATION_MISSING"))
        self.check(0)
        self.source.execute("alter publication own drop table later", "alter publication own set (publish = 'update')")
        output = self.check(0)
        self.mend(self.source, self.find(output, "warn", "every kind of change"))
        self.mend(self.source, self.find(output, "warn", "not published: public.later$"))
        self.mend(self.source, self.find(output, "warn", "own UPDATE and DELETE fail: public.keyless"))
        output = self.check(0)
        self.assertNotIn("every kind", output)
        self.find(output, "warn", "not published: public.keyless$")

    def test_transactions_that_delay_the_first_start(self):
        self.source.execute("create table t (id int primary key)")
        connection = self.source.connect()
        self.addCleanup(connection.close)
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("insert into t values (1)")
        self.source.execute("begin; insert into t values (2); prepare transaction 'it''s'")
        pid = connection.info.backend_pid
        wait_until(lambda: self.source.value("select clock_timestamp() - xact_start > '5.5 s' from pg_stat_activity"
                                             " where pid = %s", (pid,)), "the transaction to grow old")
        output = self.check(0)
        self.find(output, "warn", f"pid {pid} ")
        commands = self.find(output, "warn", "prepared transactions.*'it''s'")
        self.mend(self.source, commands)
        self.assertNotIn("prepared transactions", self.check(0))

    def test_the_state_of_the_slot(self):
        self.source.execute("create table t (id int primary key)")
        slot = f"penstock_{self.name}"
        self.source.rows("select pg_create_logical_replication_slot(%s, 'test_decoding')", (slot,))
        self.find(self.check(65), "FAIL", "SLOT_UNSUITABLE")
        self.source.rows("select pg_drop_replication_slot(%s)", (slot,))
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
        self.find(self.check(65), "FAIL", "SLOT_FOREIGN")
        self.source.rows("select pg_drop_replication_slot(%s)", (slot,))
        process = self.start()
        self.wait_streaming(process)
        self.find(self.check(0), "ok", f"{slot}, in use")
        self.finish(process)
        self.find(self.check(0), "ok", f"{slot}, not in use")
        self.source.execute("create table late (id int primary key)", "insert into t values (1)")
        self.find(self.check(0), "warn", "not published: public.late")
        self.source.rows("select pg_replication_slot_advance(%s, pg_current_wal_lsn())", (slot,))
        self.find(self.check(65), "FAIL", "SLOT_AHEAD")
        self.source.rows("select pg_drop_replication_slot(%s)", (slot,))
        self.find(self.check(65), "FAIL", "SLOT_MISSING")
        self.source.execute(f"alter publication {slot} add table late")
        self.find(self.check(65), "FAIL", "TABLE_ADDED")
        self.source.execute(f"drop publication {slot}")
        self.find(self.check(65), "FAIL", "PUBLICATION_MISSING")

    def test_a_filter_that_was_widened(self):
        self.source.execute("create schema s", "create table s.u (id int primary key)", "create table t (id int primary key)")
        self.penstock.source["tables"] = ["public.*"]
        self.catch_up()
        self.check(0)
        self.penstock.source["tables"] = ["*.*"]
        self.find(self.check(65), "FAIL", "TABLE_ADDED.*s.u")

    def test_control_characters_in_names_do_not_reach_the_terminal(self):
        self.source.execute('create table "a\x1b[31m\nb\u202e" (id int)')
        output = self.check(0)
        self.assertIn("\\u001b[31m\\nb\\u202e", output)
        self.assertNotIn("\x1b", output)


class SourceSettings(CheckCase):
    SOURCE = {"wal_level": "replica", "max_wal_senders": 1, "max_replication_slots": 1, "wal_sender_timeout": 0}

    def test_settings_of_the_server(self):
        self.source.rows("select pg_create_physical_replication_slot('other')")
        self.addCleanup(self.source.rows, "select pg_drop_replication_slot('other')")
        output = self.check(65)
        self.mend(self.source, self.find(output, "FAIL", "wal_level: replica"))
        self.mend(self.source, self.find(output, "FAIL", "all 1 of max_replication_slots"))
        for pattern in ("max_slot_wal_keep_size", "wal_sender_timeout"):
            commands = self.find(output, "warn", pattern)
            self.source.execute(*re.split(r"; ", commands[0])[:2])
        self.source_cluster.restart()
        output = self.check(0)
        self.assertEqual(["warn"], [line[:4] for line, _ in self.findings(output, "warn")] or ["warn"], output)
        self.assertNotIn("max_slot_wal_keep_size", output)


class LostSlot(CheckCase):
    SOURCE = {"max_slot_wal_keep_size": "16MB", "min_wal_size": "32MB", "max_wal_size": "32MB"}

    def test_a_lost_slot_is_named_by_all_commands(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        self.catch_up()
        for number in range(8):
            self.source.execute(f"create table wal_{number} (id int)", "select pg_switch_wal()")
        self.source.execute("checkpoint")
        self.find(self.check(65), "FAIL", "SLOT_LOST")
        self.assertEqual("slot_lost", self.penstock.status()["verdict"])
        verify = self.penstock.verify()
        self.assertEqual(0, verify.popen.returncode, verify.tail())
        self.assertTrue(verify.warnings("comparing without waiting"))

    def test_another_cluster_than_the_recorded_one(self):
        self.source.execute("create table t (id int primary key)")
        self.catch_up()
        self.target.execute("update penstock.checkpoint set system_id = 1")
        self.find(self.check(65), "FAIL", "SYSID_CHANGED")

    def test_a_server_that_is_not_verified(self):
        path = f"{self.source_cluster.root}/services"
        with open(path, "w", encoding="utf-8") as file:
            # "127.1" leads to 127.0.0.1, but nobody can tell without asking.
            file.write(f"[own]\nhost=127.1\nport={self.source_cluster.port}\ndbname={self.name}\nuser=postgres\n")
        self.penstock.source.update(url="service=own", insecure=True)
        process = self.start("check", environment={"PGSERVICEFILE": path, "PGSSLMODE": "prefer"})
        self.assertEqual(0, process.wait(), process.tail())
        self.find(process.output, "warn", "isn't verified")
        self.penstock.source.update(insecure=False)
        process = self.start("check", environment={"PGSERVICEFILE": path, "PGSSLMODE": "prefer"})
        self.assertEqual(78, process.wait(), process.tail())


class Target(CheckCase):
    def setUp(self):
        super().setUp()
        self.source.execute("create table t (id int primary key, a text, b int)")

    def test_rights_of_the_role_are_mended_by_the_commands(self):
        self.target.execute("create table t (id int primary key, a text, b int)",
                            f'revoke temporary on database "{self.name}" from public')
        self.penstock.target["url"] = self.target.url(ROLE)
        output = self.check(65)
        for pattern in ("target schema penstock: .* may not create schemas", "may not create them; large batches",
                        "lacks SELECT, INSERT, UPDATE, DELETE, TRUNCATE on public.t"):
            self.mend(self.target, self.find(output, "FAIL", pattern))
        for pattern in ("session_replication_role", "replication origin"):
            self.mend(self.target, self.find(output, "warn", pattern))
        output = self.check(0)
        self.assertNotRegex(output, r"(?m)^warn  target")
        self.catch_up("--set", f"source.url={self.source.url()}")
        self.find(self.check(0), "ok", f"schema penstock: {self.name}: streaming|schema penstock: .*streaming")

    def test_the_state_of_another_role(self):
        self.catch_up()
        self.penstock.target["url"] = self.target.url(ROLE)
        output = self.check(65)
        self.mend(self.target, self.find(output, "FAIL", "may not read and write the state")[0].split("; "))
        self.assertNotIn("may not read and write the state", self.check())

    def test_tables_that_may_not_be_created(self):
        self.source.execute("create schema s", "create table s.u (id int primary key)")
        self.target.execute("create schema s", f'grant create on database "{self.name}" to {ROLE}')
        self.penstock.target["url"] = self.target.url(ROLE)
        self.mend(self.target, self.find(self.check(65), "FAIL", "may not create tables in schema s"))
        self.find(self.check(), "ok", "2 will be created|will be created: public.t")

    def test_a_table_that_is_not_there(self):
        self.penstock.target["create_tables"] = False
        self.find(self.check(65), "FAIL", "TABLE_MISSING: public.t")

    def test_columns_keys_and_rows(self):
        self.target.execute("create table t (id int, b bigint, extra int not null)", "insert into t values (1, 1, 1)")
        output = self.check(65)
        self.mend(self.target, self.find(output, "FAIL", "COLUMN_MISSING: public.t has no column a"))
        self.mend(self.target, self.find(output, "warn", "column b of public.t is bigint, at the source integer"))
        self.mend(self.target, self.find(output, "FAIL", "column extra of public.t is NOT NULL"))
        self.mend(self.target, self.find(output, "warn", r"no unique index on \(id\)"))
        self.mend(self.target, self.find(output, "FAIL", "TARGET_NOT_EMPTY.*: public.t$"))
        output = self.check(0)
        self.assertEqual([], self.findings(output, "FAIL"), output)
        self.assertNotIn("public.t is", output)

    def test_a_column_list_asks_for_no_more(self):
        self.source.execute("create publication own for table t (id, a)")
        self.penstock.source["publication"] = "own"
        self.target.execute("create table t (id int primary key, a text)")
        self.check(0)

    def test_a_type_of_an_extension(self):
        if not self.source.value("select count(*) from pg_available_extensions where name = 'citext'"):
            self.skipTest("no extension citext")
        self.source.execute("create extension citext", "create table c (id citext primary key)")
        self.find(self.check(65), "FAIL", "TYPE_MISSING.*citext")
        self.target.execute("create extension citext")
        self.check(0)

    def test_row_level_security_at_the_target(self):
        self.target.execute("create table t (id int primary key, a text, b int)", "alter table t enable row level security",
                            f"grant select, insert, update, delete, truncate on t to {ROLE}",
                            f'grant create on database "{self.name}" to {ROLE}')
        self.penstock.target["url"] = self.target.url(ROLE)
        self.mend(self.target, self.find(self.check(65), "FAIL", "row-level security of public.t"))
        self.check(0)

    def test_an_encoding_that_holds_less(self):
        latin = self.target_cluster.create_database(f"{self.name}_latin", "encoding 'LATIN1' locale 'C' template template0")
        self.addCleanup(latin.drop)
        self.penstock.target["url"] = latin.url()
        self.find(self.check(0), "warn", "encoding: LATIN1")

    def test_the_source_as_its_own_target(self):
        self.penstock.target["url"] = self.source.url()
        self.find(self.check(65), "FAIL", "the source itself")


class Away(CheckCase):
    def test_a_server_that_is_away(self):
        self.penstock.target["url"] = "postgresql://127.0.0.1:1/x"
        began = time.monotonic()
        output = self.check(69)
        self.assertGreater(time.monotonic() - began, 20)
        self.find(output, "ok", "source: PostgreSQL")
        self.assertRegex(output, "FAIL  target: target: can't connect")

    def test_what_only_a_person_can_correct(self):
        self.penstock.source["url"] = self.source.url("nobody_at_all")
        self.find(self.check(65), "FAIL", "AUTHENTICATION_FAILED")
        self.penstock.source["url"] = "postgresql://postgres@example.invalid/x?sslmode=disable"
        self.find(self.check(78), "FAIL", "sslmode=disable")

    def test_a_standby(self):
        self.source.execute("create table t (id int primary key)")
        self.target_cluster.execute("select 1")
        with open(f"{self.target_cluster.data}/standby.signal", "w", encoding="utf-8"):
            pass
        self.target_cluster.restart()
        output = self.check(65)
        self.find(output, "FAIL", "standby")
        self.target_cluster.rows("select pg_promote()")
        wait_until(lambda: not self.target_cluster.value("select pg_is_in_recovery()"), "the promotion")
        self.check(0)


if __name__ == "__main__":
    unittest.main()
