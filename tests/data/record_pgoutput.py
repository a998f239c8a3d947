# SPDX-License-Identifier: Apache-2.0
"""Records tests/data/pgoutput/*.hex anew from a real server: one frame a file, as pgoutput sent it."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from lib.cluster import Cluster  # noqa: E402

OPTIONS = "'proto_version', '1', 'publication_names', 'golden', 'messages', 'true'"

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN euros AS numeric(12,2);
CREATE TABLE orders (id bigint PRIMARY KEY, name text, price numeric(12,2), note varchar(20));
CREATE TABLE toasted (id int PRIMARY KEY, big text, small text);
ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
CREATE TABLE wholly (id int, big text, small text);
ALTER TABLE wholly REPLICA IDENTITY FULL, ALTER big SET STORAGE EXTERNAL;
CREATE TABLE indexed (a int, b int NOT NULL UNIQUE, c text);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_b_key;
CREATE TABLE typed (id int PRIMARY KEY, feeling mood);
CREATE TABLE priced (id int PRIMARY KEY, price euros);
CREATE TABLE empty_row ();
CREATE SCHEMA "Größe";
CREATE TABLE "Größe"."a ""b" ("Spalte 1" int PRIMARY KEY);
CREATE PUBLICATION golden FOR ALL TABLES;
"""

# What stands in the tables before the recording.
ROWS = """
INSERT INTO toasted SELECT 1, string_agg(md5(i::text), ''), 'a' FROM generate_series(1, 100) i;
INSERT INTO wholly SELECT 1, string_agg(md5(i::text), ''), 'a' FROM generate_series(1, 100) i;
INSERT INTO indexed VALUES (1, 2, 'x');
"""

# (statements of one transaction, {letter of a message: name of its file}); the first frame of a letter counts.
TRANSACTIONS = (
    ("INSERT INTO orders VALUES (7, 'Zoë', 12.50, NULL)",
     {"B": "begin", "R": "relation", "I": "insert", "C": "commit"}),
    ("UPDATE orders SET note = '' WHERE id = 7", {"U": "update"}),
    ("UPDATE orders SET id = 8 WHERE id = 7", {"U": "update_key"}),
    ("DELETE FROM orders WHERE id = 8", {"D": "delete_key"}),
    ("UPDATE toasted SET small = 'b'", {"U": "update_unchanged"}),
    ("UPDATE toasted SET id = 2", {"U": "update_key_unchanged"}),
    ("UPDATE wholly SET small = 'b'", {"R": "relation_full", "U": "update_full_unchanged"}),
    ("DELETE FROM wholly", {"D": "delete_full"}),
    ("UPDATE indexed SET a = NULL, b = 3", {"R": "relation_index", "U": "update_index"}),
    ("INSERT INTO typed VALUES (1, 'ok')", {"Y": "type_enum", "R": "relation_typed"}),
    ("INSERT INTO priced VALUES (2, 'NaN')", {"Y": "type_domain", "I": "insert_nan"}),
    ("INSERT INTO empty_row DEFAULT VALUES", {"R": "relation_empty", "I": "insert_empty"}),
    ('INSERT INTO "Größe"."a ""b" VALUES (1)', {"R": "relation_quoted"}),
    ("TRUNCATE orders, typed", {"T": "truncate"}),
    ("TRUNCATE orders RESTART IDENTITY CASCADE", {"T": "truncate_cascade_restart"}),
    ("SELECT pg_logical_emit_message(true, 'penstock', '')", {"M": "message"}),
    ("SELECT pg_logical_emit_message(false, 'other', 'at once');"
     " INSERT INTO orders VALUES (10, 'so that it reaches the disk', 0, '')",
     {"M": "message_at_once"}),
    ("SELECT pg_replication_origin_xact_setup('A/1', '2020-01-01 00:00Z');"
     " INSERT INTO orders VALUES (9, 'from afar', 0, '')",
     {"B": "begin_origin", "O": "origin"}),
)


def frames_of(database, statements):
    database.transaction("SELECT pg_replication_origin_session_setup('afar')"
                         if "origin" in statements else "SELECT 1", statements)
    rows = database.rows("SELECT data FROM pg_logical_slot_get_binary_changes('golden', NULL, NULL, "
                         + OPTIONS + ")")
    return [bytes(row[0]) for row in rows]


def write(name, frame, statements, version):
    path = os.path.join(HERE, "pgoutput", name + ".hex")
    lines = [f"# PostgreSQL {version}: {statements}"]
    lines += [frame[at:at + 32].hex() for at in range(0, len(frame), 32)]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def record(database):
    database.execute(SCHEMA, ROWS, "SELECT pg_replication_origin_create('afar')",
                     "SELECT pg_create_logical_replication_slot('golden', 'pgoutput')")
    version = database.value("SHOW server_version").split()[0]
    for statements, names in TRANSACTIONS:
        frames = frames_of(database, statements)
        for letter, name in names.items():
            frame = next(frame for frame in frames if chr(frame[0]) == letter)
            write(name, frame, statements, version)


if __name__ == "__main__":
    cluster = Cluster("golden")
    try:
        cluster.start()
        record(cluster.create_database("golden"))
    finally:
        cluster.destroy()
