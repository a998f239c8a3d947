-- A table with all common types: one row of plain values for each number, then the values that break things.
create type mood as enum ('sad', 'ok', 'happy, mostly');
create domain percentage as numeric(5, 2) check (value between 0 and 100);
create type pair as (number integer, label text);

create table every_type (
    id bigint primary key,
    a_smallint smallint,
    an_integer integer,
    a_bigint bigint,
    a_numeric numeric,
    a_price numeric(12, 2),
    a_real real,
    a_double double precision,
    some_money money,
    a_boolean boolean,
    a_text text,
    a_varchar varchar(100),
    a_char char(8),
    some_bytes bytea,
    a_date date,
    a_time time,
    a_timetz timetz,
    a_timestamp timestamp,
    a_timestamptz timestamptz,
    an_interval interval,
    a_uuid uuid,
    a_json json,
    a_jsonb jsonb,
    an_xml xml,
    an_inet inet,
    a_cidr cidr,
    a_macaddr macaddr,
    a_bit bit(8),
    a_varbit varbit,
    a_point point,
    a_box box,
    an_int_range int4range,
    a_time_range tstzrange,
    a_tsvector tsvector,
    some_ints integer[],
    some_texts text[],
    a_mood mood,
    a_percentage percentage,
    a_pair pair
);

insert into every_type
select i, i % 30000, i, i * 4294967296, i / 7.0, i / 100.0, i / 3.0, sqrt(i), i / 100.0, i % 2 = 0,
       'text ' || i, 'varchar ' || i, 'c' || i % 1000, decode(md5(i::text), 'hex'),
       date '2024-01-01' + i, time '00:00' + i * interval '1 second', timetz '12:00+02',
       timestamp '2024-01-01' + i * interval '1 hour', timestamptz '2024-01-01 00:00+00' + i * interval '1 minute',
       i * interval '1 day 2 hours', md5(i::text)::uuid, json_build_object('i', i), jsonb_build_object('i', i, 'half', i / 2.0),
       xmlelement(name row, i), inet '10.0.0.0' + i, cidr '192.168.0.0/16', '08:00:2b:01:02:03',
       (i % 256)::bit(8), (i % 256)::bit(8)::varbit, point(i, -i), box(point(0, 0), point(i, i)), int4range(i, i + 10),
       tstzrange('2024-01-01 00:00+00', '2024-01-01 00:00+00'::timestamptz + i * interval '1 day'),
       to_tsvector('simple', 'row number ' || i), array[i, null, -i], array['a', '', null, 'NULL', 'q"u\o,t{e}'],
       (enum_range(null::mood))[1 + i % 3], i % 100, row(i, 'label ' || i)::pair
from generate_series(1, 5000) i;

-- Nothing at all, what is least, what is greatest, and texts that are hard to quote.
insert into every_type (id) values (1000001);
insert into every_type
select 1000002, -32768, -2147483648, -9223372036854775808, 'NaN', -9999999999.99, '-Infinity', 'NaN',
       '-92233720368547758.08', false, '', '', '', '', '-infinity', '00:00:00', '00:00:00+15:59:59', '-infinity',
       '4714-11-24 00:00:00+00 BC', '-178000000 years', '00000000-0000-0000-0000-000000000000', 'null', 'null', '<a/>', '::', '0.0.0.0/0',
       '00:00:00:00:00:00', B'00000000', '', '(-1e300,0)', '((0,0),(0,0))', 'empty', '(,)', '', '{}', '{}', 'sad', 0, row(null, null)::pair;
insert into every_type
select 1000003, 32767, 2147483647, 9223372036854775807, repeat('9', 500)::numeric + 0.000000001, 9999999999.99, 'Infinity', 'Infinity',
       '92233720368547758.07', true, E'tab\tnewline\nquote''"backslash\\ null \\N é 🐘', E'\\.', 'ü', '\x00ff5c0a',
       'infinity', '24:00:00', '24:00:00-15:59:59', 'infinity', '294276-12-31 23:59:59.999999+00', '178000000 years',
       'ffffffff-ffff-ffff-ffff-ffffffffffff', '{"a": [1, "\u00e9", {}]}', '{"a": 1e400}', '<a>&lt;</a>',
       'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', B'11111111', B'101', '(Infinity,-0)',
       '((1,1),(-1,-1))', '[-2147483648,)', '["0001-01-01 00:00:00+00 BC",infinity]', '''it''''s'':1A ''ü'':2',
       '[-1:1]={1,2,3}', array[E'\\', '"', ',', '{', ' ', E'\n'], 'happy, mostly', 100, row(1, E'q"u(o),\\t''e')::pair;

-- A value so large that PostgreSQL stores it aside: an update that leaves it alone does not even send it.
insert into every_type (id, a_text)
select 1000004, string_agg(md5(i::text), '') from generate_series(1, 50000) i;
