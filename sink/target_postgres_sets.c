/* SPDX-License-Identifier: Apache-2.0 */
/* Many rows at once: COPY straight in, or into a temporary table and from there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schema/wire.h"
#include "sink/target_postgres_internal.h"

enum {
    MIN_STAGED_ROWS = 48,     /* below this, single statements in the pipeline are faster */
    FLUSH_BYTES = 128 * 1024, /* of COPY text handed to libpq at once */
    MAX_COPY_TEXT_BYTES = INT32_MAX,
};

/* ---- COPY text (PostgreSQL manual, COPY, "Text Format") ---- */

/* The letter behind the backslash for bytes that may not stand alone; 0 for all others. */
static const char escapes[256] = {['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
                                  ['\b'] = 'b',  ['\f'] = 'f', ['\v'] = 'v'};

static void write_field(struct byte_buffer *text, const struct value *value)
{
    if (value->kind == VALUE_NULL) {
        write_text(text, "\\N");
        return;
    }
    uint8_t *out = byte_buffer_reserve(text, 2 * (size_t)value->size);
    if (!out)
        return;
    const uint8_t *end = value->data + value->size;
    const uint8_t *start = out;
    for (const uint8_t *in = value->data; in < end; in++) {
        char escape = escapes[*in];
        if (escape)
            *out++ = '\\';
        *out++ = escape ? (uint8_t)escape : *in;
    }
    text->size += (size_t)(out - start);
}

static void write_line(struct byte_buffer *text, const struct tuple *tuple, const bool *is_left_out)
{
    bool is_first = true;
    for (int i = 0; i < tuple->count; i++) {
        if (is_left_out[i])
            continue;
        if (!is_first)
            write_u8(text, '\t');
        write_field(text, &tuple->values[i]);
        is_first = false;
    }
    write_u8(text, '\n');
}

/* ---- which columns ---- */

/* Fills `is_left_out`: generated at the target, not sent, or, for a delete, not of the key. */
static void choose_columns(const struct row_set *set, bool *is_left_out)
{
    const struct postgres_table *table = (const struct postgres_table *)set->table;
    bool is_delete = set->kind == ROW_SET_DELETE || set->kind == ROW_SET_DELETE_UNSEEN;
    for (int i = 0; i < table->base.shape->column_count; i++)
        is_left_out[i] =
            is_delete || !table->is_written[i] || (set->is_unchanged && set->is_unchanged[i]);
    for (int i = 0; i < table->base.key_count; i++)
        is_left_out[table->base.keys[i].column] = false;
}

static void write_copy_sql(struct byte_buffer *sql, const struct postgres_table *table,
                           const char *into, const bool *is_left_out)
{
    bool is_first = true;
    write_format(sql, "COPY %s (", into);
    for (int i = 0; i < table->base.shape->column_count; i++) {
        if (is_left_out[i])
            continue;
        write_format(sql, "%s%s", is_first ? "" : ", ", table->columns[i]);
        is_first = false;
    }
    write_text(sql, ") FROM STDIN");
}

static bool send_rows(struct postgres_target *target, const struct row_set *set,
                      const bool *is_left_out, struct error *err)
{
    struct byte_buffer *text = &target->copy_text;
    byte_buffer_clear(text);
    for (size_t i = 0; i < set->count; i++) {
        struct tuple tuple;
        const uint8_t *at = set->tuples[i].data;
        if (!tuple_read(&at, at + set->tuples[i].size, target->values.new_values, &tuple))
            return error_set(err, ERROR_FATAL, "a row in the batch is malformed");
        write_line(text, &tuple, is_left_out);
        if (text->overrun)
            return error_set(err, ERROR_DATA, "a row of %s is too long for COPY",
                             set->table->display_name);
        if (text->size < FLUSH_BYTES && i + 1 < set->count)
            continue;
        if (!copy_in_put(target->connection, (struct bytes){text->data, text->size}, err))
            return false;
        byte_buffer_clear(text);
    }
    return true;
}

static bool copy_set(struct postgres_target *target, const struct row_set *set, const char *into,
                     const bool *is_left_out, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_copy_sql(&sql, (const struct postgres_table *)set->table, into, is_left_out);
    uint64_t rows = 0;
    if (!copy_in_begin(target->connection, byte_buffer_text(&sql), err) ||
        !send_rows(target, set, is_left_out, err) || !copy_in_end(target->connection, &rows, err))
        return error_add(err, "%s", set->table->display_name);
    if (rows == set->count)
        return true;
    return error_set(err, ERROR_DATA, "%s: %" PRIu64 " of %zu rows went in",
                     set->table->display_name, rows, set->count);
}

static bool run_for_count(struct postgres_target *target, struct byte_buffer *sql, uint64_t *count,
                          struct error *err)
{
    SCOPED_QUERY query = query_run(target->connection, byte_buffer_text(sql), NO_PARAMS, err);
    if (!query)
        return false;
    *count = query_affected(query);
    return true;
}

/* ---- rows without columns ---- */

/* So in a table that has none at the source, or whose columns are all generated at the target. */
static bool is_nothing_written(const struct table *shape, const bool *is_left_out)
{
    for (int i = 0; i < shape->column_count; i++)
        if (!is_left_out[i])
            return false;
    return true;
}

/* A COPY without a list of columns would ask for all that the target has, and an empty list is not allowed. */
static bool insert_defaults(struct postgres_target *target, struct postgres_table *table,
                            uint64_t row_count, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_format(&sql, "INSERT INTO %s SELECT FROM pg_catalog.generate_series(1, %" PRIu64 ")",
                 table->qualified, row_count);
    uint64_t count;
    if (!postgres_settle(target, err) || !run_for_count(target, &sql, &count, err))
        return error_add(err, "%s", table->base.display_name);
    table->base.counts.inserted += count;
    return true;
}

/* ---- stages ---- */

/* Whether the stage still has the types of the table's columns: somebody may have altered those. The lock keeps them
 * as they are until the end of the transaction; the UPDATE or DELETE would take it anyway. */
static bool check_stage(struct postgres_target *target, const struct postgres_table *table,
                        const char *stage, bool *is_current, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_format(&sql, "LOCK TABLE %s%s IN ROW EXCLUSIVE MODE", table->only, table->qualified);
    if (!connection_execute(target->connection, byte_buffer_text(&sql), NO_PARAMS, err))
        return false;
    SCOPED_QUERY query =
        query_run(target->connection,
                  "SELECT FROM pg_catalog.pg_attribute s LEFT JOIN pg_catalog.pg_attribute a"
                  " ON a.attname = s.attname AND a.attrelid = $1::pg_catalog.regclass"
                  " WHERE s.attrelid = $2::pg_catalog.regclass AND s.attnum > 0"
                  " AND (a.atttypid, a.atttypmod, a.attcollation)"
                  " IS DISTINCT FROM (s.atttypid, s.atttypmod, s.attcollation)",
                  PARAMS(table->qualified, stage), err);
    if (query)
        *is_current = query_rows(query) == 0;
    return query != NULL;
}

static void write_create_stage(struct byte_buffer *sql, const struct postgres_table *table,
                               const char *stage, bool is_delete)
{
    const struct target_table *base = &table->base;
    int count = is_delete ? base->key_count : base->shape->column_count;
    write_format(
        sql, "DROP TABLE IF EXISTS %s; CREATE TEMPORARY TABLE %s ON COMMIT DELETE ROWS AS SELECT ",
        stage, stage + strlen("pg_temp."));
    for (int i = 0; i < count; i++)
        write_format(sql, "%s%s", i > 0 ? ", " : "",
                     table->columns[is_delete ? base->keys[i].column : i]);
    write_format(sql, " FROM %s WITH NO DATA", table->qualified);
}

/* The stage is empty at a transaction's start (ON COMMIT DELETE ROWS); within one it is emptied by hand. */
static bool ready_stage(struct postgres_target *target, struct postgres_table *table,
                        const char *stage, bool is_delete, struct error *err)
{
    bool *exists = is_delete ? &table->has_delete_stage : &table->has_stage;
    bool *is_used = is_delete ? &table->is_delete_stage_used : &table->is_stage_used;
    bool is_current = false;
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    if (*exists && !check_stage(target, table, stage, &is_current, err))
        return error_add(err, "%s", table->base.display_name);
    if (!is_current)
        write_create_stage(&sql, table, stage, is_delete);
    else if (*is_used)
        write_format(&sql, "TRUNCATE %s", stage);
    *is_used = true;
    if (sql.size > 0 &&
        !connection_execute(target->connection, byte_buffer_text(&sql), NO_PARAMS, err))
        return error_add(err, "staging rows of %s", table->base.display_name);
    *exists = true;
    return true;
}

static void write_join(struct byte_buffer *sql, const struct postgres_table *table)
{
    for (int i = 0; i < table->base.key_count; i++) {
        const char *column = table->columns[table->base.keys[i].column];
        write_format(sql, "%st.%s %s s.%s", i > 0 ? " AND " : " WHERE ", column,
                     table->key_operator[i], column);
    }
}

static bool apply_update(struct postgres_target *target, const struct row_set *set,
                         const char *stage, const bool *is_left_out, struct error *err)
{
    const struct postgres_table *table = (const struct postgres_table *)set->table;
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    bool is_first = true;
    write_format(&sql, "UPDATE %s%s AS t SET ", table->only, table->qualified);
    for (int i = 0; i < table->base.shape->column_count; i++) {
        if (is_left_out[i] || !postgres_updates_column(table, i))
            continue;
        write_format(&sql, "%s%s = s.%s", is_first ? "" : ", ", table->columns[i],
                     table->columns[i]);
        is_first = false;
    }
    if (is_first)
        return true;
    write_format(&sql, " FROM %s AS s", stage);
    write_join(&sql, table);
    for (int i = 0; i < table->base.shape->column_count; i++)
        if (!is_left_out[i] && postgres_checks_column(table, i))
            write_format(&sql, " AND t.%s IS NOT DISTINCT FROM s.%s", table->columns[i],
                         table->columns[i]);
    uint64_t count = 0;
    if (!run_for_count(target, &sql, &count, err))
        return error_add(err, "%s", set->table->display_name);
    set->table->counts.updated += count;
    if (count == set->count)
        return true;
    return error_set(err, ERROR_DATA, "%s: %" PRIu64 " rows met %zu updates",
                     set->table->display_name, count, set->count);
}

static bool apply_delete(struct postgres_target *target, const struct row_set *set,
                         const char *stage, struct error *err)
{
    const struct postgres_table *table = (const struct postgres_table *)set->table;
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_format(&sql, "DELETE FROM %s%s AS t USING %s AS s", table->only, table->qualified, stage);
    write_join(&sql, table);
    uint64_t count = 0;
    if (!run_for_count(target, &sql, &count, err))
        return error_add(err, "%s", set->table->display_name);
    set->table->counts.deleted += count;
    if (set->kind == ROW_SET_DELETE && count < set->count)
        target->warnings.row_absent += set->count - count;
    return true;
}

static bool apply_staged(struct postgres_target *target, const struct row_set *set,
                         const bool *is_left_out, struct error *err)
{
    char stage[64];
    struct postgres_table *table = (struct postgres_table *)set->table;
    bool is_delete = set->kind != ROW_SET_UPDATE;
    snprintf(stage, sizeof(stage), "pg_temp.penstock_%s_%u", is_delete ? "delete" : "update",
             table->stage_number);
    if (!ready_stage(target, table, stage, is_delete, err) ||
        !copy_set(target, set, stage, is_left_out, err))
        return false;
    return is_delete ? apply_delete(target, set, stage, err)
                     : apply_update(target, set, stage, is_left_out, err);
}

bool postgres_apply_set(struct target *base, const struct row_set *set, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    bool is_left_out[TABLE_MAX_COLUMNS];
    if (set->count < MIN_STAGED_ROWS)
        return postgres_apply_set_rows(target, set, err);
    choose_columns(set, is_left_out);
    if (!postgres_settle(target, err))
        return false;
    if (set->kind != ROW_SET_INSERT)
        return apply_staged(target, set, is_left_out, err);
    struct postgres_table *table = (struct postgres_table *)set->table;
    if (is_nothing_written(set->table->shape, is_left_out))
        return insert_defaults(target, table, set->count, err);
    if (!copy_set(target, set, table->qualified, is_left_out, err))
        return false;
    set->table->counts.inserted += set->count;
    return true;
}

/* ---- the initial copy ---- */

/* Appends the fields of the columns that are written; a tab or newline inside a value is always escaped. */
static void filter_lines(struct byte_buffer *text, const bool *is_left_out, struct bytes lines)
{
    const uint8_t *at = lines.data;
    const uint8_t *end = lines.data + lines.size;
    bool is_first = true;
    for (int column = 0; at < end;) {
        size_t size = 0;
        while (at + size < end && at[size] != '\t' && at[size] != '\n')
            size++;
        if (!is_left_out[column]) {
            write_text(text, is_first ? "" : "\t");
            write_bytes(text, at, size);
            is_first = false;
        }
        bool is_line_end = at + size >= end || at[size] == '\n';
        if (is_line_end) {
            write_u8(text, '\n');
            is_first = true;
        }
        column = is_line_end ? 0 : column + 1;
        at += size + 1;
    }
}

/* Generated columns of the target's make their values themselves. Returns whether there are any. */
static bool leave_out_generated(const struct postgres_table *table, bool *is_left_out)
{
    bool is_any = false;
    for (int i = 0; i < table->base.shape->column_count; i++) {
        is_left_out[i] = !table->is_written[i];
        is_any |= is_left_out[i];
    }
    return is_any;
}

static bool open_copy(struct postgres_target *target, struct postgres_table *table,
                      const bool *is_left_out, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_copy_sql(&sql, table, table->qualified, is_left_out);
    if (!postgres_settle(target, err) ||
        !copy_in_begin(target->connection, byte_buffer_text(&sql), err))
        return error_add(err, "%s", table->base.display_name);
    target->copying = table;
    target->copying_rows = 0;
    return true;
}

bool postgres_copy_rows(struct target *base, struct target_table *table, struct bytes lines,
                        uint32_t row_count, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    struct postgres_table *mine = (struct postgres_table *)table;
    bool is_left_out[TABLE_MAX_COLUMNS];
    bool is_filtered = leave_out_generated(mine, is_left_out);
    if (row_count == 0)
        return true;
    if (is_nothing_written(table->shape, is_left_out))
        return insert_defaults(target, mine, row_count, err);
    if (target->copying != mine && !open_copy(target, mine, is_left_out, err))
        return false;
    target->copying_rows += row_count;
    if (!is_filtered)
        return copy_in_put(target->connection, lines, err);
    byte_buffer_clear(&target->copy_text);
    filter_lines(&target->copy_text, is_left_out, lines);
    return copy_in_put(target->connection,
                       (struct bytes){target->copy_text.data, target->copy_text.size}, err);
}
