/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the control topic, each as a JSON object. */
#include "cli/cat_control.h"

#include <inttypes.h>

#include "schema/avro_json.h"
#include "transport/control.h"

static const char *kind_name(enum control_kind kind)
{
    switch (kind) {
    case CONTROL_END:
        return "END";
    case CONTROL_PART:
        return "PART";
    case CONTROL_WATERMARK:
        return "WATERMARK";
    case CONTROL_EPOCH:
        return "EPOCH";
    case CONTROL_GAP:
        return "GAP";
    case CONTROL_SHAPE:
        return "SHAPE";
    }
    return "?";
}

static void write_counts(const struct control_entry *entry, struct byte_buffer *out)
{
    struct bytes counts = entry->counts;
    struct control_count count;
    char position[POSITION_TEXT_SIZE];
    const char *between = "";
    write_text(out, ",\"partitions\":[");
    while (control_next_count(entry->kind, &counts, &count)) {
        write_format(out, "%s{\"topic\":", between);
        json_write_string(out, count.topic);
        write_format(out, ",\"partition\":%" PRIu32 ",\"messages\":%" PRIu64 ",\"last\":\"%s\"}",
                     count.partition, count.messages, position_text(&count.last, position));
        between = ",";
    }
    write_u8(out, ']');
}

static void write_tables(const struct control_entry *entry, struct byte_buffer *out)
{
    struct bytes tables = entry->tables;
    struct control_table table;
    const char *between = "";
    write_text(out, ",\"tables\":[");
    while (control_next_table(&tables, &table)) {
        write_text(out, between);
        json_write_string(out, table.topic);
        between = ",";
    }
    write_u8(out, ']');
}

static void write_entry(const struct control_entry *entry, struct byte_buffer *out)
{
    char position[POSITION_TEXT_SIZE];
    char lsn[LSN_TEXT_SIZE];
    write_format(out, "{\"kind\":\"%s\",\"position\":\"%s\"", kind_name(entry->kind),
                 position_text(&entry->position, position));
    if (entry->kind == CONTROL_END || entry->kind == CONTROL_WATERMARK)
        write_format(out, ",\"lsn\":\"%s\",\"time_us\":%" PRId64, lsn_text(entry->lsn, lsn),
                     entry->time_us);
    if (entry->kind == CONTROL_END)
        write_format(out, ",\"xid\":%" PRIu32, entry->xid);
    if (entry->kind == CONTROL_SHAPE)
        write_format(out, ",\"shape\":\"%016" PRIx64 "\"", entry->shape);
    if (entry->origin.size > 0) {
        write_format(out, ",\"%s\":",
                     entry->kind == CONTROL_SHAPE ? "topic"
                     : entry->kind == CONTROL_GAP ? "reason"
                                                  : "origin");
        json_write_string(out, entry->origin);
    }
    if (entry->kind == CONTROL_END || entry->kind == CONTROL_PART || entry->kind == CONTROL_EPOCH)
        write_counts(entry, out);
    if (entry->kind == CONTROL_EPOCH)
        write_tables(entry, out);
    write_u8(out, '}');
}

bool cat_write_control(struct bytes record, struct byte_buffer *out, struct error *err)
{
    struct control_reader reader;
    struct control_entry entry;
    const char *between = "";
    if (!control_open(&reader, record, err))
        return false;
    write_text(out, ",\"entries\":[");
    error_clear(err);
    while (control_next(&reader, &entry, err)) {
        write_text(out, between);
        write_entry(&entry, out);
        between = ",";
    }
    write_u8(out, ']');
    return err->kind == ERROR_NONE;
}
