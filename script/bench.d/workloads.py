# SPDX-License-Identifier: Apache-2.0
"""The fixed workloads: their tables, what is there before, and what makes the backlog."""
import io
import random

ROW = """id bigint primary key, small int not null, big bigint not null, amount numeric(12,2),
    name text, at timestamptz, is_on bool, token uuid, doc jsonb, ratio double precision"""

# Of the number `i`: ten values, about 250 bytes in all as text. The same number gives the same row.
VALUES = """i, (i::bigint * 7 % 100000)::int, i::bigint * 1000003, (i % 1000000)::numeric / 100,
    'customer ' || md5(i::text), timestamptz '2026-01-01 00:00:00+00' + i * interval '1.000137 s',
    i % 3 = 0, md5('u' || i)::uuid,
    jsonb_build_object('kind', 'order', 'number', i, 'note', md5('n' || i), 'paid', i % 2 = 0), i / 7.0"""


def fill_sql(count):
    return f"insert into rows select {VALUES} from generate_series(1, {count}) i"


# Visible at the target: all before it is visible too.
FINISH = "insert into finish values (1)"

LOADERS = f"""
create table rows ({ROW});
create table finish (id int primary key);
create publication bench for table rows, finish;

create procedure load_inserts(count bigint, per_transaction int) language plpgsql as $$
begin
    for i in 1..count loop
        insert into rows values ({VALUES});
        if i % per_transaction = 0 then commit; end if;
    end loop;
end $$;

create unlogged table operations (number int, is_last bool, kind "char", i bigint);

create procedure load_operations() language plpgsql as $$
declare o record;
begin
    for o in select * from operations order by number loop
        case o.kind
            when 'I' then
                insert into rows select {VALUES}
                    from (select o.i) as n(i);
            when 'U' then
                update rows set small = o.number, amount = o.number / 100.0, name = 'changed ' || md5(o.number::text),
                    at = at + interval '1 s', doc = jsonb_build_object('kind', 'order', 'number', o.number,
                    'note', md5('c' || o.number), 'paid', true) where id = o.i;
            else
                delete from rows where id = o.i;
        end case;
        if o.is_last then commit; end if;
    end loop;
end $$;
"""


class Workload:
    """What is in the table before the slot is made is in `before`; the load after it is the backlog."""
    before = 0

    def __init__(self, name, title, rows):
        self.name, self.title, self.rows = name, title, rows

    def fill(self, cursor):
        """The rows that are there before, at the source and at the target."""
        if self.before:
            cursor.execute(fill_sql(self.before))

    def prepare(self, cursor):
        """What the load needs at the source, before the slot is made."""

    def load(self, cursor):
        """Makes the backlog."""


class Inserts(Workload):
    def load(self, cursor):
        cursor.execute("call load_inserts(%s, 100)", (self.rows,))


class Large(Workload):
    def load(self, cursor):
        cursor.execute(fill_sql(self.rows))


class Copy(Workload):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.before = self.rows


class Mixed(Workload):
    """Of eight changes two are inserts, five updates, one a delete, in random order, over keys of which half are
    there at first and all at the end; transactions of 1 to 10."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.before = self.rows // 8

    def prepare(self, cursor):
        cursor.copy_expert("copy operations from stdin", io.StringIO("".join(self.operations())))

    def operations(self):
        chance = random.Random(3)
        kinds = list("IIUUUUUD" * (self.rows // 8))
        chance.shuffle(kinds)
        present = list(range(1, self.before + 1))
        absent = list(range(self.before + 1, 2 * self.before + 1))
        left = chance.randint(1, 10)
        for number, kind in enumerate(kinds):
            if kind == "I" and not absent:
                kind = "U"
            pool = absent if kind == "I" else present
            place = chance.randrange(len(pool))
            key = pool[place]
            if kind != "U":
                pool[place] = pool[-1]
                pool.pop()
                (present if kind == "I" else absent).append(key)
            left -= 1
            yield f"{number}\t{left == 0}\t{kind}\t{key}\n"
            left = left or chance.randint(1, 10)

    def load(self, cursor):
        cursor.execute("call load_operations()")


def workloads(scale):
    def rows(count):
        return max(8000, int(count * scale) // 8000 * 8000)
    return {load.name: load for load in (
        Inserts("W1", "inserts in transactions of 100", rows(1000000)),
        Mixed("W2", "inserts, updates, deletes 2:5:1 in transactions of 1 to 10", rows(800000)),
        Large("W3", "one transaction", rows(1000000)),
        Copy("W4", "initial copy", rows(2000000)))}
