# SPDX-License-Identifier: Apache-2.0
"""Those who drain the same backlog, each from a slot of its own."""
import os
import subprocess
import time

from lib.cluster import bin_dir
from lib.process import die_with_parent, new_directory, wait_until
from measure import Run

POLL_SECONDS = 0.01
DRAIN_SECONDS = 600


class Bench:
    """The two databases, the broker if there is one, the slot that is copied, and the end of the backlog."""

    def __init__(self, source, target, options, broker=None):
        self.source, self.target, self.options, self.broker = source, target, options, broker
        self.end_lsn = None
        self.folder = new_directory("bench-run")

    def run(self):
        return Run(self.source.cluster, self.target.cluster, self.broker)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, arguments, log):
        with open(self.path(log), "ab") as file:
            return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                    preexec_fn=die_with_parent(9))

    def log(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-20:])

    def copy_slot(self, name):
        self.source.execute(f"select pg_copy_logical_replication_slot('base', '{name}')")

    def drop_slot(self, name):
        wait_until(lambda: not self.source.rows("select from pg_replication_slots where slot_name = %s and active",
                                                (name,)), "the slot to be free")
        self.source.execute(f"select pg_drop_replication_slot('{name}') from pg_replication_slots"
                            f" where slot_name = '{name}'")

    def wait_for(self, query, process=None, log=None):
        """Polls the target until the query gives a row."""
        connection = self.target.connect()
        deadline = time.monotonic() + DRAIN_SECONDS
        try:
            with connection.cursor() as cursor:
                while True:
                    cursor.execute(query)
                    if cursor.fetchall():
                        return
                    if process and process.poll() is not None:
                        raise RuntimeError(f"ended early with {process.returncode}\n{self.log(log)}")
                    if time.monotonic() > deadline:
                        raise RuntimeError(f"the backlog was not drained in {DRAIN_SECONDS} s")
                    time.sleep(POLL_SECONDS)
        finally:
            connection.close()


IS_FINISHED = "select from finish"


class Penstock:
    has_target = True

    def __init__(self, bench, title="penstock run", program=None):
        self.bench, self.title = bench, title
        self.program = program or bench.options.penstock

    def write_config(self, **source):
        lines = [f"  {key}: {value}\n" for key, value in source.items()]
        with open(self.bench.path("penstock.yaml"), "w", encoding="utf-8") as file:
            file.write(f"name: bench\nsource:\n  url: {self.bench.source.url()}\n  tables: [public.*]\n"
                       f"{''.join(lines)}target:\n  url: {self.bench.target.url()}\n"
                       f"  synchronous_commit: {self.bench.options.synchronous_commit}\n")
        return self.bench.path("penstock.yaml")

    def start(self, *arguments):
        return self.bench.start([self.program, "run", "-c", self.bench.path("penstock.yaml"),
                                 *arguments], "penstock.log")

    def end(self, run, process):
        code = run.reap(process)
        if code != 0:
            raise RuntimeError(f"penstock ended with {code}\n{self.bench.log('penstock.log')}")

    def drain(self):
        self.bench.copy_slot("bench_penstock")
        self.write_config(slot="bench_penstock", publication="bench")
        run = self.bench.run()
        process = run.watch(self.start("--adopt-slot", "--until-caught-up"))
        self.bench.wait_for(IS_FINISHED, process, "penstock.log")
        run.finished()
        self.end(run, process)
        return run

    def copy(self):
        self.write_config()
        self.bench.target.execute("create schema if not exists penstock",
                                  "create table if not exists penstock.checkpoint (state text)",
                                  "drop schema penstock cascade")
        run = self.bench.run()
        process = run.watch(self.start("--until-caught-up"))
        has_table = "select from pg_class where relname = 'checkpoint'"
        self.bench.wait_for(has_table, process, "penstock.log")
        self.bench.wait_for("select from penstock.checkpoint where state = 'streaming'", process, "penstock.log")
        run.finished()
        self.end(run, process)
        return run

    def stream(self):
        """The processes that stream from here on."""
        self.bench.source.execute("select pg_create_logical_replication_slot('bench_penstock', 'pgoutput')")
        self.write_config(slot="bench_penstock", publication="bench")
        return [self.start("--adopt-slot")]

    def clean(self):
        self.bench.drop_slot("bench_penstock")
        self.bench.drop_slot("penstock_bench")
        self.bench.source.execute("drop publication if exists penstock_bench, penstock_bench_insert")
        self.bench.target.execute("drop schema if exists penstock cascade",
                                  "select pg_replication_origin_drop(roname) from pg_replication_origin"
                                  " where roname = 'penstock_bench'")


class Native:
    title = "logical replication"
    has_target = True

    def __init__(self, bench):
        self.bench = bench

    def subscribe(self, **options):
        source = self.bench.source
        options["synchronous_commit"] = f"'{self.bench.options.synchronous_commit}'"
        listed = ", ".join(f"{key} = {value}" for key, value in options.items())
        self.bench.target.execute(
            f"create subscription bench connection 'host=127.0.0.1 port={source.cluster.port} user=postgres"
            f" dbname={source.name}' publication bench with ({listed})")

    def drain(self):
        self.bench.copy_slot("bench_native")
        run = self.bench.run()
        self.subscribe(create_slot="false", slot_name="bench_native", copy_data="false")
        self.bench.wait_for(IS_FINISHED)
        run.finished()
        return run

    def copy(self):
        run = self.bench.run()
        self.subscribe(slot_name="bench_native", copy_data="true")
        self.bench.wait_for("select having not exists (select from pg_subscription_rel"
                            " where srsubstate not in ('f', 's', 'r'))")
        run.finished()
        return run

    def stream(self):
        self.subscribe(slot_name="bench_native", copy_data="false")
        return []

    def clean(self):
        if self.bench.target.rows("select from pg_subscription"):
            self.bench.target.execute("alter subscription bench disable",
                                      "alter subscription bench set (slot_name = none)", "drop subscription bench")
        self.bench.drop_slot("bench_native")


class Reader:
    """A program that only reads the slot."""
    has_target = False
    slot = None

    def __init__(self, bench):
        self.bench = bench

    def arguments(self):
        raise NotImplementedError

    def drain(self):
        self.bench.copy_slot(self.slot)
        run = self.bench.run()
        process = run.watch(self.bench.start(self.arguments(), self.slot))
        code = run.reap(process)
        run.finished()
        if code != 0:
            raise RuntimeError(f"{self.title} ended with {code}\n{self.bench.log(self.slot)}")
        return run

    def clean(self):
        self.bench.drop_slot(self.slot)


class Recvlogical(Reader):
    title = "pg_recvlogical"
    slot = "bench_recvlogical"

    def arguments(self):
        return [os.path.join(bin_dir(), "pg_recvlogical"), "-h", "127.0.0.1", "-p",
                str(self.bench.source.cluster.port), "-U", "postgres", "-d", self.bench.source.name, "-S", self.slot,
                "--start", "-f", "/dev/null", "-E", self.bench.end_lsn, "-o", "proto_version=1",
                "-o", "publication_names=bench"]


class Capture(Reader):
    title = "bare capture"
    slot = "bench_capture"

    def arguments(self):
        return [self.bench.options.bench_capture, self.bench.source.url(), self.slot, "bench", self.bench.end_lsn]
