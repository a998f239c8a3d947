/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of the forms: what comes out, with the notes put in, is the identical text, for every text whatsoever. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/float_text.h"
#include "tests/support/avro_round.h"
#include "tests/unit/schema/form_texts.h"

static const struct event CREATE = {.op = EVENT_CREATE, .commit_time_us = 1, .now_us = 2};
static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Sends the text round; returns whether a note was needed. */
static bool assert_comes_back(struct avro_round *round, struct value value)
{
    struct tuple row = {1, &value};
    struct change change;
    struct decoded_event event;
    avro_round_write(round, &CREATE, NULL, false, &row);
    avro_round_read(round, false, &change, &event);
    const struct value *read = &change.new_tuple.values[0];
    if (read->kind != value.kind || read->size != value.size ||
        (value.size > 0 && memcmp(read->data, value.data, value.size) != 0))
        fail_msg("type %u, modifier %d: \"%.200s\" came back as \"%.*s\"",
                 round->table->columns[0].type_oid, round->table->columns[0].type_modifier,
                 (const char *)value.data, (int)read->size, (const char *)read->data);
    return round->notes.exact_count > 0;
}

struct case_of_type {
    struct arena *arena;
    struct avro_round *round;
};

static struct case_of_type open_type(uint32_t oid, int32_t modifier, bool is_not_null)
{
    struct case_of_type made = {.arena = arena_new(4096)};
    made.round = avro_round_new(one_column_table(made.arena, oid, modifier, is_not_null));
    return made;
}

static void close_type(struct case_of_type *type)
{
    avro_round_free(type->round);
    arena_free(type->arena);
}

static void every_text_comes_back_through_every_type(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * TYPE_COUNT; i++) {
        struct case_of_type type = open_type(TYPES[i / 2].oid, TYPES[i / 2].modifier, i % 2);
        for (int j = 0; j < TEXT_COUNT; j++)
            assert_comes_back(type.round, text_value(TEXTS[j]));
        close_type(&type);
    }
}

/* Texts that are nearly right, where a careless parser takes one for another. */
static void every_text_with_one_character_changed_comes_back(void **state)
{
    static const char characters[] = "0123456789-+.:eE TZ\\xanBC";
    (void)state;
    for (int i = 0; i < TYPE_COUNT; i++) {
        struct case_of_type type = open_type(TYPES[i].oid, TYPES[i].modifier, false);
        for (int j = 0; j < TEXT_COUNT * 40; j++) {
            char text[64];
            size_t size = strlen(TEXTS[j % TEXT_COUNT]);
            if (size == 0 || size >= sizeof(text))
                continue;
            memcpy(text, TEXTS[j % TEXT_COUNT], size + 1);
            text[next_random() % size] = characters[next_random() % (sizeof(characters) - 1)];
            assert_comes_back(type.round, text_value(text));
        }
        close_type(&type);
    }
}

static void nulls_come_back_even_where_the_schema_has_none(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * TYPE_COUNT; i++) {
        struct case_of_type type = open_type(TYPES[i / 2].oid, TYPES[i / 2].modifier, i % 2);
        bool is_noted = assert_comes_back(type.round, (struct value){.kind = VALUE_NULL});
        assert_int_equal(is_noted, i % 2);
        close_type(&type);
    }
}

static void assert_needs(uint32_t oid, int32_t modifier, const char *text, bool is_note_needed)
{
    struct case_of_type type = open_type(oid, modifier, true);
    if (assert_comes_back(type.round, text_value(text)) != is_note_needed)
        fail_msg("type %u: \"%s\" %s a note", oid, text, is_note_needed ? "lacks" : "has");
    close_type(&type);
}

/* Notes cost bytes in the header of each message: what comes back by itself must have none. */
static void usual_values_need_no_note(void **state)
{
    (void)state;
    assert_needs(BOOL, -1, "t", false);
    assert_needs(INT2, -1, "-32768", false);
    assert_needs(INT4, -1, "2147483647", false);
    assert_needs(INT8, -1, "-9223372036854775808", false);
    assert_needs(OID, -1, "4294967295", false);
    assert_needs(FLOAT4, -1, "3.4028235e+38", false);
    assert_needs(FLOAT4, -1, "0.1", false);
    assert_needs(FLOAT8, -1, "0.30000000000000004", false);
    assert_needs(FLOAT8, -1, "5e-324", false);
    assert_needs(FLOAT8, -1, "-0", false);
    assert_needs(FLOAT8, -1, "NaN", false);
    assert_needs(FLOAT4, -1, "-Infinity", false);
    assert_needs(NUMERIC, NUMERIC_MODIFIER(12, 2), "-0.05", false);
    assert_needs(NUMERIC, -1, "-12345678901234567890.123456789", false);
    assert_needs(NUMERIC, NUMERIC_MODIFIER(3, -2), "12300", false);
    assert_needs(BPCHAR, 14, "a         ", false);
    assert_needs(BYTEA, -1, "\\x00ff", false);
    assert_needs(DATE, -1, "4713-11-24 BC", false);
    assert_needs(DATE, -1, "5874897-12-31", false);
    assert_needs(TIME, -1, "24:00:00", false);
    assert_needs(TIME, 3, "12:34:56.789", false);
    assert_needs(TIMESTAMP, -1, "0001-12-31 23:59:59.5 BC", false);
    assert_needs(TIMESTAMP, 3, "294276-12-31 23:59:59.999", false);
    assert_needs(TIMESTAMPTZ, -1, "infinity", false);
    assert_needs(TIMESTAMPTZ, -1, "294276-12-31 23:59:59.999999+00", false);
    assert_needs(TIMESTAMPTZ, 0, "2024-02-29 12:34:56+00", false);
    assert_needs(TIMETZ, -1, "12:34:56.5+00", false);
    assert_needs(INTERVAL, -1, "-100:00:00.000001", false);
    assert_needs(JSONB, -1, "{\"a\": 1}", false);
}

static void what_avro_cannot_say_is_noted(void **state)
{
    (void)state;
    assert_needs(NUMERIC, -1, "NaN", true);
    assert_needs(NUMERIC, NUMERIC_MODIFIER(12, 2), "NaN", true);
    assert_needs(NUMERIC, -1, "-Infinity", true);
    assert_needs(NUMERIC, -1, "1.00", true);
    assert_needs(DATE, -1, "infinity", true);
    assert_needs(TIMESTAMP, -1, "-infinity", true);
    assert_needs(TIMESTAMP, -1, "294276-12-31 23:59:59.999999", true);
    assert_needs(TIMETZ, -1, "12:34:56+02", true);
    assert_needs(INTERVAL, -1, "1 day", true);
    assert_needs(INTERVAL, -1, "1 mon", true);
    assert_needs(INT4, -1, "2147483648", true);
}

/* ---- floating-point numbers ---- */

static double random_double(void)
{
    uint64_t bits = next_random();
    double value = 0;
    switch (next_random() % 4) {
    case 0: /* any */
        memcpy(&value, &bits, sizeof(value));
        return value;
    case 1: /* few digits */
        return (double)(int64_t)(bits % 2000000) / 100 - 10000;
    case 2: /* near a power of two, where the gaps change */
        bits = ((bits % 2046 + 1) << 52) + bits % 3 - 1;
        memcpy(&value, &bits, sizeof(value));
        return value;
    default: /* small */
        memcpy(&value, &(uint64_t){bits >> (bits % 53 + 11)}, sizeof(value));
        return value;
    }
}

static void doubles_are_written_as_texts_that_read_back(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double value = random_double();
        if (!isfinite(value) || value == 0)
            continue;
        char text[FLOAT_TEXT_SIZE + 1];
        uint8_t *end = double_put_text((uint8_t *)text, value);
        *end = '\0';
        double by_library = strtod(text, NULL);
        double ours = 0;
        assert_true(by_library == value);
        assert_true(double_parse_text((struct bytes){(uint8_t *)text, strlen(text)}, &ours));
        assert_true(ours == value);
    }
}

static void floats_are_written_as_texts_that_read_back(void **state)
{
    (void)state;
    for (uint64_t bits = 1; bits < 0x7f800000; bits += 10007) {
        float value = 0;
        memcpy(&value, &(uint32_t){(uint32_t)bits}, sizeof(value));
        char text[FLOAT_TEXT_SIZE + 1];
        *float_put_text((uint8_t *)text, value) = '\0';
        assert_true(strtof(text, NULL) == value);
        assert_true(strlen(text) <= 14);
    }
}

static void random_doubles_need_no_note(void **state)
{
    (void)state;
    struct case_of_type type = open_type(FLOAT8, -1, false);
    for (int i = 0; i < 20000; i++) {
        char text[FLOAT_TEXT_SIZE + 1];
        *double_put_text((uint8_t *)text, random_double()) = '\0';
        assert_false(assert_comes_back(type.round, text_value(text)));
    }
    close_type(&type);
}

/* ---- numerics ---- */

static char *random_numeral(size_t whole, size_t fraction)
{
    char *text = malloc(whole + fraction + 3);
    char *at = text;
    if (next_random() % 2)
        *at++ = '-';
    for (size_t i = 0; i < whole; i++)
        *at++ = (char)('0' + next_random() % 9 + (i == 0));
    if (fraction > 0)
        *at++ = '.';
    for (size_t i = 0; i < fraction; i++)
        *at++ = (char)('0' + next_random() % 9 + (i == fraction - 1));
    *at = '\0';
    return text;
}

static void numerics_of_any_length_need_no_note(void **state)
{
    (void)state;
    struct case_of_type type = open_type(NUMERIC, -1, false);
    for (size_t i = 0; i < 3000; i++) {
        char *text = random_numeral(1 + next_random() % 60, next_random() % 40);
        assert_false(assert_comes_back(type.round, text_value(text)));
        free(text);
    }
    char *longest = random_numeral(20000, 16383);
    assert_false(assert_comes_back(type.round, text_value(longest)));
    free(longest);
    close_type(&type);
}

static void the_largest_numeric_comes_back(void **state)
{
    (void)state;
    struct case_of_type type = open_type(NUMERIC, -1, false);
    char *largest = random_numeral(131072, 16383);
    assert_false(assert_comes_back(type.round, text_value(largest)));
    free(largest);
    char *larger = random_numeral(131073, 1);
    assert_true(assert_comes_back(type.round, text_value(larger)));
    free(larger);
    close_type(&type);
}

/* Powers of two and their neighbours, where the number of bytes changes. */
static void numerics_around_powers_of_256_need_no_note(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "127",
        "128",
        "-128",
        "-129",
        "32767",
        "-32768",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551616",
        "-18446744073709551617",
        "170141183460469231731687303715884105727",
        "170141183460469231731687303715884105728",
        "-170141183460469231731687303715884105728",
        "-170141183460469231731687303715884105729",
        "-340282366920938463463374607431768211456",
        "57896044618658097711785492504343953926634992332820282019728792003956564819968",
        "-57896044618658097711785492504343953926634992332820282019728792003956564819968",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_needs(NUMERIC, -1, texts[i], false);
}

/* ---- times ---- */

static void random_times_need_no_note(void **state)
{
    (void)state;
    struct case_of_type timestamp = open_type(TIMESTAMP, -1, false);
    struct case_of_type zoned = open_type(TIMESTAMPTZ, -1, false);
    for (int i = 0; i < 20000; i++) {
        char text[80];
        char fraction[8] = "";
        bool is_bc = next_random() % 8 == 0;
        unsigned us = (unsigned)(next_random() % 1000000);
        unsigned long year = (unsigned long)(next_random() % (is_bc ? 4712 : 294246)) + 1;
        if (us % 10 != 0)
            snprintf(fraction, sizeof(fraction), ".%06u", us);
        for (int has_zone = 0; has_zone < 2; has_zone++) {
            snprintf(text, sizeof(text), "%04lu-%02u-%02u %02u:%02u:%02u%s%s%s", year, us % 12 + 1,
                     us % 28 + 1, us % 24, us / 3 % 60, us / 7 % 60, fraction,
                     has_zone ? "+00" : "", is_bc ? " BC" : "");
            assert_false(
                assert_comes_back(has_zone ? zoned.round : timestamp.round, text_value(text)));
        }
    }
    close_type(&timestamp);
    close_type(&zoned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_comes_back_through_every_type),
        cmocka_unit_test(every_text_with_one_character_changed_comes_back),
        cmocka_unit_test(nulls_come_back_even_where_the_schema_has_none),
        cmocka_unit_test(usual_values_need_no_note),
        cmocka_unit_test(what_avro_cannot_say_is_noted),
        cmocka_unit_test(doubles_are_written_as_texts_that_read_back),
        cmocka_unit_test(floats_are_written_as_texts_that_read_back),
        cmocka_unit_test(random_doubles_need_no_note),
        cmocka_unit_test(numerics_of_any_length_need_no_note),
        cmocka_unit_test(the_largest_numeric_comes_back),
        cmocka_unit_test(numerics_around_powers_of_256_need_no_note),
        cmocka_unit_test(random_times_need_no_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
