/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a session: TLS policy, time-outs, and the settings on which the text of values depends. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "postgres/internal.h"

enum { CONNECT_TIMEOUT_MS = 15000, MAX_PARAMS = 24, MIN_SERVER_VERSION = 140000 };

static const char DEBIAN_CA_FILE[] = "/etc/ssl/certs/ca-certificates.crt";

/* Keyword and value of each parameter, NULL-terminated, for PQconnectStartParams(). */
struct params {
    const char *keys[MAX_PARAMS];
    const char *values[MAX_PARAMS];
    int count;
};

static void add_param(struct params *params, const char *key, const char *value)
{
    params->keys[params->count] = key;
    params->values[params->count] = value;
    params->count++;
}

static const char *option_value(const PQconninfoOption *options, const char *key)
{
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (strcmp(option->keyword, key) == 0)
            return option->val && *option->val ? option->val : NULL;
    return NULL;
}

/* An address of the loopback net, a local socket, or the name that stands for both. */
static bool host_is_local(const char *host, size_t length)
{
    char text[64];
    struct in_addr address;
    if (length == 0 || host[0] == '/' || host[0] == '@')
        return true;
    if (length >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)length, host);
    if (strcmp(text, "localhost") == 0 || strcmp(text, "::1") == 0)
        return true;
    return inet_pton(AF_INET, text, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

/* Whether every host of the comma-separated list is this machine. NULL is libpq's default: a local socket. */
static bool hosts_are_local(const char *hosts)
{
    while (hosts && *hosts) {
        size_t length = strcspn(hosts, ",");
        if (!host_is_local(hosts, length))
            return false;
        hosts += length + (hosts[length] == ',');
    }
    return true;
}

static bool is_local(const PQconninfoOption *options)
{
    const char *address = option_value(options, "hostaddr");
    const char *host = option_value(options, "host");
    if (!address)
        address = getenv("PGHOSTADDR");
    if (address)
        return hosts_are_local(address);
    return hosts_are_local(host ? host : getenv("PGHOST"));
}

static bool has_own_root_certificate(const PQconninfoOption *options)
{
    char path[4096];
    const char *home = getenv("HOME");
    if (option_value(options, "sslrootcert") || getenv("PGSSLROOTCERT"))
        return true;
    if (!home)
        return false;
    snprintf(path, sizeof(path), "%s/.postgresql/root.crt", home);
    return access(path, R_OK) == 0;
}

/* An unverified server could be anybody: another host must prove itself, or be allowed not to. */
static bool add_tls(struct params *params, const PQconninfoOption *options,
                    const struct connection_options *wanted, bool *is_verified, struct error *err)
{
    const char *mode = option_value(options, "sslmode");
    if (!mode)
        mode = getenv("PGSSLMODE");
    bool is_full = !mode || strcmp(mode, "verify-full") == 0;
    *is_verified = true;
    if (is_local(options))
        return true;
    if (wanted->is_insecure_allowed && (!mode || !is_full)) {
        *is_verified = false;
        return true;
    }
    if (!is_full) {
        error_set(err, ERROR_CONFIG,
                  "%s: sslmode=%s does not prove who the server is, and it is on another host",
                  wanted->what, mode);
        return error_remedy(err,
                            "remove sslmode (verify-full is the default) and give sslrootcert if "
                            "needed, or set %s.insecure: true to accept the risk",
                            wanted->what);
    }
    add_param(params, "sslmode", "verify-full");
    if (!has_own_root_certificate(options) && access(DEBIAN_CA_FILE, R_OK) == 0)
        add_param(params, "sslrootcert", DEBIAN_CA_FILE);
    return true;
}

static void add_unless_given(struct params *params, const PQconninfoOption *options,
                             const char *key, const char *value)
{
    if (!option_value(options, key))
        add_param(params, key, value);
}

/* libpq quotes the whole URL, with its password, in its own message: so it is not shown. */
static PQconninfoOption *parse_url(const struct connection_options *wanted, struct error *err)
{
    char *ignored = NULL;
    PQconninfoOption *options = PQconninfoParse(wanted->url, &ignored);
    PQfreemem(ignored);
    if (options)
        return options;
    error_set(err, ERROR_CONFIG, "%s.url is not a URL or keyword string that libpq understands",
              wanted->what);
    error_remedy(err, "write it as postgresql://user@host:5432/database; special characters in a "
                      "password must be percent-encoded");
    return NULL;
}

/* "FATAL:  28P01: password authentication failed…" while the verbosity is PQERRORS_VERBOSE. */
static void connect_error(PGconn *pg, const struct connection_options *wanted, struct error *err)
{
    char message[512];
    char state[6] = "";
    snprintf(message, sizeof(message), "%s", PQerrorMessage(pg));
    message[strcspn(message, "\n")] = '\0';
    const char *fatal = strstr(message, "FATAL:  ");
    if (fatal)
        snprintf(state, sizeof(state), "%.5s", fatal + 8);
    bool is_password = strstr(message, "no password supplied") != NULL;
    error_set(err, ERROR_RETRY, "%s: can't connect: %s", wanted->what, message);
    if (strncmp(state, "28", 2) == 0 || is_password) {
        err->kind = ERROR_STOP;
        err->stop = STOP_AUTHENTICATION_FAILED;
        error_remedy(err,
                     "check the user and password in %s.url, %s.password_file or PGPASSFILE, "
                     "and the server's pg_hba.conf",
                     wanted->what, wanted->what);
    } else if (strcmp(state, "42501") == 0) {
        err->kind = ERROR_STOP;
        err->stop = STOP_PERMISSION_DENIED;
        error_remedy(err, "ALTER ROLE … REPLICATION; and GRANT CONNECT ON DATABASE … on the %s",
                     wanted->what);
    } else if (strcmp(state, "3D000") == 0) {
        err->kind = ERROR_STOP;
        err->stop = STOP_SERVER_REFUSED;
        error_remedy(err, "correct the database name in %s.url, or create the database",
                     wanted->what);
    }
    memcpy(err->sqlstate, state, sizeof(state));
}

/* libpq has now added what the environment and a service file say: that is what it will do. */
static bool check_effective(struct connection *connection, const struct connection_options *wanted,
                            struct error *err)
{
    PQconninfoOption *options = PQconninfo(connection->pg);
    if (!options)
        return error_set(err, ERROR_RETRY, "%s: out of memory in libpq", wanted->what);
    const char *mode = option_value(options, "sslmode");
    bool is_full = mode && strcmp(mode, "verify-full") == 0;
    const char *address = option_value(options, "hostaddr");
    bool is_here = hosts_are_local(address ? address : option_value(options, "host"));
    PQconninfoFree(options);
    connection->is_verified = is_here || is_full;
    if (connection->is_verified || wanted->is_insecure_allowed)
        return true;
    error_set(err, ERROR_CONFIG,
              "%s: a service or the environment leads to another host, without "
              "sslmode=verify-full",
              wanted->what);
    return error_remedy(err,
                        "set sslmode=verify-full there, or %s.insecure: true to accept the risk",
                        wanted->what);
}

static bool connect_poll(struct connection *connection, const struct connection_options *wanted,
                         struct error *err)
{
    int64_t deadline = clock_now_ms(&system_clock) + CONNECT_TIMEOUT_MS;
    bool is_writing = true;
    for (;;) {
        if (!connection_wait(connection, is_writing, deadline, err))
            return error_add(err, "connecting");
        PostgresPollingStatusType status = PQconnectPoll(connection->pg);
        if (status == PGRES_POLLING_OK)
            return true;
        if (status == PGRES_POLLING_FAILED) {
            connect_error(connection->pg, wanted, err);
            return false;
        }
        is_writing = status == PGRES_POLLING_WRITING;
    }
}

static bool start(struct connection *connection, const struct connection_options *wanted,
                  struct error *err)
{
    PQconninfoOption *options = parse_url(wanted, err);
    if (!options)
        return false;
    struct params params = {0};
    add_param(&params, "dbname", wanted->url); /* expand_dbname: the whole string, first */
    bool is_allowed = add_tls(&params, options, wanted, &connection->is_verified, err);
    if (wanted->password)
        add_param(&params, "password", wanted->password);
    if (wanted->is_replication)
        add_param(&params, "replication", "database");
    add_unless_given(&params, options, "application_name", "penstock");
    add_unless_given(&params, options, "keepalives_idle", "10");
    add_unless_given(&params, options, "keepalives_interval", "5");
    add_unless_given(&params, options, "keepalives_count", "3");
    add_unless_given(&params, options, "tcp_user_timeout", "30000");
    add_param(&params, "client_encoding", "UTF8");
    if (is_allowed)
        connection->pg = PQconnectStartParams(params.keys, params.values, 1);
    PQconninfoFree(options);
    if (!is_allowed)
        return false;
    if (!connection->pg)
        return error_set(err, ERROR_RETRY, "%s: out of memory in libpq", wanted->what);
    if (PQstatus(connection->pg) == CONNECTION_BAD) {
        connect_error(connection->pg, wanted, err);
        return false;
    }
    PQsetErrorVerbosity(connection->pg, PQERRORS_VERBOSE);
    return check_effective(connection, wanted, err) && connect_poll(connection, wanted, err);
}

/* The text of values, and the meaning of names in our statements, must not depend on anybody's settings. */
static const char PIN[] =
    "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES"
    " ('search_path', ''), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'),"
    " ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('TimeZone', 'UTC'),"
    " ('lc_monetary', 'C'), ('xmloption', 'content'), ('standard_conforming_strings', 'on'),"
    " ('array_nulls', 'on'), ('quote_all_identifiers', 'off'), ('row_security', 'off'),"
    " ('statement_timeout', '0'), ('lock_timeout', '0'),"
    " ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'),"
    " ('default_transaction_isolation', 'read committed'),"
    " ('default_transaction_read_only', 'off'), ('default_transaction_deferrable', 'off'))"
    " AS pinned(name, value)";

static const char VERIFY[] = "SELECT pg_catalog.current_setting('search_path') IN ('', '\"\"')"
                             " AND pg_catalog.current_setting('DateStyle') LIKE 'ISO%'"
                             " AND pg_catalog.current_setting('IntervalStyle') = 'postgres'"
                             " AND pg_catalog.current_setting('extra_float_digits') = '3'"
                             " AND pg_catalog.current_setting('bytea_output') = 'hex'"
                             " AND pg_catalog.current_setting('TimeZone') = 'UTC'"
                             " AND pg_catalog.current_setting('lc_monetary') = 'C'"
                             " AND pg_catalog.current_setting('client_encoding') = 'UTF8',"
                             " pg_catalog.current_setting('server_encoding')";

static bool pin(struct connection *connection, struct error *err)
{
    if (!connection_execute(connection, PIN, NO_PARAMS, err))
        return error_add(err, "pinning the session's settings");
    /* A setting of 17 and newer. */
    if (connection_server_version(connection) >= 170000 &&
        !connection_execute(connection, "SET transaction_timeout = 0", NO_PARAMS, err))
        return error_add(err, "pinning the session's settings");
    SCOPED_QUERY verified = query_run(connection, VERIFY, NO_PARAMS, err);
    if (!verified)
        return error_add(err, "verifying the session's settings");
    if (query_rows(verified) != 1 || !query_bool(verified, 0, 0))
        return error_stop(err, STOP_SERVER_UNSUITABLE, "%s: the session's settings can't be pinned",
                          connection->what);
    if (strcmp(query_text(verified, 0, 1), "SQL_ASCII") == 0) {
        error_stop(err, STOP_SERVER_UNSUITABLE,
                   "%s: the database's encoding is SQL_ASCII: its text has no known encoding",
                   connection->what);
        return error_remedy(err, "move the data to a database with encoding UTF8");
    }
    return true;
}

static bool check_version(struct connection *connection, struct error *err)
{
    int version = connection_server_version(connection);
    if (version >= MIN_SERVER_VERSION)
        return true;
    error_stop(err, STOP_SERVER_UNSUITABLE, "%s: PostgreSQL %d is too old", connection->what,
               version / 10000);
    return error_remedy(err, "PostgreSQL 14 or newer is needed");
}

/* Notices tell of what we asked for ("does not exist, skipping"), and may quote values of rows. */
static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

struct connection *connection_open(const struct connection_options *options, struct error *err)
{
    struct connection *connection = memory_new(sizeof(*connection));
    connection->what = options->what;
    connection->stop = options->stop;
    connection->grace_ms = options->grace_ms;
    if (!start(connection, options, err) || !check_version(connection, err)) {
        connection_close(connection);
        return NULL;
    }
    PQsetErrorVerbosity(connection->pg, PQERRORS_DEFAULT);
    PQsetNoticeProcessor(connection->pg, ignore_notice, NULL);
    PQsetnonblocking(connection->pg, 1);
    if (!pin(connection, err)) {
        connection_close(connection);
        return NULL;
    }
    return connection;
}
