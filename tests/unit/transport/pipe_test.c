/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the pipe, in one thread and in two. */
#include "transport/pipe.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

enum { MAX_BYTES = 256 * 1024, CHUNK = 64 * 1024 };

static struct pipe *made;
static struct message_writer *writer;
static struct message_reader *reader;

static int open_pipe(void **state)
{
    (void)state;
    struct error err;
    made = pipe_new(MAX_BYTES, &err);
    assert_non_null(made);
    writer = pipe_writer(made);
    reader = pipe_reader(made);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    pipe_free(made);
    return 0;
}

/* The body of message `number`: its bytes follow from its number and size. */
static uint8_t byte_at(uint64_t number, size_t at)
{
    return (uint8_t)(number * 31 + at);
}

static bool write_number(uint64_t number, size_t size)
{
    struct error err;
    struct message message = {.kind = MESSAGE_CHANGE,
                              .shape_id = (uint32_t)number,
                              .position = {1, number, 2, 3},
                              .previous = {1, number - 1, 2, 3}};
    uint8_t *body = writer->ops->reserve(writer, &message, size, &err);
    for (size_t i = 0; body && i < size; i++)
        body[i] = byte_at(number, i);
    return body != NULL;
}

/* Returns what is wrong with the message, or NULL. */
static const char *wrong_with(const struct message *message, uint64_t number, size_t size)
{
    struct position position = {1, number, 2, 3};
    struct position previous = {1, number - 1, 2, 3};
    if (message->kind != MESSAGE_CHANGE || message->shape_id != (uint32_t)number)
        return "its kind or shape";
    if (position_compare(&message->position, &position) != 0 ||
        position_compare(&message->previous, &previous) != 0)
        return "its position";
    if (message->body.size != size)
        return "its size";
    for (size_t i = 0; i < size; i++)
        if (message->body.data[i] != byte_at(number, i))
            return "its body";
    return NULL;
}

static void assert_reads(uint64_t number, size_t size)
{
    struct error err;
    const struct message *message = reader->ops->read(reader, 0, &err);
    assert_non_null(message);
    const char *wrong = wrong_with(message, number, size);
    if (wrong)
        fail_msg("message %lu: %s", (unsigned long)number, wrong);
}

static void assert_reads_nothing(enum error_kind kind)
{
    struct error err;
    assert_null(reader->ops->read(reader, 0, &err));
    assert_int_equal(err.kind, kind);
}

static void flush(void)
{
    struct error err;
    assert_true(writer->ops->flush(writer, &err));
}

static bool is_readable(void)
{
    struct pollfd wait = {.fd = writer->ops->fd(writer), .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

/* ---- one thread ---- */

static void messages_are_seen_once_they_are_flushed(void **state)
{
    (void)state;
    assert_reads_nothing(ERROR_NONE);
    assert_true(write_number(1, 5));
    assert_reads_nothing(ERROR_NONE);
    flush();
    assert_reads(1, 5);
    assert_reads_nothing(ERROR_NONE);
}

static void a_message_may_have_no_body(void **state)
{
    (void)state;
    struct error err;
    struct message message = {.kind = MESSAGE_END};
    assert_true(writer->ops->write(writer, &message, &err));
    assert_true(write_number(2, 0));
    flush();
    const struct message *read = reader->ops->read(reader, 0, &err);
    assert_non_null(read);
    assert_int_equal(read->kind, MESSAGE_END);
    assert_int_equal(read->body.size, 0);
    assert_reads(2, 0);
}

static void messages_of_all_sizes_keep_their_order_over_the_borders_of_chunks(void **state)
{
    (void)state;
    enum { MESSAGES = 3000 };
    uint64_t read = 1;
    for (uint64_t number = 1; number <= MESSAGES; number++) {
        assert_true(write_number(number, (number * 7919) % 1500));
        if (number % 500 != 0)
            continue;
        flush();
        for (; read <= number; read++)
            assert_reads(read, (read * 7919) % 1500);
    }
    assert_reads_nothing(ERROR_NONE);
}

static void a_message_as_large_as_a_chunk_or_larger_comes_through(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        CHUNK - 64, CHUNK - 56, CHUNK - 1, CHUNK, CHUNK + 1, 10 * CHUNK, 3,
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_true(write_number(i + 1, sizes[i]));
    flush();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_reads(i + 1, sizes[i]);
}

static void a_body_stays_valid_until_the_next_read(void **state)
{
    (void)state;
    struct error err;
    assert_true(write_number(1, 100));
    flush();
    const struct message *message = reader->ops->read(reader, 0, &err);
    for (uint64_t number = 2; number < 1000; number++)
        assert_true(write_number(number, 100));
    flush();
    assert_null(wrong_with(message, 1, 100));
}

static void a_body_is_aligned(void **state)
{
    (void)state;
    struct error err;
    for (uint64_t number = 1; number < 20; number++)
        assert_true(write_number(number, number));
    flush();
    for (uint64_t number = 1; number < 20; number++) {
        const struct message *message = reader->ops->read(reader, 0, &err);
        assert_non_null(message);
        assert_int_equal((uintptr_t)message->body.data % 8, 0);
    }
}

static void there_is_room_up_to_the_maximum_and_again_once_it_is_read(void **state)
{
    (void)state;
    uint64_t written = 0;
    while (writer->ops->has_room(writer)) {
        assert_true(write_number(++written, 10000));
        flush();
        assert_true(written < 1000);
    }
    assert_true(written * 10000 >= MAX_BYTES - 10000);
    assert_false(is_readable());
    for (uint64_t number = 1; number <= written; number++)
        assert_reads(number, 10000);
    assert_reads_nothing(ERROR_NONE);
    assert_true(is_readable());
    assert_true(writer->ops->has_room(writer));
    writer->ops->acknowledge(writer);
    assert_false(is_readable());
}

static void the_writer_is_not_woken_as_long_as_it_does_not_wait(void **state)
{
    (void)state;
    assert_true(write_number(1, 10));
    flush();
    assert_reads(1, 10);
    assert_reads_nothing(ERROR_NONE);
    assert_false(is_readable());
}

static void one_message_may_pass_the_maximum(void **state)
{
    (void)state;
    assert_true(write_number(1, 4 * MAX_BYTES));
    flush();
    assert_false(writer->ops->has_room(writer));
    assert_reads(1, 4 * MAX_BYTES);
    assert_reads_nothing(ERROR_NONE);
    assert_true(writer->ops->has_room(writer));
}

static void what_became_durable_is_told_and_wakes_the_writer(void **state)
{
    (void)state;
    struct error err;
    struct durable found;
    struct durable durable = {.state = RECORDED_STREAMING, .end_lsn = 0x200, .state_count = 3};
    assert_true(writer->ops->durable(writer, &found, &err));
    assert_true(found.end_lsn == 0);
    reader->ops->report_durable(reader, &durable);
    assert_true(is_readable());
    writer->ops->acknowledge(writer);
    assert_true(writer->ops->durable(writer, &found, &err));
    assert_true(found.end_lsn == 0x200);
    assert_int_equal(found.state_count, 3);
}

static void r_is_known_once_it_was_announced(void **state)
{
    (void)state;
    static char tables[] = "1 x \"public\".\"t\"\n";
    struct error err;
    struct recorded found = {0};
    struct recorded recorded = {.state = RECORDED_STREAMING, .timeline = 7, .tables = tables};
    bool is_known = true;
    assert_true(writer->ops->recorded(writer, &found, &is_known, &err));
    assert_false(is_known);
    pipe_announce_recorded(made, &recorded);
    assert_true(is_readable());
    assert_true(writer->ops->recorded(writer, &found, &is_known, &err));
    assert_true(is_known);
    assert_int_equal(found.timeline, 7);
    assert_string_equal(found.tables, tables);
    recorded_release(&found);
}

static void after_the_writer_has_closed_the_rest_is_read_and_then_the_end(void **state)
{
    (void)state;
    assert_true(write_number(1, 10));
    flush();
    assert_true(write_number(2, 10));
    pipe_close_writer(made);
    assert_reads(1, 10);
    assert_reads(2, 10);
    assert_reads_nothing(ERROR_ENDED);
    assert_reads_nothing(ERROR_ENDED);
}

static void after_the_reader_has_closed_the_writer_gets_its_reason(void **state)
{
    (void)state;
    struct error err;
    struct error reason;
    struct durable durable;
    struct recorded recorded = {0};
    bool is_known;
    error_stop(&reason, STOP_ROW_REFUSED, "a row");
    pipe_close_reader(made, &reason);
    assert_true(is_readable());
    assert_false(writer->ops->durable(writer, &durable, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_false(writer->ops->recorded(writer, &recorded, &is_known, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_true(write_number(1, 10));
    assert_false(writer->ops->flush(writer, &err));
    assert_int_equal(err.stop, STOP_ROW_REFUSED);
    assert_string_equal(err.message, "a row");
}

static void what_was_never_read_is_freed_with_the_pipe(void **state)
{
    (void)state;
    struct error err;
    for (uint64_t number = 1; number < 100; number++)
        assert_true(write_number(number, 5000));
    flush();
    assert_non_null(reader->ops->read(reader, 0, &err));
    assert_true(write_number(100, 5000));
}

static void a_reader_that_was_woken_returns_without_a_message_once(void **state)
{
    (void)state;
    struct error err;
    reader->ops->wake(reader);
    assert_null(reader->ops->read(reader, -1, &err));
    assert_int_equal(err.kind, ERROR_NONE);
    assert_true(write_number(1, 10));
    flush();
    reader->ops->wake(reader);
    assert_reads(1, 10);
}

/* How often this thread has gone to sleep. */
static long sleeps(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

static void a_read_that_may_not_wait_never_sleeps(void **state)
{
    (void)state;
    enum { READS = 100 };
    long before = sleeps();
    for (int i = 0; i < READS; i++)
        assert_reads_nothing(ERROR_NONE);
    assert_true(sleeps() - before < READS / 2);
}

/* ---- two threads ---- */

enum { MANY = 200000 };

static size_t size_of(uint64_t number)
{
    return number % 10007 == 0 ? 3 * CHUNK : number % 97;
}

static bool wait_for_room(void)
{
    struct pollfd wait = {.fd = writer->ops->fd(writer), .events = POLLIN};
    struct error err;
    if (writer->ops->has_room(writer))
        return true;
    if (!writer->ops->flush(writer, &err))
        return false;
    while (!writer->ops->has_room(writer)) {
        if (poll(&wait, 1, 10000) != 1)
            return false;
        writer->ops->acknowledge(writer);
    }
    return true;
}

static void *write_many(void *context)
{
    (void)context;
    for (uint64_t number = 1; number <= MANY; number++)
        if (!wait_for_room() || !write_number(number, size_of(number)))
            return NULL;
    pipe_close_writer(made);
    return made;
}

static void two_threads_lose_no_message_and_no_wake_up(void **state)
{
    (void)state;
    struct error err;
    pthread_t writing;
    void *result = NULL;
    uint64_t number = 0;
    const struct message *message;
    const char *wrong = NULL;
    assert_int_equal(pthread_create(&writing, NULL, write_many, NULL), 0);
    while ((message = reader->ops->read(reader, 10000, &err)) != NULL) {
        number++;
        const char *why = wrong_with(message, number, size_of(number));
        wrong = wrong ? wrong : why;
        if (number % 1000 == 0) {
            struct durable durable = {.end_lsn = number};
            reader->ops->report_durable(reader, &durable);
        }
    }
    assert_int_equal(err.kind, ERROR_ENDED);
    pthread_join(writing, &result);
    assert_ptr_equal(result, made);
    assert_int_equal(number, MANY);
    assert_null(wrong);
}

static void *read_one(void *context)
{
    struct error *err = context;
    return (void *)(uintptr_t)reader->ops->read(reader, -1, err);
}

static void a_reader_that_waits_is_woken_by_each_side(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct error err;
        pthread_t reading;
        void *message = NULL;
        assert_int_equal(pthread_create(&reading, NULL, read_one, &err), 0);
        if (way == 0)
            reader->ops->wake(reader);
        else if (way == 1)
            assert_true(write_number(1, 10));
        else
            pipe_close_writer(made);
        if (way == 1)
            flush();
        pthread_join(reading, &message);
        assert_int_equal(message != NULL, way == 1);
        assert_int_equal(err.kind, way == 2 ? ERROR_ENDED : ERROR_NONE);
    }
}

#define ON_A_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_PIPE(messages_are_seen_once_they_are_flushed),
        ON_A_PIPE(a_message_may_have_no_body),
        ON_A_PIPE(messages_of_all_sizes_keep_their_order_over_the_borders_of_chunks),
        ON_A_PIPE(a_message_as_large_as_a_chunk_or_larger_comes_through),
        ON_A_PIPE(a_body_stays_valid_until_the_next_read),
        ON_A_PIPE(a_body_is_aligned),
        ON_A_PIPE(there_is_room_up_to_the_maximum_and_again_once_it_is_read),
        ON_A_PIPE(the_writer_is_not_woken_as_long_as_it_does_not_wait),
        ON_A_PIPE(one_message_may_pass_the_maximum),
        ON_A_PIPE(what_became_durable_is_told_and_wakes_the_writer),
        ON_A_PIPE(r_is_known_once_it_was_announced),
        ON_A_PIPE(after_the_writer_has_closed_the_rest_is_read_and_then_the_end),
        ON_A_PIPE(after_the_reader_has_closed_the_writer_gets_its_reason),
        ON_A_PIPE(what_was_never_read_is_freed_with_the_pipe),
        ON_A_PIPE(a_reader_that_was_woken_returns_without_a_message_once),
        ON_A_PIPE(a_read_that_may_not_wait_never_sleeps),
        ON_A_PIPE(two_threads_lose_no_message_and_no_wake_up),
        ON_A_PIPE(a_reader_that_waits_is_woken_by_each_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
