# SPDX-License-Identifier: Apache-2.0
"""The control topic, watched while a test runs."""
import threading

import confluent_kafka

from lib.stranger import parse_control


class ControlWatch(threading.Thread):
    """Reads a prefix's control topic as it grows; a lost broker is waited for. `is_committed`: only what is committed."""

    def __init__(self, broker, prefix, is_committed=True):
        super().__init__(daemon=True)
        self.topic = f"__penstock.{prefix}.control"
        self.consumer = broker.consumer(isolation_level="read_committed" if is_committed else "read_uncommitted")
        self.entries = []
        self.end_lsn = 0  # where the last unit ends
        self.failure = None
        self._finish = threading.Event()

    def run(self):
        self.consumer.assign([confluent_kafka.TopicPartition(self.topic, 0, confluent_kafka.OFFSET_BEGINNING)])
        try:
            while not self._finish.is_set():
                message = self.consumer.poll(0.1)
                if message is not None and message.error() is None:
                    self._take(parse_control(message.value()))
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error
        finally:
            self.consumer.close()

    def _take(self, entries):
        self.entries.extend(entries)
        self.end_lsn = max([self.end_lsn] + [entry.fields["end_lsn"] for entry in entries if entry.kind == "E"])

    def is_inside_a_unit(self, after=0):
        """The last entry behind index `after` is a PART."""
        entries = [entry for entry in self.entries[after:] if entry.kind in "EP"]
        return bool(entries) and entries[-1].kind == "P"

    def finish(self):
        self._finish.set()
        self.join(60)
        if self.failure:
            raise AssertionError(f"the watch of {self.topic} failed: {self.failure!r}")
