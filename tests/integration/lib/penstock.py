# SPDX-License-Identifier: Apache-2.0
"""The program under test: its configuration, its processes, its log."""
import json
import os
import re
import signal
import subprocess
import threading

from lib.process import die_with_parent, forget, keep_track, new_directory, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:")


def binary(is_release=False):
    variable, preset = ("PENSTOCK_RELEASE", "release") if is_release else ("PENSTOCK", "dev")
    chosen = [os.environ[variable]] if os.environ.get(variable) else [
        os.path.join(ROOT, "build", preset, *rest) for rest in (("penstock",), ("cli", "penstock"))]
    for path in chosen:
        if os.access(path, os.X_OK):
            return path
    raise RuntimeError(f"no program to test: build the preset {preset}, or set {variable}")


class Process:
    """One started penstock. Its log is read by a thread, line by line, into `log`."""

    def __init__(self, arguments, is_release=False, preexec=None, environment=None):
        die = die_with_parent(signal.SIGKILL)

        def prepare():
            die()
            if preexec:
                preexec()
        self.popen = subprocess.Popen([binary(is_release), *arguments], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare,
                                      start_new_session=True, env={**os.environ, **(environment or {})})
        self.arguments = arguments
        self.log = []
        self.other_lines = []
        self.output = ""
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._read_log, daemon=True),
                         threading.Thread(target=self._read_output, daemon=True)]
        for thread in self._threads:
            thread.start()
        keep_track(self)

    def _read_log(self):
        for raw in self.popen.stderr:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            with self._news:
                if isinstance(entry, dict):
                    self.log.append(entry)
                else:
                    self.other_lines.append(line)
                self._news.notify_all()

    def _read_output(self):
        self.output = self.popen.stdout.read().decode("utf-8", "backslashreplace")

    @property
    def pid(self):
        return self.popen.pid

    @property
    def text(self):
        """All that it wrote to standard error."""
        return "\n".join([json.dumps(entry, ensure_ascii=False) for entry in self.log] + self.other_lines)

    def tail(self, lines=30):
        shown = [json.dumps(entry, ensure_ascii=False) for entry in self.log][-lines:]
        return "\n".join([f"$ penstock {' '.join(self.arguments)} (exit {self.popen.poll()})"] + shown
                         + self.other_lines[-60:] + ([self.output] if self.output else []))

    def is_running(self):
        return self.popen.poll() is None

    def wait_for_event(self, event, timeout=60, after=0):
        """The first log line with that event at or behind index `after`."""
        def found():
            with self._news:
                for entry in self.log[after:]:
                    if entry.get("event") == event:
                        return entry
            if not self.is_running() and not self._threads[0].is_alive():
                raise AssertionError(f"ended without {event!r}\n{self.tail()}")
            return None
        return wait_until(found, lambda: f"the event {event!r}\n{self.tail()}", timeout)

    def wait(self, timeout=60):
        """The exit code; a hanging process and a sanitizer's complaint fail the test."""
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"did not end within {timeout} s\n{self.tail()}") from None
        for thread in self._threads:
            thread.join(10)
        self.popen.stdout.close()
        self.popen.stderr.close()
        forget(self)
        if any(SANITIZER.search(line) for line in self.other_lines):
            raise AssertionError(f"the sanitizer complains\n{self.tail()}")
        return code

    def expect_exit(self, code, timeout=60):
        found = self.wait(timeout)
        if found != code:
            raise AssertionError(f"exit {found} instead of {code}\n{self.tail()}")
        return self

    def stop_line(self):
        """The last error line that names a stop, or None."""
        stops = [entry for entry in self.log if entry.get("level") == "error" and entry.get("stop")]
        return stops[-1] if stops else None

    def expect_stop(self, name, code, timeout=60):
        """It ends by the stop `name`, says why and what to do."""
        found = self.wait(timeout)
        line = self.stop_line() or {}
        if (found, line.get("stop")) != (code, name):
            raise AssertionError(f"exit {found}, stop {line.get('stop')} instead of {code}, {name}\n{self.tail()}")
        for field in ("reason", "do"):
            if not line.get(field):
                raise AssertionError(f"{name} without {field!r}\n{self.tail()}")
        return line

    def warnings(self, text):
        with self._news:
            return [entry for entry in self.log
                    if entry.get("level") == "warn" and text in json.dumps(entry, ensure_ascii=False)]

    def kill9(self):
        self.popen.kill()
        self.wait()

    def sigterm(self):
        self.popen.send_signal(signal.SIGTERM)

    def sigstop(self):
        self.popen.send_signal(signal.SIGSTOP)

    def sigcont(self):
        self.popen.send_signal(signal.SIGCONT)

    def destroy(self):
        if self.is_running():
            self.popen.kill()
            self.wait()
        forget(self)


class Penstock:
    """A configuration and the commands that take it."""

    def __init__(self, name, source_url, target_url, tables=("*.*",), exclude=(), create_tables=True):
        self.name = name
        self.source = {"url": source_url, "tables": list(tables)}
        if exclude:
            self.source["exclude"] = list(exclude)
        self.target = {"url": target_url, "create_tables": create_tables}
        self.others = {}  # further sections: {"kafka": {"bootstrap.servers": …}}
        self.path = os.path.join(new_directory(f"config-{name}"), "penstock.yaml")

    def write(self):
        """YAML takes JSON's strings, numbers and lists as they are."""
        lines = [f"name: {self.name}"]
        for section, settings in {"source": self.source, "target": self.target, **self.others}.items():
            if settings is None:  # a file with one half
                continue
            lines.append(f"{section}:")
            for key, value in settings.items():
                lines.append(f"  {key}: {json.dumps(value, ensure_ascii=False)}")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(self.path, 0o600)

    def start(self, command="run", *options, **process_options):
        self.write()
        return Process([command, "-c", self.path, "--set", "log.format=json", *options], **process_options)

    def catch_up(self, *options, timeout=120, **process_options):
        """run --until-caught-up, which must end well."""
        return self.start("run", "--until-caught-up", *options, **process_options).expect_exit(0, timeout)

    def status(self):
        process = self.start("status", "--json").expect_exit(0)
        return json.loads(process.output)

    def verify(self, timeout=120):
        process = self.start("verify")
        process.wait(timeout)
        return process

    def check(self, timeout=60):
        process = self.start("check")
        process.wait(timeout)
        return process
