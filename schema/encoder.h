/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to Avro: compiled per table shape, so that a column is one function pointer. No allocation per row once the
 * buffers have grown. Events are Debezium's (schema/debezium.h). */
#ifndef PENSTOCK_SCHEMA_ENCODER_H
#define PENSTOCK_SCHEMA_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "schema/change.h"

/* The same for all events of a capture. Borrowed. */
struct encoder_source {
    const char *version; /* of penstock */
    const char *prefix;  /* `name` in the source block */
    const char *database;
};

struct encoder_options {
    const struct encoder_source *source;
    const char *topic;
    uint32_t key_id; /* of the registered schemas; key_id is not used where there is no key */
    uint32_t value_id;
};

enum event_op {
    EVENT_CREATE = 'c',
    EVENT_UPDATE = 'u',
    EVENT_DELETE = 'd',
    EVENT_READ = 'r',
    EVENT_TRUNCATE = 't',
};

/* What surrounds a row in its event. */
struct event {
    enum event_op op;
    int64_t commit_time_us; /* since 1970 UTC */
    int64_t now_us;         /* when it is written: ts_ms, ts_us, ts_ns */
    pg_lsn last_commit_lsn; /* of the transaction before; 0 if not known: source.sequence */
    pg_lsn lsn;             /* of the change */
    uint32_t xid;           /* 0: none (initial copy) */
    const char *origin;     /* NULL: none */
    bool is_first;          /* EVENT_READ: of the whole copy */
    bool is_last;
};

/* Which part of an event a note belongs to. */
enum event_part { EVENT_BEFORE = 0, EVENT_AFTER = 1, EVENT_KEY = 2 };

/* What the Avro form couldn't say; for the header. Columns are indexes of the table's. */
struct encoder_note {
    uint8_t part; /* enum event_part */
    uint16_t column;
    struct bytes
        text; /* PostgreSQL's text, borrowed from the change; data NULL: the value is null, where the schema says NOT NULL */
};

/* The rows' columns, and an index's (INDEX_MAX_KEYS). */
enum { ENCODER_MAX_EXACT = 2 * TABLE_MAX_COLUMNS + 32 };

struct encoder_notes {
    uint16_t unchanged_count;
    uint16_t unchanged[TABLE_MAX_COLUMNS];
    uint16_t exact_count;
    struct encoder_note exact[ENCODER_MAX_EXACT];
};

struct encoder;

/* Borrows the table and the options' strings. Its schemas are those of debezium_write_*_schema(). */
struct encoder *encoder_new(const struct table *table, const struct encoder_options *options,
                            struct error *err) MUST_USE;
void encoder_free(struct encoder *encoder);

/* Each appends to `out` in Confluent's wire format: 0, id, body; notes are added to `notes`, whose counts the caller has set
 * to 0 before the first of an event. A value that the Avro form can't hold, or that wouldn't come back as the identical text (NaN,
 * infinity, 1.00 in a numeric without scale, a day in an interval, …), is encoded as what Debezium writes there, or as the nearest
 * there is, and noted exactly. Nothing is refused for its value. ERROR_DATA, with `out` as it was: no row of this table, values in
 * binary, too long for `out`.
 *
 * `old_row` and `new_row` may be NULL. Of an old row that is only a key the other columns are null, or the type's zero where the
 * schema says NOT NULL, as Debezium does. Values are text; VALUE_UNCHANGED is taken from `old_row` if that is a full one or has it
 * as part of its key, else noted and written as Debezium's placeholder; null or zero where the type can't hold that. In a key's row
 * there must be no VALUE_UNCHANGED in a column of the key. */
bool encoder_write_key(struct encoder *encoder, const struct tuple *row, struct byte_buffer *out,
                       struct encoder_notes *notes, struct error *err) MUST_USE;
bool encoder_write_value(struct encoder *encoder, const struct event *event,
                         const struct tuple *old_row, bool is_old_full, const struct tuple *new_row,
                         struct byte_buffer *out, struct encoder_notes *notes,
                         struct error *err) MUST_USE;

#endif
