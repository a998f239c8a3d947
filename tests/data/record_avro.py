# SPDX-License-Identifier: Apache-2.0
"""Records tests/data/avro/* anew: what a real server writes as text and how fastavro writes it as Avro.

Needs the Python package fastavro beside psycopg2. The numbers come from the server's own functions and from Python,
never from Penstock, so that the tests have a second opinion.
"""
import io
import json
import os
import random
import struct
import sys
from decimal import Decimal, getcontext

import fastavro

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from lib.cluster import Cluster  # noqa: E402

getcontext().prec = 3000
FOLDER = os.path.join(HERE, "avro")
DECIMAL_RECORD = {"type": "record", "name": "VariableScaleDecimal", "fields": [
    {"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}]}
US_PER_DAY = 86400 * 10**6
US_PER_MONTH = 2629800 * 10**6  # 365.25 / 12 days
SETTINGS = {"datestyle": "ISO, YMD", "intervalstyle": "postgres", "extra_float_digits": "3",
            "bytea_output": "hex", "timezone": "UTC"}


def encode(schema, value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def big_endian(unscaled):
    """As Java's BigInteger.toByteArray()."""
    magnitude = unscaled if unscaled >= 0 else ~unscaled
    return unscaled.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)


def unscaled(text, scale):
    return int(Decimal(text).scaleb(scale).to_integral_exact())


# ---- one type after the other: (oid, modifier, SQL type, literals, SQL of the number, Avro of the number) ----

def numeric_modifier(precision, scale):
    return (precision << 16 | scale) + 4


def random_doubles(rng, count):
    values = []
    while len(values) < count:
        value = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        if value == value and abs(value) != float("inf"):
            values.append(repr(value))
    for exponent in range(-1074, 1024, 5):  # powers of two, where a number's interval is lopsided
        values.append(repr(2.0 ** exponent))
    values += [repr(rng.randrange(10**k) / 100) for k in range(1, 18) for _ in range(5)]
    return values


def random_floats(rng, count):
    bits = [rng.getrandbits(32) for _ in range(count)]
    bits += [exponent << 23 for exponent in range(1, 255)]
    values = [struct.unpack("<f", struct.pack("<I", value))[0] for value in bits]
    return [repr(value) for value in values if value == value and abs(value) != float("inf")]


def random_dates(rng, count):
    years = [rng.randrange(1, 294276) for _ in range(count)]
    return [f"{year:04}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
            for year in years + [1, 4, 100, 400, 1600, 1899, 1900, 1970, 2000, 2024, 9999, 10000]]


def random_clock(rng):
    fraction = rng.choice(["", f".{rng.randrange(10**6):06}", f".{rng.randrange(10**3):03}"])
    return f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}{fraction}"


def random_timestamps(rng, zone=""):
    dates = random_dates(rng, 60)
    return ([f"{date} {random_clock(rng)}{zone}" for date in dates if int(date.split("-")[0]) < 294240]
            + [f"{rng.randrange(1, 4713):04}-0{rng.randrange(1, 10)}-01 {random_clock(rng)}{zone} BC"
               for _ in range(20)])


def types(rng):
    us = "(extract(epoch from v) * 1000000)::numeric(30,0)"
    ms = "floor(extract(epoch from v) * 1000)::numeric(30,0)"
    whole = [str(rng.randrange(-10**k, 10**k)) for k in range(1, 40) for _ in range(3)]
    fractions = [f"{rng.randrange(-10**k, 10**k)}.{rng.randrange(10**s):0{s}}{rng.randrange(1, 10)}"
                 for k in (1, 9, 18, 40) for s in (1, 5, 17, 30) for _ in range(3)]
    yield 20, -1, "int8", ["0", "-1", "63", "64", "-64", "-65", str(2**63 - 1), str(-2**63)], "v", "long"
    yield 23, -1, "int4", ["0", "8191", "8192", str(2**31 - 1), str(-2**31)], "v", "int"
    yield 21, -1, "int2", ["0", "-32768", "32767"], "v", "int"
    yield 26, -1, "oid", ["0", "4294967295"], "v::int8", "long"
    yield 701, -1, "float8", random_doubles(rng, 300) + ["-0", "1e15", "1e14", "1e-4", "1e-5"], "v", "double"
    yield 700, -1, "float4", random_floats(rng, 300) + ["-0", "1e6", "1e5", "1e-4", "1e-5"], "v", "float"
    yield 1700, -1, "numeric", whole + fractions + ["1e100", "1e-100", "1.5e1000"], "v", "variable"
    yield (1700, numeric_modifier(12, 2), "numeric(12,2)", ["0", "0.05", "-0.05", "1.5", "9999999999.99",
           "-9999999999.99", "1.27", "1.28", "-1.28", "-1.29"], "v", "decimal 2")
    yield 1700, numeric_modifier(40, 0), "numeric(40,0)", [w for w in whole if len(w) < 40], "v", "decimal 0"
    yield 1082, -1, "date", random_dates(rng, 60) + ["4713-11-24 BC", "0001-01-01 BC", "0005-02-28 BC"], \
        "v - '1970-01-01'::date", "int"
    yield 1083, -1, "time", ["00:00:00", "24:00:00"] + [random_clock(rng) for _ in range(30)], us, "long"
    yield 1083, 3, "time(3)", [random_clock(rng) for _ in range(30)], ms, "int"
    yield 1114, -1, "timestamp", random_timestamps(rng), us, "long"
    yield 1114, 3, "timestamp(3)", random_timestamps(rng), ms, "long"
    yield 1184, -1, "timestamptz", random_timestamps(rng, "+00"), "v", "iso 6"
    yield 1184, 3, "timestamptz(3)", random_timestamps(rng, "+00"), "v", "iso 3"
    yield 1184, 0, "timestamptz(0)", random_timestamps(rng, "+00"), "v", "iso 0"
    yield 1186, -1, "interval", ["0", "1 day", "-1 mon", "1 year 2 mons -3 days +04:05:06.789", "100:00:00.5",
           "-25:30:00", "178000 years", "-1 years -2 mons +3 days -04:05:06", "7 days"], \
        (f"(extract(year from v) * 12 + extract(month from v)) * {US_PER_MONTH} + extract(day from v) * {US_PER_DAY}"
         " + extract(hour from v) * 3600000000 + extract(minute from v) * 60000000"
         " + extract(microsecond from v)"), "long"
    yield 17, -1, "bytea", ["", "\\x00", "\\xff00deadbeef"], "v", "bytes"
    yield 16, -1, "bool", ["t", "f"], "v", "boolean"
    yield 25, -1, "text", ["", "a", "ä€🐘", "x" * 200], "v", "string"


def iso(text, digits):
    """From the server's text to what java.time writes."""
    is_bc = text.endswith(" BC")
    date, clock = text.removesuffix(" BC").removesuffix("+00").split(" ")
    year, month, day = date.split("-")
    number = 1 - int(year) if is_bc else int(year)
    sign = "+" if number > 9999 else "-" if number < 0 else ""
    seconds, _, fraction = clock.partition(".")
    fraction = "." + fraction.ljust(digits, "0") if digits else ""
    return f"{sign}{abs(number):04}-{month}-{day}T{seconds}{fraction}Z"


def avro_of(kind, text, number):
    if kind == "variable":
        stripped = text.rstrip("0").rstrip(".") if "." in text else text
        scale = len(stripped.partition(".")[2])
        return encode(DECIMAL_RECORD, {"scale": scale, "value": big_endian(unscaled(text, scale))})
    if kind.startswith("decimal"):
        return encode("bytes", big_endian(unscaled(text, int(kind.split()[1]))))
    if kind.startswith("iso"):
        return encode("string", iso(text, int(kind.split()[1])))
    if kind in ("int", "long"):
        return encode(kind, int(number))
    return encode(kind, bytes(number) if kind == "bytes" else number)


def record_values(database):
    rng = random.Random(20261123)
    lines = ["# PostgreSQL " + database.value("SHOW server_version").split()[0] + ", fastavro "
             + fastavro.__version__ + ": type, modifier, text, Avro"]
    for oid, modifier, sql_type, literals, number_sql, kind in types(rng):
        for literal in literals:
            number_sql = "0" if kind.startswith("iso") else number_sql
            text, number = database.rows(f"SELECT format('%%s', v), {number_sql}"
                                         f" FROM (SELECT %s::{sql_type} AS v) AS x", (literal,))[0]
            lines.append(f"{oid}\t{modifier}\t{text}\t{avro_of(kind, text, number).hex()}")
    with open(os.path.join(FOLDER, "values.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


# ---- whole events of one table ----

TOPIC = "shop.public.things"


def semantic(avro_type, name):
    return {"type": avro_type, "connect.version": 1, "connect.name": name}


def optional(field, avro_type):
    return {"name": field, "type": ["null", avro_type], "default": None}


def value_schema():
    decimal = {"type": "bytes", "scale": 2, "precision": 12, "connect.version": 1,
               "connect.parameters": {"scale": "2", "connect.decimal.precision": "12"},
               "connect.name": "org.apache.kafka.connect.data.Decimal", "logicalType": "decimal"}
    row = {"type": "record", "name": "Value", "fields": [
        {"name": "id", "type": "long"}, optional("quantity", "int"), optional("total", "long"),
        optional("price", decimal), {"name": "note", "type": "string"},
        optional("changed", semantic("string", "io.debezium.time.ZonedTimestamp")), optional("is_paid", "boolean"),
        optional("reference", semantic("string", "io.debezium.data.Uuid")),
        optional("details", semantic("string", "io.debezium.data.Json")), optional("weight", "double")],
        "connect.name": TOPIC + ".Value"}
    snapshot = {"type": "string", "connect.version": 1, "connect.parameters": {
        "allowed": "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"},
        "connect.default": "false", "connect.name": "io.debezium.data.Enum"}
    source = {"type": "record", "name": "Source", "namespace": "io.debezium.connector.postgresql", "fields": [
        {"name": "version", "type": "string"}, {"name": "connector", "type": "string"},
        {"name": "name", "type": "string"}, {"name": "ts_ms", "type": "long"},
        {"name": "snapshot", "type": [snapshot, "null"], "default": "false"}, {"name": "db", "type": "string"},
        optional("sequence", "string"), optional("ts_us", "long"), optional("ts_ns", "long"),
        {"name": "schema", "type": "string"}, {"name": "table", "type": "string"}, optional("txId", "long"),
        optional("lsn", "long"), optional("xmin", "long"), optional("origin", "string"),
        optional("origin_lsn", "long")],
        "connect.version": 1, "connect.name": "io.debezium.connector.postgresql.Source"}
    block = {"type": "record", "name": "block", "namespace": "event", "fields": [
        {"name": "id", "type": "string"}, {"name": "total_order", "type": "long"},
        {"name": "data_collection_order", "type": "long"}], "connect.version": 1, "connect.name": "event.block"}
    return {"type": "record", "name": "Envelope", "namespace": TOPIC, "fields": [
        optional("before", row), optional("after", "Value"), {"name": "source", "type": source},
        optional("transaction", block), {"name": "op", "type": "string"}, optional("ts_ms", "long"),
        optional("ts_us", "long"), optional("ts_ns", "long")],
        "connect.version": 2, "connect.name": TOPIC + ".Envelope"}


def row_of(**changed):
    row = {"id": 7, "quantity": -3, "total": 98765432101, "price": big_endian(-129995), "note": "a note",
           "changed": "2026-11-23T17:33:51.120000Z", "is_paid": True,
           "reference": "550e8400-e29b-41d4-a716-446655440000", "details": '{"a": 1}', "weight": 0.1}
    return {**row, **changed}


KEY_ONLY = {"id": 7, "quantity": None, "total": None, "price": None, "note": "", "changed": None,
            "is_paid": None, "reference": None, "details": None, "weight": None}
PLACEHOLDER = "__debezium_unavailable_value"


def event(op, before, after, snapshot="false", sequence='["300","400"]', tx_id=771, origin=None):
    source_us, written_us = 1795455231123456, 1795455231130001
    source = {"version": "1.0.0", "connector": "postgresql", "name": "shop", "ts_ms": source_us // 1000,
              "snapshot": snapshot, "db": "shopdb", "sequence": sequence, "ts_us": source_us,
              "ts_ns": source_us * 1000, "schema": "public", "table": "things", "txId": tx_id, "lsn": 400,
              "xmin": None, "origin": origin, "origin_lsn": None}
    return {"before": before, "after": after, "source": source, "transaction": None, "op": op,
            "ts_ms": written_us // 1000, "ts_us": written_us, "ts_ns": written_us * 1000}


EVENTS = {
    "create": event("c", None, row_of()),
    "create_nulls": event("c", None, row_of(quantity=None, price=None, changed=None, weight=None)),
    "update": event("u", None, row_of(quantity=4)),
    "update_key": event("u", KEY_ONLY, row_of(id=8)),
    "update_full": event("u", row_of(), row_of(quantity=4), origin="afar"),
    "update_unchanged": event("u", None, row_of(note=PLACEHOLDER, details=PLACEHOLDER, price=None)),
    "delete": event("d", KEY_ONLY, None),
    "delete_full": event("d", row_of(), None),
    "truncate": event("t", None, None),
    "read": event("r", None, row_of(), snapshot="true", sequence='[null,"400"]', tx_id=None),
    "read_first": event("r", None, row_of(), snapshot="first", sequence='[null,"400"]', tx_id=None),
    "read_last": event("r", None, row_of(), snapshot="last", sequence='[null,"400"]', tx_id=None),
}


def record_events():
    schema = value_schema()
    text = json.dumps(schema, separators=(",", ":"))
    with open(os.path.join(FOLDER, "things_value.avsc"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    # Decimals are given as bytes: without the logical type fastavro writes them as they are.
    plain = json.loads(text.replace(',"logicalType":"decimal"', ""))
    for name, made in EVENTS.items():
        data = encode(plain, made)
        lines = [f"# fastavro {fastavro.__version__}"] + [data[at:at + 32].hex() for at in range(0, len(data), 32)]
        with open(os.path.join(FOLDER, name + ".hex"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    record_events()
    cluster = Cluster("golden", **SETTINGS)
    try:
        cluster.start()
        record_values(cluster.create_database("golden"))
    finally:
        cluster.destroy()
