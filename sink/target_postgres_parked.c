/* SPDX-License-Identifier: Apache-2.0 */
/* Parked changes at a PostgreSQL target: penstock.parked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sink/target_postgres_internal.h"

/* Text of JSON takes at most six bytes for one of the row's. */
enum { MAX_JSON_BYTES = 1024 * 1024 * 1024 };

static const char CREATE_PARKED[] =
    "CREATE TABLE IF NOT EXISTS penstock.parked ("
    " name text NOT NULL, epoch bigint NOT NULL, commit_lsn pg_lsn NOT NULL,"
    " ordinal bigint NOT NULL, step bigint NOT NULL,"
    " source_xid bigint, commit_time timestamptz,"
    " schema_name text NOT NULL, table_name text NOT NULL,"
    " operation text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),"
    " key json, old_row json, new_row json, unchanged_columns json,"
    " key_bytes bytea, old_key_bytes bytea,"
    " is_waiting boolean NOT NULL, sqlstate text, constraint_name text, message text NOT NULL,"
    " parked_at timestamptz NOT NULL DEFAULT now(), resolved_at timestamptz,"
    " PRIMARY KEY (name, epoch, commit_lsn, ordinal, step));"
    "CREATE INDEX IF NOT EXISTS parked_unresolved"
    " ON penstock.parked (name, schema_name, table_name) WHERE resolved_at IS NULL;"
    "COMMENT ON TABLE penstock.parked IS"
    " 'Changes that this database refused (sqlstate is set), and later ones of their keys. Mend "
    "the "
    "rows, then set resolved_at, or delete the entries.'";

bool postgres_create_parked(struct postgres_target *target, struct error *err)
{
    SCOPED_QUERY query =
        query_run(target->connection,
                  "SELECT pg_catalog.to_regclass('penstock.parked') IS NOT NULL", NO_PARAMS, err);
    if (!query)
        return false;
    if (query_bool(query, 0, 0) ||
        connection_execute(target->connection, CREATE_PARKED, NO_PARAMS, err))
        return true;
    if (err->kind == ERROR_DATA || err->stop == STOP_SERVER_REFUSED)
        err->kind = ERROR_RETRY; /* another sink made it at the same moment */
    return error_add(err, "creating penstock.parked at the target");
}

/* ---- keys ---- */

/* One more than fits, so that too many are noticed. */
static const char READ_KEYS[] =
    "SELECT schema_name, table_name, pg_catalog.encode(key_bytes, 'hex') FROM penstock.parked"
    " WHERE name = $1 AND resolved_at IS NULL"
    " UNION SELECT schema_name, table_name, pg_catalog.encode(old_key_bytes, 'hex')"
    " FROM penstock.parked WHERE name = $1 AND resolved_at IS NULL"
    " LIMIT $2::pg_catalog.int8";

static int digit(char hex)
{
    return hex <= '9' ? hex - '0' : hex - 'a' + 10;
}

static struct bytes parse_hex(const char *hex, uint8_t *out)
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return (struct bytes){out, size};
}

static bool add_key(struct parked_keys *keys, const struct query *query, int row, struct error *err)
{
    const char *hex = query_text(query, row, 2);
    uint8_t *room = memory_new(strlen(hex) / 2 + 1);
    struct bytes key = parse_hex(hex, room);
    if (query_is_null(query, row, 2))
        key.data = NULL;
    bool is_added =
        parked_keys_add(keys, query_text(query, row, 0), query_text(query, row, 1), key, err);
    free(room);
    return is_added;
}

bool postgres_read_parked(struct target *base, struct parked_keys *keys, bool waits,
                          struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    char most[24];
    snprintf(most, sizeof(most), "%d", 2 * PARKED_KEYS_MOST);
    if (!postgres_settle(target, err) ||
        (waits &&
         !connection_execute(target->connection, "LOCK TABLE penstock.parked IN ROW EXCLUSIVE MODE",
                             NO_PARAMS, err)))
        return false;
    SCOPED_QUERY query =
        query_run(target->connection, READ_KEYS, PARAMS(target->options->name, most), err);
    if (!query)
        return false;
    for (int row = 0; row < query_rows(query); row++)
        if (!add_key(keys, query, row, err))
            return false;
    return true;
}

/* "" for NULL, which no bytea is written as. */
static const char *write_hex(struct byte_buffer *out, struct bytes key)
{
    byte_buffer_init(out, SIZE_MAX);
    if (!key.data)
        return "";
    write_text(out, "\\x");
    for (size_t i = 0; i < key.size; i++)
        write_format(out, "%02x", key.data[i]);
    return byte_buffer_text(out);
}

/* ---- rows as JSON ---- */

/* The code point at `*at`, in text that is known to be UTF-8. */
static uint32_t next_point(const uint8_t **at)
{
    uint8_t lead = *(*at)++;
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    uint32_t point = more == 0 ? lead : (uint32_t)(lead & (0x3f >> more));
    while (more-- > 0)
        point = point << 6 | (*(*at)++ & 0x3fu);
    return point;
}

static void write_point(struct byte_buffer *json, uint32_t point)
{
    if (point == '"' || point == '\\')
        write_format(json, "\\%c", (int)point);
    else if (point >= 0x20 && point < 0x7f)
        write_u8(json, (uint8_t)point);
    else if (point < 0x10000)
        write_format(json, "\\u%04x", (unsigned)point);
    else
        write_format(json, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((point - 0x10000) >> 10)),
                     (unsigned)(0xdc00 + ((point - 0x10000) & 0x3ff)));
}

/* In ASCII only: a character that the target's encoding lacks may be the very reason. */
static bool write_json_string(struct byte_buffer *json, struct bytes text)
{
    if (!bytes_are_utf8(text))
        return false;
    write_u8(json, '"');
    for (const uint8_t *at = text.data; at < text.data + text.size;)
        write_point(json, next_point(&at));
    write_u8(json, '"');
    return !json->overrun;
}

static bool write_field(struct byte_buffer *json, const char *name, const struct value *value)
{
    write_text(json, json->size > 1 ? "," : "");
    if (!write_json_string(json, (struct bytes){(const uint8_t *)name, strlen(name)}))
        return false;
    write_u8(json, ':');
    if (value->kind == VALUE_NULL) {
        write_text(json, "null");
        return !json->overrun;
    }
    return value->kind == VALUE_TEXT &&
           write_json_string(json, (struct bytes){value->data, value->size});
}

/* {"column": "text", …} of what was sent; "" without a tuple. */
static bool write_row(struct byte_buffer *json, const struct table *shape,
                      const struct tuple *tuple, bool is_key_only)
{
    if (!tuple)
        return true;
    write_u8(json, '{');
    for (int i = 0; i < tuple->count; i++)
        if ((shape->columns[i].is_key || !is_key_only) &&
            tuple->values[i].kind != VALUE_UNCHANGED &&
            !write_field(json, shape->columns[i].name, &tuple->values[i]))
            return false;
    write_u8(json, '}');
    return !json->overrun;
}

static bool write_key(struct byte_buffer *json, const struct target_table *table,
                      const struct tuple *tuple)
{
    if (table->key_count == 0)
        return true;
    write_u8(json, '{');
    for (int i = 0; i < table->key_count; i++) {
        int column = table->keys[i].column;
        if (tuple->values[column].kind != VALUE_UNCHANGED &&
            !write_field(json, table->shape->columns[column].name, &tuple->values[column]))
            return false;
    }
    write_u8(json, '}');
    return !json->overrun;
}

static bool write_unchanged(struct byte_buffer *json, const struct table *shape,
                            const struct tuple *tuple)
{
    for (int i = 0; tuple && i < tuple->count; i++) {
        const char *name = shape->columns[i].name;
        if (tuple->values[i].kind != VALUE_UNCHANGED)
            continue;
        write_text(json, json->size > 0 ? "," : "[");
        if (!write_json_string(json, (struct bytes){(const uint8_t *)name, strlen(name)}))
            return false;
    }
    write_text(json, json->size > 0 ? "]" : "");
    return !json->overrun;
}

enum { JSON_KEY, JSON_OLD, JSON_NEW, JSON_UNCHANGED, JSON_TEXTS };

static bool write_json(struct byte_buffer json[JSON_TEXTS], const struct parked_change *parked,
                       struct error *err)
{
    const struct change *change = parked->change;
    const struct target_table *table = parked->table;
    const struct tuple *old = change->old_kind != OLD_TUPLE_NONE ? &change->old_tuple : NULL;
    const struct tuple *new = change->kind != CHANGE_DELETE ? &change->new_tuple : NULL;
    if ((!(old || new) || write_key(&json[JSON_KEY], table, old ? old : new)) &&
        write_row(&json[JSON_OLD], table->shape, old, change->old_kind == OLD_TUPLE_KEY) &&
        write_row(&json[JSON_NEW], table->shape, new, false) &&
        write_unchanged(&json[JSON_UNCHANGED], table->shape, new))
        return true;
    error_stop(err, STOP_ROW_REFUSED,
               "a refused row of %s can't be parked: it is too long, or not UTF-8",
               table->display_name);
    return error_remedy(err, "mend the target, or set target.on_row_error: stop, then start again; "
                             "see docs/stops.md, ROW_REFUSED");
}

/* ---- entries ---- */

static const char PARK[] =
    "INSERT INTO penstock.parked (name, epoch, commit_lsn, ordinal, step, source_xid, commit_time,"
    " schema_name, table_name, operation, key, old_row, new_row, unchanged_columns, key_bytes,"
    " old_key_bytes, is_waiting, sqlstate, constraint_name, message)"
    " VALUES ($1, $2::pg_catalog.int8, $3::pg_catalog.pg_lsn, $4::pg_catalog.int8,"
    " $5::pg_catalog.int8, NULLIF($6, '')::pg_catalog.int8, " TIME_OF(
        "NULLIF($7, '')") ","
                          " $8, $9, $10, NULLIF($11, '')::pg_catalog.json, NULLIF($12, "
                          "'')::pg_catalog.json,"
                          " NULLIF($13, '')::pg_catalog.json, NULLIF($14, '')::pg_catalog.json,"
                          " NULLIF($15, '')::pg_catalog.bytea, NULLIF($16, '')::pg_catalog.bytea,"
                          " $17::pg_catalog.bool, NULLIF($18, ''), NULLIF($19, ''), $20)";

/* A message that was cut off may end within a character. */
static void copy_message(const struct error *reason, char *out, size_t size)
{
    snprintf(out, size, "%s",
             reason ? reason->message : "it waits behind an earlier parked change of its key");
    size_t length = strlen(out);
    for (int i = 0; i < 4 && !bytes_are_utf8((struct bytes){(uint8_t *)out, length}); i++)
        out[--length] = '\0';
}

static const char *operation_text(enum change_kind kind)
{
    return kind == CHANGE_INSERT ? "insert" : kind == CHANGE_UPDATE ? "update" : "delete";
}

struct position_texts {
    char epoch[16];
    char commit_lsn[LSN_TEXT_SIZE];
    char ordinal[24];
    char step[16];
    char xid[16];
    char commit_time[32];
};

static void write_position(struct position_texts *t, const struct position *position, uint32_t xid,
                           int64_t commit_time_us)
{
    snprintf(t->epoch, sizeof(t->epoch), "%" PRIu32, position->epoch);
    lsn_text(position->commit_lsn, t->commit_lsn);
    snprintf(t->ordinal, sizeof(t->ordinal), "%" PRIu64, position->ordinal);
    snprintf(t->step, sizeof(t->step), "%" PRIu32, position->step);
    snprintf(t->xid, sizeof(t->xid), "%" PRIu32, xid);
    snprintf(t->commit_time, sizeof(t->commit_time), "%" PRId64, commit_time_us);
}

static bool queue_entry(struct postgres_target *target, const struct parked_change *parked,
                        struct byte_buffer json[JSON_TEXTS], struct error *err)
{
    const struct table *shape = parked->table->shape;
    const struct error *reason = parked->reason;
    char message[sizeof(reason->message)];
    struct position_texts t;
    SCOPED_BUFFER key;
    SCOPED_BUFFER old_key;
    write_position(&t, &parked->position, parked->xid, parked->commit_time_us);
    copy_message(reason, message, sizeof(message));
    return postgres_queue_sql(
        target, PENDING_COMMAND, PARK,
        PARAMS(target->options->name, t.epoch, t.commit_lsn, t.ordinal, t.step,
               parked->is_unit_known ? t.xid : "", parked->is_unit_known ? t.commit_time : "",
               shape->schema, shape->name, operation_text(parked->change->kind),
               byte_buffer_text(&json[JSON_KEY]), byte_buffer_text(&json[JSON_OLD]),
               byte_buffer_text(&json[JSON_NEW]), byte_buffer_text(&json[JSON_UNCHANGED]),
               write_hex(&key, parked->keys[0]), write_hex(&old_key, parked->keys[1]),
               reason ? "false" : "true", reason ? reason->sqlstate : "",
               reason ? reason->constraint : "", message),
        err);
}

bool postgres_park(struct target *base, const struct parked_change *parked, struct error *err)
{
    struct byte_buffer json[JSON_TEXTS];
    for (int i = 0; i < JSON_TEXTS; i++)
        byte_buffer_init(&json[i], MAX_JSON_BYTES);
    bool is_queued =
        write_json(json, parked, err) && queue_entry(postgres_target_of(base), parked, json, err);
    for (int i = 0; i < JSON_TEXTS; i++)
        byte_buffer_release(&json[i]);
    return is_queued;
}

bool postgres_name_parked(struct target *base, const struct position *position, uint32_t xid,
                          int64_t commit_time_us, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    struct position_texts t;
    write_position(&t, position, xid, commit_time_us);
    return postgres_queue_sql(
        target, PENDING_COMMAND,
        "UPDATE penstock.parked SET source_xid = $4::pg_catalog.int8, commit_time = " TIME_OF(
            "$5") " WHERE name = $1 AND epoch = $2::pg_catalog.int8 AND commit_lsn = "
                  "$3::pg_catalog.pg_lsn",
        PARAMS(target->options->name, t.epoch, t.commit_lsn, t.xid, t.commit_time), err);
}

bool postgres_resolve_parked(struct target *base, const struct target_table *table,
                             struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    const char *name = target->options->name;
    static const char RESOLVE[] = "UPDATE penstock.parked SET resolved_at = pg_catalog.now()"
                                  " WHERE name = $1 AND resolved_at IS NULL";
    static const char RESOLVE_TABLE[] = "UPDATE penstock.parked SET resolved_at = pg_catalog.now()"
                                        " WHERE name = $1 AND resolved_at IS NULL"
                                        " AND schema_name = $2 AND table_name = $3";
    if (!table)
        return postgres_queue_sql(target, PENDING_COMMAND, RESOLVE, PARAMS(name), err);
    return postgres_queue_sql(target, PENDING_COMMAND, RESOLVE_TABLE,
                              PARAMS(name, table->shape->schema, table->shape->name), err);
}

bool postgres_check_deferred(struct target *base, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    return postgres_queue_sql(target, PENDING_COMMAND, "SET CONSTRAINTS ALL IMMEDIATE", NO_PARAMS,
                              err) &&
           postgres_queue_sql(target, PENDING_COMMAND, "SET CONSTRAINTS ALL DEFERRED", NO_PARAMS,
                              err) &&
           postgres_settle(target, err);
}
