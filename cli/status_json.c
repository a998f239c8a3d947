/* SPDX-License-Identifier: Apache-2.0 */
/* status for machines: one JSON object (RFC 8259) whose keys stay. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/status.h"
#include "postgres/connection.h"
#include "schema/table.h"

enum { MAX_JSON_BYTES = 64 * 1024 * 1024 };

static void write_json_text(struct byte_buffer *out, const char *text)
{
    write_u8(out, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            write_format(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            write_format(out, "\\u%04x", (unsigned)*at);
        else
            write_u8(out, *at);
    }
    write_u8(out, '"');
}

/* `,"key":"text"`, null for NULL; every object below begins with a key that needs no comma. */
static void write_text_field(struct byte_buffer *out, const char *key, const char *text)
{
    write_format(out, ",\"%s\":", key);
    if (text)
        write_json_text(out, text);
    else
        write_text(out, "null");
}

static void write_lsn_field(struct byte_buffer *out, const char *key, pg_lsn lsn)
{
    char text[LSN_TEXT_SIZE];
    write_text_field(out, key, lsn != 0 ? lsn_text(lsn, text) : NULL);
}

static void write_slot(struct byte_buffer *out, const struct status *status)
{
    if (!status->has_source) {
        write_text(out, ",\"slot\":null");
        return;
    }
    write_format(out, ",\"slot\":{\"exists\":%s", status->has_slot ? "true" : "false");
    write_text_field(out, "name", status->slot);
    write_format(out, ",\"active\":%s", status->is_active ? "true" : "false");
    if (status->is_active)
        write_format(out, ",\"active_pid\":%d", status->active_pid);
    else
        write_text(out, ",\"active_pid\":null");
    write_text_field(out, "wal_status", *status->wal_status ? status->wal_status : NULL);
    write_format(out, ",\"retained_wal_bytes\":%" PRIu64, status->retained_bytes);
    if (status->safe_bytes >= 0)
        write_format(out, ",\"safe_wal_size_bytes\":%" PRId64, status->safe_bytes);
    else
        write_text(out, ",\"safe_wal_size_bytes\":null");
    write_lsn_field(out, "restart_lsn", status->restart_lsn);
    write_lsn_field(out, "confirmed_flush_lsn", status->confirmed_flush);
    write_text(out, "}");
}

static void write_position(struct byte_buffer *out, const struct recorded *recorded)
{
    const struct position *position = &recorded->position;
    write_format(out, ",\"position\":{\"epoch\":%" PRIu32, position->epoch);
    write_lsn_field(out, "commit_lsn", position->commit_lsn);
    write_format(out, ",\"ordinal\":%" PRIu64 ",\"step\":%" PRIu32, position->ordinal,
                 position->step);
    write_lsn_field(out, "end_lsn", recorded->end_lsn);
    write_lsn_field(out, "acked_lsn", recorded->acked_lsn);
    write_format(out, ",\"commit_time_us\":%" PRId64 "}", recorded->commit_time_us);
}

static void write_offset_field(struct byte_buffer *out, const char *key, bool is_known,
                               int64_t offset)
{
    if (is_known)
        write_format(out, ",\"%s\":%" PRId64, key, offset);
    else
        write_format(out, ",\"%s\":null", key);
}

static void write_lag_field(struct byte_buffer *out, bool is_known, uint64_t bytes)
{
    if (is_known)
        write_format(out, ",\"lag_bytes\":%" PRIu64, bytes);
    else
        write_text(out, ",\"lag_bytes\":null");
}

/* What the capture has brought to Kafka, and how far the sink has come from there. */
static void write_kafka(struct byte_buffer *out, const struct status *status)
{
    const struct kafka_look *kafka = &status->kafka;
    if (!status->has_kafka)
        return;
    write_format(out, ",\"kafka\":{\"state\":\"%s\"", recorded_state_text(kafka->recorded.state));
    write_lag_field(out, status->has_source, status->capture_lag_bytes);
    write_position(out, &kafka->recorded);
    write_offset_field(out, "control_first_offset", kafka->has_control, kafka->control_first);
    write_offset_field(out, "control_end_offset", kafka->has_control, kafka->control_end);
    write_text(out, "}");
    if (!status->has_target) {
        write_text(out, ",\"sink\":null");
        return;
    }
    write_format(out, ",\"sink\":{\"running\":%s", status->is_sink_active ? "true" : "false");
    write_text_field(out, "name", status->sink);
    write_text_field(out, "state", recorded_state_text(status->recorded.state));
    write_lag_field(out, true, status->sink_lag_bytes);
    write_offset_field(out, "control_offset", status->sink_offset >= 0, status->sink_offset);
    write_format(out, ",\"cut_off\":%s}", status_is_sink_cut_off(status) ? "true" : "false");
}

static void write_tables(struct byte_buffer *out, const struct status *status)
{
    const struct query *tables = status->tables;
    write_text(out, ",\"tables\":[");
    for (int row = 0; tables && row < query_rows(tables); row++) {
        write_format(out, "%s{\"table\":", row > 0 ? "," : "");
        write_json_text(out, query_text(tables, row, 0));
        write_format(out, ",\"copied\":%s,\"inserted\":%s,\"updated\":%s",
                     query_text(tables, row, 1), query_text(tables, row, 2),
                     query_text(tables, row, 3));
        write_format(out, ",\"deleted\":%s,\"truncated\":%s}", query_text(tables, row, 4),
                     query_text(tables, row, 5));
    }
    write_text(out, "],\"unpublished_tables\":[");
    for (size_t i = 0; i < status->unpublished_count; i++) {
        SCOPED_BUFFER name;
        byte_buffer_init(&name, 1024);
        table_write_name(&name, status->unpublished[i].schema, status->unpublished[i].name);
        write_text(out, i > 0 ? "," : "");
        write_json_text(out, byte_buffer_text(&name));
    }
    write_text(out, "]");
}

static void write_parked(struct byte_buffer *out, const struct status *status)
{
    const struct query *parked = status->parked;
    write_text(out, ",\"parked\":[");
    for (int row = 0; parked && row < query_rows(parked); row++) {
        SCOPED_BUFFER name;
        byte_buffer_init(&name, 1024);
        table_write_name(&name, query_text(parked, row, 0), query_text(parked, row, 1));
        write_format(out, "%s{\"table\":", row > 0 ? "," : "");
        write_json_text(out, byte_buffer_text(&name));
        write_format(out, ",\"changes\":%s,\"refused\":%s", query_text(parked, row, 2),
                     query_text(parked, row, 3));
        write_text_field(out, "since", query_text(parked, row, 4));
        write_text(out, "}");
    }
    write_text(out, "]");
}

void status_print_json(const struct status *status)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, MAX_JSON_BYTES);
    write_text(&out, "{\"name\":");
    write_json_text(&out, status->name);
    write_text_field(&out, "verdict", verdict_word(status->verdict));
    write_text_field(&out, "state", recorded_state_text(status_captured(status)->state));
    write_slot(&out, status);
    write_lsn_field(&out, "source_wal_lsn", status->source_lsn);
    write_position(&out, status_arrived(status));
    write_kafka(&out, status);
    write_format(&out, ",\"lag\":{\"bytes\":%" PRIu64 ",\"seconds\":%.3f}", status->lag_bytes,
                 status->lag_seconds);
    write_tables(&out, status);
    write_parked(&out, status);
    write_text(&out, "}");
    puts(byte_buffer_text(&out));
}
