/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the header: its bytes as docs/message-format.md has them, and what is refused. */
#include "transport/header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The fixed part, byte by byte: version, flags, position, previous, shape. */
static const uint8_t golden[HEADER_FIXED_SIZE] = {
    1,    0,                                                                /* version, flags */
    0,    0,    0,    2,    0,    0,    0,    0x16, 0xb3, 0x74, 0xd8, 0x48, /* epoch, commit_lsn */
    0,    0,    0,    0,    0,    0,    0,    3,    0,    0,    0,    1,    /* ordinal, step */
    0,    0,    0,    1,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    9,    0,    0,    0,    0, /* previous */
    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};

static const struct header known = {.position = {2, UINT64_C(0x16b374d848), 3, 1},
                                    .previous = {1, 0, 9, 0},
                                    .shape = UINT64_C(0xfedcba9876543210)};

static struct bytes bytes_of(const struct byte_buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

static struct bytes text_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

/* The fixed part with these flags; the caller adds the sections. */
static void begin(struct byte_buffer *out, uint8_t flags)
{
    struct header header = known;
    uint8_t fixed[HEADER_FIXED_SIZE];
    header.flags = flags;
    header_write_fixed(fixed, &header);
    byte_buffer_init(out, SIZE_MAX);
    write_bytes(out, fixed, sizeof(fixed));
}

static void the_fixed_part_has_the_documented_bytes(void **state)
{
    (void)state;
    uint8_t written[HEADER_FIXED_SIZE];
    header_write_fixed(written, &known);
    assert_memory_equal(written, golden, sizeof(golden));
}

static void a_header_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct header header;
    struct header_sections sections;
    struct error err;
    assert_true(header_read((struct bytes){golden, sizeof(golden)}, &header, &err));
    assert_int_equal(position_compare(&header.position, &known.position), 0);
    assert_int_equal(position_compare(&header.previous, &known.previous), 0);
    assert_true(header.shape == known.shape);
    assert_int_equal(header.sections.size, 0);
    header_sections(&header, &sections);
    assert_true(!sections.unchanged.data && !sections.old_key.data && !sections.origin.data);
}

static void write_all_sections(struct byte_buffer *out)
{
    const uint16_t columns[] = {1, 700};
    begin(out, HEADER_UNCHANGED | HEADER_OLD_KEY | HEADER_EXACT | HEADER_ORIGIN);
    header_write_unchanged(out, columns, 2);
    header_write_old_key(out, text_of("old"));
    header_write_exact_count(out, 2);
    header_write_exact(out, HEADER_AFTER, 3, text_of("NaN"));
    header_write_exact(out, HEADER_KEY, 0, text_of(""));
    header_write_origin(out, "elsewhere");
}

static void all_sections_are_read_in_the_order_of_their_flags(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    struct header header;
    struct header_sections sections;
    struct exact_value value;
    struct error err;
    const uint8_t columns[] = {0, 1, 0x02, 0xbc};
    write_all_sections(&written);
    assert_true(header_read(bytes_of(&written), &header, &err));
    header_sections(&header, &sections);
    assert_true(bytes_equal(sections.unchanged, (struct bytes){columns, sizeof(columns)}));
    assert_true(bytes_equal(sections.old_key, text_of("old")));
    assert_true(bytes_equal(sections.origin, text_of("elsewhere")));
    assert_int_equal(sections.exact_count, 2);
    assert_true(header_next_exact(&sections.exact, &value));
    assert_true(value.part == HEADER_AFTER && value.column == 3);
    assert_true(bytes_equal(value.text, text_of("NaN")));
    assert_true(header_next_exact(&sections.exact, &value));
    assert_true(value.part == HEADER_KEY && value.column == 0 && value.text.size == 0);
    assert_false(header_next_exact(&sections.exact, &value));
}

static void a_header_that_is_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    struct header header;
    struct error err;
    write_all_sections(&written);
    for (size_t size = 0; size < written.size; size++) {
        uint8_t *exact_copy = malloc(size + 1); /* so that a read past the end is seen */
        memcpy(exact_copy, written.data, size);
        assert_false(header_read((struct bytes){exact_copy, size}, &header, &err));
        assert_int_equal(err.kind, ERROR_DATA);
        free(exact_copy);
    }
}

static void bytes_behind_the_last_section_are_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    struct header header;
    struct error err;
    write_all_sections(&written);
    write_u8(&written, 0);
    assert_false(header_read(bytes_of(&written), &header, &err));
    assert_int_equal(err.kind, ERROR_DATA);
}

static void refuse(const struct byte_buffer *written)
{
    struct header header;
    struct error err;
    assert_false(header_read(bytes_of(written), &header, &err));
    assert_int_equal(err.kind, ERROR_DATA);
}

static void unknown_versions_and_flags_are_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    begin(&written, 0);
    written.data[0] = 2;
    refuse(&written);
    written.data[0] = 1;
    written.data[1] = 0x80;
    refuse(&written);
}

static void a_previous_position_that_is_not_before_is_refused(void **state)
{
    (void)state;
    struct header header = known;
    SCOPED_BUFFER written;
    begin(&written, 0);
    header.previous = header.position;
    header_write_fixed(written.data, &header);
    refuse(&written);
}

static void an_exact_value_of_no_part_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    begin(&written, HEADER_EXACT);
    header_write_exact_count(&written, 1);
    header_write_exact(&written, (enum header_part)3, 0, text_of("1"));
    refuse(&written);
}

static void an_origin_that_is_not_text_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER written;
    begin(&written, HEADER_ORIGIN);
    header_write_origin(&written, "\xff");
    refuse(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fixed_part_has_the_documented_bytes),
        cmocka_unit_test(a_header_is_read_as_it_was_written),
        cmocka_unit_test(all_sections_are_read_in_the_order_of_their_flags),
        cmocka_unit_test(a_header_that_is_cut_off_anywhere_is_refused),
        cmocka_unit_test(bytes_behind_the_last_section_are_refused),
        cmocka_unit_test(unknown_versions_and_flags_are_refused),
        cmocka_unit_test(a_previous_position_that_is_not_before_is_refused),
        cmocka_unit_test(an_exact_value_of_no_part_is_refused),
        cmocka_unit_test(an_origin_that_is_not_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
