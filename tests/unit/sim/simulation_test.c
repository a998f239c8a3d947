/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's stream, the pipe and the sink in one thread, from a seed, between a source and a target that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "capture/internal.h"
#include "sink/sink.h"
#include "tests/support/hand_clock.h"
#include "tests/support/scene.h"
#include "tests/support/simulated_source.h"
#include "transport/pipe.h"

enum { SEEDS = 150, TRANSACTIONS = 30, MOST_SESSIONS = 400, PIPE_BYTES = 1 << 30 };

struct simulation {
    uint64_t seed;
    uint64_t random;
    struct simulated_source source;
    struct memory_target *memory;
    struct hand_clock hands;
    struct stop_flag stop;
    struct sink_stats stats;
    struct sink_memory remembered;
    struct sink_options sinking;
    struct capture_options capturing;
    struct pipe *pipe;
    struct sink *sink;
    bool is_last_session; /* without failures */
};

/* How often each thing happened in all seeds, so that an idle simulation does not pass. */
static struct {
    uint64_t sessions, crashes, slot_backs, failures, fallbacks, confirms;
} seen;

static uint32_t roll(struct simulation *simulation, uint32_t below)
{
    return simulated_random(&simulation->random, below);
}

/* ---- invariants ---- */

/* Checkpoint and rows together, units whole and once: the rows are those behind the checkpoint's transaction. */
static void check_rows(struct simulation *simulation)
{
    static const char *const names[] = {"t", "n"};
    static char rows[SIMULATED_ROWS_SIZE];
    pg_lsn at = memory_target_checkpoint(simulation->memory)->position.commit_lsn;
    const struct simulated_transaction *transaction = simulated_source_at(&simulation->source, at);
    if (transaction && transaction->commit_lsn != at)
        fail_msg("seed %lu: the checkpoint is at no transaction", (unsigned long)simulation->seed);
    for (int i = 0; i < 2; i++) {
        const char *expected = transaction ? transaction->rows[i] : "";
        memory_target_rows(simulation->memory, names[i], rows, sizeof(rows));
        if (strcmp(rows, expected) != 0)
            fail_msg("seed %lu, table %s: \"%s\", expected \"%s\"", (unsigned long)simulation->seed,
                     names[i], rows, expected);
    }
}

/* Confirmed ≤ durable. */
static void check_confirm(void *context, pg_lsn lsn)
{
    struct simulation *simulation = context;
    pg_lsn durable = recorded_confirmable(memory_target_durable(simulation->memory));
    seen.confirms++;
    if (lsn > durable)
        fail_msg("seed %lu: %lx was confirmed, %lx is durable", (unsigned long)simulation->seed,
                 (unsigned long)lsn, (unsigned long)durable);
}

static void check_no_surprise(const struct simulation *simulation)
{
    if (atomic_load(&simulation->stats.row_exists) > 0 ||
        atomic_load(&simulation->stats.row_absent) > 0)
        fail_msg("seed %lu: a change was applied twice", (unsigned long)simulation->seed);
}

/* ---- failures ---- */

/* Something that will go wrong at the target in this session. */
static void plan_failure(struct simulation *simulation)
{
    static const enum memory_op ops[] = {MEMORY_PREPARE,   MEMORY_BEGIN,     MEMORY_SAVEPOINT,
                                         MEMORY_APPLY_SET, MEMORY_APPLY_ROW, MEMORY_FINISH,
                                         MEMORY_COMMIT,    MEMORY_COMMIT};
    static const enum memory_failure failures[] = {
        MEMORY_LOST,       MEMORY_LOST, MEMORY_CRASHES,    MEMORY_DATA,
        MEMORY_LOST_AFTER, MEMORY_LOST, MEMORY_LOST_AFTER, MEMORY_CRASHES_AFTER};
    enum memory_op op = ops[roll(simulation, sizeof(ops) / sizeof(ops[0]))];
    enum memory_failure failure =
        failures[roll(simulation, sizeof(failures) / sizeof(failures[0]))];
    bool is_of_commit = failure == MEMORY_LOST_AFTER || failure == MEMORY_CRASHES_AFTER;
    bool is_of_rows = op == MEMORY_APPLY_SET || op == MEMORY_APPLY_ROW || op == MEMORY_COMMIT;
    if (is_of_commit)
        op = MEMORY_COMMIT;
    if (failure == MEMORY_DATA && !is_of_rows)
        op = MEMORY_APPLY_SET;
    memory_target_fail(simulation->memory, op, 1 + roll(simulation, 6), failure);
    seen.failures++;
}

/* Between two sessions: the target or the source's server may have crashed. */
static void crash_something(struct simulation *simulation)
{
    if (roll(simulation, 5) == 0) {
        memory_target_crash(simulation->memory);
        seen.crashes++;
    }
    if (roll(simulation, 5) == 0) {
        simulation->source.confirmed =
            0x10000 + (simulation->source.confirmed - 0x10000) / (1 + roll(simulation, 3));
        seen.slot_backs++;
    }
}

/* ---- a session ---- */

static bool is_all_durable(const struct simulation *simulation)
{
    return recorded_confirmable(memory_target_durable(simulation->memory)) >=
           simulation->source.wal_end;
}

/* What happens while the capture waits: the sink works, the disk does, time passes. */
static bool while_waiting(void *context, struct error *err)
{
    struct simulation *simulation = context;
    struct error failure;
    (void)err;
    simulation->hands.now_ms += roll(simulation, 3000);
    if (roll(simulation, 3) > 0)
        memory_target_flush(simulation->memory, roll(simulation, 4));
    if (roll(simulation, 4) > 0 && !sink_step(simulation->sink, &failure))
        pipe_close_reader(simulation->pipe, &failure);
    check_rows(simulation);
    check_no_surprise(simulation);
    if (is_all_durable(simulation) && simulation->source.confirmed >= simulation->source.wal_end)
        stop_flag_set(&simulation->stop);
    return true;
}

static void add_relations(struct relations *relations)
{
    struct arena *arenas[] = {arena_new(1024), arena_new(1024)};
    relations_add(relations, scene_shape(arenas[0], SIMULATED_T, "t", 2, 1), arenas[0]);
    relations_add(relations, scene_shape(arenas[1], SIMULATED_N, "n", 2, 0), arenas[1]);
}

static void run_capture(struct simulation *simulation, const struct recorded *recorded,
                        struct error *err)
{
    struct capture capture = {.options = &simulation->capturing,
                              .writer = pipe_writer(simulation->pipe),
                              .stream = &simulation->source.stream,
                              .relations = relations_new(NULL, NULL),
                              .format = format_wire_new(pipe_writer(simulation->pipe)),
                              .chain = {recorded->position},
                              .keep_alive_ms = 20000,
                              .publication_read_ms = INT64_MAX};
    recorded_assign(&capture.recorded, recorded);
    progress_init(&capture.progress, recorded, capture.keep_alive_ms, simulation->hands.now_ms);
    add_relations(capture.relations);
    error_clear(err);
    assert_false(capture_stream(&capture, err));
    relations_free(capture.relations);
    capture.format->ops->free(capture.format);
    recorded_release(&capture.recorded);
}

/* Whether what ended the session lets a new one begin. */
static bool may_start_again(const struct error *err)
{
    return err->kind == ERROR_RETRY || err->kind == ERROR_ENDED ||
           (err->kind == ERROR_STOP && err->stop == STOP_ROW_REFUSED);
}

/* Writes the checkpoint, and waits for the disk. */
static void commit_durably(struct simulation *simulation, const struct recorded *held,
                           const struct recorded *next)
{
    struct error err;
    struct apply_warnings warnings;
    struct commit_mark mark;
    struct target *target = memory_target_base(simulation->memory);
    assert_true(target->ops->begin(target, held, true, &err));
    assert_true(target->ops->commit(target, next, &warnings, &mark, &err));
}

static void run_session(struct simulation *simulation)
{
    struct error err;
    struct recorded recorded = {0};
    struct target *target = memory_target_base(simulation->memory);
    memory_target_heal(simulation->memory);
    assert_true(target->ops->open(target, &err));
    assert_true(target->ops->read_checkpoint(target, &recorded, &err));
    check_rows(simulation);
    /* What was read may not be on disk yet: it must be before the capture confirms it. */
    commit_durably(simulation, &recorded, &recorded);
    for (uint32_t i = simulation->is_last_session ? 0 : roll(simulation, 4); i > 0; i--)
        plan_failure(simulation);
    simulation->pipe = pipe_new(PIPE_BYTES, &err);
    assert_non_null(simulation->pipe);
    simulation->sink =
        sink_new(&simulation->sinking, pipe_reader(simulation->pipe), target, &recorded);
    simulated_source_start(&simulation->source,
                           simulation->is_last_session ? 0 : 1 + roll(simulation, 300));
    run_capture(simulation, &recorded, &err);
    if (!may_start_again(&err))
        fail_msg("seed %lu: %s", (unsigned long)simulation->seed, err.message);
    sink_free(simulation->sink);
    pipe_free(simulation->pipe);
    recorded_release(&recorded);
    seen.sessions++;
}

/* ---- all sessions ---- */

static void open_simulation(struct simulation *simulation, uint64_t seed)
{
    *simulation = (struct simulation){.seed = seed, .random = seed * 7919};
    static const size_t batch_rows[] = {3, 70, 100000};
    static const uint32_t most_changes[] = {6, 200, 80};
    uint32_t sort = roll(simulation, 3);
    simulated_source_open(&simulation->source, seed, TRANSACTIONS, most_changes[sort]);
    simulation->source.on_wait = while_waiting;
    simulation->source.on_confirm = check_confirm;
    simulation->source.context = simulation;
    simulation->memory = memory_target_new();
    memory_target_add_table(simulation->memory, "t", "b", 0);
    memory_target_add_table(simulation->memory, "n", "", 0);
    memory_target_commit_late(simulation->memory);
    if (roll(simulation, 2))
        memory_target_queue_rows(simulation->memory);
    hand_clock_init(&simulation->hands, 1000);
    assert_true(stop_flag_open(&simulation->stop));
    simulation->sinking = (struct sink_options){.name = "test",
                                                .batch_max_bytes = 1 << 20,
                                                .batch_max_rows = batch_rows[sort],
                                                .clock = &simulation->hands.clock,
                                                .stop = &simulation->stop,
                                                .stats = &simulation->stats,
                                                .memory = &simulation->remembered};
    simulation->capturing = (struct capture_options){.name = "test",
                                                     .slot = "penstock_test",
                                                     .clock = &simulation->hands.clock,
                                                     .stop = &simulation->stop};
}

static void close_simulation(struct simulation *simulation)
{
    memory_target_free(simulation->memory);
    simulated_source_close(&simulation->source);
    stop_flag_close(&simulation->stop);
}

static void simulate(uint64_t seed)
{
    struct simulation simulation;
    open_simulation(&simulation, seed);
    struct recorded none = {0};
    struct recorded first = {.state = RECORDED_STREAMING,
                             .position = {.epoch = 1},
                             .acked_lsn = simulation.source.confirmed};
    commit_durably(&simulation, &none, &first);
    int sessions = 0;
    while (!stop_flag_is_set(&simulation.stop)) {
        simulation.is_last_session = ++sessions >= MOST_SESSIONS / 10;
        if (sessions > MOST_SESSIONS)
            fail_msg("seed %lu: it never comes to its end", (unsigned long)seed);
        run_session(&simulation);
        if (!stop_flag_is_set(&simulation.stop))
            crash_something(&simulation);
    }
    check_rows(&simulation);
    assert_true(is_all_durable(&simulation));
    seen.fallbacks += atomic_load(&simulation.stats.fallbacks);
    close_simulation(&simulation);
}

static void every_unit_is_applied_whole_and_once_whatever_fails(void **state)
{
    (void)state;
    log_configure(LOG_ERROR, LOG_TEXT);
    const char *only = getenv("PENSTOCK_SEED");
    if (only) {
        simulate(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        simulate(seed);
    print_message("%lu sessions, %lu failures of the target, %lu crashes, %lu slots back, "
                  "%lu fallbacks, %lu confirmations\n",
                  seen.sessions, seen.failures, seen.crashes, seen.slot_backs, seen.fallbacks,
                  seen.confirms);
    assert_true(seen.sessions > 5 * SEEDS && seen.failures > SEEDS && seen.crashes > SEEDS / 2);
    assert_true(seen.slot_backs > SEEDS / 2 && seen.fallbacks > 0 && seen.confirms > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_is_applied_whole_and_once_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
