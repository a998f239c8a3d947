/* SPDX-License-Identifier: Apache-2.0 */
/* The twin's writer: the chain of transport/, with logs in memory behind it. */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/support/memory_topics_internal.h"
#include "transport/header.h"
#include "transport/topic_chain.h"

struct memory_writer {
    struct message_writer messages;
    struct topic_writer topics_base;
    struct memory_topics *topics;
    struct memory_writer_options options;
    struct topic_chain *chain;
    uint32_t id;
    int fd;
    bool is_known;
    bool is_held;
    bool is_closing;
    size_t transaction_bytes;
    size_t commits;
    size_t torn;
};

static struct memory_writer *of(struct message_writer *base)
{
    return (struct memory_writer *)base;
}

static struct memory_writer *of_topics(struct topic_writer *base)
{
    return (struct memory_writer *)((char *)base - offsetof(struct memory_writer, topics_base));
}

static bool check_alive(const struct memory_writer *writer, struct error *err)
{
    return writer->id == writer->topics->writer ||
           error_stop(err, STOP_FENCED, "another writer took over");
}

static bool send_record(void *sender, const struct topic_chain_record *record, struct error *err)
{
    struct memory_writer *writer = sender;
    const char *name = topic_chain_topic_name(writer->chain, record->topic);
    struct memory_partition *partition =
        memory_partition_find(writer->topics, name, record->partition);
    if (!partition)
        return error_set(err, ERROR_RETRY, "topic %s isn't there", name);
    memory_partition_add(partition, writer->id, record->key, record->value, record->header);
    writer->transaction_bytes += record->key.size + record->value.size;
    if (record->topic != TOPIC_CHAIN_OFFSETS)
        topic_chain_acked(writer->chain, record->topic, record->partition,
                          (int64_t)partition->count - 1);
    return true;
}

/* ---- start ---- */

static bool learn(struct memory_writer *writer, struct error *err)
{
    const char *name = topic_chain_topic_name(writer->chain, TOPIC_CHAIN_OFFSETS);
    struct memory_topic *offsets = memory_topic_make(writer->topics, name, 1);
    const struct memory_record *found;
    for (int64_t at = 0; (found = memory_partition_next(offsets->partitions, &at)); at++)
        if (!topic_chain_learn(writer->chain, memory_bytes(true, &found->key),
                               memory_bytes(true, &found->value), err))
            return false;
    name = topic_chain_topic_name(writer->chain, TOPIC_CHAIN_CONTROL);
    (void)memory_topic_make(writer->topics, name, 1);
    return true;
}

static bool take_tail(struct memory_writer *writer, uint32_t topic, uint32_t number,
                      struct error *err)
{
    const struct memory_partition *partition =
        memory_partition_find(writer->topics, topic_chain_topic_name(writer->chain, topic), number);
    int64_t at = topic_chain_tail_from(writer->chain, topic, number);
    struct topic_tail tail = {.first = partition->first, .end = memory_partition_end(partition)};
    const struct memory_record *found;
    for (at = at < 0 ? 0 : at; (found = memory_partition_next(partition, &at)); at++) {
        struct header header;
        if (!header_read(memory_bytes(true, &found->header), &header, err))
            return false;
        tail.has_last = true;
        tail.last = header.position;
        tail.last_offset = at;
    }
    bool is_torn;
    if (!topic_chain_take_tail(writer->chain, topic, number, &tail, &is_torn, err))
        return false;
    writer->torn += is_torn;
    return true;
}

static bool take_tails(struct memory_writer *writer, struct error *err)
{
    for (uint32_t topic = 0; topic < topic_chain_topic_count(writer->chain); topic++) {
        if (topic == TOPIC_CHAIN_OFFSETS)
            continue;
        if (!memory_topic_find(writer->topics, topic_chain_topic_name(writer->chain, topic))) {
            topic_chain_topic_is_gone(writer->chain, topic);
            continue;
        }
        for (uint32_t i = 0; i < topic_chain_partition_count(writer->chain, topic); i++)
            if (!take_tail(writer, topic, i, err))
                return false;
    }
    return true;
}

static bool writer_recorded(struct message_writer *base, struct recorded *recorded, bool *is_known,
                            struct error *err)
{
    struct memory_writer *writer = of(base);
    if (!check_alive(writer, err))
        return false;
    if (!writer->is_known && (!learn(writer, err) || !take_tails(writer, err)))
        return false;
    writer->is_known = true;
    *is_known = true;
    recorded_assign(recorded, topic_chain_recorded(writer->chain));
    return true;
}

/* ---- transactions ---- */

static void commit(struct memory_writer *writer)
{
    if (!writer->is_closing || writer->is_held)
        return;
    memory_topics_end(writer->topics, writer->id, MEMORY_COMMITTED);
    topic_chain_committed(writer->chain);
    writer->is_closing = false;
    writer->transaction_bytes = 0;
    writer->commits++;
    eventfd_write(writer->fd, 1);
}

static bool close_transaction(struct memory_writer *writer, struct error *err)
{
    writer->is_closing = true;
    if (!topic_chain_close(writer->chain, send_record, writer, err))
        return false;
    commit(writer);
    return true;
}

static bool writer_flush(struct message_writer *base, struct error *err)
{
    struct memory_writer *writer = of(base);
    if (!check_alive(writer, err))
        return false;
    commit(writer);
    if (writer->is_closing || topic_chain_is_unit_open(writer->chain) ||
        !topic_chain_has_pending(writer->chain))
        return true;
    return close_transaction(writer, err);
}

static bool writer_write(struct message_writer *base, const struct message *message,
                         struct error *err)
{
    struct memory_writer *writer = of(base);
    return check_alive(writer, err) && topic_chain_write(writer->chain, message, err);
}

static uint8_t *writer_reserve(struct message_writer *base, const struct message *message,
                               size_t size, struct error *err)
{
    (void)base;
    (void)message;
    (void)size;
    error_set(err, ERROR_FATAL, "changes go to topics by write_row()");
    return NULL;
}

static bool writer_has_room(struct message_writer *base)
{
    commit(of(base));
    return !of(base)->is_closing;
}

static int writer_fd(struct message_writer *base)
{
    return of(base)->fd;
}

static void writer_acknowledge(struct message_writer *base)
{
    eventfd_t ignored;
    (void)eventfd_read(of(base)->fd, &ignored);
}

static bool writer_durable(struct message_writer *base, struct durable *durable, struct error *err)
{
    struct memory_writer *writer = of(base);
    if (!check_alive(writer, err))
        return false;
    commit(writer);
    *durable = *topic_chain_durable(writer->chain);
    return true;
}

/* ---- rows ---- */

static bool writer_open_topic(struct topic_writer *base, const char *name, uint32_t *topic,
                              struct error *err)
{
    struct memory_writer *writer = of_topics(base);
    error_clear(err);
    if (topic_chain_find_topic(writer->chain, name, topic)) {
        const struct memory_topic *there = memory_topic_find(writer->topics, name);
        if (there && there->partition_count == topic_chain_partition_count(writer->chain, *topic))
            return true;
        return error_stop(err, STOP_TOPIC_CHANGED, "topic %s was deleted or changed", name);
    }
    const struct memory_topic *made =
        memory_topic_make(writer->topics, name, writer->options.partitions);
    for (uint32_t i = 0; i < made->partition_count; i++)
        if (memory_topics_count(writer->topics, name, i) > 0)
            return error_stop(err, STOP_TOPIC_NOT_EMPTY, "topic %s is not empty", name);
    *topic = topic_chain_add_topic(writer->chain, name, made->partition_count);
    return true;
}

static uint32_t writer_partitions(struct topic_writer *base, uint32_t topic)
{
    return topic_chain_partition_count(of_topics(base)->chain, topic);
}

static bool writer_write_shape(struct topic_writer *base, const struct topic_shape *shape,
                               struct error *err)
{
    struct memory_writer *writer = of_topics(base);
    return check_alive(writer, err) && topic_chain_write_shape(writer->chain, shape, err);
}

static bool writer_announce(struct topic_writer *base, const struct position *position,
                            const struct topic_shape *shape, struct error *err)
{
    struct memory_writer *writer = of_topics(base);
    return check_alive(writer, err) && topic_chain_announce(writer->chain, position, shape, err);
}

static bool writer_write_row(struct topic_writer *base, const struct topic_row *row,
                             struct error *err)
{
    struct memory_writer *writer = of_topics(base);
    size_t limit = writer->options.max_message_bytes;
    error_clear(err);
    if (!check_alive(writer, err))
        return false;
    commit(writer);
    if (limit > 0 && row->key.size + row->value.size > limit)
        return error_stop(err, STOP_ROW_TOO_LONG, "a row is longer than its topic takes");
    bool is_boundary = topic_chain_is_boundary(writer->chain, &row->position);
    if (is_boundary && !writer->is_closing &&
        writer->transaction_bytes >= writer->options.transaction_bytes &&
        !close_transaction(writer, err))
        return false;
    return !writer->is_closing &&
           topic_chain_write_row(writer->chain, row, send_record, writer, err) &&
           topic_chain_send_control(writer->chain, send_record, writer, err);
}

/* ---- life ---- */

static const struct message_writer_ops message_ops = {.write = writer_write,
                                                      .reserve = writer_reserve,
                                                      .flush = writer_flush,
                                                      .has_room = writer_has_room,
                                                      .fd = writer_fd,
                                                      .acknowledge = writer_acknowledge,
                                                      .recorded = writer_recorded,
                                                      .durable = writer_durable};

static const struct topic_writer_ops topic_ops = {.open_topic = writer_open_topic,
                                                  .partitions = writer_partitions,
                                                  .write_shape = writer_write_shape,
                                                  .announce = writer_announce,
                                                  .write_row = writer_write_row};

struct memory_writer *memory_writer_new(struct memory_topics *topics,
                                        const struct memory_writer_options *options)
{
    struct memory_writer *writer = memory_new(sizeof(*writer));
    struct topic_chain_options chain = {.name = options->name,
                                        .prefix = options->prefix,
                                        .part_bytes = options->part_bytes,
                                        .part_messages = options->part_messages};
    memory_topics_end(topics, topics->writer, MEMORY_ABORTED);
    writer->messages.ops = &message_ops;
    writer->topics_base.ops = &topic_ops;
    writer->topics = topics;
    writer->options = *options;
    writer->chain = topic_chain_new(&chain);
    writer->id = ++topics->writer;
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return writer;
}

void memory_writer_free(struct memory_writer *writer)
{
    if (!writer)
        return;
    topic_chain_free(writer->chain);
    close(writer->fd);
    free(writer);
}

struct message_writer *memory_writer_messages(struct memory_writer *writer)
{
    return &writer->messages;
}

struct topic_writer *memory_writer_topics(struct memory_writer *writer)
{
    return &writer->topics_base;
}

void memory_writer_hold(struct memory_writer *writer, bool is_held)
{
    writer->is_held = is_held;
}

size_t memory_writer_commits(const struct memory_writer *writer)
{
    return writer->commits;
}

size_t memory_writer_torn(const struct memory_writer *writer)
{
    return writer->torn;
}
