# SPDX-License-Identifier: Apache-2.0
"""A throw-away Kafka broker, and what a test does with it by a client that is not ours."""
import base64
import collections
import fcntl
import glob
import os
import shutil
import socket
import uuid

import confluent_kafka
from confluent_kafka import admin

from lib.java import JavaServer, fetched
from lib.process import free_port

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "num.partitions": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 3,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": "false",
    # A broker that was killed comes back when its session is over; 9 s by default.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 400,
}

Record = collections.namedtuple("Record", "partition offset key value headers timestamp_ms")


class Broker(JavaServer):
    """A broker that is its own controller, on loopback. `settings` go to server.properties over SETTINGS."""

    JVM = JavaServer.JVM + ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",)

    def __init__(self, name="kafka", version=None, settings=None, archive_option=None):
        super().__init__(name)
        self.jars = fetched("kafka", version or os.environ.get("PENSTOCK_KAFKA"))
        self.archive_option = archive_option
        self.port = free_port()
        self.url = f"127.0.0.1:{self.port}"
        self.data = os.path.join(self.root, "data")
        self.properties = os.path.join(self.root, "server.properties")
        controller = f"127.0.0.1:{free_port()}"
        self._format()
        self.configure({**SETTINGS, "log.dirs": self.data, "controller.quorum.voters": f"1@{controller}",
                        "listeners": f"PLAINTEXT://{self.url},CONTROLLER://{controller}",
                        "advertised.listeners": f"PLAINTEXT://{self.url}", **(settings or {})})

    def _format(self):
        """What kafka-storage.sh leaves, without a second JVM. The broker takes its metadata version as default."""
        os.mkdir(self.data)
        with open(os.path.join(self.data, "meta.properties"), "w", encoding="ascii") as file:
            file.write(f"version=1\nnode.id=1\ncluster.id={_kafka_uuid()}\ndirectory.id={_kafka_uuid()}\n")

    def configure(self, settings):
        """Adds settings; the last of a name counts, from the next start on."""
        with open(self.properties, "a", encoding="utf-8") as file:
            file.writelines(f"{key}={value}\n" for key, value in settings.items())

    def command(self):
        jars = sorted(glob.glob(os.path.join(self.jars, "*.jar")))
        archive = self.archive_option or f"-XX:SharedArchiveFile={_class_archive(self.jars)}"
        return ["java", *self.JVM, archive, "-cp", ":".join(jars), "kafka.Kafka", self.properties]

    def is_ready(self):
        """The port first: a client that was refused once pauses before it tries again."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        try:
            return len(self.admin().list_topics(timeout=5).brokers) == 1
        except confluent_kafka.KafkaException:
            return False

    def admin(self):
        return admin.AdminClient({"bootstrap.servers": self.url})

    def create_topic(self, topic, partitions=1, config=None):
        client = self.admin()
        wanted = admin.NewTopic(topic, partitions, 1, config=config or {})
        client.create_topics([wanted])[topic].result(30)

    def delete_topic(self, topic):
        client = self.admin()
        client.delete_topics([topic])[topic].result(30)

    def topics(self):
        """{topic: number of partitions}, without the broker's own."""
        found = self.admin().list_topics(timeout=30).topics
        return {name: len(topic.partitions) for name, topic in found.items()
                if name not in ("__consumer_offsets", "__transaction_state")}

    def topic_config(self, topic):
        client = self.admin()
        resource = admin.ConfigResource(admin.ResourceType.TOPIC, topic)
        return {name: entry.value for name, entry in client.describe_configs([resource])[resource].result(30).items()}

    def consumer(self, **options):
        """Of no group and without a position; `isolation_level="read_uncommitted"` shows what was rolled back too."""
        return confluent_kafka.Consumer({
            "bootstrap.servers": self.url, "group.id": "reader", "enable.auto.commit": False,
            "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "error",
            "fetch.wait.max.ms": 10, "log_level": 0,
            **{name.replace("_", "."): value for name, value in options.items()}})

    def read(self, topic, timeout=30, **options):
        """All records up to where a read_committed reader can come now, by partition and offset."""
        consumer = self.consumer(**options)
        try:
            partitions = consumer.list_topics(topic, timeout=timeout).topics[topic].partitions
            consumer.assign([confluent_kafka.TopicPartition(topic, number, confluent_kafka.OFFSET_BEGINNING)
                             for number in partitions])
            return sorted(_read_to_ends(consumer, len(partitions), timeout), key=lambda record: record[:2])
        finally:
            consumer.close()

    def producer(self, **options):
        return confluent_kafka.Producer({"bootstrap.servers": self.url,
                                         **{name.replace("_", "."): value for name, value in options.items()}})


def _read_to_ends(consumer, open_count, timeout):
    records = []
    while open_count:
        message = consumer.poll(timeout)
        if message is None:
            raise AssertionError(f"no end of the partition within {timeout} s")
        if message.error() is None:
            records.append(Record(message.partition(), message.offset(), message.key(), message.value(),
                                  dict(message.headers() or []), message.timestamp()[1]))
        elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
            open_count -= 1
        elif not message.error().retriable():
            raise confluent_kafka.KafkaException(message.error())
    return records


def _kafka_uuid():
    """Kafka refuses ids that begin with a dash: they look like options."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def _class_archive(jars):
    """The JVM's own cache of loaded classes, made once for each JVM and version: it halves the time of a start."""
    java = os.path.realpath(shutil.which("java"))
    archive = os.path.join(jars, f"classes-{os.stat(java).st_mtime_ns}.jsa")
    with open(os.path.join(jars, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(archive):
            trained = Broker("kafka-classes", os.path.basename(jars).partition("-")[2],
                             archive_option=f"-XX:ArchiveClassesAtExit={archive}.new")
            trained.start()
            trained.stop()
            trained.destroy()
            os.rename(f"{archive}.new", archive)
    return archive
