# SPDX-License-Identifier: Apache-2.0
"""W5: how long after its commit at the source a row is visible at the target."""
import ctypes
import os
import statistics
import subprocess
import threading
import time

from lib.cluster import bin_dir
from lib.process import wait_until

RATE = 500
CLIENTS = 4
PAUSE_SECONDS = 0.00004
PR_SET_TIMERSLACK = 29

TABLE = "create table ticks (id bigint generated always as identity primary key, at timestamptz not null, note text)"
SCRIPT = """begin;
insert into ticks (at, note) values (clock_timestamp(), repeat('x', 100)) \\;
commit;
"""
NEWS = ("select id, extract(epoch from at)::float8 from ticks where id > {} order by id")


class Watcher(threading.Thread):
    """Polls the target; notes when each row was seen first."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.connection = target.connect()
        self.delays_ms = []
        self.polls = 0
        self.is_over = False
        self.seconds = 0.0

    def run(self):
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1000)
        low, ahead = 0, set()
        started = time.monotonic()
        with self.connection.cursor() as cursor:
            while not self.is_over:
                cursor.execute(NEWS.format(low))
                now = time.time()
                for number, committed in cursor.fetchall():
                    if number not in ahead:
                        ahead.add(number)
                        self.delays_ms.append((now - committed) * 1000)
                while low + 1 in ahead:
                    low += 1
                    ahead.remove(low)
                self.polls += 1
                time.sleep(PAUSE_SECONDS)
        self.seconds = time.monotonic() - started
        self.connection.close()


class Latency:
    def __init__(self, watcher):
        delays = sorted(watcher.delays_ms)
        self.rows = len(delays)
        self.p50 = statistics.median(delays)
        self.p99 = delays[int(len(delays) * 0.99)]
        self.longest = delays[-1]
        self.poll_ms = watcher.seconds / watcher.polls * 1000


def _pgbench(bench, seconds):
    with open(bench.path("ticks.sql"), "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    subprocess.run([os.path.join(bin_dir(), "pgbench"), "-n", "-h", "127.0.0.1", "-p",
                    str(bench.source.cluster.port), "-U", "postgres", "-f", bench.path("ticks.sql"), "-R", str(RATE),
                    "-c", str(CLIENTS), "-j", "1", "-T", str(seconds), bench.source.name],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _end(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)


def measure(bench, contender, seconds):
    bench.source.execute("truncate ticks restart identity")
    bench.target.execute("truncate ticks restart identity")
    processes = contender.stream()
    try:
        bench.source.execute("insert into ticks (at, note) values (clock_timestamp(), 'first')")
        wait_until(lambda: bench.target.value("select count(*) from ticks"), "the first row")
        watcher = Watcher(bench.target)
        _pgbench(bench, 1)  # so that nothing is done for the first time
        wait_until(lambda: _equal(bench), "the target to catch up")
        watcher.start()
        time.sleep(0.2)
        watcher.delays_ms.clear()
        _pgbench(bench, seconds)
        wait_until(lambda: _equal(bench), "the target to catch up")
        watcher.is_over = True
        watcher.join()
    finally:
        _end(processes)
        contender.clean()
    return Latency(watcher)


def _equal(bench):
    count = "select count(*) from ticks"
    return bench.source.value(count) == bench.target.value(count)
