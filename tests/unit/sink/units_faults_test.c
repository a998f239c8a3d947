/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the units where captures and sinks broke off, and where bytes lie. */
#include "tests/unit/sink/units_support.h"

#include "transport/control.h"
#include "transport/header.h"

static const char *const TABLE_A = "1000 - \"public\".\"a\"\n";

static enum error_kind read_all(struct error *err)
{
    const struct message *message;
    struct message_reader *messages = units_reader(units);
    text[0] = '\0';
    while ((message = messages->ops->read(messages, 0, err)) != NULL)
        take(message);
    return err->kind;
}

/* Another capture takes over where this one died. */
static void crash(void)
{
    close_writer();
    chain = (struct chain){0};
    open_writer();
    learn_recorded();
}

static int open_with_small_transactions(void **state)
{
    int opened = open_all(state);
    close_writer();
    transaction_bytes = 600;
    open_writer();
    return opened;
}

static void what_an_epoch_left_half_done_is_dropped_by_a_sink_that_was_restarted_too(void **state)
{
    (void)state;
    struct error err;
    position = (struct position){0};
    write_state(RECORDED_CREATING, 1, TABLE_A);
    write_state(RECORDED_COPYING, 1, TABLE_A);
    position = (struct position){.epoch = 1};
    for (int i = 0; i < 30; i++)
        change(0, CHANGE_INSERT, NULL, "5,x,-");
    crash();
    position = (struct position){.epoch = 1};
    write_state(RECORDED_CREATING, 2, TABLE_A);
    for (int i = 0; i < 3; i++) {
        open_reader(false);
        read_all(&err);
        close_reader();
    }
    position = (struct position){.epoch = 2};
    change(0, CHANGE_INSERT, NULL, "5,y,-");
    end();
    flush();
    open_reader(false);
    assert_int_equal(read_all(&err), ERROR_NONE);
    assert_string_equal(text, "Ia(5,y,-) END ");
    close_reader();
}

static void a_control_record_that_names_a_partition_twice_is_poison(void **state)
{
    (void)state;
    struct error err;
    SCOPED_BUFFER counts;
    SCOPED_BUFFER record;
    SCOPED_BUFFER header;
    byte_buffer_init(&counts, 1 << 20);
    byte_buffer_init(&record, 1 << 20);
    byte_buffer_init(&header, 1 << 10);
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    read_all(&err);
    struct control_count count = {
        .topic = {(const uint8_t *)"test.public.a", 13}, .messages = 1000, .last = {1, 200, 9, 0}};
    for (int i = 0; i < 100; i++)
        control_write_count(&counts, CONTROL_END, &count);
    struct control_entry entry = {.kind = CONTROL_END,
                                  .position = {1, 200, 10, 0},
                                  .counts = {counts.data, counts.size},
                                  .count_count = 100};
    control_begin(&record);
    control_write_entry(&record, &entry);
    control_end(&record, 1);
    struct header head = {.position = {1, 200, 10, 0}, .previous = {1, 100, 2, 0}};
    header_write_fixed(byte_buffer_reserve(&header, HEADER_FIXED_SIZE), &head);
    header.size += HEADER_FIXED_SIZE;
    memory_topics_add(broker, "__penstock.test.control", 0, (struct bytes){0},
                      (struct bytes){record.data, record.size},
                      (struct bytes){header.data, header.size});
    assert_int_equal(read_all(&err), ERROR_STOP);
    assert_int_equal(err.stop, STOP_POISON);
    close_reader();
}

static void keys_that_avro_holds_alike_are_told_apart(void **state)
{
    (void)state;
    struct error err;
    for (uint32_t i = 0; i < TABLES; i++) {
        struct column *column = &relations[i].table->columns[0];
        column->type_oid = 1700;
        column->type_modifier = (10 << 16 | 2) + 4;
        column->type_sql = "numeric(10,2)";
    }
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "NaN,x,y");
    change(0, CHANGE_UPDATE, "KNaN,-,-", "0.00,x,y");
    change(0, CHANGE_UPDATE, "K0.00,-,-", "1.00,x,y");
    end();
    flush();
    open_reader(false);
    assert_int_equal(read_all(&err), ERROR_NONE);
    assert_string_equal(text, "copying streaming Ia(NaN,x,y) Ua(KNaN,-,->0.00,x,y) "
                              "Ua(K0.00,-,->1.00,x,y) END ");
    close_reader();
}

static void write_deletes(void)
{
    begin(100);
    for (int i = 0; i < 20; i++) {
        char key[20];
        snprintf(key, sizeof(key), "K%d,-,-", i);
        change(0, CHANGE_DELETE, key, NULL);
    }
}

/* A unit that was sent again with fewer messages than were counted before must not pass for whole. */
static void counts_that_shrink_within_a_unit_are_a_gap(void **state)
{
    (void)state;
    struct error err;
    begin_stream();
    write_deletes();
    writes_tombstones = false;
    crash();
    position.epoch = 1;
    write_deletes();
    end();
    flush();
    open_reader(false);
    assert_int_equal(read_all(&err), ERROR_STOP);
    assert_int_equal(err.stop, STOP_CHAIN_GAP);
    close_reader();
}

int main(void)
{
#define TEST(name, open) cmocka_unit_test_setup_teardown(name, open, close_all)
    const struct CMUnitTest tests[] = {
        TEST(what_an_epoch_left_half_done_is_dropped_by_a_sink_that_was_restarted_too,
             open_with_small_transactions),
        TEST(a_control_record_that_names_a_partition_twice_is_poison, open_all),
        TEST(keys_that_avro_holds_alike_are_told_apart, open_all),
        TEST(counts_that_shrink_within_a_unit_are_a_gap, open_with_small_transactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
