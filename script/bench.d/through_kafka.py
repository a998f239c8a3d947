# SPDX-License-Identifier: Apache-2.0
"""Penstock's two halves with a broker between them, each by itself and, for the latency, both."""
import confluent_kafka

from contenders import IS_FINISHED, Penstock
from lib.kafka import Broker
from lib.stranger import parse_control

PATIENCE_SECONDS = 600


class BenchBroker(Broker):
    """A broker with the JVM's settings of Kafka's own scripts: here the speed after the start counts."""
    JVM = ("-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
           "-XX:InitiatingHeapOccupancyPercent=35", "-Djava.awt.headless=true",
           "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")

    @property
    def postmaster(self):
        """What measure.server_cpu() takes for the server's first process."""
        return self.process


class Half(Penstock):
    """What capture and sink share: topics under a prefix of their own, and their end."""
    prefixes = 0

    def __init__(self, bench):
        super().__init__(bench, self.title)
        self.broker = bench.broker
        self.prefix = None

    def new_prefix(self):
        """The topic of the last row is there early: nobody should have to wait for its appearance."""
        Half.prefixes += 1
        self.prefix = f"bench{Half.prefixes}"
        self.broker.create_topic(f"{self.prefix}.public.finish")

    def write_config(self, **source):
        path = super().write_config(**source)
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"kafka:\n  bootstrap.servers: {self.broker.url}\ntopics:\n  prefix: {self.prefix}\n")
        return path

    def start_half(self, half, *arguments):
        return self.bench.start([self.program, half, "-c", self.bench.path("penstock.yaml"), *arguments],
                                "penstock.log")

    def start_capture(self, *arguments):
        self.write_config(slot="bench_penstock", publication="bench")
        return self.start_half("capture", "--adopt-slot", *arguments)

    def delete_topics(self):
        for topic in self.broker.topics():
            if topic.startswith((f"{self.prefix}.", f"__penstock.{self.prefix}.")):
                self.broker.delete_topic(topic)

    def wait_for_last_row(self):
        """Until a reader of what is committed sees it; the entry END is in the same Kafka transaction."""
        consumer = self.broker.consumer(fetch_wait_max_ms=100)
        try:
            consumer.assign([confluent_kafka.TopicPartition(f"{self.prefix}.public.finish", 0, 0)])
            for _ in range(PATIENCE_SECONDS):
                message = consumer.poll(1)
                if message is not None and message.error() is None:
                    return
        finally:
            consumer.close()
        raise RuntimeError(f"no last row in Kafka\n{self.bench.log('penstock.log')}")

    def check_last_end(self):
        """The last END of the control topic counts the last row."""
        topic = f"__penstock.{self.prefix}.control"
        consumer = self.broker.consumer()
        try:
            partition = confluent_kafka.TopicPartition(topic, 0)
            low, high = consumer.get_watermark_offsets(partition, timeout=30)
            partition.offset = max(low, high - 20)
            consumer.assign([partition])
            entries = []
            while True:
                message = consumer.poll(30)
                if message is None or message.error() is not None:
                    break
                entries += parse_control(message.value())
        finally:
            consumer.close()
        ends = [entry for entry in entries if entry.kind == "E"]
        if not ends or f"{self.prefix}.public.finish" not in [count.topic for count in ends[-1].counts]:
            raise RuntimeError("the last END isn't the last row's")


class KafkaCapture(Half):
    title = "capture into Kafka"
    has_target = False

    def drain(self):
        self.bench.copy_slot("bench_penstock")
        self.new_prefix()
        run = self.bench.run()
        process = run.watch(self.start_capture("--until-caught-up"))
        self.wait_for_last_row()
        run.finished()
        self.end(run, process)
        self.check_last_end()
        return run

    def clean(self):
        self.bench.drop_slot("bench_penstock")
        self.delete_topics()


class KafkaSink(Half):
    """Its backlog lies in Kafka: a capture puts it there once."""
    title = "sink from Kafka"

    def fill_topics(self):
        self.bench.copy_slot("bench_penstock")
        self.new_prefix()
        process = self.start_capture("--until-caught-up")
        if process.wait(PATIENCE_SECONDS) != 0:
            raise RuntimeError(f"capture ended with {process.returncode}\n{self.bench.log('penstock.log')}")
        self.bench.drop_slot("bench_penstock")

    def drain(self):
        if not self.prefix:
            self.fill_topics()
        run = self.bench.run()
        self.write_config()
        process = run.watch(self.start_half("sink", "--until-caught-up"))
        self.bench.wait_for(IS_FINISHED, process, "penstock.log")
        run.finished()
        self.end(run, process)
        return run


class KafkaBoth(Half):
    """Both halves as processes, for the latency: the row's way from one database to the other."""
    title = "capture, Kafka, sink"

    def stream(self):
        self.bench.source.execute("select pg_create_logical_replication_slot('bench_penstock', 'pgoutput')")
        self.new_prefix()
        return [self.start_capture(), self.start_half("sink")]

    def clean(self):
        super().clean()
        self.delete_topics()
