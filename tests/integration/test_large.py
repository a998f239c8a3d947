# SPDX-License-Identifier: Apache-2.0
"""One transaction that is larger than the memory that Penstock may have, by the release program.

PENSTOCK_LARGE_ROWS chooses another size (soak_large.py does).
"""
import itertools
import os
import resource
import threading
import time
import unittest

from lib.case import PairCase
from lib.penstock import binary
from lib.process import forget, keep_track

ROWS = int(os.environ.get("PENSTOCK_LARGE_ROWS", "300000"))
LIMIT_BYTES = 128 << 20
NUMBERS = itertools.count(1)
TIMEOUT = 120 + ROWS // 2000

TABLE = """create table large (id bigint primary key, a int, b bigint, c numeric(12,2), d text, e timestamptz, f bool,
                               g uuid, h jsonb, i double precision)"""
ROW = """i, i %% 1000, i * 7, i / 100.0, md5(i::text), timestamptz '2024-01-01' + i * interval '1 second', i %% 2 = 0,
         md5(i::text)::uuid, jsonb_build_object('key', i, 'text', md5((i * 3)::text)), i / 7.0""".replace("%%", "%")


class MemoryLimit:
    """A control group of version 2 or 1 where one may be made, else the process's own RLIMIT_DATA."""

    def __init__(self, limit_bytes):
        self.limit_bytes = limit_bytes
        self.group = None
        for root, limit_file in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
            if self._try_group(os.path.join(root, f"penstock-test-{os.getpid()}-{next(NUMBERS)}"), limit_file):
                break
        self.name = self.group or "RLIMIT_DATA"

    def _try_group(self, path, limit_file):
        try:
            os.mkdir(path)
        except OSError:
            return False
        try:
            # "r+", because the folder may be no control group (a plain tmpfs above those of version 1).
            with open(os.path.join(path, limit_file), "r+", encoding="ascii") as file:
                file.write(str(self.limit_bytes))
        except OSError:
            os.rmdir(path)
            return False
        self.group = path
        keep_track(self)
        return True

    def apply(self):
        """In the child, before the program starts."""
        if self.group:
            with open(os.path.join(self.group, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (self.limit_bytes, self.limit_bytes))

    def destroy(self):
        if self.group:
            os.rmdir(self.group)
        forget(self)


class PeakMemory(threading.Thread):
    """VmHWM as last seen; the kernel keeps the peak, so seldom reading loses nothing but the very end."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.peak_kib = 0

    def run(self):
        while True:
            try:
                with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
                    found = [line for line in status if line.startswith("VmHWM")]
            except (FileNotFoundError, ProcessLookupError):
                return
            if not found:
                return
            self.peak_kib = int(found[0].split()[1])
            time.sleep(0.02)


class LargeTest(PairCase):
    # The server's own memory is not measured, but decoding should spill as it does in life.
    SOURCE = {"logical_decoding_work_mem": "16MB", "max_wal_size": "4GB"}
    TARGET = {"max_wal_size": "4GB"}

    def limited_catch_up(self):
        limit = MemoryLimit(LIMIT_BYTES)
        self.addCleanup(limit.destroy)
        began = time.monotonic()
        process = self.start("run", "--until-caught-up", is_release=True, preexec=limit.apply)
        peak = PeakMemory(process.pid)
        peak.start()
        process.expect_exit(0, TIMEOUT)
        peak.join(5)
        print(f"  {self.id().split('.')[-1]}: {ROWS} rows in {time.monotonic() - began:.1f} s, VmHWM {peak.peak_kib} KiB"
              f" under {LIMIT_BYTES >> 10} KiB by {limit.name}")
        self.assertGreater(peak.peak_kib, 0)
        self.assertLess(peak.peak_kib << 10, LIMIT_BYTES)

    def setUp(self):
        binary(is_release=True)
        super().setUp()
        self.source.execute(TABLE)

    def test_one_insert_of_all_rows(self):
        self.catch_up(is_release=True)
        self.source.execute(f"insert into large select {ROW} from generate_series(1, {ROWS}) i")
        self.limited_catch_up()
        self.assert_equal()

    def test_one_transaction_of_everything(self):
        self.source.execute("create table other (id bigint primary key, v text)")
        self.catch_up(is_release=True)
        third = ROWS // 3
        self.source.transaction(
            f"insert into large select {ROW} from generate_series(1, {third}) i",
            f"insert into other select i, repeat('o', 100) from generate_series(1, {third // 4}) i",
            f"update large set a = a + 1, d = 'updated ' || d where id <= {third // 2}",
            f"update large set id = id + 100000000 where id > {third - third // 10}",
            f"delete from large where id % 5 = 0",
            f"update other set v = 'last' where id % 2 = 0")
        self.limited_catch_up()
        self.assert_equal()

    def test_large_rows_in_one_transaction(self):
        """Rows of 2 MiB: what is buffered is bounded in bytes, not in rows."""
        self.source.execute("create table wide (id int primary key, v text); alter table wide alter v set storage external")
        self.catch_up(is_release=True)
        self.source.execute("insert into wide select i, repeat(md5(i::text), 65536) from generate_series(1, 150) i")
        self.limited_catch_up()
        self.assert_equal()

    def test_the_copy_of_a_large_table(self):
        self.source.execute(f"insert into large select {ROW} from generate_series(1, {ROWS}) i")
        self.limited_catch_up()
        self.assert_equal()


if __name__ == "__main__":
    unittest.main()
