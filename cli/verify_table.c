/* SPDX-License-Identifier: Apache-2.0 */
/* verify: one table: the same SQL for both sides, counts and sums of hashes first, rows only where those differ. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cli/page.h"
#include "cli/parked.h"
#include "cli/verify.h"

enum { MAX_SQL_BYTES = 4 * 1024 * 1024 };

/* ---- the SQL ---- */

/* The server hashes bytes in the database's encoding, and two databases may differ in that. */
static void write_hash(struct byte_buffer *sql, const char *row, bool is_utf8)
{
    write_format(sql, is_utf8 ? "md5(%s)" : "md5(convert_to(%s, 'UTF8'))", row);
}

static bool is_identifying(const struct column *column, bool by_primary_key)
{
    return by_primary_key ? column->primary_key_position > 0 : column->is_key;
}

/* The key is the primary key, else the replica identity unless that is the whole row. */
static bool find_key(const struct table *shape, bool *by_primary_key)
{
    bool has_identity = false;
    *by_primary_key = false;
    for (int i = 0; i < shape->column_count; i++) {
        *by_primary_key |= shape->columns[i].primary_key_position > 0;
        has_identity |= shape->columns[i].is_key;
    }
    return *by_primary_key || (has_identity && shape->replica_identity != REPLICA_IDENTITY_FULL);
}

/* `ROW("a", "b")::text` of all columns or of the key's; one column alone is just its text. */
static bool write_row(struct byte_buffer *sql, const struct table *shape, bool is_of_key,
                      bool by_primary_key)
{
    int count = 0;
    SCOPED_BUFFER list;
    byte_buffer_init(&list, MAX_SQL_BYTES);
    for (int i = 0; i < shape->column_count; i++) {
        if (is_of_key && !is_identifying(&shape->columns[i], by_primary_key))
            continue;
        write_text(&list, count++ > 0 ? ", " : "");
        if (!identifier_write(&list, shape->columns[i].name))
            return false;
    }
    bool is_single = is_of_key && count == 1;
    write_format(sql, is_single ? "%s::text" : "ROW(%s)::text", byte_buffer_text(&list));
    return !list.overrun;
}

static void name_key(struct compared_table *table, const struct table *shape, bool by_primary_key)
{
    int count = 0;
    SCOPED_BUFFER names;
    byte_buffer_init(&names, MAX_SQL_BYTES);
    for (int i = 0; i < shape->column_count; i++)
        if (is_identifying(&shape->columns[i], by_primary_key))
            write_format(&names, "%s%s", count++ > 0 ? ", " : "", shape->columns[i].name);
    char *text = arena_allocate(table->arena, names.size + 3);
    snprintf(text, names.size + 3, count > 1 ? "(%s)" : "%s", byte_buffer_text(&names));
    table->key_names = text;
}

static bool write_sql(const struct verify *verify, const struct published_table *published,
                      const struct table *shape, bool is_partitioned, struct compared_table *table)
{
    bool by_primary_key;
    SCOPED_BUFFER row;
    SCOPED_BUFFER key;
    SCOPED_BUFFER sql;
    byte_buffer_init(&row, MAX_SQL_BYTES);
    byte_buffer_init(&key, MAX_SQL_BYTES);
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    bool has_key = find_key(shape, &by_primary_key);
    if (has_key)
        name_key(table, shape, by_primary_key);
    bool is_good = write_row(&row, shape, false, false) &&
                   (!has_key || write_row(&key, shape, true, by_primary_key));
    for (int side = 0; side < SIDES && is_good; side++) {
        byte_buffer_clear(&sql);
        write_hash(&sql, byte_buffer_text(&row), verify->is_utf8[side]);
        table->hash[side] = arena_copy_string(table->arena, byte_buffer_text(&sql));
        table->key[side] = arena_copy_string(table->arena, byte_buffer_text(&key));
        byte_buffer_clear(&sql);
        write_text(&sql,
                   (side == TARGET ? is_partitioned : published->is_partitioned) ? "" : "ONLY ");
        is_good = qualified_write(&sql, shape->schema, shape->name);
        if (side == SOURCE && *published->row_filter)
            write_format(&sql, " WHERE %s", published->row_filter);
        table->rows[side] = arena_copy_string(table->arena, byte_buffer_text(&sql));
    }
    return is_good;
}

/* ---- the target's columns ---- */

static const char COLUMNS[] =
    "SELECT c.relkind, a.attname FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "  AND NOT a.attisdropped"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

static bool has_column(const struct query *columns, const char *name)
{
    for (int row = 0; row < query_rows(columns); row++)
        if (strcmp(query_text(columns, row, 1), name) == 0)
            return true;
    return false;
}

/* A table or column that the target lacks is a difference that needs no rows to be read. */
static bool is_shape_equal(struct verify *verify, const struct compared_table *table,
                           const struct table *shape, const struct query *columns)
{
    const char *lacking = query_rows(columns) == 0 ? "" : NULL;
    for (int i = 0; i < shape->column_count && !lacking; i++)
        if (!has_column(columns, shape->columns[i].name))
            lacking = shape->columns[i].name;
    if (!lacking)
        return true;
    verify->different_tables++;
    if (*lacking)
        page_line("DIFFERENT  %s  the target has no column %s", table->display_name, lacking);
    else
        page_line("DIFFERENT  %s  the target has no such table", table->display_name);
    return false;
}

/* ---- sums ---- */

/* The query of one side, run in a thread of its own so that both servers work at the same time. */
struct summing {
    struct connection *connection;
    struct byte_buffer sql;
    struct query *query;
    struct error err;
};

static void *run_summing(void *context)
{
    struct summing *summing = context;
    summing->query =
        query_run(summing->connection, byte_buffer_text(&summing->sql), NO_PARAMS, &summing->err);
    return NULL;
}

/* A sum doesn't depend on the order of rows, and unlike XOR it sees a row that is there twice. */
static void begin_summing(const struct verify *verify, const struct compared_table *table,
                          enum side side, struct summing *summing)
{
    *summing = (struct summing){.connection = verify->sessions[side]};
    byte_buffer_init(&summing->sql, MAX_SQL_BYTES);
    write_format(&summing->sql,
                 "SELECT count(*), COALESCE(sum(('x' || left(%s, 16))::bit(64)::bigint), 0)::text"
                 " FROM %s",
                 table->hash[side], table->rows[side]);
}

static bool compare_sums(const struct verify *verify, struct compared_table *table, bool *is_equal,
                         struct error *err)
{
    struct summing sides[SIDES];
    pthread_t thread;
    for (int side = 0; side < SIDES; side++)
        begin_summing(verify, table, (enum side)side, &sides[side]);
    bool is_threaded = pthread_create(&thread, NULL, run_summing, &sides[SOURCE]) == 0;
    if (!is_threaded)
        run_summing(&sides[SOURCE]);
    run_summing(&sides[TARGET]);
    if (is_threaded)
        pthread_join(thread, NULL);
    bool is_done = sides[SOURCE].query && sides[TARGET].query;
    if (is_done) {
        for (int side = 0; side < SIDES; side++)
            table->row_counts[side] = query_uint64(sides[side].query, 0, 0);
        *is_equal = table->row_counts[SOURCE] == table->row_counts[TARGET] &&
                    strcmp(query_text(sides[SOURCE].query, 0, 1),
                           query_text(sides[TARGET].query, 0, 1)) == 0;
    } else {
        *err = sides[SOURCE].query ? sides[TARGET].err : sides[SOURCE].err;
    }
    for (int side = 0; side < SIDES; side++) {
        query_free(sides[side].query);
        byte_buffer_release(&sides[side].sql);
    }
    return is_done;
}

/* ---- all ---- */

static bool report_differences(struct verify *verify, const struct compared_table *table,
                               struct error *err)
{
    struct differences differences;
    if (!differences_find(verify, table, &differences, err)) {
        differences_release(&differences);
        return false;
    }
    verify->different_tables++;
    page_line("DIFFERENT  %s  %" PRIu64 " rows, %" PRIu64 " at the target: %" PRIu64
              " missing, %" PRIu64 " extra, %" PRIu64 " different",
              table->display_name, table->row_counts[SOURCE], table->row_counts[TARGET],
              differences.missing, differences.extra, differences.different);
    for (size_t i = 0; i < differences.shown_count; i++)
        page_line("           %s", byte_buffer_text(&differences.shown[i]));
    differences_release(&differences);
    return true;
}

/* What is parked explains a difference, though it is one all the same. */
static bool explain(struct verify *verify, const struct published_table *published,
                    struct error *err)
{
    uint64_t count;
    if (!parked_count(verify->sessions[TARGET], endpoints_sink_name(verify->config),
                      published->schema, published->name, &count, err))
        return false;
    if (count > 0)
        page_line("           %" PRIu64 " changes of this table are parked; %s", count,
                  PARKED_REMEDY);
    return true;
}

static bool compare(struct verify *verify, const struct published_table *published,
                    struct compared_table *table, struct error *err)
{
    bool is_equal = false;
    const struct table *shape = catalog_read_table(verify->sessions[SOURCE], published->oid,
                                                   published->column_numbers, table->arena, err);
    if (!shape)
        return false;
    SCOPED_QUERY columns =
        query_run(verify->sessions[TARGET], COLUMNS, PARAMS(shape->schema, shape->name), err);
    if (!columns)
        return false;
    if (!is_shape_equal(verify, table, shape, columns))
        return true;
    bool is_partitioned = query_text(columns, 0, 0)[0] == 'p';
    if (!write_sql(verify, published, shape, is_partitioned, table))
        return error_set(err, ERROR_CONFIG, "a name can't be quoted");
    if (!compare_sums(verify, table, &is_equal, err))
        return false;
    if (!is_equal)
        return report_differences(verify, table, err) && explain(verify, published, err);
    verify->equal_tables++;
    verify->rows += table->row_counts[SOURCE];
    page_line("equal      %s  %" PRIu64 " rows", table->display_name, table->row_counts[SOURCE]);
    return true;
}

bool verify_table(struct verify *verify, const struct published_table *published, struct error *err)
{
    struct compared_table table = {.arena = arena_new(16 * 1024)};
    SCOPED_BUFFER name;
    byte_buffer_init(&name, 1024);
    table_write_name(&name, published->schema, published->name);
    table.display_name = byte_buffer_text(&name);
    bool is_done = compare(verify, published, &table, err);
    arena_free(table.arena);
    return is_done ? true : error_add(err, "comparing %s", byte_buffer_text(&name));
}
