# SPDX-License-Identifier: Apache-2.0
"""Two throw-away servers, a broker if wanted, a backlog per workload, and each contender in turn; see docs/performance.md."""
import argparse
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

# pylint: disable=wrong-import-position
import latency
import report
from contenders import Bench, Capture, Native, Penstock, Recvlogical
from lib.cluster import Cluster, start_all
from measure import QUIET_SHARE, beside, quiet_machine, wait_for_quiet
from workloads import FINISH, LOADERS, workloads

SERVER = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "1GB",
          "max_wal_size": "32GB", "checkpoint_timeout": "1h", "autovacuum": "off"}
LATENCY = "W5"
LATENCY_SECONDS = 20
TABLE_SUM = "select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from rows t"


def options():
    build = os.path.join(ROOT, "build", "release")
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each contender (5)")
    parser.add_argument("--tries", type=int, default=2, help="of a run while others keep the machine busy (2)")
    parser.add_argument("--scale", type=float, default=1.0, help="of the workloads (1.0)")
    parser.add_argument("--only", default="W1,W2,W3,W4,W5", help="workloads, comma-separated")
    parser.add_argument("--contenders", default="", help="only those whose titles hold one of these words")
    parser.add_argument("--kafka", action="store_true", help="the ways into Kafka and out of it too")
    parser.add_argument("--also", action="append", default=[], metavar="TITLE=PROGRAM",
                        help="one more penstock, of another build perhaps; may be repeated")
    parser.add_argument("--synchronous-commit", choices=("off", "on"), default="off", help="at the target (off)")
    parser.add_argument("--output", help="a file for the Markdown that is printed")
    parser.add_argument("--lock", help="a file to flock during each run, so that others keep quiet")
    parser.add_argument("--penstock", default=os.path.join(build, "penstock"), help=argparse.SUPPRESS)
    parser.add_argument("--bench-capture", default=os.path.join(build, "tests", "bench", "bench_capture"),
                        help=argparse.SUPPRESS)
    parser.add_argument("--beside", help="a shell command, a profiler perhaps, that runs beside each run, and is ended"
                        " by SIGINT; it gets WORKLOAD and CONTENDER in its environment")
    return parser.parse_args()


def say(line):
    print(line, flush=True)


def start_broker(chosen):
    """Kafka's client is there only where it was asked for."""
    if not chosen.kafka:
        return None
    from through_kafka import BenchBroker  # pylint: disable=import-outside-toplevel
    return BenchBroker().start()


def through_kafka(bench, *names):
    if not bench.broker:
        return ()
    import through_kafka as kinds  # pylint: disable=import-outside-toplevel
    return tuple(getattr(kinds, name) for name in names)


def chosen_contenders(bench, everyone):
    words = [word for word in bench.options.contenders.split(",") if word]
    others = [Penstock(bench, *pair.split("=", 1)) for pair in bench.options.also]
    return [contender for contender in [kind(bench) for kind in everyone] + others
            if not words or contender in others or any(word in contender.title for word in words)]


class Rounds:
    """One workload: the backlog is made once, then drained again and again."""

    def __init__(self, load, source, target, chosen, broker):
        self.load, self.chosen = load, chosen
        self.bench = Bench(source.create_database(load.name.lower()), target.create_database(load.name.lower()),
                           chosen, broker)
        for database in (self.bench.source, self.bench.target):
            database.execute(LOADERS)
            if self.is_copy:  # the synchronisation of a second table, even an empty one, waits for seconds
                database.execute("drop table finish")

    def contenders(self):
        if self.is_copy:
            return chosen_contenders(self.bench, (Penstock, Native))
        halves = through_kafka(self.bench, "KafkaCapture", "KafkaSink")
        return chosen_contenders(self.bench, (Penstock, Native, Recvlogical, Capture, *halves))

    @property
    def is_copy(self):
        return self.load.name == "W4"

    def make_backlog(self):
        source = self.bench.source
        connection = source.connect()
        with connection.cursor() as cursor:
            self.load.fill(cursor)
            self.load.prepare(cursor)
            source.cluster.execute("checkpoint")
            if not self.is_copy:
                cursor.execute("select pg_create_logical_replication_slot('base', 'pgoutput')")
            cursor.execute("set synchronous_commit = off")
            self.load.load(cursor)
            cursor.execute("set synchronous_commit = on")
            if not self.is_copy:
                cursor.execute(FINISH)
            cursor.execute("vacuum analyze rows")
            cursor.execute("select pg_current_wal_flush_lsn()")
            self.bench.end_lsn = cursor.fetchone()[0]
        connection.close()
        self.expected = source.rows(TABLE_SUM)
        source.cluster.execute("checkpoint")

    def make_target(self):
        target = self.bench.target
        target.execute("truncate rows" if self.is_copy else "truncate rows, finish")
        if not self.is_copy:
            connection = target.connect()
            with connection.cursor() as cursor:
                self.load.fill(cursor)
            connection.close()
        target.execute("vacuum analyze rows")
        target.cluster.execute("checkpoint")

    def one(self, contender):
        """A run while others were quiet; where there is none, the quietest of a few."""
        tries = []
        while len(tries) < self.chosen.tries and (not tries or tries[-1].others > QUIET_SHARE):
            tries.append(self.once(contender))
        return min(tries, key=lambda run: run.others)

    def once(self, contender):
        if contender.has_target:
            self.make_target()
        wait_for_quiet()
        with quiet_machine(self.chosen.lock), beside(self.chosen.beside, self.load.name, contender.title):
            run = contender.copy() if self.is_copy else contender.drain()
        run.close(self.load.rows)
        contender.clean()
        if contender.has_target and self.bench.target.rows(TABLE_SUM) != self.expected:
            raise RuntimeError(f"{contender.title}: the target's rows are not the source's: the run is void")
        say(f"{self.load.name} {contender.title}: {run.rate / 1000:.0f} k rows/s, CPU per million rows:"
            f" own {run.own_cpu or 0:.1f} source {run.source_cpu:.1f} target {run.target_cpu:.1f}"
            f" broker {run.broker_cpu:.1f},"
            f" {run.rss_mib or 0:.0f} MiB, others {run.others:.0%}")
        return run

    def all(self):
        started = time.monotonic()
        self.make_backlog()
        say(f"{self.load.name}, {self.load.title}: {self.load.rows} rows, loaded in {time.monotonic() - started:.0f} s")
        contenders = self.contenders()
        results = {contender.title: [] for contender in contenders}
        for _ in range(self.chosen.runs):
            for contender in contenders:
                results[contender.title].append(self.one(contender))
        self.bench.target.drop()
        self.bench.source.drop()
        return results


def latencies(source, target, chosen, broker):
    bench = Bench(source.create_database("w5"), target.create_database("w5"), chosen, broker)
    for database in (bench.source, bench.target):
        database.execute(latency.TABLE, "create publication bench for table ticks")
    contenders = chosen_contenders(bench, (Penstock, Native, *through_kafka(bench, "KafkaBoth")))
    results = {contender.title: [] for contender in contenders}
    for _ in range(chosen.runs):
        for contender in contenders:
            wait_for_quiet()
            with quiet_machine(chosen.lock), beside(chosen.beside, LATENCY, contender.title):
                found = latency.measure(bench, contender, max(2, int(LATENCY_SECONDS * min(1.0, chosen.scale))))
            results[contender.title].append(found)
            say(f"W5 {contender.title}: p50 {found.p50:.2f} ms, p99 {found.p99:.2f}, longest {found.longest:.1f},"
                f" {found.rows} rows, polled every {found.poll_ms:.2f} ms")
    return results


def main():
    chosen = options()
    names = chosen.only.split(",")
    source, target = Cluster("source", **SERVER), Cluster("target", **SERVER)
    start_all(source, target)
    broker = start_broker(chosen)
    drains = {}
    for name, load in workloads(chosen.scale).items():
        if name in names:
            drains[name] = Rounds(load, source, target, chosen, broker).all()
    found = latencies(source, target, chosen, broker) if LATENCY in names else {}
    text = report.text(drains, found, chosen)
    print("\n" + text)
    if chosen.output:
        with open(chosen.output, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
