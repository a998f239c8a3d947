/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes any bytes as a pgoutput message; what was decoded must encode to bytes that say the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/pgoutput.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_VALUE = 4096 };

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static bool is_row_over_a_full_one(const struct pgoutput_message *message)
{
    return message->kind == PGOUTPUT_UPDATE && message->row.change.old_kind == OLD_TUPLE_FULL;
}

/* The one thing that decoding may add: unchanged values, taken from the old row; and pg_catalog has two texts. */
static void check_same_bytes(const struct pgoutput_message *message, struct bytes input,
                             const struct byte_buffer *encoded)
{
    bool may_differ = is_row_over_a_full_one(message) || message->kind == PGOUTPUT_RELATION ||
                      message->kind == PGOUTPUT_TYPE;
    bool is_same =
        encoded->size == input.size && memcmp(encoded->data, input.data, input.size) == 0;
    require(is_same || may_differ);
}

static void check_tuple(const struct tuple *tuple)
{
    require(tuple->count <= TABLE_MAX_COLUMNS);
    for (int i = 0; i < tuple->count; i++)
        require(tuple->values[i].size <= LONGEST_VALUE);
}

static void check_row(const struct change *change)
{
    check_tuple(&change->new_tuple);
    check_tuple(&change->old_tuple);
    require(change->kind != CHANGE_DELETE || change->old_kind != OLD_TUPLE_NONE);
    for (int i = 0; i < change->new_tuple.count; i++)
        require(change->kind == CHANGE_UPDATE ||
                change->new_tuple.values[i].kind != VALUE_UNCHANGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pgoutput_decoder decoder;
    static struct pgoutput_decoder again;
    struct pgoutput_message message;
    struct pgoutput_message second;
    struct error err;
    decoder.max_row_bytes = again.max_row_bytes = LONGEST_VALUE;
    error_clear(&err);
    if (!pgoutput_decode(&decoder, (struct bytes){data, size}, &message, &err)) {
        require(err.stop == STOP_PROTOCOL_ERROR || err.stop == STOP_ROW_TOO_LONG);
        require(err.kind == ERROR_STOP && err.remedy[0]);
        return 0;
    }
    if (message.kind == PGOUTPUT_INSERT || message.kind == PGOUTPUT_UPDATE ||
        message.kind == PGOUTPUT_DELETE)
        check_row(&message.row.change);
    SCOPED_BUFFER first_bytes;
    SCOPED_BUFFER second_bytes;
    byte_buffer_init(&first_bytes, SIZE_MAX);
    byte_buffer_init(&second_bytes, SIZE_MAX);
    pgoutput_encode(&first_bytes, &message);
    check_same_bytes(&message, (struct bytes){data, size}, &first_bytes);
    require(
        pgoutput_decode(&again, (struct bytes){first_bytes.data, first_bytes.size}, &second, &err));
    pgoutput_encode(&second_bytes, &second);
    require(bytes_equal((struct bytes){first_bytes.data, first_bytes.size},
                        (struct bytes){second_bytes.data, second_bytes.size}));
    return 0;
}
