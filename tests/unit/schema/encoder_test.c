/* SPDX-License-Identifier: Apache-2.0 */
/* Whole events against fastavro's (tests/data/avro), and back; what goes into the notes. */
#include "schema/encoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/avro_round.h"
#include "tests/support/hex_file.h"
#include "tests/support/things.h"

enum { MAGIC_SIZE = 5 };

static struct value old_values[THINGS_COLUMNS];
static struct value new_values[THINGS_COLUMNS];
static const struct tuple OLD_ROW = {THINGS_COLUMNS, old_values};
static const struct tuple NEW_ROW = {THINGS_COLUMNS, new_values};

static int set_up(void **state)
{
    *state = avro_round_new(&THINGS);
    things_row(old_values);
    things_row(new_values);
    return 0;
}

static int tear_down(void **state)
{
    avro_round_free(*state);
    return 0;
}

static void assert_message_is(const struct avro_round *round, const char *name)
{
    char path[64];
    size_t size = 0;
    snprintf(path, sizeof(path), "tests/data/avro/%s.hex", name);
    uint8_t *expected = hex_file_read(path, &size);
    assert_non_null(expected);
    assert_memory_equal(round->message.data, "\0\0\0\0\x08", MAGIC_SIZE);
    assert_int_equal(round->message.size - MAGIC_SIZE, size);
    assert_memory_equal(round->message.data + MAGIC_SIZE, expected, size);
    free(expected);
}

static void assert_same_values(const struct tuple *left, const struct tuple *right)
{
    assert_int_equal(left->count, right->count);
    for (int i = 0; i < left->count; i++) {
        assert_int_equal(left->values[i].kind, right->values[i].kind);
        if (left->values[i].kind != VALUE_TEXT)
            continue;
        assert_int_equal(left->values[i].size, right->values[i].size);
        assert_memory_equal(left->values[i].data, right->values[i].data, left->values[i].size);
    }
}

static void set_null(struct value *values, int column)
{
    values[column] = (struct value){.kind = VALUE_NULL};
}

static void keep_key_only(struct value *values)
{
    for (int i = 1; i < THINGS_COLUMNS; i++)
        set_null(values, i);
}

/* Writes the event, compares its bytes, reads it back, compares its rows. */
static void assert_event(struct avro_round *round, const struct event *event,
                         const struct tuple *old_row, bool is_old_full, const struct tuple *new_row,
                         const char *name)
{
    struct change change;
    struct decoded_event decoded;
    avro_round_write(round, event, old_row, is_old_full, new_row);
    assert_message_is(round, name);
    avro_round_read(round, is_old_full, &change, &decoded);
    assert_int_equal(decoded.op, event->op);
    assert_int_equal(decoded.source_time_ms, INT64_C(1795455231123));
    assert_int_equal(change.old_kind, !old_row      ? OLD_TUPLE_NONE
                                      : is_old_full ? OLD_TUPLE_FULL
                                                    : OLD_TUPLE_KEY);
    if (old_row)
        assert_same_values(&change.old_tuple, old_row);
    if (new_row)
        assert_same_values(&change.new_tuple, new_row);
    else
        assert_int_equal(change.new_tuple.count, 0);
}

static void creates_are_those_of_fastavro(void **state)
{
    struct event event = things_event(EVENT_CREATE);
    assert_event(*state, &event, NULL, false, &NEW_ROW, "create");
    set_null(new_values, THING_QUANTITY);
    set_null(new_values, THING_PRICE);
    set_null(new_values, THING_CHANGED);
    set_null(new_values, THING_WEIGHT);
    assert_event(*state, &event, NULL, false, &NEW_ROW, "create_nulls");
}

static void updates_are_those_of_fastavro(void **state)
{
    struct event event = things_event(EVENT_UPDATE);
    new_values[THING_QUANTITY] = text_value("4");
    assert_event(*state, &event, NULL, false, &NEW_ROW, "update");
    event.origin = "afar";
    assert_event(*state, &event, &OLD_ROW, true, &NEW_ROW, "update_full");
}

static void an_old_key_leaves_the_other_columns_null_or_zero(void **state)
{
    struct event event = things_event(EVENT_UPDATE);
    struct avro_round *round = *state;
    keep_key_only(old_values);
    new_values[THING_ID] = text_value("8");
    assert_event(round, &event, &OLD_ROW, false, &NEW_ROW, "update_key");
    event.op = EVENT_DELETE;
    assert_event(round, &event, &OLD_ROW, false, NULL, "delete");
    assert_int_equal(round->notes.exact_count, 0);
}

static void deletes_and_truncates_are_those_of_fastavro(void **state)
{
    struct event event = things_event(EVENT_DELETE);
    assert_event(*state, &event, &OLD_ROW, true, NULL, "delete_full");
    event.op = EVENT_TRUNCATE;
    assert_event(*state, &event, NULL, false, NULL, "truncate");
}

static void rows_of_the_copy_say_which_they_are(void **state)
{
    struct event event = things_event(EVENT_READ);
    assert_event(*state, &event, NULL, false, &NEW_ROW, "read");
    event.is_first = true;
    assert_event(*state, &event, NULL, false, &NEW_ROW, "read_first");
    event.is_last = true;
    assert_event(*state, &event, NULL, false, &NEW_ROW, "read_last");
}

static void a_later_time_is_not_taken_for_the_last(void **state)
{
    struct avro_round *round = *state;
    struct event event = things_event(EVENT_CREATE);
    struct event other = event;
    other.commit_time_us += 1000000;
    other.now_us += 1000000;
    avro_round_write(round, &other, NULL, false, &NEW_ROW);
    assert_event(round, &event, NULL, false, &NEW_ROW, "create");
}

static void values_that_were_not_sent_are_placeholders_and_noted(void **state)
{
    struct avro_round *round = *state;
    struct event event = things_event(EVENT_UPDATE);
    int columns[] = {THING_PRICE, THING_NOTE, THING_DETAILS};
    for (int i = 0; i < 3; i++)
        new_values[columns[i]] = (struct value){.kind = VALUE_UNCHANGED};
    assert_event(round, &event, NULL, false, &NEW_ROW, "update_unchanged");
    assert_int_equal(round->notes.unchanged_count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(round->notes.unchanged[i], columns[i]);
    assert_int_equal(round->notes.exact_count, 0);
}

static void values_that_were_not_sent_come_from_a_full_old_row(void **state)
{
    struct avro_round *round = *state;
    struct event event = things_event(EVENT_UPDATE);
    event.origin = "afar";
    new_values[THING_QUANTITY] = text_value("4");
    new_values[THING_DETAILS] = (struct value){.kind = VALUE_UNCHANGED};
    avro_round_write(round, &event, &OLD_ROW, true, &NEW_ROW);
    assert_message_is(round, "update_full");
    assert_int_equal(round->notes.unchanged_count, 0);
}

/* The old key is there because it was too large to be found in the new row. */
static void a_key_that_was_not_sent_comes_from_the_old_key(void **state)
{
    struct avro_round *round = *state;
    struct event event = things_event(EVENT_UPDATE);
    struct change change;
    struct decoded_event decoded;
    keep_key_only(old_values);
    new_values[THING_ID] = (struct value){.kind = VALUE_UNCHANGED};
    avro_round_write(round, &event, &OLD_ROW, false, &NEW_ROW);
    avro_round_read(round, false, &change, &decoded);
    assert_int_equal(round->notes.unchanged_count, 0);
    assert_memory_equal(change.new_tuple.values[THING_ID].data, "7", 1);
}

static void notes_say_part_and_column_and_text(void **state)
{
    struct avro_round *round = *state;
    struct event event = things_event(EVENT_UPDATE);
    old_values[THING_PRICE] = text_value("NaN");
    new_values[THING_PRICE] = text_value("1.234");
    set_null(new_values, THING_NOTE);
    avro_round_write(round, &event, &OLD_ROW, true, &NEW_ROW);
    assert_int_equal(round->notes.exact_count, 3);
    assert_int_equal(round->notes.exact[0].part, EVENT_BEFORE);
    assert_int_equal(round->notes.exact[0].column, THING_PRICE);
    assert_memory_equal(round->notes.exact[0].text.data, "NaN", 3);
    assert_int_equal(round->notes.exact[1].part, EVENT_AFTER);
    assert_int_equal(round->notes.exact[1].column, THING_PRICE);
    assert_int_equal(round->notes.exact[1].text.size, 5);
    assert_int_equal(round->notes.exact[2].column, THING_NOTE);
    assert_null(round->notes.exact[2].text.data);
}

static void keys_come_back(void **state)
{
    struct avro_round *round = *state;
    struct error err;
    struct tuple read;
    error_clear(&err);
    new_values[THING_ID] = text_value("-9223372036854775808");
    assert_true(encoder_write_key(round->encoder, &NEW_ROW, &round->message, &round->notes, &err));
    assert_memory_equal(round->message.data, "\0\0\0\0\x07", MAGIC_SIZE);
    struct bytes body = {round->message.data + MAGIC_SIZE, round->message.size - MAGIC_SIZE};
    assert_int_equal(body.size, 10);
    assert_true(decoder_read_key(round->key_decoder, body, &round->texts, round->values.new_values,
                                 &read, &err));
    keep_key_only(new_values);
    assert_same_values(&read, &NEW_ROW);
}

static void a_key_without_value_is_refused_and_writes_nothing(void **state)
{
    struct avro_round *round = *state;
    struct error err;
    error_clear(&err);
    new_values[THING_ID] = (struct value){.kind = VALUE_UNCHANGED};
    assert_false(encoder_write_key(round->encoder, &NEW_ROW, &round->message, &round->notes, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_int_equal(round->message.size, 0);
}

static void assert_refused(struct avro_round *round, const struct tuple *row,
                           struct byte_buffer *out)
{
    struct error err;
    struct event event = things_event(EVENT_CREATE);
    error_clear(&err);
    round->notes.exact_count = round->notes.unchanged_count = 0;
    assert_false(
        encoder_write_value(round->encoder, &event, NULL, false, row, out, &round->notes, &err));
    assert_int_equal(err.kind, ERROR_DATA);
    assert_int_equal(out->size, 0);
    assert_non_null(strstr(err.message, "public.things"));
    assert_null(strstr(err.message, "a note"));
}

static void rows_that_are_none_of_the_table_are_refused(void **state)
{
    struct avro_round *round = *state;
    struct tuple narrow = {THINGS_COLUMNS - 1, new_values};
    assert_refused(round, &narrow, &round->message);
    new_values[THING_NOTE].kind = VALUE_BINARY;
    assert_refused(round, &NEW_ROW, &round->message);
}

static void a_row_longer_than_the_buffer_may_be_is_refused(void **state)
{
    SCOPED_BUFFER small;
    byte_buffer_init(&small, 300);
    assert_refused(*state, &NEW_ROW, &small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creates_are_those_of_fastavro),
        TEST(updates_are_those_of_fastavro),
        TEST(an_old_key_leaves_the_other_columns_null_or_zero),
        TEST(deletes_and_truncates_are_those_of_fastavro),
        TEST(rows_of_the_copy_say_which_they_are),
        TEST(a_later_time_is_not_taken_for_the_last),
        TEST(values_that_were_not_sent_are_placeholders_and_noted),
        TEST(values_that_were_not_sent_come_from_a_full_old_row),
        TEST(a_key_that_was_not_sent_comes_from_the_old_key),
        TEST(notes_say_part_and_column_and_text),
        TEST(keys_come_back),
        TEST(a_key_without_value_is_refused_and_writes_nothing),
        TEST(rows_that_are_none_of_the_table_are_refused),
        TEST(a_row_longer_than_the_buffer_may_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
