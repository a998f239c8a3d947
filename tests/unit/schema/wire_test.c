/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of changes as bytes. */
#include "schema/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct change_values made;
static struct change_values read;
static uint64_t seed;

static uint32_t next_random(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static struct value random_value(bool may_be_unchanged)
{
    static const uint8_t text[] = "\0some text, and behind it\xff\x00more";
    switch (next_random(may_be_unchanged ? 5 : 4)) {
    case 0:
        return (struct value){.kind = VALUE_NULL};
    case 1:
        return (struct value){.kind = VALUE_TEXT, .data = text};
    case 2:
        return (struct value){
            .kind = VALUE_BINARY, .data = text, .size = next_random(sizeof(text))};
    case 3:
        return (struct value){.kind = VALUE_TEXT, .data = text + 1, .size = 1 + next_random(20)};
    default:
        return (struct value){.kind = VALUE_UNCHANGED};
    }
}

static struct tuple random_tuple(struct value *values, uint16_t count, bool may_be_unchanged)
{
    for (uint16_t i = 0; i < count; i++)
        values[i] = random_value(may_be_unchanged);
    return (struct tuple){.count = count, .values = values};
}

static struct change random_change(uint16_t columns)
{
    static const enum change_kind kinds[] = {CHANGE_INSERT, CHANGE_UPDATE, CHANGE_DELETE};
    struct change change = {.kind = kinds[next_random(3)]};
    bool has_old =
        change.kind == CHANGE_DELETE || (change.kind == CHANGE_UPDATE && next_random(2) == 0);
    if (has_old) {
        change.old_kind = next_random(2) ? OLD_TUPLE_KEY : OLD_TUPLE_FULL;
        change.old_tuple = random_tuple(made.old_values, columns, false);
    }
    if (change.kind != CHANGE_DELETE)
        change.new_tuple = random_tuple(made.new_values, columns, change.kind == CHANGE_UPDATE);
    return change;
}

/* The change's bytes in memory of exactly their size, to be released with free(). */
static uint8_t *write_change(const struct change *change, size_t *size)
{
    *size = wire_size(change);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_ptr_equal(wire_write(bytes, change), bytes + *size);
    return bytes;
}

static void assert_same_tuple(const struct tuple *left, const struct tuple *right)
{
    assert_int_equal(left->count, right->count);
    for (int i = 0; i < left->count; i++) {
        const struct value *a = &left->values[i];
        const struct value *b = &right->values[i];
        assert_int_equal(a->kind, b->kind);
        if (a->kind != VALUE_TEXT && a->kind != VALUE_BINARY)
            continue;
        assert_true(
            bytes_equal((struct bytes){a->data, a->size}, (struct bytes){b->data, b->size}));
        assert_int_equal(b->data[b->size], 0);
    }
}

static void assert_round_trip(const struct change *change)
{
    size_t size;
    struct change found;
    uint8_t *bytes = write_change(change, &size);
    assert_true(wire_read((struct bytes){bytes, size}, &read, &found));
    assert_int_equal(found.kind, change->kind);
    assert_int_equal(found.old_kind, change->old_kind);
    assert_int_equal(found.is_restart_identity, change->is_restart_identity);
    assert_int_equal(found.copy_row_count, change->copy_row_count);
    assert_true(bytes_equal(found.copy_rows, change->copy_rows));
    assert_same_tuple(&change->old_tuple, &found.old_tuple);
    assert_same_tuple(&change->new_tuple, &found.new_tuple);
    free(bytes);
}

static void random_changes_are_read_as_they_were_written(void **state)
{
    (void)state;
    for (seed = 1; seed < 20000; seed++) {
        uint64_t kept = seed;
        struct change change = random_change((uint16_t)next_random(12));
        assert_round_trip(&change);
        seed = kept;
    }
}

static void rows_of_1600_columns_are_read_as_they_were_written(void **state)
{
    (void)state;
    seed = 42;
    for (int i = 0; i < 20; i++) {
        struct change change = random_change(i % 2 ? 1600 : TABLE_MAX_COLUMNS);
        assert_round_trip(&change);
    }
}

static void a_truncate_keeps_its_flag_and_has_no_rows(void **state)
{
    (void)state;
    struct change plain = {.kind = CHANGE_TRUNCATE};
    struct change restart = {.kind = CHANGE_TRUNCATE, .is_restart_identity = true};
    assert_round_trip(&plain);
    assert_round_trip(&restart);
}

static void copied_lines_come_through_as_they_are(void **state)
{
    (void)state;
    static const char lines[] = "1\tx\n2\t\\N\n";
    struct change copy = {.kind = CHANGE_COPY,
                          .copy_row_count = 2,
                          .copy_rows = {(const uint8_t *)lines, sizeof(lines) - 1}};
    struct change none = {.kind = CHANGE_COPY};
    assert_round_trip(&copy);
    assert_round_trip(&none);
}

static void a_change_cut_off_at_any_byte_is_refused(void **state)
{
    (void)state;
    for (seed = 1; seed < 300; seed++) {
        uint64_t kept = seed;
        struct change change = random_change((uint16_t)(1 + next_random(6)));
        struct change found;
        size_t size;
        uint8_t *bytes = write_change(&change, &size);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, bytes, cut);
            assert_false(wire_read((struct bytes){copy, cut}, &read, &found));
            free(copy);
        }
        free(bytes);
        seed = kept;
    }
}

static void bytes_behind_a_change_are_refused(void **state)
{
    (void)state;
    seed = 7;
    for (int i = 0; i < 100; i++) {
        struct change change = random_change(3);
        struct change found;
        size_t size = wire_size(&change);
        uint8_t *bytes = malloc(size + 1);
        wire_write(bytes, &change)[0] = 0;
        assert_false(wire_read((struct bytes){bytes, size + 1}, &read, &found));
        free(bytes);
    }
}

static void more_columns_than_postgresql_has_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[8 + 2 + TABLE_MAX_COLUMNS + 1];
    uint16_t count = TABLE_MAX_COLUMNS + 1;
    struct change found;
    memset(bytes, VALUE_NULL, sizeof(bytes));
    memset(bytes, 0, 8);
    bytes[0] = CHANGE_INSERT;
    memcpy(bytes + 8, &count, sizeof(count));
    assert_false(wire_read((struct bytes){bytes, sizeof(bytes)}, &read, &found));
}

static void the_tuples_of_a_change_are_found_without_reading_them(void **state)
{
    (void)state;
    for (seed = 1; seed < 2000; seed++) {
        uint64_t kept = seed;
        struct change change = random_change(3);
        struct bytes old_tuple;
        struct bytes new_tuple;
        size_t size;
        uint8_t *bytes = write_change(&change, &size);
        assert_true(wire_find_tuples((struct bytes){bytes, size}, &old_tuple, &new_tuple));
        bool has_old = change.old_kind != OLD_TUPLE_NONE;
        bool has_new = change.kind != CHANGE_DELETE;
        assert_int_equal(old_tuple.size, has_old ? tuple_size(&change.old_tuple) : 0);
        assert_int_equal(new_tuple.size, has_new ? tuple_size(&change.new_tuple) : 0);
        const uint8_t *at = has_new ? new_tuple.data : old_tuple.data;
        const uint8_t *end = at + (has_new ? new_tuple.size : old_tuple.size);
        struct tuple tuple;
        assert_true(tuple_read(&at, end, read.new_values, &tuple));
        assert_ptr_equal(at, end);
        assert_same_tuple(has_new ? &change.new_tuple : &change.old_tuple, &tuple);
        free(bytes);
        seed = kept;
    }
}

static void a_tuple_is_skipped_to_its_end_and_no_further(void **state)
{
    (void)state;
    for (seed = 1; seed < 2000; seed++) {
        uint64_t kept = seed;
        struct tuple tuple = random_tuple(made.new_values, (uint16_t)next_random(5), true);
        size_t size = tuple_size(&tuple);
        uint8_t *bytes = malloc(size);
        assert_ptr_equal(tuple_write(bytes, &tuple), bytes + size);
        const uint8_t *at = bytes;
        assert_true(tuple_skip(&at, bytes + size));
        assert_ptr_equal(at, bytes + size);
        at = bytes;
        assert_false(tuple_skip(&at, bytes + size - 1));
        free(bytes);
        seed = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_are_read_as_they_were_written),
        cmocka_unit_test(rows_of_1600_columns_are_read_as_they_were_written),
        cmocka_unit_test(a_truncate_keeps_its_flag_and_has_no_rows),
        cmocka_unit_test(copied_lines_come_through_as_they_are),
        cmocka_unit_test(a_change_cut_off_at_any_byte_is_refused),
        cmocka_unit_test(bytes_behind_a_change_are_refused),
        cmocka_unit_test(more_columns_than_postgresql_has_are_refused),
        cmocka_unit_test(the_tuples_of_a_change_are_found_without_reading_them),
        cmocka_unit_test(a_tuple_is_skipped_to_its_end_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
