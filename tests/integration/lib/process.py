# SPDX-License-Identifier: Apache-2.0
"""Processes of the tests: waiting for a condition, ending what was started, leaving nothing behind."""
import atexit
import ctypes
import os
import random
import shutil
import signal
import socket
import tempfile
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_live = []


def wait_until(condition, what, timeout=60.0, every=0.02):
    """Returns the first true value of condition(); fails, naming `what`, when none comes in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            detail = what() if callable(what) else what
            raise AssertionError(f"waited {timeout:.0f} s in vain for {detail}")
        time.sleep(every)


def die_with_parent(signal_number):
    """A preexec function: the child gets `signal_number` when the thread that started it ends."""
    def prepare():
        _libc.prctl(PR_SET_PDEATHSIG, signal_number)
    return prepare


def is_alive(pid):
    """False for a process that is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as stat:
                fields = stat.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(entry))
    return found


def send(pid, signal_number):
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        pass


def free_port():
    """Below the ephemeral range, so that no outgoing connection takes it while the server is down."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def keep_track(thing):
    """`thing.destroy()` is called at exit unless `forget` was."""
    _live.append(thing)


def forget(thing):
    if thing in _live:
        _live.remove(thing)


def new_directory(prefix):
    """A temporary directory that others may enter; the caller removes it, or the end of the tests."""
    path = tempfile.mkdtemp(prefix=f"penstock-{prefix}-", dir=os.environ.get("TMPDIR", "/tmp"))
    os.chmod(path, 0o755)
    keep_track(_Directory(path))
    return path


class _Directory:
    def __init__(self, path):
        self.path = path

    def destroy(self):
        shutil.rmtree(self.path, ignore_errors=True)


def _destroy_all():
    while _live:
        thing = _live.pop()
        try:
            thing.destroy()
        except Exception as error:  # pylint: disable=broad-except
            print(f"cleaning up: {error}")


def _interrupt(_number, _frame):
    raise KeyboardInterrupt


atexit.register(_destroy_all)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, _interrupt)
