# SPDX-License-Identifier: Apache-2.0
"""The common ground of the tests: two servers per class, two databases and a configuration per test."""
import os
import unittest

from lib import checker
from lib.cluster import Cluster, start_all
from lib.penstock import Penstock
from lib.process import wait_until


class PairCase(unittest.TestCase):
    SOURCE = {}
    TARGET = {}
    BROKER = {}  # settings of the broker, for tests that replicate through Kafka
    TRANSPORT = os.environ.get("PENSTOCK_TEST_TRANSPORT", "pipe")
    maxDiff = None
    broker = None
    _count = 0

    @classmethod
    def setUpClass(cls):
        cls.source_cluster = Cluster("source", **cls.SOURCE)
        cls.target_cluster = Cluster("target", **cls.TARGET)
        cls.addClassCleanup(cls.source_cluster.destroy)
        cls.addClassCleanup(cls.target_cluster.destroy)
        if cls.TRANSPORT == "kafka":
            cls._start_broker()
        start_all(cls.source_cluster, cls.target_cluster)

    @classmethod
    def _start_broker(cls):
        """Kafka's client is there only where its tests run."""
        from lib.kafka import Broker  # pylint: disable=import-outside-toplevel
        cls.broker = Broker(settings=cls.BROKER)
        cls.addClassCleanup(cls.broker.destroy)
        cls.broker.start()

    def setUp(self):
        PairCase._count += 1
        self.name = f"t{PairCase._count}"
        self.source = self.source_cluster.create_database(self.name)
        self.addCleanup(self.source.drop)
        self.target = self.target_cluster.create_database(self.name)
        self.addCleanup(self.target.drop)
        self.penstock = self.new_penstock()

    def new_penstock(self, **options):
        penstock = Penstock(self.name, self.source.url(), self.target.url(), **options)
        if self.broker:
            penstock.others = {"kafka": {"bootstrap.servers": self.broker.url}, "topics": {"max_message_bytes": "128 MiB"}}
        return penstock

    def start(self, command="run", *options, **process_options):
        process = self.penstock.start(command, *options, **process_options)
        self.addCleanup(process.destroy)
        return process

    def catch_up(self, *options, timeout=120, **process_options):
        process = self.start("run", "--until-caught-up", *options, **process_options)
        return process.expect_exit(0, timeout)

    def both(self, *statements):
        self.source.execute(*statements)
        self.target.execute(*statements)

    def replicate(self, setup, *changes):
        """Copies what `setup` makes, then streams each change (a transaction, or a list of them) by itself."""
        if setup:
            self.source.execute(setup)
        self.catch_up()
        self.assert_equal()
        for change in changes:
            self.source.execute(*([change] if isinstance(change, str) else change))
            self.catch_up()
            self.assert_equal()

    def assert_equal(self, tables=None, is_binary=False):
        found = checker.differences(self.source, self.target, tables, is_binary)
        self.assertEqual([], found)

    def checkpoint(self, column):
        """A column of the checkpoint at the target; None before there is one."""
        if not self.target.value("select to_regclass('penstock.checkpoint')"):
            return None
        return self.target.value(f"select {column} from penstock.checkpoint where name = %s", (self.name,))

    def wait_streaming(self, process=None, timeout=120):
        def is_streaming():
            self.assert_running(process)
            return self.checkpoint("state") == "streaming"
        wait_until(is_streaming, lambda: f"the end of the copy\n{process.tail() if process else ''}", timeout)

    def wait_applied(self, process=None, timeout=120):
        """Until the target has all that is committed at the source now."""
        lsn = self.source.value("select pg_current_wal_flush_lsn()")

        def is_applied():
            self.assert_running(process)
            return self.checkpoint(f"greatest(end_lsn, acked_lsn) >= '{lsn}'")
        wait_until(is_applied, lambda: f"the target to reach {lsn}\n{process.tail() if process else ''}", timeout)

    def assert_running(self, process):
        if process is not None and not process.is_running():
            process.wait()
            raise AssertionError(f"ended on its own\n{process.tail()}")

    def finish(self, process, timeout=10):
        """SIGTERM, which must end it well within ten seconds."""
        process.sigterm()
        process.expect_exit(0, timeout)
