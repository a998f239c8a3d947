/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding pgoutput, and encoding it for tests: each message's reader beside its writer, in wire order. */
#include "capture/pgoutput.h"

#include <string.h>

#define US_1970_TO_2000 (INT64_C(946684800) * 1000000)

enum {
    TRUNCATE_CASCADE = 1,
    TRUNCATE_RESTART_IDENTITY = 2,
    COLUMN_IS_KEY = 1,
    MESSAGE_IS_TRANSACTIONAL = 1
};

/* A reason that isn't the server's fault. */
static const char TOO_LONG[] = "a row is longer than limits.max_row_bytes";

static bool too_long(struct error *err)
{
    error_stop(err, STOP_ROW_TOO_LONG, "%s", TOO_LONG);
    return error_remedy(err, "raise limits.max_row_bytes, and start again");
}

static bool malformed(struct error *err, uint8_t kind, const char *why)
{
    char letter[2] = {(char)(kind >= ' ' && kind < 0x7f ? kind : '?'), '\0'};
    error_stop(err, STOP_PROTOCOL_ERROR, "pgoutput message '%s' (0x%02x): %s", letter, kind, why);
    return error_remedy(
        err, "the server sent what its manual does not allow; keep the slot and report this");
}

static int64_t read_time(struct byte_reader *in)
{
    return (int64_t)(read_u64(in) + (uint64_t)US_1970_TO_2000);
}

static void write_time(struct byte_buffer *out, int64_t time_us)
{
    write_u64(out, (uint64_t)time_us - (uint64_t)US_1970_TO_2000);
}

/* ---- B ---- */

static const char *read_begin(struct byte_reader *in, struct pgoutput_begin *begin)
{
    begin->final_lsn = read_u64(in);
    begin->commit_time_us = read_time(in);
    begin->xid = read_u32(in);
    return begin->final_lsn == 0 && !in->overrun ? "final LSN is 0" : NULL;
}

static void write_begin(struct byte_buffer *out, const struct pgoutput_begin *begin)
{
    write_u64(out, begin->final_lsn);
    write_time(out, begin->commit_time_us);
    write_u32(out, begin->xid);
}

/* ---- C ---- */

static const char *read_commit(struct byte_reader *in, struct pgoutput_commit *commit)
{
    uint8_t flags = read_u8(in);
    commit->commit_lsn = read_u64(in);
    commit->end_lsn = read_u64(in);
    commit->commit_time_us = read_time(in);
    if (flags != 0)
        return "unknown flags";
    return commit->end_lsn < commit->commit_lsn ? "ends before it commits" : NULL;
}

static void write_commit(struct byte_buffer *out, const struct pgoutput_commit *commit)
{
    write_u8(out, 0);
    write_u64(out, commit->commit_lsn);
    write_u64(out, commit->end_lsn);
    write_time(out, commit->commit_time_us);
}

/* ---- O ---- */

static const char *read_origin(struct byte_reader *in, struct pgoutput_origin *origin)
{
    origin->commit_lsn = read_u64(in);
    origin->name = read_string(in);
    return NULL;
}

static void write_origin(struct byte_buffer *out, const struct pgoutput_origin *origin)
{
    write_u64(out, origin->commit_lsn);
    write_string(out, origin->name);
}

/* ---- R ---- */

/* The wire has "" for pg_catalog. */
static const char *read_schema(struct byte_reader *in)
{
    const char *schema = read_string(in);
    return *schema ? schema : "pg_catalog";
}

static void write_schema(struct byte_buffer *out, const char *schema)
{
    write_string(out, strcmp(schema, "pg_catalog") == 0 ? "" : schema);
}

static bool is_replica_identity(uint8_t letter)
{
    return letter == REPLICA_IDENTITY_DEFAULT || letter == REPLICA_IDENTITY_NOTHING ||
           letter == REPLICA_IDENTITY_FULL || letter == REPLICA_IDENTITY_INDEX;
}

static const char *read_columns(struct byte_reader *in, uint16_t count, struct column *columns)
{
    for (int i = 0; i < count && !in->overrun; i++) {
        uint8_t flags = read_u8(in);
        if (flags & ~COLUMN_IS_KEY)
            return "unknown column flags";
        columns[i] = (struct column){.is_key = flags != 0, .type_sql = ""};
        columns[i].name = read_string(in);
        columns[i].type_oid = read_u32(in);
        columns[i].type_modifier = (int32_t)read_u32(in);
    }
    return NULL;
}

static const char *read_relation(struct byte_reader *in, struct column *columns,
                                 struct pgoutput_relation *relation)
{
    relation->oid = read_u32(in);
    relation->schema = read_schema(in);
    relation->name = read_string(in);
    uint8_t identity = read_u8(in);
    relation->column_count = read_u16(in);
    relation->columns = columns;
    if (in->overrun)
        return NULL;
    if (!is_replica_identity(identity))
        return "unknown replica identity";
    relation->replica_identity = (enum replica_identity)identity;
    if (relation->column_count > TABLE_MAX_COLUMNS)
        return "too many columns";
    return read_columns(in, relation->column_count, columns);
}

static void write_relation(struct byte_buffer *out, const struct pgoutput_relation *relation)
{
    write_u32(out, relation->oid);
    write_schema(out, relation->schema);
    write_string(out, relation->name);
    write_u8(out, (uint8_t)relation->replica_identity);
    write_u16(out, relation->column_count);
    for (int i = 0; i < relation->column_count; i++) {
        write_u8(out, relation->columns[i].is_key ? COLUMN_IS_KEY : 0);
        write_string(out, relation->columns[i].name);
        write_u32(out, relation->columns[i].type_oid);
        write_u32(out, (uint32_t)relation->columns[i].type_modifier);
    }
}

/* ---- Y ---- */

static const char *read_type(struct byte_reader *in, struct pgoutput_type *type)
{
    type->oid = read_u32(in);
    type->schema = read_schema(in);
    type->name = read_string(in);
    return NULL;
}

static void write_type(struct byte_buffer *out, const struct pgoutput_type *type)
{
    write_u32(out, type->oid);
    write_schema(out, type->schema);
    write_string(out, type->name);
}

/* ---- TupleData ---- */

/* `left` is how many bytes the row may still have; NULL: any. */
static const char *read_value(struct byte_reader *in, size_t *left, struct value *value)
{
    uint8_t kind = read_u8(in);
    *value = (struct value){.kind = (enum value_kind)kind};
    if (kind == VALUE_NULL || kind == VALUE_UNCHANGED || in->overrun)
        return NULL;
    if (kind != VALUE_TEXT && kind != VALUE_BINARY)
        return "unknown kind of value";
    value->size = read_u32(in);
    if (left && value->size > *left)
        return TOO_LONG;
    if (left)
        *left -= value->size;
    value->data = read_bytes(in, value->size).data;
    return NULL;
}

static const char *read_tuple(struct byte_reader *in, size_t max_bytes, struct value *values,
                              struct tuple *tuple)
{
    const char *why = NULL;
    size_t left = max_bytes;
    tuple->count = read_u16(in);
    tuple->values = values;
    if (tuple->count > TABLE_MAX_COLUMNS)
        return "too many columns";
    for (int i = 0; i < tuple->count && !in->overrun && !why; i++)
        why = read_value(in, max_bytes > 0 ? &left : NULL, &values[i]);
    return why;
}

static void write_tuple(struct byte_buffer *out, const struct tuple *tuple)
{
    write_u16(out, tuple->count);
    for (int i = 0; i < tuple->count; i++) {
        const struct value *value = &tuple->values[i];
        write_u8(out, (uint8_t)value->kind);
        if (value->kind == VALUE_NULL || value->kind == VALUE_UNCHANGED)
            continue;
        write_u32(out, value->size);
        write_bytes(out, value->data, value->size);
    }
}

static bool holds_unchanged(const struct tuple *tuple)
{
    for (int i = 0; i < tuple->count; i++)
        if (tuple->values[i].kind == VALUE_UNCHANGED)
            return true;
    return false;
}

/* ---- I, U, D ---- */

static const char *read_new_tuple(struct pgoutput_decoder *decoder, struct byte_reader *in,
                                  uint8_t marker, struct change *change)
{
    if (marker != 'N' && !in->overrun)
        return "new tuple expected";
    return read_tuple(in, decoder->max_row_bytes, decoder->values.new_values, &change->new_tuple);
}

static const char *read_old_tuple(struct pgoutput_decoder *decoder, struct byte_reader *in,
                                  uint8_t marker, struct change *change)
{
    change->old_kind = (enum old_tuple_kind)marker;
    return read_tuple(in, decoder->max_row_bytes, decoder->values.old_values, &change->old_tuple);
}

static const char *read_insert(struct pgoutput_decoder *decoder, struct byte_reader *in,
                               struct pgoutput_row *row)
{
    row->oid = read_u32(in);
    row->change = (struct change){.kind = CHANGE_INSERT};
    const char *why = read_new_tuple(decoder, in, read_u8(in), &row->change);
    if (!why && !in->overrun && holds_unchanged(&row->change.new_tuple))
        why = "an inserted row has an unchanged value";
    return why;
}

static bool is_old_marker(uint8_t marker)
{
    return marker == OLD_TUPLE_KEY || marker == OLD_TUPLE_FULL;
}

/* Takes an unchanged value from the old tuple where that is whole (replica identity full). */
static void fill_unchanged(struct change *change)
{
    for (int i = 0; i < change->new_tuple.count && i < change->old_tuple.count; i++)
        if (change->new_tuple.values[i].kind == VALUE_UNCHANGED)
            change->new_tuple.values[i] = change->old_tuple.values[i];
}

static const char *read_update(struct pgoutput_decoder *decoder, struct byte_reader *in,
                               struct pgoutput_row *row)
{
    const char *why = NULL;
    row->oid = read_u32(in);
    row->change = (struct change){.kind = CHANGE_UPDATE};
    uint8_t marker = read_u8(in);
    if (is_old_marker(marker)) {
        why = read_old_tuple(decoder, in, marker, &row->change);
        marker = why ? 'N' : read_u8(in);
    }
    if (!why)
        why = read_new_tuple(decoder, in, marker, &row->change);
    bool has_old = row->change.old_kind != OLD_TUPLE_NONE;
    if (!why && !in->overrun && has_old &&
        row->change.old_tuple.count != row->change.new_tuple.count)
        why = "old and new tuple differ in width";
    if (!why && !in->overrun && row->change.old_kind == OLD_TUPLE_FULL)
        fill_unchanged(&row->change);
    return why;
}

static const char *read_delete(struct pgoutput_decoder *decoder, struct byte_reader *in,
                               struct pgoutput_row *row)
{
    row->oid = read_u32(in);
    row->change = (struct change){.kind = CHANGE_DELETE};
    uint8_t marker = read_u8(in);
    if (!is_old_marker(marker) && !in->overrun)
        return "old tuple expected";
    return read_old_tuple(decoder, in, marker, &row->change);
}

static void write_row(struct byte_buffer *out, const struct pgoutput_row *row)
{
    const struct change *change = &row->change;
    write_u32(out, row->oid);
    if (change->old_kind != OLD_TUPLE_NONE) {
        write_u8(out, (uint8_t)change->old_kind);
        write_tuple(out, &change->old_tuple);
    }
    if (change->kind != CHANGE_DELETE) {
        write_u8(out, 'N');
        write_tuple(out, &change->new_tuple);
    }
}

/* ---- T ---- */

static const char *read_truncate(struct byte_reader *in, struct pgoutput_truncate *truncate)
{
    truncate->count = read_u32(in);
    uint8_t flags = read_u8(in);
    truncate->is_cascade = flags & TRUNCATE_CASCADE;
    truncate->is_restart_identity = flags & TRUNCATE_RESTART_IDENTITY;
    if (truncate->count > PGOUTPUT_MAX_TRUNCATED)
        return "too many tables";
    truncate->oids = read_bytes(in, truncate->count * sizeof(uint32_t));
    return flags & ~(TRUNCATE_CASCADE | TRUNCATE_RESTART_IDENTITY) ? "unknown flags" : NULL;
}

static void write_truncate(struct byte_buffer *out, const struct pgoutput_truncate *truncate)
{
    write_u32(out, truncate->count);
    write_u8(out, (uint8_t)((truncate->is_cascade ? TRUNCATE_CASCADE : 0) |
                            (truncate->is_restart_identity ? TRUNCATE_RESTART_IDENTITY : 0)));
    write_bytes(out, truncate->oids.data, truncate->oids.size);
}

/* ---- M ---- */

static const char *read_logical(struct byte_reader *in, struct pgoutput_logical *logical)
{
    uint8_t flags = read_u8(in);
    logical->is_transactional = flags & MESSAGE_IS_TRANSACTIONAL;
    logical->lsn = read_u64(in);
    logical->prefix = read_string(in);
    uint32_t size = read_u32(in);
    logical->content = read_bytes(in, size);
    return flags & ~MESSAGE_IS_TRANSACTIONAL ? "unknown flags" : NULL;
}

static void write_logical(struct byte_buffer *out, const struct pgoutput_logical *logical)
{
    write_u8(out, logical->is_transactional ? MESSAGE_IS_TRANSACTIONAL : 0);
    write_u64(out, logical->lsn);
    write_string(out, logical->prefix);
    write_u32(out, (uint32_t)logical->content.size);
    write_bytes(out, logical->content.data, logical->content.size);
}

/* ---- all ---- */

static const char *read_body(struct pgoutput_decoder *decoder, struct byte_reader *in,
                             struct pgoutput_message *message)
{
    switch (message->kind) {
    case PGOUTPUT_BEGIN:
        return read_begin(in, &message->begin);
    case PGOUTPUT_COMMIT:
        return read_commit(in, &message->commit);
    case PGOUTPUT_ORIGIN:
        return read_origin(in, &message->origin);
    case PGOUTPUT_RELATION:
        return read_relation(in, decoder->columns, &message->relation);
    case PGOUTPUT_TYPE:
        return read_type(in, &message->type);
    case PGOUTPUT_INSERT:
        return read_insert(decoder, in, &message->row);
    case PGOUTPUT_UPDATE:
        return read_update(decoder, in, &message->row);
    case PGOUTPUT_DELETE:
        return read_delete(decoder, in, &message->row);
    case PGOUTPUT_TRUNCATE:
        return read_truncate(in, &message->truncate);
    case PGOUTPUT_MESSAGE:
        return read_logical(in, &message->logical);
    }
    return "unknown message";
}

bool pgoutput_decode(struct pgoutput_decoder *decoder, struct bytes bytes,
                     struct pgoutput_message *message, struct error *err)
{
    struct byte_reader in = byte_reader_over(bytes);
    uint8_t kind = read_u8(&in);
    message->kind = (enum pgoutput_kind)kind;
    const char *why = read_body(decoder, &in, message);
    if (why == TOO_LONG)
        return too_long(err);
    if (in.overrun)
        why = "cut off";
    else if (!why && byte_reader_left(&in) > 0)
        why = "bytes are left over";
    return why ? malformed(err, kind, why) : true;
}

void pgoutput_encode(struct byte_buffer *buffer, const struct pgoutput_message *message)
{
    write_u8(buffer, (uint8_t)message->kind);
    switch (message->kind) {
    case PGOUTPUT_BEGIN:
        write_begin(buffer, &message->begin);
        return;
    case PGOUTPUT_COMMIT:
        write_commit(buffer, &message->commit);
        return;
    case PGOUTPUT_ORIGIN:
        write_origin(buffer, &message->origin);
        return;
    case PGOUTPUT_RELATION:
        write_relation(buffer, &message->relation);
        return;
    case PGOUTPUT_TYPE:
        write_type(buffer, &message->type);
        return;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        write_row(buffer, &message->row);
        return;
    case PGOUTPUT_TRUNCATE:
        write_truncate(buffer, &message->truncate);
        return;
    case PGOUTPUT_MESSAGE:
        write_logical(buffer, &message->logical);
        return;
    }
}
