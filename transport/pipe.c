/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe: messages are laid into chunks by the writer and read in place by the reader, so that a lock
 * is taken per chunk and not per message. */
#include "transport/pipe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { CHUNK_BYTES = 64 * 1024, MAX_SPARE_CHUNKS = 8, ALIGNMENT = 8 };

/* A message as it lies in a chunk; its body follows, padded to ALIGNMENT. */
struct laid_message {
    struct position position;
    struct position previous;
    uint64_t body_size;
    uint32_t shape_id;
    uint32_t kind;
};

struct chunk {
    struct chunk *next;
    size_t capacity;
    size_t used;
    _Alignas(ALIGNMENT) uint8_t data[];
};

struct pipe {
    struct message_writer writer;
    struct message_reader reader;
    size_t max_bytes;
    atomic_size_t queued_bytes; /* in chunks that were flushed and not yet read to their end */
    atomic_bool writer_waits;   /* the writer has found no room */
    int writer_fd;

    struct chunk *writing; /* the writer's own */
    struct chunk *reading; /* the reader's own */
    size_t read_at;
    struct message message; /* the reader's current one */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t readable;
    struct chunk *first;
    struct chunk *last;
    struct chunk *spare;
    int spare_count;
    bool is_writer_closed;
    bool is_reader_closed;
    bool is_woken;
    bool is_awaited; /* the reader waits for a chunk */
    bool is_announced;
    struct error reason;
    struct durable durable;
    struct recorded recorded;
};

static struct pipe *of_writer(struct message_writer *writer)
{
    return (struct pipe *)((char *)writer - offsetof(struct pipe, writer));
}

static struct pipe *of_reader(struct message_reader *reader)
{
    return (struct pipe *)((char *)reader - offsetof(struct pipe, reader));
}

static struct chunk *chunk_new(struct pipe *pipe, size_t needed)
{
    struct chunk *chunk = NULL;
    if (needed <= CHUNK_BYTES) {
        pthread_mutex_lock(&pipe->mutex);
        chunk = pipe->spare;
        if (chunk) {
            pipe->spare = chunk->next;
            pipe->spare_count--;
        }
        pthread_mutex_unlock(&pipe->mutex);
    }
    if (!chunk) {
        size_t capacity = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
        chunk = memory_resize(NULL, 1, sizeof(*chunk) + capacity);
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->used = 0;
    return chunk;
}

static void wake_writer(struct pipe *pipe)
{
    eventfd_write(pipe->writer_fd, 1);
}

/* Gives a read chunk back. */
static void chunk_done(struct pipe *pipe, struct chunk *chunk)
{
    atomic_fetch_sub(&pipe->queued_bytes, chunk->used);
    pthread_mutex_lock(&pipe->mutex);
    bool is_kept = chunk->capacity == CHUNK_BYTES && pipe->spare_count < MAX_SPARE_CHUNKS;
    if (is_kept) {
        chunk->next = pipe->spare;
        pipe->spare = chunk;
        pipe->spare_count++;
    }
    pthread_mutex_unlock(&pipe->mutex);
    if (!is_kept)
        free(chunk);
    if (atomic_load(&pipe->queued_bytes) < pipe->max_bytes &&
        atomic_exchange(&pipe->writer_waits, false))
        wake_writer(pipe);
}

static bool pipe_flush(struct message_writer *writer, struct error *err)
{
    struct pipe *pipe = of_writer(writer);
    struct chunk *chunk = pipe->writing;
    if (!chunk || chunk->used == 0)
        return true;
    pipe->writing = NULL;
    atomic_fetch_add(&pipe->queued_bytes, chunk->used);
    pthread_mutex_lock(&pipe->mutex);
    bool is_reader_closed = pipe->is_reader_closed;
    if (pipe->last)
        pipe->last->next = chunk;
    else
        pipe->first = chunk;
    pipe->last = chunk;
    bool is_awaited = pipe->is_awaited;
    pipe->is_awaited = false;
    pthread_mutex_unlock(&pipe->mutex);
    if (is_awaited)
        pthread_cond_signal(&pipe->readable);
    if (is_reader_closed)
        *err = pipe->reason;
    return !is_reader_closed;
}

static uint8_t *pipe_reserve(struct message_writer *writer, const struct message *message,
                             size_t size, struct error *err)
{
    struct pipe *pipe = of_writer(writer);
    size_t padded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    size_t needed = sizeof(struct laid_message) + padded;
    if (pipe->writing && pipe->writing->used + needed > pipe->writing->capacity &&
        !pipe_flush(writer, err))
        return NULL;
    if (!pipe->writing)
        pipe->writing = chunk_new(pipe, needed);
    struct chunk *chunk = pipe->writing;
    struct laid_message laid = {.position = message->position,
                                .previous = message->previous,
                                .body_size = size,
                                .shape_id = message->shape_id,
                                .kind = (uint32_t)message->kind};
    memcpy(chunk->data + chunk->used, &laid, sizeof(laid));
    uint8_t *body = chunk->data + chunk->used + sizeof(laid);
    chunk->used += needed;
    return body;
}

static bool pipe_write(struct message_writer *writer, const struct message *message,
                       struct error *err)
{
    uint8_t *body = pipe_reserve(writer, message, message->body.size, err);
    if (!body)
        return false;
    if (message->body.size > 0)
        memcpy(body, message->body.data, message->body.size);
    return true;
}

static bool pipe_has_room(struct message_writer *writer)
{
    struct pipe *pipe = of_writer(writer);
    if (atomic_load(&pipe->queued_bytes) < pipe->max_bytes)
        return true;
    atomic_store(&pipe->writer_waits, true);
    /* The reader may have read on before it could see that we wait. */
    return atomic_load(&pipe->queued_bytes) < pipe->max_bytes;
}

static int pipe_fd(struct message_writer *writer)
{
    return of_writer(writer)->writer_fd;
}

static void pipe_acknowledge(struct message_writer *writer)
{
    eventfd_t ignored;
    (void)eventfd_read(of_writer(writer)->writer_fd, &ignored);
}

static bool pipe_durable(struct message_writer *writer, struct durable *durable, struct error *err)
{
    struct pipe *pipe = of_writer(writer);
    pthread_mutex_lock(&pipe->mutex);
    *durable = pipe->durable;
    bool is_open = !pipe->is_reader_closed;
    if (!is_open)
        *err = pipe->reason;
    pthread_mutex_unlock(&pipe->mutex);
    return is_open;
}

static bool pipe_recorded(struct message_writer *writer, struct recorded *recorded, bool *is_known,
                          struct error *err)
{
    struct pipe *pipe = of_writer(writer);
    pthread_mutex_lock(&pipe->mutex);
    bool is_open = !pipe->is_reader_closed;
    *is_known = pipe->is_announced;
    if (pipe->is_announced)
        recorded_assign(recorded, &pipe->recorded);
    if (!is_open)
        *err = pipe->reason;
    pthread_mutex_unlock(&pipe->mutex);
    return is_open;
}

static const struct message_writer_ops writer_ops = {.write = pipe_write,
                                                     .reserve = pipe_reserve,
                                                     .flush = pipe_flush,
                                                     .has_room = pipe_has_room,
                                                     .fd = pipe_fd,
                                                     .acknowledge = pipe_acknowledge,
                                                     .recorded = pipe_recorded,
                                                     .durable = pipe_durable};

static struct timespec deadline_after(int timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Takes the first flushed chunk, waiting for it; false when there is none (see read()). */
static bool next_chunk(struct pipe *pipe, int timeout_ms, struct error *err)
{
    struct timespec deadline = deadline_after(timeout_ms < 0 ? 0 : timeout_ms);
    int waited = 0;
    pthread_mutex_lock(&pipe->mutex);
    while (!pipe->first && !pipe->is_writer_closed && !pipe->is_woken && waited != ETIMEDOUT &&
           timeout_ms != 0) { /* even a wait that is over at once costs a turn of the scheduler */
        pipe->is_awaited = true;
        if (timeout_ms < 0)
            waited = pthread_cond_wait(&pipe->readable, &pipe->mutex);
        else
            waited = pthread_cond_timedwait(&pipe->readable, &pipe->mutex, &deadline);
    }
    pipe->is_woken = false;
    struct chunk *chunk = pipe->first;
    if (chunk) {
        pipe->first = chunk->next;
        if (!pipe->first)
            pipe->last = NULL;
    }
    bool is_ended = !chunk && pipe->is_writer_closed;
    pthread_mutex_unlock(&pipe->mutex);
    pipe->reading = chunk;
    pipe->read_at = 0;
    if (is_ended)
        return error_set(err, ERROR_ENDED, "the capture has ended");
    return chunk != NULL;
}

static const struct message *pipe_read(struct message_reader *reader, int timeout_ms,
                                       struct error *err)
{
    struct pipe *pipe = of_reader(reader);
    error_clear(err);
    if (pipe->reading && pipe->read_at == pipe->reading->used) {
        chunk_done(pipe, pipe->reading);
        pipe->reading = NULL;
    }
    if (!pipe->reading && !next_chunk(pipe, timeout_ms, err))
        return NULL;
    struct laid_message laid;
    memcpy(&laid, pipe->reading->data + pipe->read_at, sizeof(laid));
    pipe->message = (struct message){
        .kind = (enum message_kind)laid.kind,
        .shape_id = laid.shape_id,
        .position = laid.position,
        .previous = laid.previous,
        .body = {pipe->reading->data + pipe->read_at + sizeof(laid), laid.body_size}};
    pipe->read_at += sizeof(laid) + ((laid.body_size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1));
    return &pipe->message;
}

static void pipe_wake(struct message_reader *reader)
{
    struct pipe *pipe = of_reader(reader);
    pthread_mutex_lock(&pipe->mutex);
    pipe->is_woken = true;
    pthread_cond_signal(&pipe->readable);
    pthread_mutex_unlock(&pipe->mutex);
}

static void pipe_report_durable(struct message_reader *reader, const struct durable *durable)
{
    struct pipe *pipe = of_reader(reader);
    pthread_mutex_lock(&pipe->mutex);
    pipe->durable = *durable;
    pthread_mutex_unlock(&pipe->mutex);
    wake_writer(pipe);
}

static const struct message_reader_ops reader_ops = {
    .read = pipe_read, .wake = pipe_wake, .report_durable = pipe_report_durable};

struct pipe *pipe_new(size_t max_bytes, struct error *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        error_set(err, ERROR_RETRY, "eventfd: %s", strerror(errno));
        return NULL;
    }
    struct pipe *pipe = memory_new(sizeof(*pipe));
    pipe->writer.ops = &writer_ops;
    pipe->reader.ops = &reader_ops;
    pipe->max_bytes = max_bytes;
    pipe->writer_fd = fd;
    pthread_mutex_init(&pipe->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pipe->readable, &attributes);
    pthread_condattr_destroy(&attributes);
    return pipe;
}

static void free_chunks(struct chunk *chunk)
{
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void pipe_free(struct pipe *pipe)
{
    if (!pipe)
        return;
    free_chunks(pipe->first);
    free_chunks(pipe->spare);
    free(pipe->writing);
    free(pipe->reading);
    recorded_release(&pipe->recorded);
    pthread_cond_destroy(&pipe->readable);
    pthread_mutex_destroy(&pipe->mutex);
    close(pipe->writer_fd);
    free(pipe);
}

struct message_writer *pipe_writer(struct pipe *pipe)
{
    return &pipe->writer;
}

struct message_reader *pipe_reader(struct pipe *pipe)
{
    return &pipe->reader;
}

void pipe_close_writer(struct pipe *pipe)
{
    struct error ignored;
    (void)pipe_flush(&pipe->writer, &ignored);
    pthread_mutex_lock(&pipe->mutex);
    pipe->is_writer_closed = true;
    pthread_cond_signal(&pipe->readable);
    pthread_mutex_unlock(&pipe->mutex);
}

void pipe_close_reader(struct pipe *pipe, const struct error *reason)
{
    pthread_mutex_lock(&pipe->mutex);
    pipe->reason = *reason;
    pipe->is_reader_closed = true;
    pthread_mutex_unlock(&pipe->mutex);
    wake_writer(pipe);
}

void pipe_announce_recorded(struct pipe *pipe, const struct recorded *recorded)
{
    pthread_mutex_lock(&pipe->mutex);
    recorded_assign(&pipe->recorded, recorded);
    pipe->is_announced = true;
    pthread_mutex_unlock(&pipe->mutex);
    wake_writer(pipe);
}
