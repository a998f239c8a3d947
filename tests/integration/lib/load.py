# SPDX-License-Identifier: Apache-2.0
"""Workloads for the source. Each keeps a ledger or a version from which checker.py can tell what must be."""
import os
import random
import subprocess
import threading
import time

import psycopg2
from psycopg2 import errors

from lib.cluster import program

BANK = """
create sequence txn_no;
create table account_a (id int primary key, balance bigint not null, ver bigint not null);
create table account_b (id int primary key, balance bigint not null, ver bigint not null);
create table account_c (id int primary key, balance bigint not null, ver bigint not null);
create table entry (txn_no bigint, line int, from_account text not null, to_account text not null,
                    amount bigint not null, primary key (txn_no, line));
create table ledger (txn_no bigint primary key, n_rows int not null, hash text not null);
"""
BANK_TABLES = ("account_a", "account_b", "account_c")
BALANCE = 1000

COUNTER = """
create sequence counter_ver;
create table counter (id bigint primary key, ver bigint not null, note text);
"""
COUNTER_KEYS = 240

# The rows of the ledger as the target must show them; `hash` is md5 over the transaction's entries.
ENTRY_HASH = "md5(string_agg(concat_ws('|', line, from_account, to_account, amount), ';' order by line))"


class Bank:
    """Moves money between accounts of different tables; the sum over the three tables never changes."""

    def __init__(self, accounts=100):
        self.accounts = accounts
        self.total = 3 * accounts * BALANCE

    def create(self, database, with_rows=True):
        database.execute(BANK)
        if with_rows:
            self.fill(database)

    def fill(self, database):
        database.transaction(*(f"insert into {table} select i, {BALANCE}, 1 from generate_series(1, {self.accounts}) i"
                               for table in BANK_TABLES))

    def step(self, cursor, rng, _share):
        cursor.execute("select nextval('txn_no')")
        number = cursor.fetchone()[0]
        statements = []
        lines = rng.randint(1, 5)
        for line in range(1, lines + 1):
            giver, taker = rng.sample(BANK_TABLES, 2)
            giver_id, taker_id = rng.randint(1, self.accounts), rng.randint(1, self.accounts)
            amount = rng.randint(1, 100)
            statements += [
                f"update {giver} set balance = balance - {amount}, ver = ver + 1 where id = {giver_id}",
                f"update {taker} set balance = balance + {amount}, ver = ver + 1 where id = {taker_id}",
                f"insert into entry values ({number}, {line}, '{giver}.{giver_id}', '{taker}.{taker_id}', {amount})"]
        statements.append(f"insert into ledger select {number}, {lines}, {ENTRY_HASH} from entry where txn_no = {number}")
        cursor.execute(";".join(statements))


class Counters:
    """Rows whose `ver` comes from one sequence, through inserts, updates, deletes and key changes."""

    def create(self, database, with_rows=True):
        database.execute(COUNTER)
        if with_rows:
            database.execute(f"insert into counter select i, nextval('counter_ver'), 'first'"
                             f" from generate_series(1, {COUNTER_KEYS}) i")

    def step(self, cursor, rng, share):
        """Each worker has keys of its own, so that versions rise in commit order."""
        index, workers = share
        keys = range(index + 1, COUNTER_KEYS + 1, workers)
        statements = []
        for _ in range(rng.randint(1, 6)):
            key, other = rng.choice(keys), rng.choice(keys)
            kind = rng.random()
            if kind < 0.35:
                statements.append(f"insert into counter values ({key}, nextval('counter_ver'), 'inserted')"
                                  " on conflict (id) do update set ver = excluded.ver, note = 'upserted'")
            elif kind < 0.7:
                statements.append(f"update counter set ver = nextval('counter_ver'), note = 'updated' where id = {key}")
            elif kind < 0.85:
                statements.append(f"delete from counter where id = {key}")
            else:
                statements.append(f"update counter set id = {other}, ver = nextval('counter_ver'), note = 'moved'"
                                  f" where id = {key} and not exists (select from counter where id = {other})")
        cursor.execute(";".join(statements))


class Worker(threading.Thread):
    """Runs one transaction after another until `finish`; a lost server is connected to again."""

    def __init__(self, database, workloads, seed, share=(0, 1), pause=0.0):
        super().__init__(daemon=True)
        self.database = database
        self.workloads = workloads
        self.rng = random.Random(seed)
        self.share = share
        self.pause = pause
        self.committed = 0
        self.written_lsn = 0  # of the last committed transaction, somewhat before its commit record
        self.failure = None
        self._finish = threading.Event()
        self._resume = threading.Event()
        self._resume.set()

    def run(self):
        try:
            while not self._finish.is_set():
                self._session()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def _session(self):
        try:
            connection = self.database.connect()
        except psycopg2.OperationalError:
            time.sleep(0.05)
            return
        connection.autocommit = False
        try:
            while not self._finish.is_set():
                self._resume.wait()
                self._transaction(connection)
                if self.pause:
                    self._finish.wait(self.pause)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            pass
        finally:
            connection.close()

    def _transaction(self, connection):
        try:
            with connection.cursor() as cursor:
                self.rng.choice(self.workloads).step(cursor, self.rng, self.share)
                cursor.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
                written = int(cursor.fetchone()[0])
            connection.commit()
        except (errors.DeadlockDetected, errors.UniqueViolation):
            connection.rollback()
            return
        self.written_lsn = written
        self.committed += 1

    def hold(self):
        self._resume.clear()

    def resume(self):
        self._resume.set()

    def finish(self):
        self._finish.set()
        self._resume.set()
        self.join(60)
        if self.failure:
            raise AssertionError(f"the load failed: {self.failure!r}")


class Load:
    """Several workers over the same workloads."""

    def __init__(self, database, workloads, workers=2, seed=1, pause=0.0):
        self.workers = [Worker(database, workloads, seed * 1000 + i, (i, workers), pause) for i in range(workers)]

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, *_exception):
        self.finish()

    @property
    def committed(self):
        return sum(worker.committed for worker in self.workers)

    @property
    def written_lsn(self):
        return max(worker.written_lsn for worker in self.workers)

    def finish(self):
        for worker in self.workers:
            if worker.is_alive():
                worker.finish()


def pgbench(database, *arguments):
    """Runs pgbench to its end; its report."""
    done = subprocess.run([program("pgbench"), "-h", "127.0.0.1", "-p", str(database.cluster.port),
                           "-U", "postgres", *arguments, database.name],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"pgbench: {done.stderr}")
    return done.stdout
