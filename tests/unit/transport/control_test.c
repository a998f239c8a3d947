/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of control records: the documented bytes, each kind of entry, and what is refused. */
#include "transport/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bytes text_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static struct bytes bytes_of(const struct byte_buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

struct made {
    struct byte_buffer record;
    struct byte_buffer counts;
    struct byte_buffer tables;
};

static int set_up(void **state)
{
    struct made *made = calloc(1, sizeof(*made));
    byte_buffer_init(&made->record, SIZE_MAX);
    byte_buffer_init(&made->counts, SIZE_MAX);
    byte_buffer_init(&made->tables, SIZE_MAX);
    *state = made;
    return 0;
}

static int tear_down(void **state)
{
    struct made *made = *state;
    byte_buffer_release(&made->record);
    byte_buffer_release(&made->counts);
    byte_buffer_release(&made->tables);
    free(made);
    return 0;
}

static const struct control_count two[] = {
    {.topic = {(const uint8_t *)"shop.public.a", 13},
     .partition = 0,
     .messages = 5,
     .last = {1, 0x100, 7, 0}},
    {.topic = {(const uint8_t *)"shop.public.b", 13},
     .partition = 11,
     .messages = 1,
     .last = {1, 0x100, 6, 2}},
};

static void write_counts(struct made *made, enum control_kind kind)
{
    control_write_count(&made->counts, kind, &two[0]);
    control_write_count(&made->counts, kind, &two[1]);
}

static struct control_entry end_entry(const struct made *made)
{
    return (struct control_entry){.kind = CONTROL_END,
                                  .position = {1, 0x100, 8, 0},
                                  .lsn = 0x180,
                                  .time_us = -1,
                                  .xid = 4711,
                                  .origin = text_of("elsewhere"),
                                  .counts = bytes_of(&made->counts),
                                  .count_count = 2};
}

static void write_one(struct made *made, const struct control_entry *entry)
{
    control_begin(&made->record);
    control_write_entry(&made->record, entry);
    control_end(&made->record, 1);
}

/* The only entry of a record. */
static struct control_entry read_one(const struct made *made)
{
    struct control_reader reader;
    struct control_entry entry;
    struct control_entry none;
    struct error err;
    assert_true(control_open(&reader, bytes_of(&made->record), &err));
    assert_int_equal(reader.left, 1);
    assert_true(control_next(&reader, &entry, &err));
    assert_false(control_next(&reader, &none, &err));
    assert_int_equal(err.kind, ERROR_NONE);
    return entry;
}

static void a_watermark_has_the_documented_bytes(void **state)
{
    static const uint8_t golden[] = {1,    0,    0,   0, 1,  /* version, count */
                                     'W',  0,    0,   0, 40, /* kind, length */
                                     0,    0,    0,   1, 0,  0, 0, 0, 0,    0,    1,    0,    0,
                                     0,    0,    0,   0, 0,  0, 0, 0, 0,    0,    0, /* position */
                                     0,    0,    0,   0, 0,  0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xfe};
    struct made *made = *state;
    struct control_entry entry = {
        .kind = CONTROL_WATERMARK, .position = {1, 0x100, 0, 0}, .lsn = 0x100, .time_us = -2};
    write_one(made, &entry);
    assert_int_equal(made->record.size, sizeof(golden));
    assert_memory_equal(made->record.data, golden, sizeof(golden));
}

static void an_end_has_the_documented_bytes(void **state)
{
    static const uint8_t golden[] = {
        1, 0, 0,   0, 1, 'E', 0,  0,    0, 90, 0,    0,    0, 1, 0, 0, 0, 0, 0, 0,
        1, 0, 0,   0, 0, 0,   0,  0,    0, 8,  0,    0,    0, 0, /* position */
        0, 0, 0,   0, 0, 0,   1,  0x80,                          /* end_lsn */
        0, 0, 0,   0, 0, 0,   0,  1,    0, 0,  0x12, 0x67,       /* time, xid */
        0, 1, 'o', 0, 0, 0,   1,                                 /* origin, counts */
        0, 1, 'a', 0, 0, 0,   11, 0,    0, 0,  0,    0,    0, 0, 1, 0, 0, 0, 1, 0,
        0, 0, 0,   0, 0, 1,   0,  0,    0, 0,  0,    0,    0, 0, 6, 0, 0, 0, 2};
    struct made *made = *state;
    struct control_count count = two[1];
    count.topic = text_of("a");
    control_write_count(&made->counts, CONTROL_END, &count);
    struct control_entry entry = end_entry(made);
    entry.time_us = 1;
    entry.origin = text_of("o");
    entry.count_count = 1;
    write_one(made, &entry);
    assert_int_equal(made->record.size, sizeof(golden));
    assert_memory_equal(made->record.data, golden, sizeof(golden));
}

static void assert_count(struct bytes *counts, enum control_kind kind,
                         const struct control_count *expected)
{
    struct control_count count;
    assert_true(control_next_count(kind, counts, &count));
    assert_true(bytes_equal(count.topic, expected->topic));
    assert_int_equal(count.partition, expected->partition);
    assert_true(count.messages == (kind == CONTROL_EPOCH ? 0 : expected->messages));
    assert_int_equal(position_compare(&count.last, &expected->last), 0);
}

static void an_end_is_read_as_it_was_written(void **state)
{
    struct made *made = *state;
    write_counts(made, CONTROL_END);
    struct control_entry written = end_entry(made);
    write_one(made, &written);
    struct control_entry entry = read_one(made);
    struct control_count none;
    assert_true(entry.kind == CONTROL_END && entry.lsn == 0x180 && entry.time_us == -1);
    assert_int_equal(entry.xid, 4711);
    assert_int_equal(position_compare(&entry.position, &written.position), 0);
    assert_true(bytes_equal(entry.origin, text_of("elsewhere")));
    assert_int_equal(entry.count_count, 2);
    assert_count(&entry.counts, CONTROL_END, &two[0]);
    assert_count(&entry.counts, CONTROL_END, &two[1]);
    assert_false(control_next_count(CONTROL_END, &entry.counts, &none));
}

static void a_part_is_read_as_it_was_written(void **state)
{
    struct made *made = *state;
    write_counts(made, CONTROL_PART);
    struct control_entry written = {.kind = CONTROL_PART,
                                    .position = {1, 0x100, 7, 0},
                                    .counts = bytes_of(&made->counts),
                                    .count_count = 2};
    write_one(made, &written);
    struct control_entry entry = read_one(made);
    assert_int_equal(entry.kind, CONTROL_PART);
    assert_int_equal(entry.count_count, 2);
    assert_count(&entry.counts, CONTROL_PART, &two[0]);
}

static void an_epoch_is_read_as_it_was_written(void **state)
{
    struct made *made = *state;
    struct control_table table = {text_of("shop.public.a"), text_of("public"), text_of("a")};
    struct control_table found;
    write_counts(made, CONTROL_EPOCH);
    control_write_table(&made->tables, &table);
    struct control_entry written = {.kind = CONTROL_EPOCH,
                                    .position = {2, 0, 0, 0},
                                    .counts = bytes_of(&made->counts),
                                    .count_count = 2,
                                    .tables = bytes_of(&made->tables),
                                    .table_count = 1};
    write_one(made, &written);
    struct control_entry entry = read_one(made);
    assert_int_equal(entry.position.epoch, 2);
    assert_count(&entry.counts, CONTROL_EPOCH, &two[0]);
    assert_count(&entry.counts, CONTROL_EPOCH, &two[1]);
    assert_int_equal(entry.table_count, 1);
    assert_true(control_next_table(&entry.tables, &found));
    assert_true(bytes_equal(found.topic, table.topic) && bytes_equal(found.schema, table.schema) &&
                bytes_equal(found.name, table.name));
    assert_false(control_next_table(&entry.tables, &found));
}

static void shapes_and_gaps_are_read_as_they_were_written(void **state)
{
    struct made *made = *state;
    struct control_entry shape = {.kind = CONTROL_SHAPE,
                                  .position = {1, 0, 4, 0},
                                  .shape = UINT64_C(0x8000000000000001),
                                  .origin = text_of("shop.public.a")};
    write_one(made, &shape);
    struct control_entry entry = read_one(made);
    assert_true(entry.shape == shape.shape && bytes_equal(entry.origin, shape.origin));
    struct control_entry gap = {
        .kind = CONTROL_GAP, .position = {1, 9, 1, 0}, .origin = text_of("skipped")};
    write_one(made, &gap);
    entry = read_one(made);
    assert_true(entry.kind == CONTROL_GAP && bytes_equal(entry.origin, gap.origin));
}

static bool reads(struct bytes record, struct error *err)
{
    struct control_reader reader;
    struct control_entry entry;
    if (!control_open(&reader, record, err))
        return false;
    while (control_next(&reader, &entry, err))
        continue;
    return err->kind == ERROR_NONE;
}

static void a_record_that_is_cut_off_anywhere_is_refused(void **state)
{
    struct made *made = *state;
    struct error err;
    write_counts(made, CONTROL_END);
    struct control_entry written = end_entry(made);
    write_one(made, &written);
    for (size_t size = 0; size < made->record.size; size++) {
        uint8_t *exact_copy = malloc(size + 1);
        memcpy(exact_copy, made->record.data, size);
        assert_false(reads((struct bytes){exact_copy, size}, &err));
        assert_int_equal(err.kind, ERROR_DATA);
        free(exact_copy);
    }
}

static void damage(struct made *made, size_t at, uint8_t byte)
{
    struct error err;
    uint8_t before = made->record.data[at];
    made->record.data[at] = byte;
    assert_false(reads(bytes_of(&made->record), &err));
    assert_int_equal(err.kind, ERROR_DATA);
    made->record.data[at] = before;
}

static void what_is_not_a_record_is_refused(void **state)
{
    struct made *made = *state;
    write_counts(made, CONTROL_END);
    struct control_entry written = end_entry(made);
    write_one(made, &written);
    damage(made, 0, 0);     /* a version that never was */
    damage(made, 1, 0xff);  /* more entries than there are */
    damage(made, 4, 0);     /* fewer entries than there are */
    damage(made, 5, 'X');   /* an unknown kind */
    damage(made, 9, 1);     /* an entry that is too short */
    damage(made, 55, 0xff); /* an origin that isn't text */
}

static void a_newer_version_asks_for_the_newer_program(void **state)
{
    struct made *made = *state;
    struct control_reader reader;
    struct error err;
    control_begin(&made->record);
    control_end(&made->record, 0);
    made->record.data[0] = 2;
    assert_false(control_open(&reader, bytes_of(&made->record), &err));
    assert_int_equal(err.stop, STOP_STATE_NEWER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watermark_has_the_documented_bytes),
        TEST(an_end_has_the_documented_bytes),
        TEST(an_end_is_read_as_it_was_written),
        TEST(a_part_is_read_as_it_was_written),
        TEST(an_epoch_is_read_as_it_was_written),
        TEST(shapes_and_gaps_are_read_as_they_were_written),
        TEST(a_record_that_is_cut_off_anywhere_is_refused),
        TEST(what_is_not_a_record_is_refused),
        TEST(a_newer_version_asks_for_the_newer_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
