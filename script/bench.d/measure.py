# SPDX-License-Identifier: Apache-2.0
"""Seconds, CPU seconds and memory of processes and whole servers."""
import contextlib
import fcntl
import os
import signal
import statistics
import subprocess
import threading
import time

from lib.process import children_of

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count()
QUIET_SHARE = 0.10  # of all cores, for others
PATIENCE_SECONDS = 8
LOOK_SECONDS = 0.01


def _stat(pid):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return stat.read().rpartition(b")")[2].split()


def server_cpu(cluster):
    """CPU seconds so far of a cluster's processes, those that have ended included."""
    postmaster = cluster.postmaster.pid
    while True:
        ended = _stat(postmaster)[11:15]
        ticks = sum(int(field) for field in ended)
        for pid in children_of(postmaster):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                ticks += sum(int(field) for field in _stat(pid)[11:13])
        if _stat(postmaster)[11:15] == ended:  # else one of them was reaped meanwhile
            return ticks / TICKS


def _peak_mib(pid):
    """The most memory so far; None at the end. getrusage() would count this program, that the process was forked from."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            found = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(found[0]) / 1024 if found else None


def machine_cpu():
    """CPU seconds so far of everybody; of a virtual machine, what its host kept too."""
    with open("/proc/stat", encoding="utf-8") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def wait_for_quiet():
    """Until a second passes in which others took little; not for ever."""
    for _ in range(PATIENCE_SECONDS):
        before = machine_cpu()
        time.sleep(1)
        if machine_cpu() - before < QUIET_SHARE * CORES:
            return


@contextlib.contextmanager
def quiet_machine(lock_path):
    """Holds a lock that others who build or measure here take too; without a path, hopes."""
    if not lock_path:
        yield
        return
    with open(lock_path, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def beside(command, workload, contender):
    """Runs the command meanwhile; it is ended as by Ctrl-C."""
    if not command:
        yield
        return
    environment = {**os.environ, "WORKLOAD": workload, "CONTENDER": contender.replace(" ", "_")}
    process = subprocess.Popen(["bash", "-c", "exec " + command], env=environment, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait()


class Run:
    """One drain by one contender: what was measured."""

    def __init__(self, source, target, broker=None):
        self.source, self.target, self.broker = source, target, broker
        self.own_cpu = self.rss_mib = self.rows = self.others = self.watcher = None
        self.machine_cpu = -machine_cpu()
        self.bench_cpu = -time.process_time()
        self.source_cpu = -server_cpu(source)
        self.target_cpu = -server_cpu(target)
        self.broker_cpu = -server_cpu(broker) if broker else 0.0
        self.seconds = self.seconds_to_close = -time.monotonic()

    def finished(self):
        self.seconds += time.monotonic()

    def watch(self, process):
        """Notes the memory of the contender's process until its end."""
        self.watcher = threading.Thread(target=self._look, args=(process.pid,), daemon=True)
        self.watcher.start()
        return process

    def _look(self, pid):
        while (peak := _peak_mib(pid)) is not None:
            self.rss_mib = peak
            time.sleep(LOOK_SECONDS)

    def reap(self, process):
        """Waits for the process; its exit code."""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.own_cpu = usage.ru_utime + usage.ru_stime
        self.watcher.join()
        return process.returncode

    def close(self, rows):
        """Once all processes of the contender have ended: per million rows."""
        self.rows = rows
        self.source_cpu += server_cpu(self.source)
        self.target_cpu += server_cpu(self.target)
        self.broker_cpu += server_cpu(self.broker) if self.broker else 0.0
        servers = self.source_cpu + self.target_cpu + self.broker_cpu
        ours = servers + (self.own_cpu or 0) + self.bench_cpu + time.process_time()
        elapsed = self.seconds_to_close + time.monotonic()
        self.others = max(0.0, self.machine_cpu + machine_cpu() - ours) / elapsed / CORES
        self.source_cpu *= 1e6 / rows
        self.target_cpu *= 1e6 / rows
        self.broker_cpu *= 1e6 / rows
        self.own_cpu = None if self.own_cpu is None else self.own_cpu * 1e6 / rows
        return self

    @property
    def rate(self):
        return self.rows / self.seconds


def median(runs, field):
    values = [getattr(run, field) for run in runs if getattr(run, field) is not None]
    return statistics.median(values) if values else None
