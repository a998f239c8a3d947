/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the units: changes go through the capture's Avro format into Kafka's twin, and must come out as the pipe has them. */
#include "tests/unit/sink/units_support.h"

/* An empty piece of the copy. */
static void announce(size_t table)
{
    struct error err;
    struct change made = {.kind = CHANGE_COPY};
    uint32_t steps;
    struct change_context context = {.commit_time_us = 5};
    position.ordinal++;
    assert_true(format->ops->write(format, &relations[table], &chain, &position, &context, &made,
                                   &steps, &err));
}

/* All that is there. */
static const char *read_all(struct error *err)
{
    const struct message *message;
    struct message_reader *messages = units_reader(units);
    text[0] = '\0';
    while ((message = messages->ops->read(messages, 0, err)) != NULL)
        take(message);
    return text;
}

static void assert_reads(const char *expected)
{
    struct error err;
    const char *found = read_all(&err);
    if (err.kind != ERROR_NONE)
        print_error("%s\n", err.message);
    assert_int_equal(err.kind, ERROR_NONE);
    assert_string_equal(found, expected);
}

static void assert_stops(enum stop expected)
{
    struct error err;
    read_all(&err);
    assert_int_equal(err.kind, ERROR_STOP);
    if (err.stop != expected)
        print_error("%s: %s\n", stop_name(err.stop), err.message);
    assert_int_equal(err.stop, expected);
}

static void a_transaction_comes_out_in_its_order_over_all_partitions(void **state)
{
    (void)state;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    change(1, CHANGE_INSERT, NULL, "2,y,z");
    change(0, CHANGE_INSERT, NULL, "3,x,-");
    change(0, CHANGE_UPDATE, NULL, "1,xx,?");
    change(0, CHANGE_DELETE, "K3,-,-", NULL);
    end();
    begin(200);
    change(1, CHANGE_INSERT, NULL, "4,y,z");
    end();
    flush();
    open_reader(false);
    assert_reads("copying streaming Ia(1,x,-) Ib(2,y,z) Ia(3,x,-) Ua(1,xx,?) Da(K3,-,->) END "
                 "Ib(4,y,z) END ");
    close_reader();
}

static void a_key_change_comes_out_as_one_update(void **state)
{
    (void)state;
    begin_stream();
    begin(100);
    change(0, CHANGE_UPDATE, "K1,-,-", "2,x,?");
    change(0, CHANGE_UPDATE, "K2,-,-", "3,y,z");
    end();
    flush();
    open_reader(false);
    assert_reads("copying streaming Ua(K1,-,->2,x,?) Ua(K2,-,->3,y,z) END ");
    close_reader();
}

static void nothing_of_an_unfinished_kafka_transaction_is_seen(void **state)
{
    (void)state;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    open_reader(false);
    assert_reads("copying ");
    flush();
    assert_reads("streaming Ia(1,x,-) END ");
    close_reader();
}

static void a_reader_goes_on_from_its_places(void **state)
{
    (void)state;
    begin_stream();
    for (pg_lsn lsn = 100; lsn < 110; lsn++) {
        begin(lsn);
        change(lsn % 2, CHANGE_INSERT, NULL, "1,x,-");
        end();
    }
    flush();
    open_reader(false);
    struct error err;
    read_all(&err);
    close_reader();
    begin(200);
    change(0, CHANGE_INSERT, NULL, "9,x,-");
    change(1, CHANGE_INSERT, NULL, "9,x,-");
    end();
    flush();
    open_reader(false);
    assert_reads("Ia(9,x,-) Ib(9,x,-) END ");
    close_reader();
}

static void the_end_of_the_copy_leaves_the_unit_behind_it_to_be_read_again(void **state)
{
    (void)state;
    struct error err;
    const struct message *message;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    text[0] = '\0';
    do {
        message = units_reader(units)->ops->read(units_reader(units), 0, &err);
        assert_non_null(message);
        take(message);
    } while (recorded.state != RECORDED_STREAMING);
    close_reader();
    open_reader(false);
    assert_reads("Ia(1,x,-) END ");
    close_reader();
}

static void a_large_unit_comes_part_by_part(void **state)
{
    (void)state;
    struct error err;
    begin_stream();
    begin(100);
    for (int i = 0; i < 100; i++) {
        char row[32];
        snprintf(row, sizeof(row), "%d,x,y", i);
        change((size_t)i % 2, CHANGE_INSERT, NULL, row);
    }
    end();
    flush();
    open_reader(false);
    const char *all = read_all(&err);
    size_t rows = 0;
    for (const char *at = all; (at = strstr(at, "I")) != NULL; at++)
        rows++;
    assert_int_equal(rows, 100);
    assert_non_null(strstr(all, "Ia(98,x,y) Ib(99,x,y) END "));
    close_reader();
}

static void only_wanted_tables_come_out(void **state)
{
    (void)state;
    wanted = "b";
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    begin(200);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    change(1, CHANGE_INSERT, NULL, "2,y,z");
    end();
    flush();
    open_reader(false);
    assert_reads("copying streaming Ib(2,y,z) END ");
    close_reader();
}

static void a_truncate_comes_out_once_for_each_table(void **state)
{
    (void)state;
    struct error err;
    uint32_t steps;
    struct change truncate = {.kind = CHANGE_TRUNCATE, .is_restart_identity = true};
    struct change_context context = {.xid = 7};
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    position.ordinal++;
    for (size_t i = 0; i < 2; i++) {
        assert_true(format->ops->write(format, &relations[i], &chain, &position, &context,
                                       &truncate, &steps, &err));
        assert_int_equal(steps, 2);
        position.step += steps;
    }
    change(0, CHANGE_INSERT, NULL, "2,x,-");
    end();
    flush();
    open_reader(false);
    assert_reads("copying streaming Ia(1,x,-) Ta() Tb() Ia(2,x,-) END ");
    close_reader();
}

static void trimmed_rows_under_a_reader_are_a_gap(void **state)
{
    (void)state;
    struct error err;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    read_all(&err);
    close_reader();
    for (pg_lsn lsn = 200; lsn < 203; lsn++) {
        begin(lsn);
        change(0, CHANGE_INSERT, NULL, "1,x,-");
        end();
    }
    flush();
    for (uint32_t i = 0; i < 2; i++) {
        size_t count = memory_topics_count(broker, "test.public.a", i);
        if (count > 1)
            memory_topics_trim(broker, "test.public.a", i, (int64_t)count - 1);
    }
    open_reader(false);
    assert_stops(STOP_CHAIN_GAP);
    close_reader();
}

static void lost_rows_that_were_read_are_a_gap(void **state)
{
    (void)state;
    struct error err;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    read_all(&err);
    close_reader();
    begin(200);
    change(0, CHANGE_UPDATE, NULL, "1,y,-");
    end();
    flush();
    for (uint32_t i = 0; i < 2; i++)
        memory_topics_lose(broker, "test.public.a", i,
                           memory_topics_count(broker, "test.public.a", i));
    open_reader(false);
    assert_stops(STOP_CHAIN_GAP);
    close_reader();
}

static void a_late_reader_of_trimmed_rows_is_told(void **state)
{
    (void)state;
    begin_stream();
    for (pg_lsn lsn = 100; lsn < 103; lsn++) {
        begin(lsn);
        change(0, CHANGE_INSERT, NULL, "1,x,-");
        end();
    }
    flush();
    for (uint32_t i = 0; i < 2; i++)
        if (memory_topics_count(broker, "test.public.a", i) > 1)
            memory_topics_trim(broker, "test.public.a", i, 1);
    open_reader(false);
    assert_stops(STOP_HISTORY_TRUNCATED);
    close_reader();
}

static void a_strangers_record_is_poison(void **state)
{
    (void)state;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    for (uint32_t i = 0; i < 2; i++)
        memory_topics_add(broker, "test.public.a", i, (struct bytes){0},
                          (struct bytes){(const uint8_t *)"x", 1}, (struct bytes){0});
    begin(200);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    assert_stops(STOP_POISON);
    close_reader();
}

static void a_new_epoch_empties_and_goes_on(void **state)
{
    (void)state;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(false);
    assert_reads("copying streaming Ia(1,x,-) END ");
    close_reader();
    begin(200);
    change(0, CHANGE_INSERT, NULL, "2,x,-");
    end();
    flush();
    position = (struct position){.epoch = 1};
    write_state(RECORDED_CREATING, 2, "1000 - \"public\".\"a\"\n");
    write_state(RECORDED_COPYING, 2, "1000 - \"public\".\"a\"\n");
    position = (struct position){.epoch = 2};
    change(0, CHANGE_INSERT, NULL, "7,x,-");
    end();
    write_state(RECORDED_STREAMING, 2, "1000 - \"public\".\"a\"\n");
    begin(300);
    change(0, CHANGE_INSERT, NULL, "8,x,-");
    end();
    flush();
    open_reader(false);
    assert_reads("Ia(2,x,-) END copying Ia(7,x,-) END streaming Ia(8,x,-) END ");
    close_reader();
}

/* A table without rows is committed with the first row of its unit; the second row and the END never are. */
static void a_copy_that_broke_off_behind_an_empty_table_gives_way(void **state)
{
    (void)state;
    const char *tables = "1000 - \"public\".\"a\"\n1001 - \"public\".\"b\"\n";
    close_writer();
    transaction_bytes = 1;
    open_writer();
    position = (struct position){0};
    write_state(RECORDED_CREATING, 1, tables);
    write_state(RECORDED_COPYING, 1, tables);
    announce(1);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    change(0, CHANGE_INSERT, NULL, "2,x,-");
    close_writer();
    open_writer();
    position = (struct position){.epoch = 1};
    write_state(RECORDED_CREATING, 2, tables);
    write_state(RECORDED_COPYING, 2, tables);
    announce(1);
    end();
    position = (struct position){.epoch = 2};
    write_state(RECORDED_STREAMING, 2, tables);
    flush();
    open_reader(false);
    assert_reads("copying copying rb() END ");
    close_reader();
}

static void a_reader_until_the_end_ends_there(void **state)
{
    (void)state;
    struct error err;
    begin_stream();
    begin(100);
    change(0, CHANGE_INSERT, NULL, "1,x,-");
    end();
    flush();
    open_reader(true);
    assert_string_equal(read_all(&err), "copying streaming Ia(1,x,-) END ");
    assert_int_equal(err.kind, ERROR_ENDED);
    close_reader();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
    const struct CMUnitTest tests[] = {
        TEST(a_transaction_comes_out_in_its_order_over_all_partitions),
        TEST(a_key_change_comes_out_as_one_update),
        TEST(nothing_of_an_unfinished_kafka_transaction_is_seen),
        TEST(a_reader_goes_on_from_its_places),
        TEST(the_end_of_the_copy_leaves_the_unit_behind_it_to_be_read_again),
        TEST(a_large_unit_comes_part_by_part),
        TEST(only_wanted_tables_come_out),
        TEST(a_truncate_comes_out_once_for_each_table),
        TEST(trimmed_rows_under_a_reader_are_a_gap),
        TEST(lost_rows_that_were_read_are_a_gap),
        TEST(a_late_reader_of_trimmed_rows_is_told),
        TEST(a_strangers_record_is_poison),
        TEST(a_new_epoch_empties_and_goes_on),
        TEST(a_copy_that_broke_off_behind_an_empty_table_gives_way),
        TEST(a_reader_until_the_end_ends_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
