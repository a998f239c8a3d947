/* SPDX-License-Identifier: Apache-2.0 */
/* Avro to changes: compiled per (writer schema, table shape), bounded, for bytes that came from outside. The values come out as
 * PostgreSQL's text, as if the source had sent it. */
#ifndef PENSTOCK_SCHEMA_DECODER_H
#define PENSTOCK_SCHEMA_DECODER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "schema/avro_schema.h"
#include "schema/change.h"
#include "schema/encoder.h"

struct decoder;

/* `schema` is the envelope's (or the key's) as the registry has it; fields are matched with the table's columns by name; fields
 * without column are skipped. Both are borrowed. What a field's values become is decided by the writer's schema; a column takes them
 * if no value could be lost: a wider whole number, a decimal of more scale, text from all. ERROR_DATA: the schema is no envelope,
 * lacks a column's field, or has one of a type that the column can't come from. */
struct decoder *decoder_new(const struct avro_schema *schema, const struct table *table,
                            struct error *err) MUST_USE;
struct decoder *decoder_new_key(const struct avro_schema *schema, const struct table *table,
                                struct error *err) MUST_USE;
void decoder_free(struct decoder *decoder);

/* What an event says besides its rows. */
struct decoded_event {
    enum event_op op;
    int64_t source_time_ms;
};

/* Reads an envelope's body (behind the schema id). Rows that are null leave change->old_kind NONE and a new_tuple of count 0.
 * change->kind is set from op; `is_old_full` as the header says; of an old row that isn't, the columns beside the table's key are null.
 * The texts lie in `texts`, which is cleared first, or in `body`: they are valid as long as both are, and no NUL follows them (wire_write()
 * adds those). Exact and unchanged values are the caller's to put in. ERROR_DATA: malformed, cut off, or bytes left over; an op that isn't
 * known, or without its row; values too long for `texts`. A text with a NUL in it is malformed; UTF-8 is not checked. */
bool decoder_read(struct decoder *decoder, struct bytes body, bool is_old_full,
                  struct byte_buffer *texts, struct change_values *values, struct change *change,
                  struct decoded_event *event, struct error *err) MUST_USE;

/* Reads a key's body into a whole tuple: columns outside the key are null. */
bool decoder_read_key(struct decoder *decoder, struct bytes body, struct byte_buffer *texts,
                      struct value *values, struct tuple *tuple, struct error *err) MUST_USE;

#endif
