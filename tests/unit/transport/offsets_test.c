/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the offsets topic's records: what is read as it was written, and what is refused. */
#include "transport/offsets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct made {
    struct byte_buffer key;
    struct byte_buffer value;
    struct offsets_record record;
    struct error err;
};

static int set_up(void **state)
{
    struct made *made = calloc(1, sizeof(*made));
    byte_buffer_init(&made->key, SIZE_MAX);
    byte_buffer_init(&made->value, SIZE_MAX);
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    struct made *made = *state;
    byte_buffer_release(&made->key);
    byte_buffer_release(&made->value);
    free(made);
    return 0;
}

static struct bytes bytes_of(const struct byte_buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

static bool reads(struct made *made)
{
    return offsets_read(bytes_of(&made->key), bytes_of(&made->value), &made->record, &made->err);
}

static const struct topic_shape shape = {.hash = UINT64_C(0xfedcba9876543210),
                                         .topic = "shop.public.orders",
                                         .key_id = 1,
                                         .value_id = 2,
                                         .fingerprint = "0123456789abcdef",
                                         .table = {(const uint8_t *)"table", 5}};

static void r_is_read_as_it_was_written_but_for_its_tables(void **state)
{
    struct made *made = *state;
    struct recorded found = {0};
    struct recorded recorded = {.state = RECORDED_STREAMING,
                                .position = {1, 2, 3, 4},
                                .end_lsn = 5,
                                .tables = (char[]){"16384 - public.a\n"}};
    offsets_write_recorded(&made->key, &made->value, "shop", &recorded);
    assert_true(reads(made));
    assert_int_equal(made->record.kind, OFFSETS_RECORDED);
    assert_string_equal(made->record.name, "shop");
    assert_true(recorded_read(made->record.recorded, &found, &made->err));
    assert_int_equal(position_compare(&found.position, &recorded.position), 0);
    assert_string_equal(found.tables, "");
    recorded_release(&found);
}

static void tables_and_topics_are_read_as_they_were_written(void **state)
{
    struct made *made = *state;
    offsets_write_tables(&made->key, &made->value, "16384 - public.a\n");
    assert_true(reads(made));
    assert_string_equal(made->record.tables, "16384 - public.a\n");
    offsets_write_topic(&made->key, &made->value, "shop.public.a", 12);
    assert_true(reads(made));
    assert_string_equal(made->record.topic, "shop.public.a");
    assert_int_equal(made->record.partition, 12);
}

static void a_partition_is_read_as_it_was_written(void **state)
{
    struct made *made = *state;
    struct position last = {1, 2, 3, 4};
    offsets_write_partition(&made->key, &made->value, "shop.public.a", 3, &last, -1);
    assert_true(reads(made));
    assert_string_equal(made->record.topic, "shop.public.a");
    assert_int_equal(made->record.partition, 3);
    assert_int_equal(position_compare(&made->record.last, &last), 0);
    assert_true(made->record.acked_offset == -1);
}

static void partitions_have_keys_of_their_own(void **state)
{
    struct made *made = *state;
    struct byte_buffer other;
    struct position last = {1, 2, 3, 4};
    byte_buffer_init(&other, SIZE_MAX);
    offsets_write_partition(&made->key, &made->value, "shop.public.a", 3, &last, 0);
    offsets_write_partition(&other, &made->value, "shop.public.a", 4, &last, 0);
    assert_false(bytes_equal(bytes_of(&made->key), bytes_of(&other)));
    offsets_write_topic(&other, &made->value, "shop.public.a", 3);
    assert_false(bytes_equal(bytes_of(&made->key), bytes_of(&other)));
    byte_buffer_release(&other);
}

static void a_shape_is_read_as_it_was_written(void **state)
{
    struct made *made = *state;
    offsets_write_shape(&made->key, &made->value, &shape);
    assert_true(reads(made));
    const struct topic_shape *found = &made->record.shape;
    assert_true(found->hash == shape.hash && found->key_id == 1 && found->value_id == 2);
    assert_string_equal(found->topic, shape.topic);
    assert_string_equal(found->fingerprint, shape.fingerprint);
    assert_true(bytes_equal(found->table, shape.table));
}

static void a_fingerprint_that_is_too_long_is_refused(void **state)
{
    struct made *made = *state;
    struct topic_shape long_one = shape;
    long_one.fingerprint = "01234567890123456789012345678901234567890123456789012345678901234";
    offsets_write_shape(&made->key, &made->value, &long_one);
    assert_false(reads(made));
    assert_int_equal(made->err.kind, ERROR_DATA);
}

static void what_is_cut_off_or_unknown_is_refused(void **state)
{
    struct made *made = *state;
    struct position last = {1, 2, 3, 4};
    offsets_write_partition(&made->key, &made->value, "shop.public.a", 3, &last, 7);
    made->value.size--;
    assert_false(reads(made));
    assert_int_equal(made->err.kind, ERROR_DATA);
    made->value.size++;
    made->key.size--;
    assert_false(reads(made));
    made->key.size++;
    made->key.data[0] = 'X';
    assert_false(reads(made));
    made->key.data[0] = 'P';
    assert_true(reads(made));
    made->value.size = 0; /* a tombstone: we write none */
    assert_false(reads(made));
    assert_int_equal(made->err.kind, ERROR_DATA);
}

static void a_newer_version_asks_for_the_newer_program(void **state)
{
    struct made *made = *state;
    offsets_write_topic(&made->key, &made->value, "shop.public.a", 12);
    made->value.data[0] = OFFSETS_VERSION + 1;
    assert_false(reads(made));
    assert_int_equal(made->err.stop, STOP_STATE_NEWER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(r_is_read_as_it_was_written_but_for_its_tables),
        TEST(tables_and_topics_are_read_as_they_were_written),
        TEST(a_partition_is_read_as_it_was_written),
        TEST(partitions_have_keys_of_their_own),
        TEST(a_shape_is_read_as_it_was_written),
        TEST(a_fingerprint_that_is_too_long_is_refused),
        TEST(what_is_cut_off_or_unknown_is_refused),
        TEST(a_newer_version_asks_for_the_newer_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
