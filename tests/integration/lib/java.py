# SPDX-License-Identifier: Apache-2.0
"""Servers written in Java, out of the cache that tests/kafka/fetch keeps."""
import os
import shutil
import signal
import subprocess

from lib.penstock import ROOT
from lib.process import die_with_parent, forget, keep_track, new_directory, wait_until


def fetched(what, version=None):
    """The folder of the cache that has it; fetched first if need be."""
    command = [os.path.join(ROOT, "tests", "kafka", "fetch"), what] + ([version] if version else [])
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class JavaServer:
    """A program that is started on the same files again and again. A subclass has command() and is_ready()."""

    # A small heap, one collector thread, and no second compiler: the start counts, not the speed after an hour.
    JVM = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

    def __init__(self, name):
        self.name = name
        self.root = new_directory(name)
        self.log_path = os.path.join(self.root, "log")
        self.process = None
        keep_track(self)

    def command(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def begin_start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.root, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True,
                                            preexec_fn=die_with_parent(signal.SIGKILL))

    def wait_ready(self, timeout=60):
        def answers():
            if not self.is_running():
                raise RuntimeError(f"{self.name} did not start:\n{self.log_tail()}")
            return self.is_ready()
        wait_until(answers, lambda: f"{self.name} to answer\n{self.log_tail()}", timeout)

    def start(self):
        self.begin_start()
        self.wait_ready()
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout=60):
        """Lets it end in good order."""
        if self.is_running():
            self.process.terminate()
            self.process.wait(timeout)

    def kill9(self):
        """The machine's sudden death, but for the disk."""
        if self.is_running():
            self.process.kill()
            self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def sigstop(self):
        self.process.send_signal(signal.SIGSTOP)

    def sigcont(self):
        self.process.send_signal(signal.SIGCONT)

    def log_tail(self, lines=40):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def destroy(self):
        self.kill9()
        shutil.rmtree(self.root, ignore_errors=True)
        forget(self)
