/* SPDX-License-Identifier: Apache-2.0 */
/* verify: which rows of a table differ: both sides read in one order, side by side, a bounded number at a time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/verify.h"

enum { MAX_SQL_BYTES = 4 * 1024 * 1024, MAX_LINE_BYTES = 64 * 1024 };

/* ---- one side ---- */

/* Rows of (key, hash), or of (hash, count) if the table has no key, by their first column. */
struct rows {
    struct connection *connection;
    struct query *fetched;
    int row;
};

/* Bytewise order, the same on both sides whatever their collations and encodings. */
static void write_order(struct byte_buffer *sql, const char *column, bool is_utf8)
{
    write_format(sql, is_utf8 ? "%s COLLATE \"C\"" : "convert_to(%s, 'UTF8')", column);
}

static bool open_rows(const struct verify *verify, const struct compared_table *table,
                      enum side side, struct rows *rows, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_text(&sql, "DECLARE compared NO SCROLL CURSOR FOR ");
    if (table->key_names) {
        write_format(&sql, "SELECT k, h FROM (SELECT %s AS k, %s AS h FROM %s) AS r ORDER BY ",
                     table->key[side], table->hash[side], table->rows[side]);
        write_order(&sql, "k", verify->is_utf8[side]);
        write_text(&sql, ", h COLLATE \"C\"");
    } else {
        write_format(&sql,
                     "SELECT h, count(*) FROM (SELECT %s AS h FROM %s) AS r GROUP BY h"
                     " ORDER BY h COLLATE \"C\"",
                     table->hash[side], table->rows[side]);
    }
    *rows = (struct rows){.connection = verify->sessions[side]};
    return connection_execute(rows->connection, byte_buffer_text(&sql), NO_PARAMS, err);
}

static bool close_rows(struct rows *rows, struct error *err)
{
    query_free(rows->fetched);
    rows->fetched = NULL;
    return connection_execute(rows->connection, "CLOSE compared", NO_PARAMS, err);
}

/* Moves to the next row. */
static bool next_row(struct rows *rows, struct error *err)
{
    rows->row++;
    if (rows->fetched && rows->row < query_rows(rows->fetched))
        return true;
    query_free(rows->fetched);
    rows->row = 0;
    rows->fetched = query_run(rows->connection, "FETCH 1000 FROM compared", NO_PARAMS, err);
    return rows->fetched != NULL;
}

static bool is_at_end(const struct rows *rows)
{
    return query_rows(rows->fetched) == 0;
}

static const char *first_of(const struct rows *rows)
{
    return query_text(rows->fetched, rows->row, 0);
}

static const char *second_of(const struct rows *rows)
{
    return query_text(rows->fetched, rows->row, 1);
}

/* ---- what differs ---- */

/* A line for the next difference; NULL if enough are shown. */
static struct byte_buffer *next_line(struct differences *differences)
{
    size_t most = sizeof(differences->shown) / sizeof(differences->shown[0]);
    if (differences->shown_count == most)
        return NULL;
    struct byte_buffer *line = &differences->shown[differences->shown_count++];
    byte_buffer_init(line, MAX_LINE_BYTES);
    return line;
}

static void note_key(struct differences *differences, const struct compared_table *table,
                     const char *word, const char *key)
{
    enum { SHOWN_BYTES = 200 };
    struct byte_buffer *line = next_line(differences);
    if (line)
        write_format(line, "%-9s  %s=%.*s%s", word, table->key_names, SHOWN_BYTES, key,
                     strlen(key) > SHOWN_BYTES ? "…" : "");
}

static void note_counts(struct differences *differences, const char *hash, uint64_t source,
                        uint64_t target)
{
    struct byte_buffer *line = next_line(differences);
    if (source > target)
        differences->missing += source - target;
    else
        differences->extra += target - source;
    if (line)
        write_format(line,
                     "rows with hash %s  %" PRIu64 " at the source, %" PRIu64 " at the target",
                     hash, source, target);
}

/* <0: the source's row comes first, the target lacks it; >0: the target has it alone; 0: both have it. */
static int compare_rows(const struct rows *source, const struct rows *target)
{
    if (is_at_end(source) || is_at_end(target))
        return is_at_end(source) ? 1 : -1;
    return strcmp(first_of(source), first_of(target));
}

static void note_keyless(struct differences *differences, int order, const struct rows *source,
                         const struct rows *target)
{
    uint64_t at_source = order <= 0 ? query_uint64(source->fetched, source->row, 1) : 0;
    uint64_t at_target = order >= 0 ? query_uint64(target->fetched, target->row, 1) : 0;
    if (at_source != at_target)
        note_counts(differences, first_of(order <= 0 ? source : target), at_source, at_target);
}

static void note_keyed(struct differences *differences, const struct compared_table *table,
                       int order, const struct rows *source, const struct rows *target)
{
    if (order < 0) {
        differences->missing++;
        note_key(differences, table, "missing", first_of(source));
    } else if (order > 0) {
        differences->extra++;
        note_key(differences, table, "extra", first_of(target));
    } else if (strcmp(second_of(source), second_of(target)) != 0) {
        differences->different++;
        note_key(differences, table, "different", first_of(source));
    }
}

static bool merge(const struct compared_table *table, struct rows *source, struct rows *target,
                  struct differences *differences, struct error *err)
{
    if (!next_row(source, err) || !next_row(target, err))
        return false;
    while (!is_at_end(source) || !is_at_end(target)) {
        int order = compare_rows(source, target);
        if (table->key_names)
            note_keyed(differences, table, order, source, target);
        else
            note_keyless(differences, order, source, target);
        if ((order <= 0 && !next_row(source, err)) || (order >= 0 && !next_row(target, err)))
            return false;
    }
    return true;
}

bool differences_find(const struct verify *verify, const struct compared_table *table,
                      struct differences *differences, struct error *err)
{
    struct rows source = {0};
    struct rows target = {0};
    *differences = (struct differences){0};
    bool is_done = open_rows(verify, table, SOURCE, &source, err) &&
                   open_rows(verify, table, TARGET, &target, err) &&
                   merge(table, &source, &target, differences, err) && close_rows(&source, err) &&
                   close_rows(&target, err);
    query_free(source.fetched);
    query_free(target.fetched);
    return is_done;
}

void differences_release(struct differences *differences)
{
    for (size_t i = 0; i < differences->shown_count; i++)
        byte_buffer_release(&differences->shown[i]);
}
