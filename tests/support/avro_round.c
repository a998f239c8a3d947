/* SPDX-License-Identifier: Apache-2.0 */
/* Rows through encoder and decoder. */
#include "tests/support/avro_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/debezium.h"

enum { MAGIC_SIZE = 5 };

const struct encoder_source ROUND_SOURCE = {"1.0.0", "shop", "shopdb"};

static void require(bool is_met, const struct error *err)
{
    if (is_met)
        return;
    fprintf(stderr, "%s\n", err->message);
    abort();
}

struct avro_round *avro_round_new(const struct table *table)
{
    struct error err;
    error_clear(&err);
    struct avro_round *round = memory_new(sizeof(*round));
    round->table = table;
    round->arena = arena_new(65536);
    struct byte_buffer *buffers[] = {&round->schema_text, &round->key_schema_text, &round->message,
                                     &round->texts};
    for (int i = 0; i < 4; i++)
        byte_buffer_init(buffers[i], SIZE_MAX);
    require(debezium_write_value_schema(&round->schema_text, table, ROUND_TOPIC, &err), &err);
    round->schema = avro_schema_parse(
        (struct bytes){round->schema_text.data, round->schema_text.size}, round->arena, &err);
    require(round->schema, &err);
    struct encoder_options options = {&ROUND_SOURCE, ROUND_TOPIC, 7, 8};
    round->encoder = encoder_new(table, &options, &err);
    require(round->encoder, &err);
    round->decoder = decoder_new(round->schema, table, &err);
    require(round->decoder, &err);
    if (!debezium_has_key(table))
        return round;
    require(debezium_write_key_schema(&round->key_schema_text, table, ROUND_TOPIC, &err), &err);
    round->key_schema =
        avro_schema_parse((struct bytes){round->key_schema_text.data, round->key_schema_text.size},
                          round->arena, &err);
    require(round->key_schema, &err);
    round->key_decoder = decoder_new_key(round->key_schema, table, &err);
    require(round->key_decoder, &err);
    return round;
}

void avro_round_free(struct avro_round *round)
{
    encoder_free(round->encoder);
    decoder_free(round->decoder);
    decoder_free(round->key_decoder);
    byte_buffer_release(&round->schema_text);
    byte_buffer_release(&round->key_schema_text);
    byte_buffer_release(&round->message);
    byte_buffer_release(&round->texts);
    arena_free(round->arena);
    free(round);
}

void avro_round_write(struct avro_round *round, const struct event *event,
                      const struct tuple *old_row, bool is_old_full, const struct tuple *new_row)
{
    struct error err;
    error_clear(&err);
    byte_buffer_clear(&round->message);
    round->notes.exact_count = round->notes.unchanged_count = 0;
    require(encoder_write_value(round->encoder, event, old_row, is_old_full, new_row,
                                &round->message, &round->notes, &err),
            &err);
}

void avro_round_read(struct avro_round *round, bool is_old_full, struct change *change,
                     struct decoded_event *event)
{
    struct error err;
    error_clear(&err);
    struct bytes body = {round->message.data + MAGIC_SIZE, round->message.size - MAGIC_SIZE};
    require(decoder_read(round->decoder, body, is_old_full, &round->texts, &round->values, change,
                         event, &err),
            &err);
    for (int i = 0; i < round->notes.exact_count; i++) {
        const struct encoder_note *note = &round->notes.exact[i];
        struct value *values =
            note->part == EVENT_BEFORE ? round->values.old_values : round->values.new_values;
        values[note->column] = (struct value){.data = note->text.data,
                                              .size = (uint32_t)note->text.size,
                                              .kind = note->text.data ? VALUE_TEXT : VALUE_NULL};
    }
    for (int i = 0; i < round->notes.unchanged_count; i++)
        round->values.new_values[round->notes.unchanged[i]] =
            (struct value){.kind = VALUE_UNCHANGED};
}

struct value text_value(const char *text)
{
    return (struct value){(const uint8_t *)text, (uint32_t)strlen(text), VALUE_TEXT};
}

struct table *one_column_table(struct arena *arena, uint32_t type_oid, int32_t type_modifier,
                               bool is_not_null)
{
    struct table *table = arena_allocate(arena, sizeof(*table));
    struct column *column = arena_allocate(arena, sizeof(*column));
    *column = (struct column){.name = "v",
                              .type_oid = type_oid,
                              .type_modifier = type_modifier,
                              .is_key = is_not_null,
                              .primary_key_position = is_not_null,
                              .is_not_null = is_not_null,
                              .type_sql = ""};
    *table = (struct table){.relation_oid = 1,
                            .schema = "public",
                            .name = "things",
                            .replica_identity = REPLICA_IDENTITY_DEFAULT,
                            .column_count = 1,
                            .columns = column};
    return table;
}
