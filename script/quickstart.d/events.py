# SPDX-License-Identifier: Apache-2.0
"""Reads Penstock's topics as a stranger would, with Kafka's Python client, fastavro and docs/message-format.md.

    events.py BROKER PREFIX

Prints a few decoded events, then checks that no chain has a gap and that every message is counted by the
unit it belongs to. Exit code 0: all is whole.
"""
import collections
import json
import os
import sys
import time

import confluent_kafka

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

# pylint: disable=wrong-import-position
from lib.kafka import Broker
from lib.stranger import NONE, Log, parse_control, parse_header, read_schemas

SHOWN_WIDTH = 110
OPERATIONS = {"r": "read", "c": "create", "u": "update", "d": "delete", "t": "truncate"}
BATCH = 1000
BATCH_SECONDS = 0.1
PATIENCE_SECONDS = 30


class Remote(Broker):
    """A broker that somebody else started."""

    def __init__(self, url):  # pylint: disable=super-init-not-called
        self.url = url


def messages(broker, topic):
    """One after the other, up to where a read_committed reader can come now. All topics have one partition."""
    consumer = broker.consumer(queued_max_messages_kbytes=8192)
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            # consume() waits for a full batch or the end of its time, even at the end of the partition.
            for message in consumer.consume(BATCH, BATCH_SECONDS):
                deadline = time.monotonic() + PATIENCE_SECONDS
                if message.error() is None:
                    yield message
                elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                    return
                elif not message.error().retriable():
                    raise SystemExit(f"{topic}: {message.error()}")
        raise SystemExit(f"{topic}: nothing came for {PATIENCE_SECONDS} s")
    finally:
        consumer.close()


class Boundaries:
    """What the control topic says: after how many messages of a topic a unit, or a part of one, ends where."""

    def __init__(self):
        self.units = 0
        self.of_topic = collections.defaultdict(dict)
        self.totals = collections.Counter()
        self.in_unit = collections.Counter()

    def add(self, entry):
        for count in entry.counts if entry.kind in "EP" else ():
            self.totals[count.topic] += count.messages - self.in_unit[count.topic]
            self.in_unit[count.topic] = count.messages
            self.of_topic[count.topic][self.totals[count.topic]] = count.last
        if entry.kind == "E":
            self.units += 1
            self.in_unit.clear()


class Check:
    def __init__(self):
        self.faults = []
        self.read = 0

    def chain(self, topic, broker_messages):
        """Yields (number from 1, message, header), each compared with the one before."""
        last = NONE
        for number, message in enumerate(broker_messages, 1):
            header = parse_header(dict(message.headers())["penstock"])
            position, previous = header[1:3]
            if previous != last or position <= last:
                self.faults.append(f"{topic}@{message.offset()}: {position} follows {previous}, read before it: {last}")
            last = position
            self.read += 1
            yield number, message, header

    def counts(self, topic, boundaries, number, position):
        expected = boundaries.of_topic[topic].get(number)
        if expected and expected != position:
            self.faults.append(f"{topic}: message {number} is {position}, the control topic says {expected}")

    def total(self, topic, boundaries, number):
        if number != boundaries.totals[topic]:
            self.faults.append(f"{topic}: {number} messages, but units count {boundaries.totals[topic]}")


def text(value):
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= SHOWN_WIDTH else shown[:SHOWN_WIDTH - 1] + "…"


class Showing(Log):
    """Decodes, and reads nothing of its own."""

    def __init__(self, schemas):  # pylint: disable=super-init-not-called
        self.schemas = schemas

    def show(self, message, position):
        event = self.decode(message.value())
        print(f"{message.topic()} @{message.offset()}: {OPERATIONS[event['op']] if event else 'tombstone'}"
              f" of {text(self.decode(message.key()))}, position {position.epoch}/{position.commit_lsn:X}/{position.ordinal}")
        for side in ("before", "after"):
            if event and event[side] is not None:
                print(f"    {side}: {text(event[side])}")


def read_topic(topic, broker, check, boundaries, log):
    """Shows the first and the last message, and checks all."""
    number = 0
    for number, message, header in check.chain(topic, messages(broker, topic)):
        check.counts(topic, boundaries, number, header[1])
        if number == 1:
            log.show(message, header[1])
    if number > 1:
        log.show(message, header[1])
    check.total(topic, boundaries, number)


def main(url, prefix):
    broker = Remote(url)
    log, check, boundaries = Showing(read_schemas(broker)), Check(), Boundaries()
    control = f"__penstock.{prefix}.control"
    for _, message, _ in check.chain(control, messages(broker, control)):
        for entry in parse_control(message.value()):
            boundaries.add(entry)
    for topic in sorted(name for name in broker.topics() if name.startswith(prefix + ".")):
        read_topic(topic, broker, check, boundaries, log)
    for fault in check.faults[:10]:
        print(fault)
    print(f"{check.read} messages read in {len(boundaries.totals)} topics: {boundaries.units} whole units,"
          f" {len(check.faults)} faults in chains and counts")
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
