/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the capture's loop: when it reads on, when it waits, and what the far end sees meanwhile. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "capture/internal.h"
#include "tests/support/hand_clock.h"
#include "tests/support/scene.h"
#include "tests/support/simulated_source.h"
#include "transport/pipe.h"

enum { TRANSACTIONS = 10, PIPE_BYTES = 1 << 20 };

/* What the stream has in turn: f, a frame of the source; k, a keepalive that wants a reply; r, nothing yet, but much
 * to be read; w, nothing. Behind the last one the server ends the session. */
struct script {
    struct replication stream;
    const char *at;
    bool is_endless; /* its last turn comes again and again */
    size_t frame;    /* the next of the source's */
    unsigned waits;
    unsigned replies;
    bool is_other_ready; /* what wait() answers */
    void (*on_wait)(void);
};

static struct simulated_source source;
static struct script script;
static struct hand_clock hands;
static struct stop_flag stop;
static struct pipe *made;

static void turn_page(void)
{
    if (!script.is_endless || script.at[1] != '\0')
        script.at++;
}

static bool next(struct replication *stream, struct frame *frame, struct error *err)
{
    (void)stream;
    *frame = (struct frame){.kind = FRAME_NONE};
    if (*script.at == '\0')
        return error_set(err, ERROR_RETRY, "the script is over");
    if (*script.at != 'f' && *script.at != 'k')
        return true;
    frame->kind = *script.at == 'f' ? FRAME_DATA : FRAME_KEEPALIVE;
    frame->wants_reply = *script.at == 'k';
    if (frame->kind == FRAME_DATA)
        frame->body = source.frames[script.frame++].bytes;
    turn_page();
    return true;
}

static bool read_on(struct replication *stream, bool *is_read, struct error *err)
{
    (void)stream;
    (void)err;
    *is_read = *script.at == 'r';
    if (*is_read)
        turn_page();
    return true;
}

static bool wait(struct replication *stream, int other_fd, int timeout_ms, bool *is_other_ready,
                 struct error *err)
{
    (void)stream;
    (void)other_fd;
    (void)timeout_ms;
    (void)err;
    script.waits++;
    if (script.on_wait)
        script.on_wait();
    *is_other_ready = script.is_other_ready;
    turn_page();
    return true;
}

static bool confirm(struct replication *stream, pg_lsn lsn, bool wants_reply, struct error *err)
{
    (void)stream;
    (void)lsn;
    (void)wants_reply;
    (void)err;
    script.replies++;
    return true;
}

static const struct replication_ops ops = {
    .next = next, .read_on = read_on, .wait = wait, .confirm = confirm};

static int open_all(void **state)
{
    (void)state;
    struct error err;
    log_configure(LOG_ERROR, LOG_TEXT);
    simulated_source_open(&source, 1, TRANSACTIONS, 6);
    script = (struct script){.stream = {.ops = &ops}};
    hand_clock_init(&hands, 1000);
    assert_true(stop_flag_open(&stop));
    made = pipe_new(PIPE_BYTES, &err);
    assert_non_null(made);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    pipe_free(made);
    stop_flag_close(&stop);
    simulated_source_close(&source);
    return 0;
}

static void add_relations(struct relations *relations)
{
    struct arena *arenas[] = {arena_new(1024), arena_new(1024)};
    relations_add(relations, scene_shape(arenas[0], SIMULATED_T, "t", 2, 1), arenas[0]);
    relations_add(relations, scene_shape(arenas[1], SIMULATED_N, "n", 2, 0), arenas[1]);
}

/* Runs the capture through the script; returns how it ended. */
static enum error_kind capture(const char *turns)
{
    struct error err;
    struct capture_options options = {.slot = "s", .clock = &hands.clock, .stop = &stop};
    struct recorded recorded = {.state = RECORDED_STREAMING};
    struct capture capture = {.options = &options,
                              .writer = pipe_writer(made),
                              .format = format_wire_new(pipe_writer(made)),
                              .stream = &script.stream,
                              .relations = relations_new(NULL, NULL),
                              .recorded = recorded,
                              .keep_alive_ms = 20000,
                              .publication_read_ms = INT64_MAX};
    script.at = turns;
    progress_init(&capture.progress, &recorded, capture.keep_alive_ms, hands.now_ms);
    add_relations(capture.relations);
    error_clear(&err);
    assert_false(capture_stream(&capture, &err));
    relations_free(capture.relations);
    capture.format->ops->free(capture.format);
    return err.kind;
}

static bool is_readable(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    return poll(&readable, 1, 0) == 1;
}

static unsigned ends_seen;

/* What the far end can read now: nothing within a transaction, all of it at its end. */
static void look_from_the_far_end(void)
{
    struct error err;
    const struct message *message;
    enum message_kind last = MESSAGE_END;
    while ((message = pipe_reader(made)->ops->read(pipe_reader(made), 0, &err)) != NULL) {
        assert_true(source.frames[script.frame - 1].is_last);
        last = message->kind;
        ends_seen += message->kind == MESSAGE_END;
    }
    assert_true(last == MESSAGE_END || last == MESSAGE_WATERMARK);
}

static void the_far_end_sees_no_transaction_before_its_end(void **state)
{
    (void)state;
    char *turns = calloc(1, 2 * source.frame_count + 1);
    unsigned expected = 0;
    assert_non_null(turns);
    for (size_t i = 0; i < source.frame_count; i++) {
        turns[2 * i] = 'f';
        turns[2 * i + 1] = 'w';
    }
    for (size_t i = 0; i < source.transaction_count; i++)
        expected += source.transactions[i].has_changes;
    ends_seen = 0;
    script.on_wait = look_from_the_far_end;
    assert_int_equal(capture(turns), ERROR_RETRY);
    assert_true(expected > 1);
    assert_int_equal(ends_seen, expected);
    free(turns);
}

static void nothing_is_waited_for_while_the_server_is_far_ahead(void **state)
{
    (void)state;
    assert_int_equal(capture("rfrrfrkfrf"), ERROR_RETRY);
    assert_int_equal(script.waits, 0);
    assert_int_equal(script.frame, 4);
    assert_int_equal(script.replies, 1);
}

static void a_server_that_is_always_ahead_keeps_nobody_from_ending(void **state)
{
    (void)state;
    stop_flag_set(&stop);
    script.is_endless = true;
    assert_int_equal(capture("r"), ERROR_ENDED);
}

static void news_of_the_far_end_are_acknowledged_when_they_came(void **state)
{
    (void)state;
    struct durable durable = {.state = RECORDED_STREAMING};
    int fd = pipe_writer(made)->ops->fd(pipe_writer(made));
    pipe_reader(made)->ops->report_durable(pipe_reader(made), &durable);
    assert_int_equal(capture("ww"), ERROR_RETRY);
    assert_true(is_readable(fd));
    script.is_other_ready = true;
    assert_int_equal(capture("w"), ERROR_RETRY);
    assert_false(is_readable(fd));
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(the_far_end_sees_no_transaction_before_its_end),
        STREAM_TEST(nothing_is_waited_for_while_the_server_is_far_ahead),
        STREAM_TEST(a_server_that_is_always_ahead_keeps_nobody_from_ending),
        STREAM_TEST(news_of_the_far_end_are_acknowledged_when_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
