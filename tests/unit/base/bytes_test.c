/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the bounded reader, the bounded buffer and the UTF-8 check. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bytes text(const char *string)
{
    return (struct bytes){(const uint8_t *)string, strlen(string)};
}

static void reads_numbers_in_network_order(void **state)
{
    (void)state;
    static const uint8_t wire[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                   0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0xff};
    struct byte_reader reader = byte_reader_over((struct bytes){wire, sizeof(wire)});
    assert_int_equal(read_u16(&reader), 0x0102);
    assert_int_equal(read_u32(&reader), 0x03040506);
    assert_true(read_u64(&reader) == UINT64_C(0x0708090a0b0c0d0e));
    assert_int_equal(read_u8(&reader), 0xff);
    assert_int_equal(byte_reader_left(&reader), 0);
    assert_false(reader.overrun);
}

static void a_number_cut_off_by_the_end_is_zero_and_an_overrun(void **state)
{
    (void)state;
    static const uint8_t wire[] = {0xff, 0xff, 0xff};
    struct byte_reader reader = byte_reader_over((struct bytes){wire, sizeof(wire)});
    assert_int_equal(read_u32(&reader), 0);
    assert_true(reader.overrun);
}

static void after_an_overrun_nothing_more_is_read(void **state)
{
    (void)state;
    struct byte_reader reader = byte_reader_over(text("abc"));
    (void)read_u64(&reader);
    assert_int_equal(read_u8(&reader), 0);
    assert_int_equal(read_bytes(&reader, 1).size, 0);
    assert_string_equal(read_string(&reader), "");
    assert_true(reader.overrun);
}

static void reads_a_string_up_to_its_nul_and_goes_on_behind_it(void **state)
{
    (void)state;
    static const char wire[] = "public\0orders\0!";
    struct byte_reader reader =
        byte_reader_over((struct bytes){(const uint8_t *)wire, sizeof(wire) - 1});
    assert_string_equal(read_string(&reader), "public");
    assert_string_equal(read_string(&reader), "orders");
    assert_int_equal(read_u8(&reader), '!');
    assert_false(reader.overrun);
}

static void a_string_without_nul_is_an_overrun(void **state)
{
    (void)state;
    struct byte_reader reader = byte_reader_over(text("public"));
    assert_string_equal(read_string(&reader), "");
    assert_true(reader.overrun);
}

static void a_run_of_bytes_longer_than_what_is_left_is_an_overrun(void **state)
{
    (void)state;
    struct byte_reader reader = byte_reader_over(text("abc"));
    assert_true(bytes_equal(read_bytes(&reader, 3), text("abc")));
    struct byte_reader again = byte_reader_over(text("abc"));
    assert_int_equal(read_bytes(&again, SIZE_MAX).size, 0);
    assert_false(reader.overrun);
    assert_true(again.overrun);
}

static void what_the_buffer_writes_the_reader_reads(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 1024);
    write_u8(&buffer, 0x80);
    write_u16(&buffer, 0xfffe);
    write_u32(&buffer, 0x80000001);
    write_u64(&buffer, UINT64_C(0x8000000000000001));
    write_string(&buffer, "orders");
    write_format(&buffer, "%s=%d", "a", -1);
    struct byte_reader reader = byte_reader_over((struct bytes){buffer.data, buffer.size});
    assert_int_equal(read_u8(&reader), 0x80);
    assert_int_equal(read_u16(&reader), 0xfffe);
    assert_int_equal(read_u32(&reader), 0x80000001);
    assert_true(read_u64(&reader) == UINT64_C(0x8000000000000001));
    assert_string_equal(read_string(&reader), "orders");
    assert_true(bytes_equal(read_bytes(&reader, 4), text("a=-1")));
    assert_int_equal(byte_reader_left(&reader), 0);
    assert_false(reader.overrun);
}

static void a_buffer_takes_its_maximum_and_not_a_byte_more(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 4);
    write_u32(&buffer, 1);
    assert_false(buffer.overrun);
    write_u8(&buffer, 1);
    assert_true(buffer.overrun);
    assert_int_equal(buffer.size, 4);
}

static void after_an_overrun_a_buffer_stays_as_it_was_until_it_is_cleared(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 8);
    write_text(&buffer, "abc");
    write_text(&buffer, "too long for it");
    write_text(&buffer, "d");
    assert_true(buffer.overrun);
    assert_string_equal(byte_buffer_text(&buffer), "abc");
    byte_buffer_clear(&buffer);
    write_text(&buffer, "d");
    assert_false(buffer.overrun);
    assert_string_equal(byte_buffer_text(&buffer), "d");
}

static void a_reservation_that_overflows_the_size_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, SIZE_MAX);
    write_text(&buffer, "abc");
    assert_null(byte_buffer_reserve(&buffer, SIZE_MAX - 1));
    assert_true(buffer.overrun);
}

static void a_reservation_is_filled_by_the_caller(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 1000);
    uint8_t *room = byte_buffer_reserve(&buffer, 1000);
    assert_non_null(room);
    memset(room, 'x', 1000);
    buffer.size += 1000;
    assert_int_equal(strlen(byte_buffer_text(&buffer)), 1000);
}

static void a_buffer_keeps_its_content_while_it_grows(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 1 << 20);
    for (uint32_t i = 0; i < 10000; i++)
        write_u32(&buffer, i);
    struct byte_reader reader = byte_reader_over((struct bytes){buffer.data, buffer.size});
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(read_u32(&reader), i);
    assert_int_equal(byte_reader_left(&reader), 0);
}

static void a_formatted_text_that_does_not_fit_is_an_overrun(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 8);
    write_format(&buffer, "%s", "123456789");
    assert_true(buffer.overrun);
    assert_int_equal(buffer.size, 0);
}

static void an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, 8);
    assert_string_equal(byte_buffer_text(&buffer), "");
    write_bytes(&buffer, NULL, 0);
    assert_string_equal(byte_buffer_text(&buffer), "");
}

static void views_are_equal_by_size_and_content(void **state)
{
    (void)state;
    assert_true(bytes_equal((struct bytes){NULL, 0}, text("")));
    assert_true(bytes_equal(text("abc"), text("abc")));
    assert_false(bytes_equal(text("abc"), text("abd")));
    assert_false(bytes_equal(text("abc"), text("ab")));
}

/* The sequence in memory of its own size, so that AddressSanitizer sees a read past it. */
static bool is_utf8(const char *sequence)
{
    size_t size = strlen(sequence);
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, sequence, size);
    bool is_valid = bytes_are_utf8((struct bytes){copy, size});
    free(copy);
    return is_valid;
}

static void well_formed_text_is_utf8(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "",
        "plain",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "Grüße, 世界 🌍",
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        assert_true(is_utf8(valid[i]));
}

static void malformed_text_is_not_utf8(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "\x80",             /* a continuation without a start */
        "a\xff",            /* never a byte of UTF-8 */
        "\xc3",             /* cut off */
        "\xe2\x82",         /* cut off */
        "\xf0\x9f\x8c",     /* cut off */
        "\xc3(",            /* not a continuation */
        "\xe2(\xa1",        /* not a continuation */
        "\xf0\x9f(\x8c",    /* not a continuation */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong */
        "\xe0\x9f\xbf",     /* overlong */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xed\xa0\x80",     /* a surrogate */
        "\xed\xbf\xbf",     /* a surrogate */
        "\xf4\x90\x80\x80", /* past U+10FFFF */
        "\xf5\x80\x80\x80", /* past U+10FFFF */
    };
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_false(is_utf8(invalid[i]));
}

static void text_with_a_nul_is_not_utf8_for_a_database(void **state)
{
    (void)state;
    assert_false(bytes_are_utf8((struct bytes){(const uint8_t *)"a\0b", 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_in_network_order),
        cmocka_unit_test(a_number_cut_off_by_the_end_is_zero_and_an_overrun),
        cmocka_unit_test(after_an_overrun_nothing_more_is_read),
        cmocka_unit_test(reads_a_string_up_to_its_nul_and_goes_on_behind_it),
        cmocka_unit_test(a_string_without_nul_is_an_overrun),
        cmocka_unit_test(a_run_of_bytes_longer_than_what_is_left_is_an_overrun),
        cmocka_unit_test(what_the_buffer_writes_the_reader_reads),
        cmocka_unit_test(a_buffer_takes_its_maximum_and_not_a_byte_more),
        cmocka_unit_test(after_an_overrun_a_buffer_stays_as_it_was_until_it_is_cleared),
        cmocka_unit_test(a_reservation_that_overflows_the_size_is_refused),
        cmocka_unit_test(a_reservation_is_filled_by_the_caller),
        cmocka_unit_test(a_buffer_keeps_its_content_while_it_grows),
        cmocka_unit_test(a_formatted_text_that_does_not_fit_is_an_overrun),
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(views_are_equal_by_size_and_content),
        cmocka_unit_test(well_formed_text_is_utf8),
        cmocka_unit_test(malformed_text_is_not_utf8),
        cmocka_unit_test(text_with_a_nul_is_not_utf8_for_a_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
