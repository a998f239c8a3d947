# SPDX-License-Identifier: Apache-2.0
"""The command line: usage, configuration, version, check, status, verify, --adopt-slot; and that nothing leaks."""
import json
import os
import subprocess
import unittest

from lib import load
from lib.case import PairCase
from lib.penstock import binary
from lib.process import wait_until

CANARY = "canary-S3cret-b1rd"


def command(*arguments, environment=None):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})


class Usage(PairCase):
    @classmethod
    def setUpClass(cls):
        """No servers are needed."""

    def setUp(self):
        from lib.penstock import Penstock  # pylint: disable=import-outside-toplevel
        self.penstock = Penstock("usage", "postgresql://127.0.0.1:1/x", "postgresql://127.0.0.1:1/y")
        self.penstock.write()
        self.path = self.penstock.path

    def config(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        return command("run", "-c", self.path, "--until-caught-up")

    def assert_code(self, code, done):
        self.assertEqual(code, done.returncode, f"{done.args}\n{done.stdout}\n{done.stderr}")

    def test_usage_errors_exit_64(self):
        for arguments in ([], ["fly"], ["run", "--fast"], ["run", "-c"], ["run", "-c", self.path, "extra"],
                          ["run", "-c", self.path, "--set"], ["status", "--until-caught-up", "-c", self.path]):
            with self.subTest(arguments):
                done = command(*arguments)
                self.assert_code(64, done)
                self.assertIn("penstock", done.stderr)
                self.assertEqual("", done.stdout)

    def test_help_and_version_exit_0(self):
        for arguments in (["--help"], ["run", "--help"], ["version"], ["--version"]):
            with self.subTest(arguments):
                done = command(*arguments)
                self.assert_code(0, done)
                self.assertEqual("", done.stderr)
        self.assertRegex(command("version").stdout, r"\d+\.\d+")
        for name in ("run", "check", "status", "verify", "version"):
            self.assertIn(name, command("--help").stdout)

    def test_a_near_miss_is_answered_with_the_nearest_name(self):
        self.assertIn("status", command("statsu").stderr)

    def test_configuration_errors_exit_78_with_their_place(self):
        good = "name: shop\nsource:\n  url: postgresql://a/b\n  tables: [public.*]\ntarget:\n  url: postgresql://c/d\n"
        cases = {
            "unknown key, nearest named": (good.replace("  tables:", "  tabels:"), r"4:3\b.*tabels.*tables"),
            "unknown section": (good + "tarrget:\n  url: x\n", r"7:1\b.*tarrget.*target"),
            "not YAML": (good + "  bad: [1, 2\n", r"\b[78]:\d+"),
            "a tab": ("name: shop\n\tsource: x\n", r"2:\d+"),
            "twice": (good + "name: other\n", r"7:1\b.*name"),
            "wrong kind": (good.replace("[public.*]", "{a: b}"), r"4:\d+\b.*tables"),
            "bad name": (good.replace("shop", "Shop!"), r"1:7\b.*name"),
            "long name": (good.replace("shop", "s" * 40), r"1:7\b.*name"),
            "bad boolean": (good + "  create_tables: perhaps\n", r"7:\d+\b.*create_tables"),
            "missing": (good.replace("  url: postgresql://c/d\n", "  create_tables: true\n"), r"target\.url"),
            "empty": ("", r"name"),
        }
        for name, (text, pattern) in cases.items():
            with self.subTest(name):
                done = self.config(text)
                self.assert_code(78, done)
                self.assertRegex(done.stderr, pattern)

    def test_a_command_names_what_it_needs(self):
        name = "name: shop\n"
        kafka = name + "kafka:\n  bootstrap.servers: 127.0.0.1:1\n"
        cases = (("verify", kafka, r"1:1: penstock verify needs source\.url"),
                 ("check", name, r"1:1: penstock check needs source, target or kafka"),
                 ("check", kafka + "source:\n  url: postgresql://a/b\n", r"4:1: penstock check needs source\.tables"),
                 ("run", self.penstock_text() + "kafka:\n  linger.ms: 5\n", r"penstock run needs kafka\.bootstrap\.servers"))
        for verb, text, pattern in cases:
            with self.subTest(f"{verb}: {text}"):
                with open(self.path, "w", encoding="utf-8") as file:
                    file.write(text)
                done = command(verb, "-c", self.path)
                self.assert_code(78, done)
                self.assertRegex(done.stderr, pattern)

    def test_a_secret_of_kafka_is_never_shown(self):
        text = self.penstock_text() + "kafka:\n  bootstrap.servers: 127.0.0.1:1\n"
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text + f"  sasl.password: {CANARY}\n  sasl.password_file: /nonexistent\n")
        os.chmod(self.path, 0o600)
        for arguments in ([], ["--set", f"kafka.sasl.password={CANARY}"], ["--set", f"kafka.sasl.pass word={CANARY}"]):
            with self.subTest(arguments):
                done = command("run", "-c", self.path, *arguments,
                               environment={"PENSTOCK_KAFKA_SSL_KEY_PASSWORD": CANARY})
                self.assert_code(78, done)
                self.assertNotIn(CANARY, done.stdout + done.stderr)

    @staticmethod
    def penstock_text():
        return ("name: shop\nsource:\n  url: postgresql://a/b\n  tables: [public.*]\n"
                "target:\n  url: postgresql://c/d\n")

    def test_set_and_the_environment_are_checked_too(self):
        done = command("run", "-c", self.path, "--set", "source.tabels=x")
        self.assert_code(78, done)
        self.assertIn("source.tables", done.stderr)
        self.assert_code(78, command("run", "-c", self.path, "--set", "target.create_tables=perhaps"))

    def test_a_missing_file_exits_78(self):
        done = command("run", "-c", "/nonexistent/penstock.yaml")
        self.assert_code(78, done)
        self.assertIn("/nonexistent/penstock.yaml", done.stderr)

    def test_unreachable_servers_exit_69(self):
        done = command("status", "--json", "-c", self.path)
        self.assert_code(69, done)


class Commands(PairCase):
    def begin(self):
        self.source.execute("create table t (id int primary key, v text)",
                            "insert into t select i, 'v' || i from generate_series(1, 100) i",
                            "create table keyless (a int, b text)", "insert into keyless values (1, 'x'), (1, 'x'), (2, null)")
        self.catch_up()

    def test_status_as_json(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.source.execute("insert into t values (1000, 'x')")
        self.wait_applied(process)
        status = self.penstock.status()
        text = json.dumps(status)
        for word in ("penstock_" + self.name, "streaming"):
            self.assertIn(word, text)
        keys = {key for key in flatten(status)}
        for word in ("slot", "lag", "position", "table", "wal"):
            self.assertTrue(any(word in key for key in keys), f"{word} in {sorted(keys)}")
        self.assertTrue(self.start("status").expect_exit(0).output)
        self.finish(process)

    def test_status_before_the_first_start(self):
        process = self.start("status", "--json")
        self.assertIn(process.wait(), (0, 65), process.tail())

    def test_status_and_check_change_nothing(self):
        self.source.execute("create table t (id int primary key)")
        self.start("check").wait()
        self.start("status").wait()
        self.assertEqual([], self.source.rows("select slot_name from pg_replication_slots where database = %s", (self.name,)))
        self.assertEqual([], self.source.rows("select pubname from pg_publication"))
        self.assertFalse(self.target.value("select to_regnamespace('penstock') is not null"))

    def test_check_finds_nothing_wrong(self):
        self.source.execute("create table t (id int primary key)")
        process = self.start("check")
        process.expect_exit(0)

    def test_check_names_each_finding_with_its_remedy(self):
        self.source.execute("create table t (id int primary key)")
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute("do $$ begin create role nobody_much login; exception when duplicate_object then null; end $$")
        self.penstock.source["url"] = self.source.url("nobody_much")
        self.penstock.target["url"] = self.target.url("nobody_much")
        process = self.start("check")
        self.assertNotEqual(0, process.wait(), process.tail())
        found = process.output + process.text
        self.assertRegex(found, r"(?i)alter role .*nobody_much.* replication")
        self.assertRegex(found, r"(?i)grant select on")
        self.assertRegex(found, r"(?i)grant create on database")

    def test_check_warns_of_tables_without_a_key(self):
        self.source.execute("create table keyless (a int)")
        process = self.start("check")
        process.wait()
        found = process.output + process.text
        self.assertIn("keyless", found)
        self.assertRegex(found, r"(?i)replica identity full")

    def test_verify_tells_equal_from_different(self):
        self.begin()
        process = self.start()
        self.wait_streaming(process)
        self.start("verify").expect_exit(0)
        self.finish(process)
        self.start("verify").expect_exit(0, 90)
        for damage, word in (("update t set v = 'changed' where id = 42", "42"), ("delete from t where id = 43", "43"),
                             ("insert into t values (4444, 'extra')", "4444"),
                             ("delete from keyless where ctid = (select min(ctid) from keyless)", "keyless"),
                             ("insert into keyless values (1, 'x')", "keyless")):
            with self.subTest(damage):
                self.target.execute("create table saved_t as table t; create table saved_k as table keyless", damage)
                verify = self.start("verify")
                verify.expect_exit(1, 90)
                self.assertIn(word, verify.output + verify.text)
                self.target.execute("truncate t, keyless; insert into t table saved_t; insert into keyless table saved_k;"
                                    "drop table saved_t, saved_k")
        self.start("verify").expect_exit(0, 90)

    def test_verify_does_not_judge_a_moving_source(self):
        bank = load.Bank()
        bank.create(self.source)
        process = self.start()
        self.wait_streaming(process)
        with load.Load(self.source, [bank], workers=1, pause=0.001):
            verify = self.start("verify")
            code = verify.wait(120)
            self.assertIn(code, (0, 75), verify.tail())
        self.finish(process)

    def test_no_password_is_ever_shown(self):
        self.source.execute("create table t (id int primary key, v text)", f"insert into t values (1, '{CANARY}-row')")
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute("do $$ begin create role scram_other superuser login; exception when duplicate_object then null;"
                            f" end $$; alter role scram_other password '{CANARY}'")
        self.penstock.source["url"] = self.source.url("scram_other", CANARY)
        self.penstock.target["url"] = self.target.url("scram_other", CANARY)
        seen = ""
        for arguments in (("run", "--until-caught-up", "--set", "log.level=debug"), ("check",), ("status",),
                          ("status", "--json"), ("verify",)):
            process = self.start(*arguments)
            process.wait(90)
            seen += process.text + process.output
        self.target.execute("alter table t add check (length(v) < 5)  not valid")
        self.source.execute(f"insert into t values (2, '{CANARY}-row')")
        process = self.start("run", "--until-caught-up", "--set", "log.level=debug")
        process.expect_stop("ROW_REFUSED", 65)
        seen += process.text
        self.penstock.source["url"] = f"postgresql://x:{CANARY}@[bad/uri"
        process = self.start("run", "--until-caught-up")
        process.wait()
        seen += process.text + process.output
        self.assertNotIn(CANARY, seen)

    def test_passwords_come_from_files_and_the_environment(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        for cluster in (self.source_cluster, self.target_cluster):
            cluster.execute("do $$ begin create role scram_other superuser login; exception when duplicate_object then null;"
                            f" end $$; alter role scram_other password '{CANARY}'")
        secret = os.path.join(os.path.dirname(self.penstock.path), "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(CANARY + "\n")
        os.chmod(secret, 0o600)
        for section, database in ((self.penstock.source, self.source), (self.penstock.target, self.target)):
            section["url"] = database.url("scram_other")
            section["password_file"] = secret
        self.catch_up()
        for section in (self.penstock.source, self.penstock.target):
            del section["password_file"]
        self.source.execute("insert into t values (2)")
        self.catch_up(environment={"PGPASSWORD": CANARY})
        self.assert_equal()

    def test_conninfo_strings_are_taken_too(self):
        self.source.execute("create table t (id int primary key)", "insert into t values (1)")
        for section, database in ((self.penstock.source, self.source), (self.penstock.target, self.target)):
            section["url"] = f"host={database.cluster.root} port={database.cluster.port} dbname={self.name} user=postgres"
        self.catch_up()
        self.assert_equal()

    def test_an_adopted_slot_goes_on_without_a_copy(self):
        self.both("create table t (id int primary key, v text)")
        self.source.execute("insert into t values (1, 'copied by other means')", "create publication own for table t")
        self.source.rows("select pg_create_logical_replication_slot(%s, 'pgoutput')", (f"{self.name}_own",))
        self.target.execute("insert into t values (1, 'copied by other means')")
        self.penstock.source.update(slot=f"{self.name}_own", publication="own")
        self.source.execute("insert into t values (2, 'streamed')", "update t set v = 'both' where id = 1")
        self.catch_up("--adopt-slot")
        self.assert_equal()
        self.assertEqual("streaming", self.checkpoint("state"))
        self.source.execute("insert into t values (3, 'later')")
        self.catch_up("--adopt-slot")
        self.source.execute("delete from t where id = 1")
        self.catch_up()
        self.assert_equal()

    def test_the_log_is_one_json_object_per_line(self):
        self.begin()
        process = self.start()
        wait_until(lambda: process.log, "a line of the log")
        self.finish(process)
        self.assertEqual([], process.other_lines)
        for entry in process.log:
            self.assertLessEqual({"time", "level", "event"}, set(entry))


def flatten(value, prefix=""):
    """The dotted keys of nested JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{prefix}{key}"
            yield from flatten(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for inner in value:
            yield from flatten(inner, prefix)


if __name__ == "__main__":
    unittest.main()
