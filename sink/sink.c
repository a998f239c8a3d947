/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads: one gathers a batch while the other applies one. */
#include "sink/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

enum { TICK_MS = 1000, DURABLE_TICK_MS = 100, MAX_SHAPES = 10000000 };

struct sink {
    const struct sink_options *options;
    struct message_reader *reader;
    struct applier_options applying; /* what the applier borrows */
    struct applier *applier;
    struct batch *filling; /* the reading thread's */
    struct shape **shapes; /* by id - 1; the reading thread's */
    size_t shape_count;
    struct position last_position;
    bool has_position;
    uint64_t state_count;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct batch *handed; /* waits for the applier, or is with it */
    bool is_busy;         /* `handed` is not done yet */
    bool is_reading_over;
    bool is_failed;
    struct error failure;
};

bool sink_take_over(struct target *target, struct recorded *recorded, struct error *err)
{
    struct apply_warnings none;
    struct commit_mark mark;
    if (!target->ops->open(target, err) || !target->ops->read_checkpoint(target, recorded, err))
        return false;
    return recorded->state == RECORDED_NONE ||
           (target->ops->begin(target, recorded, true, err) &&
            target->ops->commit(target, recorded, &none, &mark, err));
}

struct sink *sink_new(const struct sink_options *options, struct message_reader *reader,
                      struct target *target, const struct recorded *recorded)
{
    struct sink *sink = memory_new(sizeof(*sink));
    sink->applying = (struct applier_options){.name = options->name,
                                              .parks_rows = options->parks_rows,
                                              .clock = options->clock,
                                              .stop = options->stop,
                                              .stats = options->stats,
                                              .memory = options->memory,
                                              .follows_epochs = options->follows_epochs};
    sink->options = options;
    sink->reader = reader;
    sink->applier = applier_new(&sink->applying, target, recorded);
    sink->filling = batch_new();
    sink->handed = batch_new();
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sink->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&sink->mutex, NULL);
    return sink;
}

void sink_free(struct sink *sink)
{
    if (!sink)
        return;
    batch_free(sink->filling);
    batch_free(sink->handed);
    for (size_t i = 0; i < sink->shape_count; i++)
        shape_release(sink->shapes[i]);
    free(sink->shapes);
    applier_free(sink->applier);
    pthread_cond_destroy(&sink->changed);
    pthread_mutex_destroy(&sink->mutex);
    free(sink);
}

/* ---- gathering ---- */

static bool add_shape(struct sink *sink, const struct message *message, struct error *err)
{
    uint32_t id = message->shape_id;
    if (id == 0 || id > MAX_SHAPES)
        return error_set(err, ERROR_FATAL, "a shape with the id %u", id);
    if (id > sink->shape_count) {
        sink->shapes = memory_resize(sink->shapes, id, sizeof(*sink->shapes));
        memset(sink->shapes + sink->shape_count, 0,
               (id - sink->shape_count) * sizeof(*sink->shapes));
        sink->shape_count = id;
    }
    struct shape *shape = shape_new(id, message->body, err);
    if (!shape)
        return false;
    shape_release(sink->shapes[id - 1]);
    sink->shapes[id - 1] = shape;
    return true;
}

/* Every message names the one before it: a gap is seen, not hoped against. */
static bool check_chain(struct sink *sink, const struct message *message, struct error *err)
{
    bool is_next =
        !sink->has_position || position_compare(&message->previous, &sink->last_position) == 0;
    sink->has_position = true;
    sink->last_position = message->position;
    if (is_next)
        return true;
    char got[POSITION_TEXT_SIZE];
    return error_set(err, ERROR_FATAL, "the chain of messages is broken before %s",
                     position_text(&message->position, got));
}

static bool add(struct sink *sink, const struct message *message, struct error *err)
{
    struct batch *batch = sink->filling;
    if (!check_chain(sink, message, err))
        return false;
    switch (message->kind) {
    case MESSAGE_SHAPE:
        return add_shape(sink, message, err);
    case MESSAGE_CHANGE:
        if (message->shape_id == 0 || message->shape_id > sink->shape_count ||
            !sink->shapes[message->shape_id - 1])
            return error_set(err, ERROR_FATAL, "a change of the unknown shape %u",
                             message->shape_id);
        return batch_add_change(batch, sink->shapes[message->shape_id - 1], message, err);
    case MESSAGE_END:
        return batch_add_end(batch, message, err);
    case MESSAGE_WATERMARK:
        return batch_add_watermark(batch, message, err);
    case MESSAGE_STATE:
        batch->state_count = ++sink->state_count;
        return batch_add_state(batch, message, err);
    }
    return error_set(err, ERROR_FATAL, "a message of unknown kind %d", (int)message->kind);
}

static bool is_full(const struct sink *sink)
{
    const struct batch *batch = sink->filling;
    return batch->bytes >= sink->options->batch_max_bytes ||
           batch->change_count >= sink->options->batch_max_rows || batch->has_state;
}

/* Something that can be applied by itself: a whole unit, or less of one only when it fills the batch. */
static bool is_ready(const struct sink *sink)
{
    return is_full(sink) || (!batch_is_empty(sink->filling) && !sink->filling->is_unit_open);
}

/* ---- handing over ---- */

static bool is_applier_busy(struct sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    bool is_busy = sink->is_busy && !sink->is_failed;
    pthread_mutex_unlock(&sink->mutex);
    return is_busy;
}

/* Gives the filled batch to the applier, waiting until it has done the one before. False if it has failed. */
static bool hand_over(struct sink *sink, struct error *err)
{
    pthread_mutex_lock(&sink->mutex);
    while (sink->is_busy && !sink->is_failed)
        pthread_cond_wait(&sink->changed, &sink->mutex);
    bool is_failed = sink->is_failed;
    if (is_failed) {
        *err = sink->failure;
    } else {
        struct batch *done = sink->handed;
        sink->handed = sink->filling;
        sink->filling = done;
        sink->is_busy = true;
        pthread_cond_broadcast(&sink->changed);
    }
    pthread_mutex_unlock(&sink->mutex);
    if (is_failed)
        return false;
    bool is_unit_open = sink->handed->is_unit_open;
    batch_clear(sink->filling);
    if (is_unit_open)
        batch_continue(sink->filling);
    return true;
}

static bool has_failed(struct sink *sink, struct error *err)
{
    pthread_mutex_lock(&sink->mutex);
    bool is_failed = sink->is_failed;
    if (is_failed)
        *err = sink->failure;
    pthread_mutex_unlock(&sink->mutex);
    return is_failed;
}

/* Reads until there is nothing more at hand. What is ready goes over as soon as the applier is free and nothing
 * more waits: small batches while there is little to do, large ones under load. */
static bool read_all(struct sink *sink, struct error *err)
{
    for (;;) {
        bool is_held_back = is_ready(sink) && is_applier_busy(sink);
        int timeout_ms = is_ready(sink) && !is_held_back ? 0 : -1;
        const struct message *message = sink->reader->ops->read(sink->reader, timeout_ms, err);
        if (message) {
            if (!add(sink, message, err) || (is_full(sink) && !hand_over(sink, err)))
                return false;
            continue;
        }
        if (err->kind == ERROR_ENDED)
            return batch_is_empty(sink->filling) || sink->filling->is_unit_open ||
                   hand_over(sink, err);
        if (err->kind != ERROR_NONE || has_failed(sink, err))
            return false;
        if (is_ready(sink) && !is_applier_busy(sink) && !hand_over(sink, err))
            return false;
    }
}

/* ---- applying ---- */

static void report(struct sink *sink)
{
    struct durable durable;
    if (applier_durable(sink->applier, &durable))
        sink->reader->ops->report_durable(sink->reader, &durable);
}

/* Waits for a batch; false when a tick is due or reading is over (`is_over`). */
static bool wait_for_batch(struct sink *sink, bool *is_over)
{
    int timeout_ms = applier_awaits_durability(sink->applier) ? DURABLE_TICK_MS : TICK_MS;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int waited = 0;
    pthread_mutex_lock(&sink->mutex);
    while (!sink->is_busy && !sink->is_reading_over && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&sink->changed, &sink->mutex, &until);
    bool has_batch = sink->is_busy;
    *is_over = sink->is_reading_over && !sink->is_busy;
    pthread_mutex_unlock(&sink->mutex);
    return has_batch;
}

static void done(struct sink *sink, const struct error *failure)
{
    pthread_mutex_lock(&sink->mutex);
    sink->is_busy = false;
    if (failure) {
        sink->is_failed = true;
        sink->failure = *failure;
    }
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->mutex);
    sink->reader->ops->wake(sink->reader);
}

static void *apply_all(void *context)
{
    struct sink *sink = context;
    struct error err;
    error_clear(&err);
    for (bool is_over = false; !is_over;) {
        bool has_batch = wait_for_batch(sink, &is_over);
        if (is_over)
            break;
        bool is_good = has_batch ? applier_apply(sink->applier, sink->handed, &err)
                                 : applier_tick(sink->applier, &err);
        report(sink);
        if (!is_good) {
            done(sink, &err);
            return NULL;
        }
        if (has_batch)
            done(sink, NULL);
    }
    return NULL;
}

bool sink_run(struct sink *sink, struct error *err)
{
    pthread_t applying;
    if (pthread_create(&applying, NULL, apply_all, sink) != 0)
        return error_set(err, ERROR_RETRY, "can't start a thread");
    bool is_read = read_all(sink, err);
    pthread_mutex_lock(&sink->mutex);
    sink->is_reading_over = true;
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->mutex);
    pthread_join(applying, NULL);
    if (is_read && has_failed(sink, err))
        is_read = false;
    return is_read || err->kind == ERROR_ENDED;
}

bool sink_step(struct sink *sink, struct error *err)
{
    const struct message *message;
    while ((message = sink->reader->ops->read(sink->reader, 0, err)) != NULL) {
        if (!add(sink, message, err))
            return false;
        if (is_full(sink))
            break;
    }
    if (!message && err->kind != ERROR_NONE)
        return false;
    error_clear(err);
    if (is_ready(sink)) {
        bool is_unit_open = sink->filling->is_unit_open;
        if (!applier_apply(sink->applier, sink->filling, err))
            return false;
        batch_clear(sink->filling);
        if (is_unit_open)
            batch_continue(sink->filling);
    } else if (!applier_tick(sink->applier, err)) {
        return false;
    }
    report(sink);
    return true;
}
