/* SPDX-License-Identifier: Apache-2.0 */
/* The initial copy (DESIGN §7): states, publications, slot, then every table under the slot's snapshot. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"
#include "capture/internal.h"

enum { COPY_MESSAGE_BYTES = 256 * 1024, MAX_SQL_BYTES = 4 * 1024 * 1024 };

/* One copy under way. */
struct copy {
    struct capture *capture;
    struct connection *session; /* in the slot's snapshot */
    struct relation *relation;
    struct position position;
    uint64_t unit_rows; /* of the open unit, in messages already written */
    uint64_t unit_messages;
    struct byte_buffer lines; /* of the next message */
    uint32_t line_count;
    int64_t started_us;
    pg_lsn lsn; /* the slot's consistent point: what the snapshot shows */
};

/* ---- rows ---- */

static bool end_unit(struct copy *copy, struct error *err)
{
    struct unit_end end = {.commit_time_us = copy->started_us, .count = copy->unit_messages};
    if (copy->unit_messages == 0)
        return true;
    copy->position.ordinal++;
    copy->unit_rows = 0;
    copy->unit_messages = 0;
    return capture_write_end(copy->capture, &copy->position, &end, NULL, err);
}

/* Writes the gathered lines as one message. */
static bool write_lines(struct copy *copy, struct error *err)
{
    struct capture *capture = copy->capture;
    struct change change = {.kind = CHANGE_COPY,
                            .copy_row_count = copy->line_count,
                            .copy_rows = {copy->lines.data, copy->lines.size}};
    struct change_context context = {.commit_time_us = copy->started_us, .lsn = copy->lsn};
    uint32_t messages;
    copy->position.ordinal += copy->line_count > 0 ? copy->line_count : 1;
    if (!capture_wait_for_room(capture, err) ||
        !capture_write_change(capture, copy->relation, &copy->position, &context, &change,
                              &messages, err))
        return false;
    copy->unit_rows += copy->line_count;
    copy->unit_messages++;
    atomic_fetch_add(&capture->stats.changes, copy->line_count);
    copy->line_count = 0;
    byte_buffer_clear(&copy->lines);
    return true;
}

static bool add_row(struct copy *copy, struct bytes row, struct error *err)
{
    if (row.size > copy->capture->options->max_row_bytes) {
        error_stop(err, STOP_ROW_TOO_LONG, "a row of %s is longer than limits.max_row_bytes",
                   copy->relation->table->name);
        return error_remedy(err, "raise limits.max_row_bytes, and start again");
    }
    write_bytes(&copy->lines, row.data, row.size);
    copy->line_count++;
    bool is_unit_full =
        copy->unit_rows + copy->line_count >= copy->capture->options->copy_unit_rows;
    if (!is_unit_full && copy->lines.size < COPY_MESSAGE_BYTES)
        return true;
    return write_lines(copy, err) && (!is_unit_full || end_unit(copy, err));
}

/* COPY takes a query where a filter chooses rows, partitions hold them, or a generated column may be listed, which a
 * COPY of the table refuses; a table alone is faster. */
static bool write_copy_sql(struct byte_buffer *sql, const struct table *table,
                           const struct published_table *published)
{
    const char *filter = published->row_filter;
    bool is_partitioned = published->is_partitioned;
    struct byte_buffer columns;
    byte_buffer_init(&columns, MAX_SQL_BYTES);
    bool is_good = true;
    for (int i = 0; i < table->column_count && is_good; i++) {
        write_text(&columns, i > 0 ? ", " : "");
        is_good = identifier_write(&columns, table->columns[i].name);
    }
    bool is_query = *filter || is_partitioned || *published->column_numbers;
    write_text(sql, is_query ? "COPY (SELECT " : "COPY ");
    if (is_query) {
        write_text(sql, byte_buffer_text(&columns));
        write_text(sql, is_partitioned ? " FROM " : " FROM ONLY ");
    }
    is_good = is_good && qualified_write(sql, table->schema, table->name);
    if (is_query)
        write_format(sql, "%s%s)", *filter ? " WHERE " : "", filter);
    else if (table->column_count > 0)
        write_format(sql, " (%s)", byte_buffer_text(&columns));
    write_text(sql, " TO STDOUT");
    byte_buffer_release(&columns);
    return is_good;
}

static bool copy_rows(struct copy *copy, const struct published_table *published, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    if (!write_copy_sql(&sql, copy->relation->table, published))
        return error_set(err, ERROR_CONFIG, "a name can't be quoted");
    if (!copy_out_begin(copy->session, byte_buffer_text(&sql), err))
        return false;
    for (;;) {
        struct bytes row;
        if (!copy_out_next(copy->session, &row, err))
            return false;
        if (!row.data)
            return true;
        if (!add_row(copy, row, err) || !capture_goes_on(copy->capture, err))
            return false;
    }
}

/* A table without rows still gets one empty message, so that the target makes it. */
static bool copy_table(struct copy *copy, const struct published_table *published,
                       struct error *err)
{
    struct arena *arena = arena_new(4096);
    struct table *table =
        catalog_read_table(copy->session, published->oid, published->column_numbers, arena, err);
    if (!table) {
        arena_free(arena);
        return false;
    }
    copy->relation = relations_add(copy->capture->relations, table, arena);
    log_info("copying", "schema=%s table=%s", table->schema, table->name);
    return write_lines(copy, err) && copy_rows(copy, published, err) &&
           (copy->line_count == 0 || write_lines(copy, err)) && end_unit(copy, err);
}

static bool copy_tables(struct copy *copy, const struct published *published, struct error *err)
{
    for (size_t i = 0; i < published->count; i++)
        if (!copy_table(copy, &published->tables[i], err))
            return error_add(err, "copying %s.%s", published->tables[i].schema,
                             published->tables[i].name);
    return true;
}

/* ---- states ---- */

static bool use_snapshot(struct copy *copy, const char *snapshot, struct error *err)
{
    char sql[192];
    copy->session = connection_open(&copy->capture->options->source, err);
    if (!copy->session)
        return false;
    snprintf(sql, sizeof(sql),
             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
             snapshot);
    if (!connection_execute(copy->session, sql, NO_PARAMS, err))
        return error_add(err, "using the slot's snapshot");
    return true;
}

static bool read_published(struct capture *capture, struct connection *session,
                           struct published *published, struct error *err)
{
    const struct capture_options *options = capture->options;
    if (!publication_read(session, &options->publication, options->is_wanted,
                          options->is_wanted_context, published, err))
        return false;
    size_t expected = options->publication.insert_name ? 2 : 1;
    if (published->name_count >= expected)
        return true;
    published_release(published);
    error_stop(err, STOP_PUBLICATION_MISSING, "publication %s does not exist",
               options->publication.name);
    return error_remedy(
        err, "create it on the source, or remove source.publication to let penstock make its own");
}

static void set_published(struct recorded *recorded, const struct published *published)
{
    free(recorded->tables);
    recorded->tables = publication_record(published);
    memcpy(recorded->publication, published->fingerprint, sizeof(recorded->publication));
}

/* The tables that our own publications will hold, in R's form, before the publications exist. */
static char *record_listed(const struct listed_tables *tables)
{
    struct arena *arena = arena_new(4096);
    struct published published = {.arena = arena, .count = tables->count};
    published.tables = arena_allocate(arena, tables->count * sizeof(*published.tables));
    for (size_t i = 0; i < tables->count; i++)
        published.tables[i] = (struct published_table){.oid = tables->items[i].oid,
                                                       .schema = tables->items[i].schema,
                                                       .name = tables->items[i].name,
                                                       .fingerprint = "-"};
    char *lines = publication_record(&published);
    published_release(&published);
    return lines;
}

static bool record_creating(struct capture *capture, struct recorded *recorded, struct error *err)
{
    recorded->state = RECORDED_CREATING;
    recorded->position = (struct position){.epoch = capture->recorded.position.epoch + 1};
    recorded->system_id = capture->identity.system_id;
    recorded->timeline = capture->identity.timeline;
    snprintf(recorded->slot, sizeof(recorded->slot), "%s", capture->options->slot);
    capture_set_routing(capture, recorded);
    return capture_record(capture, recorded, err) && failpoint("recorded_creating", err);
}

/* R{creating} goes before the first thing that we make at the source, so that a crash leaves nothing unowned. */
static bool create_publications(struct capture *capture, struct recorded *recorded,
                                struct error *err)
{
    const struct capture_options *options = capture->options;
    if (!options->publication.is_ours) {
        struct published published;
        if (!read_published(capture, capture->catalog, &published, err))
            return false;
        set_published(recorded, &published);
        published_release(&published);
        return record_creating(capture, recorded, err);
    }
    struct listed_tables tables;
    if (!catalog_list_tables(capture->catalog, options->is_wanted, options->is_wanted_context,
                             &tables, err))
        return false;
    if (tables.count == 0)
        log_warn("no table matches", "setting=source.tables");
    free(recorded->tables);
    recorded->tables = record_listed(&tables);
    bool is_made = record_creating(capture, recorded, err) &&
                   publication_make(capture->catalog, &options->publication, &tables, err);
    listed_tables_release(&tables);
    return is_made;
}

static bool record_copied(struct copy *copy, struct recorded *recorded, struct error *err)
{
    recorded->state = RECORDED_STREAMING;
    recorded->position = copy->position;
    return failpoint("copied", err) && capture_record(copy->capture, recorded, err);
}

/* With the slot's snapshot in `copy->session`: R{copying}, the rows, R{streaming}. */
static bool copy_all(struct copy *copy, struct recorded *recorded, struct error *err)
{
    struct capture *capture = copy->capture;
    struct published published;
    if (!read_published(capture, copy->session, &published, err))
        return false;
    set_published(recorded, &published);
    recorded->state = RECORDED_COPYING;
    bool is_copied = capture_record(capture, recorded, err) && failpoint("recorded_copying", err) &&
                     copy_tables(copy, &published, err) && record_copied(copy, recorded, err);
    published_release(&published);
    return is_copied;
}

static bool create_slot_and_copy(struct copy *copy, struct recorded *recorded, struct error *err)
{
    struct capture *capture = copy->capture;
    char snapshot[SNAPSHOT_NAME_SIZE];
    char lsn[LSN_TEXT_SIZE];
    log_info("creating slot", "slot=%s", capture->options->slot);
    if (!create_publications(capture, recorded, err) ||
        !replication_create_slot(capture->replication, capture->options->slot, &recorded->acked_lsn,
                                 snapshot, err) ||
        !failpoint("slot_created", err) || !use_snapshot(copy, snapshot, err))
        return false;
    log_info("slot created", "slot=%s consistent_point=%s", capture->options->slot,
             lsn_text(recorded->acked_lsn, lsn));
    copy->position = recorded->position;
    copy->lsn = recorded->acked_lsn;
    return copy_all(copy, recorded, err);
}

bool capture_copy(struct capture *capture, struct error *err)
{
    struct copy copy = {.capture = capture, .started_us = clock_wall_us(capture->options->clock)};
    struct recorded recorded = {0};
    byte_buffer_init(&copy.lines, capture->options->max_row_bytes + COPY_MESSAGE_BYTES);
    atomic_store(&capture->stats.is_copying, true);
    bool is_copied = create_slot_and_copy(&copy, &recorded, err);
    atomic_store(&capture->stats.is_copying, false);
    if (is_copied)
        log_info("initial copy done", "rows=%llu", atomic_load(&capture->stats.changes));
    byte_buffer_release(&copy.lines);
    connection_close(copy.session);
    recorded_release(&recorded);
    return is_copied;
}
