# SPDX-License-Identifier: Apache-2.0
"""Throw-away PostgreSQL clusters with the installed binaries, and their databases."""
import glob
import os
import pwd
import shutil
import signal
import subprocess

import psycopg2
from psycopg2 import sql as compose

from lib.process import (children_of, die_with_parent, forget, free_port, is_alive, keep_track, new_directory,
                         send, wait_until)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_wal_senders": 30,
    "max_replication_slots": 30,
    "max_connections": 60,
    "max_prepared_transactions": 10,
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "fsync": "off",
    "full_page_writes": "off",
    "log_line_prefix": "%m [%p] %a ",
    "lc_messages": "C",
}

# Roles that start with "scram_" need their password, all others are trusted.
HBA = """
host all /^scram_ 127.0.0.1/32 scram-sha-256
host replication /^scram_ 127.0.0.1/32 scram-sha-256
local all all trust
local replication all trust
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""


def bin_dir():
    """The folder of the server to test with: PG_BIN, or the newest installed."""
    chosen = os.environ.get("PG_BIN")
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    if not chosen and not found:
        raise RuntimeError("no PostgreSQL server under /usr/lib/postgresql; apt install postgresql")
    return chosen or os.path.dirname(max(found, key=lambda path: int(path.split("/")[4])))


def program(name):
    """A server's program; where its folder has none (a server without clients), the newest installed."""
    path = os.path.join(bin_dir(), name)
    return path if os.path.exists(path) else shutil.which(name) or name


def server_major():
    """15 for "postgres (PostgreSQL) 15.20"."""
    version = subprocess.run([program("postgres"), "--version"], check=True, capture_output=True, text=True).stdout
    return int(version.split()[2].split(".")[0])


def _unprivileged():
    """How Popen starts a server: initdb and postgres refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Cluster:
    """One server. `settings` go to postgresql.conf over SETTINGS."""

    def __init__(self, name, initdb=(), copy_of=None, **settings):
        self.name = name
        self.root = new_directory(name)
        self.data = os.path.join(self.root, "data")
        self.log_path = os.path.join(self.root, "log")
        self.port = free_port()
        self.postmaster = None
        if os.geteuid() == 0:
            shutil.chown(self.root, "postgres")
        if copy_of:
            self._run("cp", "-a", copy_of.data, self.data)
        else:
            self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
                      "--locale=C.UTF-8", *initdb)
            self._write("pg_hba.conf", _hba(), "w")
        self.configure(**{**({} if copy_of else _settings()), "port": self.port,
                          "unix_socket_directories": self.root, **settings})
        keep_track(self)

    def _run(self, name, *arguments):
        subprocess.run([program(name), *arguments], check=True,
                       cwd=self.root, stdout=subprocess.DEVNULL, **_unprivileged())

    def _write(self, file_name, text, mode):
        with open(os.path.join(self.data, file_name), mode, encoding="utf-8") as file:
            file.write(text)

    def configure(self, **settings):
        """Adds settings to postgresql.conf; in force from the next start or reload."""
        lines = [f"{key} = '{value}'\n" for key, value in settings.items()]
        self._write("postgresql.conf", "".join(lines), "a")

    def begin_start(self):
        with open(self.log_path, "ab") as log:
            self.postmaster = subprocess.Popen(
                [program("postgres"), "-D", self.data], cwd=self.root, stdout=log,
                stderr=log, start_new_session=True, preexec_fn=die_with_parent(signal.SIGQUIT),
                **_unprivileged())

    def wait_ready(self, timeout=60):
        wait_until(self._answers, lambda: f"{self.name} to answer\n{self.log_tail()}", timeout)

    def _answers(self):
        if self.postmaster.poll() is not None:
            raise RuntimeError(f"{self.name} did not start:\n{self.log_tail()}")
        try:
            self.connect().close()
            return True
        except psycopg2.OperationalError:
            return False

    def start(self):
        self.begin_start()
        self.wait_ready()

    def stop(self, mode="fast"):
        if self.postmaster is None or self.postmaster.poll() is not None:
            return
        pids = children_of(self.postmaster.pid)
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self.postmaster.send_signal(signals[mode])
        self.postmaster.wait(60)
        self._wait_gone(pids)

    def kill9(self):
        """SIGKILL for the postmaster and all its children: the machine's sudden death, but for the disk."""
        pids = children_of(self.postmaster.pid)
        self.postmaster.kill()
        for pid in pids:
            send(pid, signal.SIGKILL)
        self.postmaster.wait()
        self._wait_gone(pids)

    def _wait_gone(self, pids):
        wait_until(lambda: not any(is_alive(pid) for pid in pids), f"the processes of {self.name} to end")

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def reload(self):
        self.postmaster.send_signal(signal.SIGHUP)

    def connect(self, dbname="postgres", user="postgres", **options):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=dbname, user=user,
                                      application_name="test", connect_timeout=10, **options)
        connection.autocommit = True
        return connection

    def execute(self, *statements):
        Database(self, "postgres").execute(*statements)

    def rows(self, statement, arguments=None):
        return Database(self, "postgres").rows(statement, arguments)

    def value(self, statement, arguments=None):
        return Database(self, "postgres").value(statement, arguments)

    def create_database(self, name, *options):
        self.execute(f'create database "{name}" {" ".join(options)}')
        return Database(self, name)

    def psql(self, dbname, *arguments):
        return subprocess.run([program("psql"), "-X", "-h", "127.0.0.1", "-p",
                               str(self.port), "-U", "postgres", "-d", dbname, *arguments],
                              check=True, capture_output=True, text=True).stdout

    def log_tail(self, lines=25):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def destroy(self):
        if self.postmaster is not None and self.postmaster.poll() is None:
            self.stop("immediate")
        shutil.rmtree(self.root, ignore_errors=True)
        forget(self)


def _settings():
    """Each test leaves the origin of its name at the target; before 18 max_replication_slots bounds them too."""
    return {**SETTINGS, **({"max_active_replication_origins": 60} if server_major() >= 18 else {})}


def _hba():
    """Regular expressions for roles came with PostgreSQL 16; before, the roles are named."""
    if server_major() >= 16:
        return HBA
    return HBA.replace("/^scram_", "scram_user,scram_other")


def start_all(*clusters):
    for cluster in clusters:
        cluster.begin_start()
    for cluster in clusters:
        cluster.wait_ready()


class Database:
    """One database; each call takes a connection of its own, so a restart of the server between calls is fine."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def url(self, user="postgres", password=None):
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.cluster.port}/{self.name}"

    def connect(self, user="postgres", **options):
        return self.cluster.connect(self.name, user, **options)

    def execute(self, *statements):
        """Each statement (or several, separated by semicolons) is a transaction of its own."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def transaction(self, *statements):
        connection = self.connect()
        connection.autocommit = False
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()
        finally:
            connection.close()

    def rows(self, statement, arguments=None):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall()
        finally:
            connection.close()

    def value(self, statement, arguments=None):
        found = self.rows(statement, arguments)
        return found[0][0] if found else None

    def column(self, statement, arguments=None):
        return [row[0] for row in self.rows(statement, arguments)]

    def drop(self):
        """With its slots, whose readers are sent away."""
        self.cluster.execute(
            f"select pg_terminate_backend(active_pid) from pg_replication_slots where database = '{self.name}'"
            " and active_pid is not null")
        wait_until(lambda: self.cluster.value("select count(*) from pg_replication_slots where database = %s"
                                              " and active", (self.name,)) == 0, "the slots to be free")
        for gid in self.column("select gid from pg_prepared_xacts where database = current_database()"):
            self.execute(compose.SQL("rollback prepared {}").format(compose.Literal(gid)))
        self.cluster.execute(
            f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '{self.name}'",
            f'drop database "{self.name}" with (force)')
