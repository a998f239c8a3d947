# SPDX-License-Identifier: Apache-2.0
"""The registry: a real one over HTTP, over TLS, and our own on Kafka, raced, read by clients that are not ours."""
import base64
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
import time
import unittest
import warnings

import confluent_kafka
import fastavro
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from lib.apicurio import Apicurio
from lib.kafka import Broker
from lib.penstock import ROOT, SANITIZER
from lib.process import die_with_parent, forget, keep_track, new_directory, wait_until

CANARY = "canary-S3cret-b1rd"


def record(name, *fields):
    """A schema's text, with white space that isn't significant."""
    return json.dumps({"type": "record", "name": name, "fields": [
        {"name": field, "type": kind} for field, kind in fields]})


class Refused(Exception):
    """What the probe says instead of an answer."""

    def __init__(self, line):
        super().__init__(line)
        _, self.kind, self.stop, self.message = line.split(" ", 3)


class Probe:
    """tests/integration/registry_probe.c as a process: one question, one answer."""

    def __init__(self, kind, where, **environment):
        build = os.environ.get("PENSTOCK_BUILD", os.path.join(ROOT, "build", "dev"))
        self.popen = subprocess.Popen([os.path.join(build, "tests/integration/registry_probe"), kind, where],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      preexec_fn=die_with_parent(signal.SIGKILL), env={**os.environ, **environment})
        self.log = []
        self._reader = threading.Thread(target=lambda: self.log.extend(self.popen.stderr), daemon=True)
        self._reader.start()
        keep_track(self)

    def ask(self, question):
        self.popen.stdin.write(question + "\n")
        self.popen.stdin.flush()
        return self.answer()

    def answer(self):
        line = self.popen.stdout.readline().rstrip("\n")
        if line.startswith("ok "):
            return line[3:]
        raise Refused(line) if line.startswith("error ") else AssertionError(f"{line!r}, {''.join(self.log)}")

    def id(self, subject, schema):
        return int(self.ask(f"id {subject} {schema}"))

    def id_in_time(self, subject, schema, timeout=60):
        """As the capture does it: what may pass is tried again."""
        def registered():
            try:
                return self.id(subject, schema)
            except Refused as refusal:
                if refusal.kind != "RETRY":
                    raise
                return None
        return wait_until(registered, f"the id of {subject}", timeout, every=0.1)

    def schema(self, number):
        return self.ask(f"schema {number}")

    def destroy(self):
        """It ends by itself at the end of its input."""
        if self.popen.poll() is None:
            self.popen.stdin.close()
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                raise AssertionError("the probe doesn't end") from None
        self._reader.join(10)
        self.popen.stdout.close()
        self.popen.stderr.close()
        forget(self)
        if any(SANITIZER.search(line) for line in self.log):
            raise AssertionError("".join(self.log))


class RegistryCase(unittest.TestCase):
    maxDiff = None

    def probe(self, kind, where, **environment):
        probe = Probe(kind, where, **environment)
        self.addCleanup(probe.destroy)
        return probe

    def refused(self, function, *arguments):
        with self.assertRaises(Refused) as caught:
            function(*arguments)
        self.assertNotIn(CANARY, caught.exception.message)
        return caught.exception


class OverHttp(RegistryCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Apicurio().start()
        cls.addClassCleanup(cls.server.destroy)
        cls.client = SchemaRegistryClient({"url": cls.server.url})

    def setUp(self):
        self.ours = self.probe("http", self.server.url + "/")

    def test_what_we_register_others_read(self):
        text = record("R", ("id", "int"), ("note", ["null", "string"]))
        number = self.ours.id("inv.public.r-value", text)
        found = self.client.get_latest_version("inv.public.r-value")
        self.assertEqual(number, found.schema_id)
        self.assertEqual(json.loads(text), json.loads(found.schema.schema_str))
        self.assertEqual(number, self.client.lookup_schema("inv.public.r-value", Schema(text, "AVRO")).schema_id)

    def test_what_others_register_we_read(self):
        text = record("S", ("id", "long"))
        number = self.client.register_schema("inv.public.s-value", Schema(text, "AVRO"))
        self.assertEqual(json.loads(text), json.loads(self.ours.schema(number)))
        self.assertEqual(number, self.ours.id("inv.public.s-value", text))

    def test_two_captures_at_once_get_one_id(self):
        text = record("Twice", ("id", "int"))
        other = self.probe("http", self.server.url)
        found = []
        threads = [threading.Thread(target=lambda one=one: found.append(one.id("twice-value", text)))
                   for one in (self.ours, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(2, len(found))
        self.assertEqual(1, len(set(found)))

    def test_a_subject_with_odd_letters(self):
        text = record("Odd", ("id", "int"))
        number = self.ours.id("a%b+ü-value", text)
        self.assertEqual(number, self.client.get_latest_version("a%b+ü-value").schema_id)

    def test_an_incompatible_schema_is_rejected(self):
        self.ours.id("strict-value", record("Strict", ("id", "int")))
        self.client.set_compatibility("strict-value", "BACKWARD")
        refusal = self.refused(self.ours.id, "strict-value", record("Strict", ("id", "int"), ("more", "string")))
        self.assertEqual(("STOP", "SCHEMA_REJECTED"), (refusal.kind, refusal.stop))
        self.assertIn("strict-value", refusal.message)
        self.client.set_compatibility("strict-value", "NONE")
        self.ours.id("strict-value", record("Strict", ("id", "int"), ("more", "string")))

    def test_an_invalid_schema_is_rejected(self):
        refusal = self.refused(self.ours.id, "bad-value", '{"type":"nonsense"}')
        self.assertEqual("SCHEMA_REJECTED", refusal.stop)

    def test_an_unknown_id(self):
        self.assertEqual("SCHEMA_UNKNOWN", self.refused(self.ours.schema, 987654).stop)

    def test_a_wrong_path_is_no_registry(self):
        probe = self.probe("http", self.server.url.replace("/apis/ccompat/v7", "/nowhere"))
        self.assertEqual("REGISTRY_UNSUITABLE", self.refused(probe.id, "t", record("T", ("id", "int"))).stop)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name
        """The one schema, for the one user."""
        expected = base64.b64encode(f"joe:{CANARY}".encode()).decode()
        is_known = self.headers["Authorization"] == f"Basic {expected}"
        body = json.dumps({"schema": '"int"'} if is_known else {"error_code": 401, "message": "who?"}).encode()
        self.send_response(200 if is_known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):  # pylint: disable=arguments-differ
        """Not to standard error."""


class OverTls(RegistryCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = new_directory("tls")
        cls.certify("good", "localhost")
        cls.certify("elsewhere", "registry.example")

    @classmethod
    def certify(cls, name, host):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
                        "-keyout", cls.path(name, "key"), "-out", cls.path(name, "crt")],
                       check=True, capture_output=True)

    @classmethod
    def path(cls, name, extension):
        return os.path.join(cls.folder, f"{name}.{extension}")

    def serve(self, name, newest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name, "crt"), self.path(name, "key"))
        if newest:
            warnings.simplefilter("ignore", DeprecationWarning)  # of what is to be refused
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return f"https://localhost:{server.server_port}"

    def ask(self, url, authority=None, password=CANARY):
        environment = {"PROBE_USER": "joe", "PROBE_PASSWORD": password}
        if authority:
            environment["PROBE_CA"] = self.path(authority, "crt")
        probe = self.probe("http", url, **environment)
        try:
            return probe.schema(1)
        finally:
            with open(f"/proc/{probe.popen.pid}/cmdline", "rb") as cmdline:
                self.assertNotIn(CANARY.encode(), cmdline.read())
            self.assertNotIn(CANARY, "".join(probe.log))

    def test_a_certificate_of_a_known_authority(self):
        self.assertEqual('"int"', self.ask(self.serve("good"), "good"))

    def test_an_unknown_authority_is_the_configuration(self):
        self.assertEqual("CONFIG", self.refused(self.ask, self.serve("good")).kind)

    def test_a_certificate_of_another_host_is_the_configuration(self):
        self.assertEqual("CONFIG", self.refused(self.ask, self.serve("elsewhere"), "elsewhere").kind)

    def test_old_tls_is_not_spoken(self):
        refusal = self.refused(self.ask, self.serve("good", ssl.TLSVersion.TLSv1_1), "good")
        self.assertEqual("RETRY", refusal.kind)

    def test_a_wrong_password(self):
        refusal = self.refused(self.ask, self.serve("good"), "good", "wrong")
        self.assertEqual("PERMISSION_DENIED", refusal.stop)


def schemas_of(broker, **options):
    """{id: schema} and {(subject, version): id} as an independent reader of `_schemas` finds them."""
    texts, versions, offences = {}, {}, []
    for entry in broker.read("_schemas", **options):
        key = json.loads(entry.key)
        if key["keytype"] != "SCHEMA" or entry.value is None:
            continue
        value = json.loads(entry.value)
        place = (key["subject"], key["version"])
        if texts.setdefault(value["id"], value["schema"]) != value["schema"]:
            offences.append(f"id {value['id']} stands for two schemas")
        if versions.setdefault(place, value["id"]) != value["id"]:
            offences.append(f"{place} has two ids")
    by_text = {}
    for number, text in texts.items():
        canonical = fastavro.schema.to_parsing_canonical_form(json.loads(text))
        if by_text.setdefault(canonical, number) != number:
            offences.append(f"ids {number} and {by_text[canonical]} are the same schema")
    return texts, versions, offences


class OnKafka(RegistryCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().start()
        cls.addClassCleanup(cls.broker.destroy)

    def setUp(self):
        self.addCleanup(self.empty)

    def empty(self):
        if "_schemas" in self.broker.topics():
            self.broker.delete_topic("_schemas")
            wait_until(lambda: "_schemas" not in self.broker.topics(), "the topic to go")

    def log_probe(self):
        return self.probe("log", self.broker.url)

    def test_makes_its_topic_and_writes_what_others_read(self):
        first = self.log_probe()
        text = record("R", ("id", "int"))
        self.assertEqual("SCHEMA_UNKNOWN", self.refused(first.schema, 1).stop)
        self.assertNotIn("_schemas", self.broker.topics())
        self.assertEqual(1, first.id("t-value", text))
        self.assertEqual(1, self.broker.topics()["_schemas"])
        self.assertEqual("compact", self.broker.topic_config("_schemas")["cleanup.policy"])
        (written,) = self.broker.read("_schemas")
        self.assertEqual(b'{"keytype":"SCHEMA","subject":"t-value","version":1,"magic":1}', written.key)
        self.assertEqual({"subject": "t-value", "version": 1, "id": 1, "schema": text, "deleted": False},
                         json.loads(written.value))
        second = self.log_probe()
        self.assertEqual(json.loads(text), json.loads(second.schema(1)))
        self.assertEqual(1, second.id("t-value", text))
        self.assertEqual(2, first.id("t-key", '"int"'))
        self.assertEqual('"int"', second.schema(2))

    def test_goes_on_behind_a_registry_of_another_make(self):
        self.broker.create_topic("_schemas", config={"cleanup.policy": "compact"})
        producer = self.broker.producer()
        for key, value in ((b'{"keytype":"NOOP","magic":0}', None),
                           (b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
                            b'{"subject":"a","version":1,"id":41,"md5":"x","schema":"\\"long\\"","deleted":false}')):
            producer.produce("_schemas", value, key)
        producer.flush()
        ours = self.log_probe()
        self.assertEqual('"long"', ours.schema(41))
        self.assertEqual(41, ours.id("b", ' "long"'))
        self.assertEqual(42, ours.id("b", '"int"'))
        self.assertEqual({("a", 1): 41, ("b", 1): 41, ("b", 2): 42}, schemas_of(self.broker)[1])

    def test_raced_by_two_processes(self):
        """Each registers its own schemas and common ones, in other orders, under common subjects."""
        probes = [self.log_probe(), self.log_probe()]
        common = [record(f"C{i}", ("id", "int")) for i in range(12)]
        found = [{}, {}]
        failures = []

        def run(number):
            own = [record(f"O{number}x{i}", ("id", "int")) for i in range(12)]
            mixed = [text for pair in zip(own, common[::1 if number else -1]) for text in pair]
            try:
                for i, text in enumerate(mixed):
                    found[number][text] = probes[number].id_in_time(f"s{i % 3}", text)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        texts, versions, offences = schemas_of(self.broker)
        self.assertEqual([], offences)
        self.assertEqual(set(range(1, 37)), set(texts))
        for one in found:
            self.assertEqual({text: texts[number] for text, number in one.items()}, {text: text for text in one})
        for subject in ("s0", "s1", "s2"):
            numbers = sorted(version for name, version in versions if name == subject)
            self.assertEqual(list(range(1, len(numbers) + 1)), numbers)

    def test_a_frozen_writer_is_fenced(self):
        frozen, other = self.log_probe(), self.log_probe()
        self.assertEqual(1, frozen.id("a", '"int"'))
        frozen.popen.send_signal(signal.SIGSTOP)
        self.assertEqual(2, other.id_in_time("a", '"long"'))
        frozen.popen.send_signal(signal.SIGCONT)
        self.assertEqual(3, frozen.id_in_time("a", '"string"'))
        self.assertEqual(2, frozen.id_in_time("a", '"long"'))
        self.assertEqual([], schemas_of(self.broker)[2])

    def test_an_open_transaction_of_a_dead_writer_is_rolled_back(self):
        self.log_probe().id_in_time("a", '"int"')
        dead = self.broker.producer(transactional_id="penstock-schemas")
        dead.init_transactions(30)
        dead.begin_transaction()
        dead.produce("_schemas", b'{"subject":"a","version":2,"id":2,"schema":"\\"bytes\\""}',
                     b'{"keytype":"SCHEMA","subject":"a","version":2,"magic":1}')
        dead.flush()
        ours = self.log_probe()
        self.assertEqual("SCHEMA_UNKNOWN", self.refused(ours.schema, 2).stop)
        self.assertEqual(2, ours.id_in_time("a", '"long"'))
        self.assertEqual({1: '"int"', 2: '"long"'}, schemas_of(self.broker)[0])
        with self.assertRaises(confluent_kafka.KafkaException):
            dead.commit_transaction(30)

    def test_a_broker_that_was_killed(self):
        ours = self.log_probe()
        self.assertEqual(1, ours.id("a", '"int"'))
        self.broker.kill9()
        began = time.monotonic()
        self.assertEqual("RETRY", self.refused(ours.id, "a", '"long"').kind)
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual(1, ours.id("a", '"int"'))
        self.broker.start()
        self.assertEqual(2, ours.id_in_time("a", '"long"'))
        self.assertEqual([], schemas_of(self.broker)[2])

    def test_ends_soon_when_it_is_asked_to_while_the_broker_hangs(self):
        ours = self.log_probe()
        self.assertEqual(1, ours.id("a", '"int"'))
        self.broker.sigstop()
        try:
            ours.popen.stdin.write('id a "long"\n')
            ours.popen.stdin.flush()
            ours.popen.send_signal(signal.SIGTERM)
            began = time.monotonic()
            self.assertEqual("ENDED", self.refused(ours.answer).kind)
            self.assertLess(time.monotonic() - began, 9)
        finally:
            self.broker.sigcont()

    def test_an_unsuitable_topic(self):
        self.broker.create_topic("_schemas", 2)
        self.assertIn("2 partitions", self.refused(self.log_probe().id, "a", '"int"').message)
        self.empty()
        self.broker.create_topic("_schemas", config={"cleanup.policy": "delete"})
        refusal = self.refused(self.log_probe().id, "a", '"int"')
        self.assertEqual("REGISTRY_UNSUITABLE", refusal.stop)
        self.assertIn("cleanup.policy is delete", refusal.message)

    def test_a_topic_made_anew_is_seen(self):
        ours = self.log_probe()
        ours.id("a", '"int"')
        ours.id("a", '"long"')
        self.assertEqual("SCHEMA_UNKNOWN", self.refused(ours.schema, 7).stop)
        self.empty()
        self.assertEqual("RETRY", self.refused(ours.schema, 7).kind)
        self.broker.create_topic("_schemas", config={"cleanup.policy": "compact"})
        refusal = self.refused(ours.schema, 7)
        self.assertEqual("REGISTRY_UNSUITABLE", refusal.stop)
        self.assertIn("made it anew", refusal.message)

    def test_read_after_compaction(self):
        """Holes in the offsets, and an end that is a marker."""
        self.broker.create_topic("_schemas", config={
            "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "100",
            "delete.retention.ms": "0", "max.compaction.lag.ms": "100"})
        producer = self.broker.producer()
        key = b'{"keytype":"CONFIG","subject":"a","magic":0}'
        for i in range(20):
            producer.produce("_schemas", f'{{"compatibilityLevel":"{i}"}}'.encode(), key)
            producer.flush()
        ours = self.log_probe()
        self.assertEqual(1, ours.id_in_time("a", '"int"'))
        wait_until(lambda: self.write_and_count() < 20, "the compaction", 90, every=0.5)
        again = self.log_probe()
        self.assertEqual('"int"', again.schema(1))
        self.assertEqual(2, again.id_in_time("a", '"long"'))

    def write_and_count(self):
        """The active segment is never compacted: a record more closes it."""
        producer = self.broker.producer()
        producer.produce("_schemas", None, b'{"keytype":"NOOP","magic":0}')
        producer.flush()
        return len(self.broker.read("_schemas"))


if __name__ == "__main__":
    unittest.main()
