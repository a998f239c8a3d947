# SPDX-License-Identifier: Apache-2.0
"""Every common type with the values that break things, through the copy and through the stream.

Each type has a table of its own, so that a failure names the type. The databases disagree on every setting that
changes how values print: what arrives must not depend on them.
"""
import unittest

from lib import checker
from lib.case import PairCase

LONG_NUMERIC = "9" * 1000 + "." + "123456789" * 50
JSON = r'''{"a": [1, null, "q\"uo\\te", "é🐘", {}], "b": 1e400, "A": -0.0, "empty": "", "dup": 1, "dup": 2, "tab": "\t"}'''

# type: values, as SQL literals that are cast to it. NULL is added to each.
TYPES = {
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "0", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9223372036854775807"],
    "numeric": ["'NaN'", "'Infinity'", "'-Infinity'", "0", "-0.0", "0.000", "1.0", "1.00", f"'{LONG_NUMERIC}'",
                f"'-{LONG_NUMERIC}'", "'1e-1000'", "'1e1000'", "1e16383", "12345678901234567890.12345678901234567890"],
    "numeric(12,2)": ["'NaN'", "9999999999.99", "-0.01", "5"],
    "numeric(5,-2)": ["1234567", "-50"],
    "numeric(3,8)": ["0.00000999"],
    "real": ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "1e-45", "3.4028235e38", "0.1", "1.17549435e-38", "16777217"],
    "double precision": ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", "5e-324", "1.7976931348623157e308", "0.1",
                         "2.2250738585072014e-308", "1e15", "1e16", "0.30000000000000004"],
    "money": ["'-92233720368547758.08'", "0", "'92233720368547758.07'"],
    "boolean": ["true", "false"],
    "text": ["''", "'NULL'", r"'\N'", r"E'\\'", r"E'a\tb\nc\rd\be\ff\vg'", "'é🐘'", "repeat('x', 100000)", r"E'\\.'",
             "'{\"a\"}'", "'  '", r"E'\x01\x1f\x7f'", "'''\"'"],
    "varchar(5)": ["''", "'abc  '", "'🐘🐘🐘🐘🐘'"],
    "char(5)": ["''", "'a'", "'abcde'"],
    '"char"': ["'a'", "''", r"'\377'", "(-1)::int"],
    "name": ["'a name'", "repeat('n', 63)"],
    "bytea": ["''", r"'\x00'", r"'\x00ff5c275c0a0d'", "decode(repeat('00ff', 50000), 'hex')"],
    "date": ["'infinity'", "'-infinity'", "'4714-11-24 BC'", "'0001-12-31 BC'", "'0001-01-01'", "'5874897-12-31'",
             "'2024-02-29'"],
    "time": ["'24:00:00'", "'00:00:00'", "'23:59:59.999999'"],
    "time(0)": ["'23:59:60'"],
    "timetz": ["'24:00:00+15:59:59'", "'00:00:00-15:59:59'", "'12:34:56.789+05:30'"],
    "timestamp": ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'", "'4714-11-24 00:00:00 BC'",
                  "'1999-12-31 23:59:59.999999'", "'0044-03-15 12:00:00 BC'", "'2000-01-01'"],
    "timestamptz": ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'", "'4714-11-24 00:00:00+00 BC'",
                    "'2024-03-31 02:30:00 Europe/Berlin'", "'2024-10-27 02:30:00 Europe/Berlin'", "'1900-01-01 00:00:00+00'",
                    "'1969-12-31 23:59:59.999999+00'"],
    "timestamptz(3)": ["'2024-01-01 00:00:00.9999+14'"],
    "interval": ["'0'", "'178000000 years 11 mons 30 days 23:59:59.999999'", "'-178000000 years'",
                 "'1 year -2 mons 3 days -04:05:06.789'", "'-1 year 2 mons -3 days 04:05:06'", "'2147483647 days'",
                 "'-2147483648 days'", "'-2562047788:00:54.775807'"],
    "interval day to second(2)": ["'3 days 04:05:06.789'"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
    "json": [f"'{JSON}'", "'null'", "' { \"spaces\" : [ 1 ,2 ] } '", "'\"\"'", "'[]'", r"""'"\u0000 \ud83d\udc18"'"""],
    "jsonb": [f"'{JSON}'", "'null'", "'1e400'", "'-1e-400'", "'\"\"'", "'{}'", "'[[[[]]]]'", f"'{LONG_NUMERIC}'",
              "'{\"1.0\": 1.0, \"1.00\": 1.00}'"],
    "jsonpath": ["'$.a[*] ? (@.b > 1)'"],
    "xml": ["'<a b=\"c\">&lt;é🐘&gt;<!-- x --></a>'", "xmlparse(content 'just text')",
            "'<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>'"],
    "inet": ["'0.0.0.0/0'", "'192.168.1.5/24'", "'::1'", "'2001:db8::ff00:42:8329/64'", "'::ffff:1.2.3.4/128'"],
    "cidr": ["'10.0.0.0/8'", "'2001:db8::/32'", "'0.0.0.0/0'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "macaddr8": ["'08:00:2b:01:02:03:04:05'"],
    "bit(10)": ["B'0101010101'", "B'0000000000'"],
    "bit varying": ["B''", "B'1'", "repeat('10', 1000)::varbit"],
    "point": ["'(0.1,-0)'", "'(NaN,Infinity)'", "'(1e-300,1e300)'"],
    "line": ["'{1,-1,0.3}'"],
    "lseg": ["'[(0,0),(0.1,1e10)]'"],
    "box": ["'(3,4),(1,2)'", "'(0,0),(0,0)'"],
    "path": ["'[(0,0),(1,1),(2,0.1)]'", "'((0,0),(1,1))'"],
    "polygon": ["'((0,0),(1,1),(2,0))'"],
    "circle": ["'<(0.1,-2),3>'"],
    "tsvector": ["''", "'a:1A,2B ''quo''''ted'':3 b'", "to_tsvector('english', 'The quick brown foxes')"],
    "tsquery": ["'a & (b | !c) <2> d:*AB'"],
    "pg_lsn": ["'0/0'", "'FFFFFFFF/FFFFFFFF'"],
    "pg_snapshot": ["'10:20:10,14,15'"],
    "xid8": ["'18446744073709551615'"],
    "xid": ["'4294967295'"],
    "oid": ["0", "4294967295"],
    "tid": ["'(4294967295,65535)'"],
    "int2vector": ["'1 2 3'"],
    "oidvector": ["'1 2 3'"],
    "int4range": ["'empty'", "'(,)'", "'[1,5)'", "'(,7]'"],
    "int8range": ["'[-9223372036854775808,9223372036854775807)'"],
    "numrange": ["'[1.0,1.00]'", "'(,NaN)'", "'[-Infinity,5)'", "'empty'"],
    "tsrange": ["'[-infinity,infinity]'", "'(2024-01-01 BC,2024-01-01]'"],
    "tstzrange": ["'[2024-01-01 00:00:00+03,)'"],
    "daterange": ["'[2024-01-01,infinity)'", "'[,]'"],
    "int4multirange": ["'{}'", "'{[1,3),[5,7),(100,)}'"],
    "nummultirange": ["'{(,1.5],[2.50,3)}'"],
    "tstzmultirange": ["'{[2024-01-01 00:00:00+03,2024-02-01),[2025-01-01,)}'"],
    "integer[]": ["'{}'", "'{NULL}'", "'{1,NULL,-3}'", "'[-2:0]={1,2,3}'", "'{{1,2},{3,4}}'", "'[0:0][5:6]={{1,NULL}}'",
                  "'{{{1},{2}},{{3},{4}}}'"],
    "text[]": [r"""E'{"",NULL,"NULL","quo\\"te","back\\\\slash","com,ma","{brace}"," space ","é🐘","line\nfeed"}'""",
               "'[3:4]={a,b}'"],
    "numeric[]": ["'{NaN,1.0,1.00,-Infinity}'"],
    "timestamptz[]": ["'{infinity,-infinity,2024-01-01 00:00:00+00,0044-03-15 00:00:00+00 BC}'"],
    "jsonb[]": [r"""array['{"a": "q\"x"}', 'null', null]::jsonb[]"""],
    "bytea[]": [r"array['\x00ff', '', null]::bytea[]"],
    "boolean[]": ["'{t,f,NULL}'"],
    "uuid[]": ["array[gen_random_uuid(), null]"],
    "interval[]": ["'{1 year -2 days,NULL}'"],
    "inet[]": ["'{::1,10.0.0.0/8}'"],
    "int4range[]": ["'{\"[1,5)\",empty,NULL}'"],
    "point[]": ["'{\"(1,2)\",\"(3,4)\"}'"],
    "money[]": ["'{1.50,-2.25}'"],
    "bit(3)[]": ["'{101,NULL}'"],
}

# Types that the database defines: their arrays and composites carry other OIDs at each side.
OWN_TYPES = """
create type mood as enum ('sad', 'so so', 'it''s "great"', 'é🐘');
create schema "Other Schema";
create type "Other Schema"."Mood 2" as enum ('x', 'y');
create domain positive as integer check (value > 0);
create domain short_text as varchar(10) not null default 'd' check (value <> 'no');
create domain moods as mood[];
create domain outer_domain as positive check (value < 1000);
create type pair as (a int, "b c" text);
create type nested as (p pair, ps pair[], m mood, at timestamptz, n numeric);
create domain pair_domain as pair;
create type floatrange as range (subtype = float8, subtype_diff = float8mi);
create type mood_range as range (subtype = mood);
create collation numeric_order (provider = icu, locale = 'en-u-kn-true');
"""
OWN = {
    "mood": ["'sad'", "'so so'", "'it''s \"great\"'", "'é🐘'"],
    '"Other Schema"."Mood 2"': ["'x'"],
    "mood[]": ["'{sad,\"so so\",NULL}'", "'{}'", "'[5:5]={sad}'"],
    "positive": ["1", "2147483647"],
    "outer_domain": ["999"],
    "positive[]": ["'{1,2,NULL}'"],
    "short_text": ["'short'"],
    "moods": ["'{sad,NULL}'"],
    "pair": ["row(1, 'a')", "row(null, null)", "row(null, '')", r"""row(1, E'q"u(o),\\t''e')"""],
    "pair[]": ["array[row(1, 'a')::pair, null, row(null, 'x,y')::pair]"],
    "nested": ["row(row(1, 'in\"ner'), array[row(2, null)::pair, null], 'sad', 'infinity', 'NaN')"],
    "pair_domain": ["row(5, 'five')"],
    "floatrange": ["'[1.5,2.5)'", "'(,NaN]'", "'empty'"],
    "floatmultirange": ["'{[1,2),[3,4)}'"],
    "mood_range": ["'[sad,so so]'"],
    "text collate numeric_order": ["'a10'"],
}
EXTENSIONS = {
    "hstore": {"hstore": ["''", r"""'a=>1, "q\"uote"=>"x,y", n=>NULL, "NULL"=>"NULL", "é"=>"🐘"'"""],
               "hstore[]": ["array['a=>1'::hstore, null]"]},
    "citext": {"citext": ["'MiXed'", "''"], "citext[]": ["'{A,b,NULL}'"]},
    "ltree": {"ltree": ["'Top.Science.Astronomy'", "''"], "lquery": ["'*.a|b.!c*'"], "ltxtquery": ["'a & b*@'"]},
    "isn": {"isbn13": ["'978-0-393-04002-9'"]},
    "cube": {"cube": ["'(1,2,3),(4,5,6)'"]},
    "seg": {"seg": ["'1.50 .. 2.0'", "'~6.50'"]},
    "intarray": {"query_int": ["'1&(2|!3)'"]},
}

SOURCE_SETTINGS = {"datestyle": "German, DMY", "intervalstyle": "iso_8601", "extra_float_digits": "-15",
                   "bytea_output": "escape", "timezone": "Asia/Kathmandu", "xmloption": "document", "lc_monetary": "C",
                   "search_path": "nowhere", "standard_conforming_strings": "on", "array_nulls": "on"}
TARGET_SETTINGS = {"datestyle": "SQL, MDY", "intervalstyle": "sql_standard", "extra_float_digits": "0",
                   "bytea_output": "hex", "timezone": "America/New_York", "xmloption": "document", "array_nulls": "off",
                   "search_path": "elsewhere", "standard_conforming_strings": "off", "transform_null_equals": "on"}


class TypesTest(PairCase):
    def setUp(self):
        super().setUp()
        for database, settings in ((self.source, SOURCE_SETTINGS), (self.target, TARGET_SETTINGS)):
            database.execute(*(f'alter database "{self.name}" set {key} = \'{value}\'' if key != "search_path" else
                               f'alter database "{self.name}" set search_path = {value}'
                               for key, value in settings.items()))
        self.tables = {}

    def define(self, statements):
        """In a session with the server's usual settings."""
        connection = self.source.connect()
        with connection.cursor() as cursor:
            cursor.execute("set search_path = public; set datestyle = ISO; set xmloption = content; set timezone = 'UTC'")
            for statement in statements:
                try:
                    cursor.execute(statement)
                except Exception as error:
                    raise AssertionError(f"{statement[:300]}: {error}") from None
        connection.close()

    def create(self, types):
        """A table per type with each value and NULL, half of the rows before the copy."""
        for type_name, values in types.items():
            table = f"t{len(self.tables)}"
            self.tables[table] = (type_name, values)
            self.define([f"create table {table} (id int primary key, v {type_name}, w {type_name})",
                         *self.inserts(table, 0)])

    @staticmethod
    def value(type_name, literal):
        return "null" if literal == "null" else f"({literal})::{type_name.split(' collate')[0]}"

    def literals(self, table):
        type_name, values = self.tables[table]
        return [self.value(type_name, literal) for literal in
                values + ([] if type_name == "short_text" else ["null"])]

    def inserts(self, table, start):
        literals = self.literals(table)
        return [f"insert into {table} values ({start + i}, {literal}, {literals[i - 1]})"
                for i, literal in enumerate(literals)]

    def stream(self):
        for table in self.tables:
            literals = self.literals(table)
            changes = self.inserts(table, 1000)
            for i, literal in enumerate(literals):
                changes += [f"update {table} set w = {literal} where id = {1000 + (i + 1) % len(literals)}",
                            f"update {table} set v = {literal}, w = v where id = {(i + 1) % len(literals)}"]
            changes += [f"delete from {table} where id = 0", f"update {table} set id = 5000 where id = 1000",
                        f"begin; insert into {table} values (6000, {literals[0]}, {literals[-1]});"
                        f" update {table} set v = w, w = v where id = 6000; commit"]
            self.define(changes)

    def assert_types_equal(self, is_binary=False):
        for table, (type_name, _) in self.tables.items():
            with self.subTest(type_name, binary=is_binary):
                self.assertEqual([], checker.table_differences(self.source, self.target, ("public", table), is_binary))

    def assert_same_definitions(self):
        """What create_tables made: the same types, typmods, keys and NOT NULLs."""
        definition = ("select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull from"
                      " pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace and"
                      " relkind = 'r' and attnum > 0 and not attisdropped order by 1, a.attnum")
        self.assertEqual(self.source.rows("set search_path = ''; " + definition),
                         self.target.rows("set search_path = ''; " + definition))

    def run_all(self, has_binary):
        self.catch_up()
        self.assert_types_equal()
        self.stream()
        self.catch_up()
        self.assert_types_equal()
        if has_binary:
            self.assert_types_equal(is_binary=True)
        self.assert_same_definitions()

    def test_built_in_types(self):
        without_binary = {"\"char\"", "tid", "tsquery"}
        self.create({name: values for name, values in TYPES.items() if name not in without_binary})
        self.run_all(has_binary=True)

    def test_built_in_types_with_odd_forms(self):
        self.create({name: TYPES[name] for name in ('"char"', "tid", "tsquery")})
        self.run_all(has_binary=False)

    def test_types_of_the_database(self):
        """Ranges are the one kind that create_tables leaves to a person."""
        self.define([OWN_TYPES])
        self.target.execute("set search_path = public; create type mood as enum ('sad', 'so so', 'it''s \"great\"', 'é🐘');"
                            "create type floatrange as range (subtype = float8, subtype_diff = float8mi);"
                            "create type mood_range as range (subtype = mood)")
        self.create(OWN)
        self.run_all(has_binary=False)

    def test_types_of_extensions(self):
        available = set(self.source.column("select name from pg_available_extensions"))
        for extension, types in EXTENSIONS.items():
            if extension not in available:
                continue
            for database in (self.source, self.target):
                database.execute(f"create extension {extension} schema pg_catalog" if extension == "cube" else
                                 f"create extension {extension} schema public")
            self.create(types)
        self.run_all(has_binary=False)

    def test_all_types_in_one_wide_table_without_a_key(self):
        """REPLICA IDENTITY FULL over types some of which have no equality."""
        names = list(TYPES)
        self.define(["create table wide (" + ", ".join(f"c{i} {name}" for i, name in enumerate(names)) + ")",
                     "alter table wide replica identity full"])
        rows = ["insert into wide values (" + ", ".join(self.value(name, TYPES[name][i % len(TYPES[name])])
                                                        for name in names) + ")" for i in range(4)]
        self.define(rows + rows[:2])
        self.catch_up()
        self.assert_equal()
        self.define(["update wide set c0 = 1 where ctid = (select min(ctid) from wide)"] + rows[2:])
        self.define(["delete from wide where ctid = (select max(ctid) from wide)",
                     "delete from wide where ctid = (select min(ctid) from wide)"])
        self.catch_up()
        self.assert_equal()

    def test_types_as_keys(self):
        names = [name for name in TYPES if name not in (
            "json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "jsonpath", "xid", "pg_snapshot",
            "point[]", "text", "bytea", "int2vector")]
        for number, name in enumerate(names):
            distinct = f"select distinct on (v) v from unnest(array[{', '.join(self.value(name, v) for v in TYPES[name])}]) v"
            if name.endswith("[]"):
                distinct = " union ".join(f"select {self.value(name, v)}" for v in TYPES[name])
            self.define([f"create table k{number} (v {name} primary key, n int)", f"insert into k{number} {distinct}"])
        self.catch_up()
        self.assert_equal()
        for number in range(len(names)):
            self.define([f"update k{number} set n = 1", f"delete from k{number} where v = (select min(v::text) from"
                         f" k{number})::{names[number]}"])
        self.catch_up()
        self.assert_equal()


if __name__ == "__main__":
    unittest.main()
