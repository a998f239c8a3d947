# SPDX-License-Identifier: Apache-2.0
"""Whether a target is what it must be, told by the databases alone."""
import itertools
import tempfile
import threading
import time

import psycopg2
from psycopg2 import sql as compose

from lib.load import BANK_TABLES, ENTRY_HASH

# What both sides print with, whatever the databases and roles say.
SESSION = ("set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 3;"
           "set bytea_output = 'hex'; set timezone = 'UTC'; set lc_monetary = 'C'; set xmlbinary = 'base64';"
           "set search_path = ''; set row_security = off")

TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'penstock') and c.relname not like 'audit%'
order by 1, 2"""

COLUMNS = """
select a.attname,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any (i.indkey))
from pg_attribute a
where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum"""


def tables_of(database):
    return database.rows(TABLES)


def _quoted(connection, *names):
    return compose.Identifier(*names).as_string(connection)


def _columns(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, (_quoted(connection, *table),))
        return cursor.fetchall()


def _print_table(connection, table, columns, is_binary):
    """The rows as COPY prints them, in the order of the key's text, or of the whole row's."""
    names = [_quoted(connection, name) for name, _ in columns]
    keys = [_quoted(connection, name) for name, is_key in columns if is_key] or names
    order = ", ".join(f'{key}::pg_catalog.text collate "C"' for key in keys)
    query = f"select {', '.join(names)} from {_quoted(connection, *table)}" + (f" order by {order}" if order else "")
    printed = tempfile.TemporaryFile()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"copy ({query}) to stdout" + (" (format binary)" if is_binary else ""), printed)
    printed.seek(0)
    return printed


def _first_differences(name, left, right, most=3):
    found = []
    pairs = enumerate(itertools.zip_longest(left, right), 1)
    for number, (ours, theirs) in pairs:
        if ours != theirs:
            found.append(f"{name}, row {number}: source {_shortened(ours)} target {_shortened(theirs)}")
            if len(found) == most:
                break
    return found


def _shortened(line):
    return "nothing" if line is None else repr(line[:300])


def table_differences(source, target, table, is_binary=False, columns=None):
    """The first rows in which the table differs; both arguments are Databases."""
    left, right = source.connect(), target.connect()
    try:
        for connection in (left, right):
            with connection.cursor() as cursor:
                cursor.execute(SESSION)
        shown = _columns(left, table)
        if columns is not None:
            shown = [column for column in shown if column[0] in columns]
        with _print_table(left, table, shown, is_binary) as ours, \
                _print_table(right, table, shown, is_binary) as theirs:
            return _first_differences(".".join(table), ours, theirs)
    except psycopg2.Error as error:
        return [f"{'.'.join(table)}: {error}"]
    finally:
        left.close()
        right.close()


def differences(source, target, tables=None, is_binary=False):
    found = []
    for table in tables or tables_of(source):
        found += table_differences(source, target, table, is_binary)
    return found


def ledger_errors(database):
    """Transactions of the bank that are there in part: the ledger and the entries must agree."""
    return [f"transaction {row} is not whole" for row in database.rows(f"""
        select coalesce(l.txn_no, e.txn_no), l.n_rows, e.n_rows from ledger l
        full join (select txn_no, count(*) as n_rows, {ENTRY_HASH} as hash from entry group by 1) e using (txn_no)
        where (l.n_rows, l.hash) is distinct from (e.n_rows, e.hash)""")]


AUDIT = """
create table audit (seq bigserial primary key, epoch bigint, tab text, key text, ver bigint, op text);
create function audit_row() returns trigger language plpgsql as $$
declare
    current_epoch bigint;
begin
    if to_regclass('penstock.checkpoint') is not null then
        select max(epoch) into current_epoch from penstock.checkpoint;
    end if;
    if tg_op = 'DELETE' then
        insert into public.audit (epoch, tab, key, ver, op) values (current_epoch, tg_table_name, old.id, old.ver, 'D');
    else
        insert into public.audit (epoch, tab, key, ver, op)
        values (current_epoch, tg_table_name, new.id, new.ver, left(tg_op, 1));
    end if;
    return null;
end $$;
"""


def install_audit(database, tables=BANK_TABLES + ("counter",)):
    """ENABLE ALWAYS triggers at the target, which fire under session_replication_role = replica too."""
    database.execute(AUDIT)
    for table in tables:
        database.execute(
            f"create trigger audit after insert or update or delete on {table} for each row execute function audit_row()",
            f"alter table {table} enable always trigger audit")


def audit_errors(database):
    """In one epoch each (key, version) is applied at most once and the versions of a key rise; folded ones may lack."""
    twice = database.rows("""
        select tab, key, ver, epoch, count(*) from audit group by tab, key, ver, epoch, op = 'D'
        having count(*) > 1 limit 5""")
    falling = database.rows("""
        select * from (select tab, key, ver, epoch, lag(ver) over (partition by tab, key, epoch order by seq) as before
                       from audit where op <> 'D') a where before >= ver limit 5""")
    return [f"applied twice: {row}" for row in twice] + [f"versions fall: {row}" for row in falling]


class Reader(threading.Thread):
    """Reads the bank at the target over and over: the sum is never off, no transaction is there in part."""

    SUM = "select " + " + ".join(f"(select coalesce(sum(balance), 0) from {table})" for table in BANK_TABLES)
    HALF = "select (select count(*) from entry) - (select coalesce(sum(n_rows), 0) from ledger)"

    def __init__(self, database, total, pause=0.0):
        super().__init__(daemon=True)
        self.database = database
        self.total = total
        self.pause = pause
        self.reads = 0
        self.offences = []
        self.checkpoints = set()
        self._finish = threading.Event()

    def run(self):
        while not self._finish.is_set():
            try:
                self._session()
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                time.sleep(0.05)

    def _session(self):
        connection = self.database.connect()
        try:
            with connection.cursor() as cursor:
                while not self._finish.is_set():
                    self._read(cursor)
                    self._finish.wait(self.pause)
        finally:
            connection.close()

    def _read(self, cursor):
        """One statement, one snapshot: the sum, the half transactions, the checkpoint that came with them."""
        cursor.execute(f"select ({self.SUM}), ({self.HALF}),"
                       " (select string_agg(concat_ws('/', epoch, commit_lsn, ordinal), ',') from penstock.checkpoint)")
        total, half, checkpoint = cursor.fetchone()
        self.reads += 1
        self.checkpoints.add(checkpoint)
        if (total, half) != (self.total, 0) and len(self.offences) < 5:
            self.offences.append(f"read {self.reads}: sum {total} instead of {self.total}, {half} entries too many")

    def finish(self):
        self._finish.set()
        self.join(60)
        return self
