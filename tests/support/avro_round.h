/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of Avro: tables made in a line, and rows that go through encoder and decoder. */
#ifndef PENSTOCK_TESTS_SUPPORT_AVRO_ROUND_H
#define PENSTOCK_TESTS_SUPPORT_AVRO_ROUND_H

#include "base/arena.h"
#include "schema/avro_schema.h"
#include "schema/decoder.h"
#include "schema/encoder.h"

extern const struct encoder_source ROUND_SOURCE;
#define ROUND_TOPIC "shop.public.things"

/* A table's encoder, decoder and all that they borrow. */
struct avro_round {
    const struct table *table;
    struct arena *arena;
    struct byte_buffer schema_text;
    struct byte_buffer key_schema_text;
    const struct avro_schema *schema;
    const struct avro_schema *key_schema; /* NULL: no key */
    struct encoder *encoder;
    struct decoder *decoder;
    struct decoder *key_decoder;
    struct byte_buffer message;
    struct byte_buffer texts;
    struct encoder_notes notes;
    struct change_values values;
};

/* Aborts with the reason on stderr where it can't be made. */
struct avro_round *avro_round_new(const struct table *table);
void avro_round_free(struct avro_round *round);

/* Writes one event to round->message, notes to round->notes. */
void avro_round_write(struct avro_round *round, const struct event *event,
                      const struct tuple *old_row, bool is_old_full, const struct tuple *new_row);

/* Reads round->message back and puts the notes in. Unchanged values become VALUE_UNCHANGED. */
void avro_round_read(struct avro_round *round, bool is_old_full, struct change *change,
                     struct decoded_event *event);

/* A text as a value. */
struct value text_value(const char *text);

/* A table of one column `v`, in `arena`. */
struct table *one_column_table(struct arena *arena, uint32_t type_oid, int32_t type_modifier,
                               bool is_not_null);

#endif
