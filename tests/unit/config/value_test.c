/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of checking and storing values. */
#include "config/value.h"

#include "base/arena.h"

#include "tests/unit/config/config_support.h"

struct sample {
    char *text;
    bool flag;
    size_t number;
    int64_t wait_ms;
    enum config_log_format choice;
    struct config_list list;
};

#define SAMPLE(kind, field)                                                                        \
    .key = "k", .type = SETTING_##kind, .offset = offsetof(struct sample, field)

static struct error err;
static struct sample sample;
static struct value_store store = {.base = &sample};

static int make_arena(void **state)
{
    (void)state;
    store.memory = arena_new(4096);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(store.memory);
    return 0;
}

static bool set(const struct setting *setting, const char *text)
{
    error_clear(&err);
    return value_set(&store, setting, text, text, &err);
}

static void stores_sizes(void **state)
{
    (void)state;
    const struct setting size = {SAMPLE(SIZE, number), .most = UINT64_C(1) << 40};
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {{"0", 0},
                 {"17", 17},
                 {"17B", 17},
                 {"64kB", 65536},
                 {"64 KiB", 65536},
                 {"16 MiB", 1 << 24},
                 {"16MB", 1 << 24},
                 {"2 GiB", UINT64_C(2) << 30},
                 {"2  gb", UINT64_C(2) << 30}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(set(&size, cases[i].text));
        assert_int_equal(sample.number, cases[i].bytes);
    }
}

static void refuses_what_is_no_size(void **state)
{
    (void)state;
    const struct setting size = {SAMPLE(SIZE, number), .most = 1 << 20};
    static const char *const bad[] = {"",       "B",   "-1",   "+1",   " 1", "1.5 MiB",
                                      "1 MiB2", "1e3", "0x10", "1 TB", "1 M"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(set(&size, bad[i]));
    assert_false(set(&size, "1 furlong"));
    assert_string_equal(err.message, "k must be 0 bytes to 1 MiB, not \"1 furlong\"");
    assert_string_equal(err.remedy, "write a whole number and a unit: bytes as B, or kB, MiB, GiB");
}

static void refuses_numbers_out_of_range_without_overflow(void **state)
{
    (void)state;
    const struct setting size = {SAMPLE(SIZE, number), .least = 2, .most = 1 << 20};
    assert_false(set(&size, "1"));
    assert_string_equal(err.remedy, "write a value in this range");
    assert_false(set(&size, "1048577"));
    assert_true(set(&size, "1048576"));
    assert_false(set(&size, "18446744073709551618"));
    assert_false(set(&size, "99999999999999999999999999999999999999"));
    assert_false(set(&size, "18014398509481985 KiB"));
    assert_false(set(&size, "17179869185 GiB"));
}

static void stores_durations(void **state)
{
    (void)state;
    const struct setting wait = {SAMPLE(DURATION, wait_ms), .most = 86400000};
    assert_true(set(&wait, "500 ms") && sample.wait_ms == 500);
    assert_true(set(&wait, "10s") && sample.wait_ms == 10000);
    assert_true(set(&wait, "5 min") && sample.wait_ms == 300000);
    assert_true(set(&wait, "1 h") && sample.wait_ms == 3600000);
    assert_true(set(&wait, "1 d") && sample.wait_ms == 86400000);
    assert_true(set(&wait, "0") && sample.wait_ms == 0);
    assert_false(set(&wait, "10"));
    assert_string_equal(err.remedy, "write a whole number and a unit: ms, s, min, h or d");
    assert_false(set(&wait, "25 h"));
}

static void stores_integers(void **state)
{
    (void)state;
    const struct setting integer = {SAMPLE(INTEGER, number), .least = 1, .most = 100};
    assert_true(set(&integer, "42") && sample.number == 42);
    assert_false(set(&integer, "42 "));
    assert_false(set(&integer, "4kB"));
    assert_false(set(&integer, "101"));
    assert_int_equal(sample.number, 42);
}

static void stores_bools_and_choices(void **state)
{
    (void)state;
    const struct setting flag = {SAMPLE(BOOL, flag)};
    const struct setting choice = {SAMPLE(CHOICE, choice),
                                   .choices = (const char *const[]){"auto", "text", NULL}};
    assert_true(set(&flag, "true") && sample.flag);
    assert_true(set(&flag, "false") && !sample.flag);
    assert_false(set(&flag, "True"));
    assert_true(set(&choice, "text") && sample.choice == CONFIG_LOG_TEXT);
    assert_false(set(&choice, "TEXT"));
    assert_string_equal(err.message, "k must be auto or text, not \"TEXT\"");
}

static void limits_the_length_of_text(void **state)
{
    (void)state;
    const struct setting shorter = {SAMPLE(STRING, text), .most = 3};
    const struct setting string = {SAMPLE(STRING, text)};
    assert_true(set(&shorter, "abc"));
    assert_false(set(&shorter, "abcd"));
    assert_string_equal(err.message, "k is longer than 3 bytes");
    assert_string_equal(sample.text, "abc");
    char text[4098] = "";
    memset(text, 'a', 4097);
    assert_false(set(&string, text));
    text[4096] = '\0';
    assert_true(set(&string, text));
}

static const char *always_wrong(const char *text)
{
    (void)text;
    return "is wrong";
}

static void never_shows_a_secret(void **state)
{
    (void)state;
    const struct setting secret = {SAMPLE(STRING, text), .problem = always_wrong, .form = "this",
                                   .is_secret = true};
    const struct setting number = {SAMPLE(INTEGER, number), .most = 9, .is_secret = true};
    assert_false(set(&secret, "hunter2"));
    assert_string_equal(err.message, "k is wrong");
    assert_string_equal(err.remedy, "write this");
    assert_false(set(&number, "4711"));
    assert_string_equal(err.message, "k must be 0 to 9");
}

static void takes_no_list_for_a_single_value(void **state)
{
    (void)state;
    const struct setting list = {SAMPLE(LIST, list)};
    assert_false(set(&list, "a"));
    assert_int_equal(err.kind, ERROR_FATAL);
}

static void stores_lists(void **state)
{
    (void)state;
    const struct setting list = {SAMPLE(LIST, list), .least = 1};
    struct config_list two = value_split("a,b", store.memory);
    struct config_list none = value_split(" ", store.memory);
    struct config_list hole = value_split("a,,b", store.memory);
    assert_true(value_set_list(&store, &list, &two, &err));
    assert_int_equal(sample.list.count, 2);
    assert_string_equal(sample.list.items[1], "b");
    assert_false(value_set_list(&store, &list, &none, &err));
    assert_string_equal(err.message, "k is empty");
    assert_false(value_set_list(&store, &list, &hole, &err));
    assert_int_equal(sample.list.count, 2);
}

static void splits_at_commas_outside_quotes(void **state)
{
    (void)state;
    struct config_list list = value_split(" a , \"b,\"\"c\" ,\td,", store.memory);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[0], "a");
    assert_string_equal(list.items[1], "\"b,\"\"c\"");
    assert_string_equal(list.items[2], "d");
    assert_string_equal(list.items[3], "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stores_sizes),
        cmocka_unit_test(refuses_what_is_no_size),
        cmocka_unit_test(refuses_numbers_out_of_range_without_overflow),
        cmocka_unit_test(stores_durations),
        cmocka_unit_test(stores_integers),
        cmocka_unit_test(stores_bools_and_choices),
        cmocka_unit_test(limits_the_length_of_text),
        cmocka_unit_test(never_shows_a_secret),
        cmocka_unit_test(takes_no_list_for_a_single_value),
        cmocka_unit_test(stores_lists),
        cmocka_unit_test(splits_at_commas_outside_quotes),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
