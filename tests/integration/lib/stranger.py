# SPDX-License-Identifier: Apache-2.0
"""A reader of Penstock's topics that knows docs/message-format.md and nothing else: Kafka's Python client, fastavro."""
import collections
import io
import json
import struct

import fastavro

Position = collections.namedtuple("Position", "epoch commit_lsn ordinal step")
Message = collections.namedtuple("Message", "topic partition offset position previous flags shape sections key value")
Entry = collections.namedtuple("Entry", "kind position counts fields")
Count = collections.namedtuple("Count", "topic partition messages last")

NONE = Position(0, 0, 0, 0)
HEAD = struct.Struct(">BBIQQIIQQIQ")  # version, flags, position, previous, shape
KEY_CHANGE, UNCHANGED, OLD_KEY, EXACT, ORIGIN, FULL_BEFORE, RESTART = 1, 2, 4, 8, 16, 32, 64


class Bytes:
    """Big-endian numbers and runs from the front of bytes; reading past the end is an error."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size, signed=False):
        return int.from_bytes(self.take(size), "big", signed=signed)

    def text(self, size=2):
        return self.take(self.number(size)).decode()

    def position(self):
        return Position(*struct.unpack(">IQQI", self.take(24)))

    def is_over(self):
        return self.at == len(self.data)


def parse_header(data):
    version, flags, *fields = HEAD.unpack_from(data)
    if version != 1:
        raise ValueError("another version")
    position, previous, shape = Position(*fields[:4]), Position(*fields[4:8]), fields[8]
    reader = Bytes(data)
    reader.at = HEAD.size
    sections = {}
    if flags & UNCHANGED:
        sections["unchanged"] = [reader.number(2) for _ in range(reader.number(2))]
    if flags & OLD_KEY:
        sections["old_key"] = reader.take(reader.number(4))
    if flags & EXACT:
        sections["exact"] = {}
        for _ in range(reader.number(2)):
            part, column = reader.number(1), reader.number(2)
            size = reader.number(4)
            sections["exact"][part, column] = None if size == 0xffffffff else reader.take(size).decode()
    if flags & ORIGIN:
        sections["origin"] = reader.text()
    if flags & 0x80 or not reader.is_over():
        raise ValueError("more than the flags say")
    return flags, position, previous, shape, sections


def parse_entry(reader):
    kind, size = chr(reader.number(1)), reader.number(4)
    body = Bytes(reader.take(size))
    position, counts, fields = body.position(), [], {}
    if kind == "E":
        fields = {"end_lsn": body.number(8), "commit_time_us": body.number(8, True), "xid": body.number(4),
                  "origin": body.text()}
    elif kind == "W":
        fields = {"lsn": body.number(8), "time_us": body.number(8, True)}
    elif kind == "S":
        fields = {"shape": body.number(8), "topic": body.text()}
    elif kind == "G":
        fields = {"reason": body.text()}
    if kind in "EP":
        counts = [Count(body.text(), body.number(4), body.number(8), body.position()) for _ in range(body.number(4))]
    elif kind == "N":
        counts = [Count(body.text(), body.number(4), 0, body.position()) for _ in range(body.number(4))]
        fields["tables"] = [(body.text(), body.text(), body.text()) for _ in range(body.number(4))]
    if not body.is_over():
        raise ValueError(f"an entry {kind} with more than it should have")
    return Entry(kind, position, counts, fields)


def parse_control(value):
    reader = Bytes(value)
    if reader.number(1) != 1:
        raise ValueError("another version")
    entries = [parse_entry(reader) for _ in range(reader.number(4))]
    if not reader.is_over():
        raise ValueError("more than the entries")
    return entries


def read_schemas(broker):
    """{id: parsed schema} of the built-in registry's topic."""
    found = {}
    if "_schemas" not in broker.topics():
        return found
    for record in broker.read("_schemas"):
        key = json.loads(record.key)
        if key["keytype"] == "SCHEMA" and record.value is not None:
            value = json.loads(record.value)
            found[value["id"]] = fastavro.parse_schema(json.loads(value["schema"]))
    return found


class Log:
    """All that lies in the topics of one prefix, as a read_committed reader sees it."""

    def __init__(self, broker, prefix, schemas=None):
        self.schemas = read_schemas(broker) if schemas is None else schemas
        self.control_topic = f"__penstock.{prefix}.control"
        self.topics = sorted(topic for topic in broker.topics() if topic.startswith(prefix + "."))
        self.messages = {topic: [self._message(topic, record) for record in broker.read(topic)] for topic in self.topics}
        control = broker.read(self.control_topic)
        self.control = [self._message(self.control_topic, record) for record in control]
        self.entries = [entry for record in control for entry in parse_control(record.value)]

    @staticmethod
    def _message(topic, record):
        flags, position, previous, shape, sections = parse_header(record.headers["penstock"])
        return Message(topic, record.partition, record.offset, position, previous, flags, shape, sections, record.key,
                       record.value)

    def decode(self, data):
        """None for nothing, else what the Avro says."""
        if data is None:
            return None
        if data[0] != 0:
            raise ValueError("not Confluent's wire format")
        body = io.BytesIO(data[5:])
        value = fastavro.schemaless_reader(body, self.schemas[int.from_bytes(data[1:5], "big")])
        if body.read():
            raise ValueError("bytes behind the Avro")
        return value

    def partitions(self):
        """{(topic, partition): messages in order}, control apart."""
        found = collections.defaultdict(list)
        for topic in self.topics:
            for message in self.messages[topic]:
                found[topic, message.partition].append(message)
        return found

    def faults(self):
        """What is wrong with chains and counts; nothing, if all is well."""
        partitions = self.partitions()
        return (_chain_faults([*partitions.values(), self.control]) + _entry_faults(self.entries)
                + _count_faults(self.entries, partitions))

    def rows(self, topic, epoch=None):
        """{key as it lies in Kafka: (after, exact texts)} after all that happened, of the newest epoch."""
        found = {}
        newest = epoch or max((message.position.epoch for message in self.messages[topic]), default=1)
        for message in sorted(self.messages[topic], key=lambda message: message.position):
            if message.position.epoch != newest:
                continue
            event = self.decode(message.value)
            if event is None or event["op"] == "d":
                found.pop(message.key, None)
            elif event["op"] == "t":
                found.clear()
            else:
                found[message.key] = (self._merged(found, message, event["after"]), message.sections.get("exact", {}))
        return found

    @staticmethod
    def _merged(found, message, after):
        """Columns that weren't sent have a placeholder in the event: they keep what they had."""
        old = found.pop(message.sections["old_key"], None) if message.flags & OLD_KEY else found.get(message.key)
        names = list(after)
        for index in message.sections.get("unchanged", ()):
            after[names[index]] = old[0][names[index]] if old else None
        return after


def _chain_faults(partitions):
    faults = []
    for messages in partitions:
        last = NONE
        for message in messages:
            if message.previous != last:
                faults.append(f"{message.topic}/{message.partition}@{message.offset}: follows {message.previous}, not {last}")
            if message.position <= last:
                faults.append(f"{message.topic}/{message.partition}@{message.offset}: {message.position} again")
            last = message.position
    return faults


def _entry_faults(entries):
    return [f"entry {entry.kind} {entry.position} after {before.position}"
            for before, entry in zip(entries, entries[1:]) if entry.position <= before.position]


def _count_faults(entries, partitions):
    faults = []
    at = collections.Counter()  # how many messages of each partition are accounted for
    in_unit = collections.Counter()
    for entry in entries:
        if entry.kind == "N":
            for where, messages in partitions.items():  # what an epoch before left half done
                while at[where] < len(messages) and messages[at[where]].position < entry.position:
                    at[where] += 1
            in_unit.clear()
        if entry.kind not in "EP":
            continue
        for count in entry.counts:
            where = (count.topic, count.partition)
            new = count.messages - in_unit[where]
            messages = partitions[where][at[where]:at[where] + new]
            if len(messages) != new or (new and messages[-1].position != count.last):
                faults.append(f"{entry.kind} {entry.position}: {count} but {len(messages)} up to "
                              f"{messages[-1].position if messages else None}")
            if any(message.position > entry.position for message in messages):
                faults.append(f"{entry.kind} {entry.position}: {where} has messages behind it")
            at[where] += new
            in_unit[where] = count.messages
        if entry.kind == "E":
            in_unit.clear()
    faults += [f"{where}: {len(messages) - at[where]} messages belong to no unit"
               for where, messages in partitions.items() if at[where] != len(messages)]
    return faults
