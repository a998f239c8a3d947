/* SPDX-License-Identifier: Apache-2.0 */
/* The chain's records to Kafka, by two producers in turn. */
#include "transport/kafka_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/memory.h"
#include "transport/header.h"
#include "transport/kafka_writer_internal.h"

enum {
    ROWS_PER_POLL = 64,
    TRANSACTIONAL_ID_SIZE = 64,
    LINGER_MS = 1, /* a commit takes 3 to 5: worth a look whether the source has more */
};

static struct kafka_writer *of(struct message_writer *base)
{
    return (struct kafka_writer *)base;
}

static struct kafka_writer *of_rows(struct topic_writer *base)
{
    return (struct kafka_writer *)((char *)base - offsetof(struct kafka_writer, rows));
}

static struct kafka_producer *active(struct kafka_writer *writer)
{
    return writer->producers[writer->active];
}

/* ---- failure ---- */

bool kafka_writer_fail(struct kafka_writer *writer, const struct error *err)
{
    if (err->kind == ERROR_NONE || writer->has_failed)
        return false;
    writer->has_failed = true;
    writer->failure = *err;
    return false;
}

static bool check(const struct kafka_writer *writer, struct error *err)
{
    error_clear(err);
    if (writer->has_failed)
        *err = writer->failure;
    return !writer->has_failed;
}

static void on_delivered(void *owner, void *topic_owner, uint32_t partition, int64_t offset,
                         size_t size, rd_kafka_resp_err_t code)
{
    struct kafka_writer *writer = owner;
    uint32_t topic = (uint32_t)(uintptr_t)topic_owner;
    writer->on_the_way -= size;
    if (!code) {
        topic_chain_acked(writer->chain, topic, partition, offset);
        return;
    }
    struct error err;
    const char *name = topic_chain_topic_name(writer->chain, topic);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        error_stop(&err, STOP_ROW_TOO_LONG, "a message of %zu bytes is too large for the brokers",
                   size);
    else
        (void)kafka_fail(&err, code, NULL);
    (void)error_add(&err, "topic %s", name);
    (void)kafka_writer_fail(writer, &err);
}

void kafka_writer_poll(struct kafka_writer *writer)
{
    writer->unpolled = 0;
    for (int i = 0; i < KAFKA_WRITER_PRODUCERS; i++)
        kafka_client_poll(kafka_producer_client(writer->producers[i]), 0);
}

/* ---- transactions ---- */

static bool send_record(void *sender, const struct topic_chain_record *record, struct error *err)
{
    struct kafka_writer *writer = sender;
    struct kafka_message message = {.topic = writer->topics[record->topic].at[writer->active],
                                    .partition = record->partition,
                                    .key = record->key,
                                    .value = record->value,
                                    .header = record->header};
    size_t size = kafka_message_size(&message);
    if (!kafka_producer_begin(active(writer), err) ||
        !kafka_producer_send(active(writer), &message, err))
        return false;
    writer->on_the_way += size;
    writer->transaction_bytes += size;
    return true;
}

/* Goes on with the commit for at most a slice; false with ERROR_NONE: not yet. The other producer begins only after it. */
static bool go_on_committing(struct kafka_writer *writer, struct error *err)
{
    error_clear(err);
    if (!writer->is_closing)
        return true;
    if (!kafka_producer_commit(active(writer), err))
        return kafka_writer_fail(writer, err);
    if (writer->has_failed) {
        *err = writer->failure;
        return false;
    }
    topic_chain_committed(writer->chain);
    writer->is_closing = false;
    writer->transaction_bytes = 0;
    writer->active = (writer->active + 1) % KAFKA_WRITER_PRODUCERS;
    return failpoint("kafka_committed", err) || kafka_writer_fail(writer, err);
}

static bool close_transaction(struct kafka_writer *writer, struct error *err)
{
    if (!failpoint("before_kafka_commit", err) ||
        !topic_chain_close(writer->chain, send_record, writer, err))
        return kafka_writer_fail(writer, err);
    writer->is_closing = true;
    return true;
}

static bool is_due(const struct kafka_writer *writer)
{
    const struct kafka_producer *producer = writer->producers[writer->active];
    if (writer->is_closing || !kafka_producer_is_open(producer))
        return false;
    return writer->transaction_bytes >= writer->options.transaction_bytes ||
           clock_now_ms(writer->options.kafka.clock) - kafka_producer_opened_ms(producer) >=
               writer->options.transaction_ms;
}

/* ---- messages ---- */

static bool writer_write(struct message_writer *base, const struct message *message,
                         struct error *err)
{
    struct kafka_writer *writer = of(base);
    if (!check(writer, err))
        return false;
    if (!topic_chain_write(writer->chain, message, err))
        return kafka_writer_fail(writer, err);
    return !is_due(writer) || close_transaction(writer, err);
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

static bool writer_flush(struct message_writer *base, struct error *err)
{
    struct kafka_writer *writer = of(base);
    if (!check(writer, err))
        return false;
    bool is_to_close = !writer->is_closing && !topic_chain_is_unit_open(writer->chain) &&
                       topic_chain_has_pending(writer->chain);
    if (is_to_close && !close_transaction(writer, err))
        return false;
    kafka_writer_poll(writer);
    return check(writer, err) && (go_on_committing(writer, err) || err->kind == ERROR_NONE);
}

/* A failure looks like room: the next call tells it. */
static bool writer_has_room(struct message_writer *base)
{
    struct kafka_writer *writer = of(base);
    struct error err;
    if (writer->has_failed)
        return true;
    if (writer->is_closing && !go_on_committing(writer, &err))
        return writer->has_failed;
    if (writer->on_the_way >= writer->options.max_bytes)
        kafka_writer_poll(writer);
    return writer->has_failed || writer->on_the_way < writer->options.max_bytes;
}

static int writer_fd(struct message_writer *base)
{
    return of(base)->fd;
}

static void writer_acknowledge(struct message_writer *base)
{
    eventfd_t ignored;
    (void)eventfd_read(of(base)->fd, &ignored);
    kafka_writer_poll(of(base));
}

static bool writer_recorded(struct message_writer *base, struct recorded *recorded, bool *is_known,
                            struct error *err)
{
    struct kafka_writer *writer = of(base);
    *is_known = false;
    if (!check(writer, err))
        return false;
    if (writer->step != WRITER_IS_READY && !kafka_writer_start(writer, err))
        return err->kind == ERROR_NONE || kafka_writer_fail(writer, err);
    *is_known = true;
    recorded_assign(recorded, topic_chain_recorded(writer->chain));
    return true;
}

static bool writer_durable(struct message_writer *base, struct durable *durable, struct error *err)
{
    struct kafka_writer *writer = of(base);
    kafka_writer_poll(writer);
    if (!check(writer, err) || (!go_on_committing(writer, err) && err->kind != ERROR_NONE))
        return false;
    error_clear(err);
    /* Asked between changes: a transaction must not stay open while the source decodes what isn't ours. */
    if (is_due(writer) && !close_transaction(writer, err))
        return false;
    *durable = *topic_chain_durable(writer->chain);
    return true;
}

/* ---- rows ---- */

static bool rows_open_topic(struct topic_writer *base, const char *name, uint32_t *topic,
                            struct error *err)
{
    struct kafka_writer *writer = of_rows(base);
    return check(writer, err) &&
           (kafka_writer_open_topic(writer, name, topic, err) || kafka_writer_fail(writer, err));
}

static uint32_t rows_partitions(struct topic_writer *base, uint32_t topic)
{
    return topic_chain_partition_count(of_rows(base)->chain, topic);
}

static bool rows_write_shape(struct topic_writer *base, const struct topic_shape *shape,
                             struct error *err)
{
    struct kafka_writer *writer = of_rows(base);
    return check(writer, err) && topic_chain_write_shape(writer->chain, shape, err);
}

static bool rows_announce(struct topic_writer *base, const struct position *position,
                          const struct topic_shape *shape, struct error *err)
{
    struct kafka_writer *writer = of_rows(base);
    return check(writer, err) && topic_chain_announce(writer->chain, position, shape, err);
}

/* The broker measures what is compressed; whether that is small enough would depend on the neighbours in a batch. */
static bool check_size(const struct kafka_writer *writer, const struct topic_row *row,
                       struct error *err)
{
    uint64_t limit = writer->topics[row->topic].max_message_bytes;
    size_t size = row->key.size + row->value.size + row->sections.size + HEADER_FIXED_SIZE +
                  KAFKA_MESSAGE_OVERHEAD;
    if (size <= limit)
        return true;
    const char *name = topic_chain_topic_name(writer->chain, row->topic);
    error_stop(err, STOP_ROW_TOO_LONG,
               "a row of %zu bytes is too large for topic %s, which takes %" PRIu64, size, name,
               limit);
    return error_remedy(err,
                        "kafka-configs --alter --entity-type topics --entity-name %s --add-config "
                        "max.message.bytes=%zu, and start again",
                        name, size);
}

static bool rows_write_row(struct topic_writer *base, const struct topic_row *row,
                           struct error *err)
{
    struct kafka_writer *writer = of_rows(base);
    if (!check(writer, err) || !check_size(writer, row, err))
        return false;
    bool is_boundary = topic_chain_is_boundary(writer->chain, &row->position);
    if (is_boundary && is_due(writer) && !close_transaction(writer, err))
        return false;
    if (writer->is_closing && !go_on_committing(writer, err))
        return false;
    if (!topic_chain_write_row(writer->chain, row, send_record, writer, err) ||
        !topic_chain_send_control(writer->chain, send_record, writer, err))
        return kafka_writer_fail(writer, err);
    if (++writer->unpolled >= ROWS_PER_POLL)
        kafka_writer_poll(writer);
    return true;
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

static const struct topic_writer_ops row_ops = {.open_topic = rows_open_topic,
                                                .partitions = rows_partitions,
                                                .write_shape = rows_write_shape,
                                                .announce = rows_announce,
                                                .write_row = rows_write_row};

static bool open_producers(struct kafka_writer *writer, struct error *err)
{
    static const uint64_t woken = 1;
    for (int i = 0; i < KAFKA_WRITER_PRODUCERS; i++) {
        char id[TRANSACTIONAL_ID_SIZE];
        struct kafka_producer_options options = {.kafka = &writer->options.kafka,
                                                 .transactional_id = id,
                                                 .on_delivered = on_delivered,
                                                 .owner = writer};
        snprintf(id, sizeof(id), "%s-%d", writer->options.kafka.name, i);
        writer->producers[i] = kafka_producer_new(&options, err);
        if (!writer->producers[i])
            return false;
        rd_kafka_queue_t *queue =
            rd_kafka_queue_get_main(kafka_producer_client(writer->producers[i])->rk);
        rd_kafka_queue_io_event_enable(queue, writer->fd, &woken, sizeof(woken));
        rd_kafka_queue_destroy(queue);
    }
    return true;
}

struct kafka_writer *kafka_writer_new(const struct kafka_writer_options *options, struct error *err)
{
    struct kafka_writer *writer = memory_new(sizeof(*writer));
    struct topic_chain_options chain = {.name = options->kafka.name,
                                        .prefix = options->kafka.prefix,
                                        .part_bytes = options->part_bytes,
                                        .part_messages = options->part_messages};
    char batch[24];
    writer->messages = (struct message_writer){.ops = &message_ops, .linger_ms = LINGER_MS};
    writer->rows.ops = &row_ops;
    writer->options = *options;
    writer->chain = topic_chain_new(&chain);
    kafka_client_property(&options->kafka, "batch.size", batch, sizeof(batch));
    writer->batch_bytes = strtoull(batch, NULL, 10);
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer->fd < 0)
        error_set(err, ERROR_RETRY, "no descriptor: %s", strerror(errno));
    else if (open_producers(writer, err))
        return writer;
    kafka_writer_free(writer);
    return NULL;
}

void kafka_writer_free(struct kafka_writer *writer)
{
    if (!writer)
        return;
    kafka_writer_end_start(writer);
    kafka_scan_free(writer->emptiness);
    for (int i = 0; i < KAFKA_WRITER_PRODUCERS; i++)
        kafka_producer_free(writer->producers[i]);
    topic_chain_free(writer->chain);
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->topics);
    free(writer);
}

struct message_writer *kafka_writer_messages(struct kafka_writer *writer)
{
    return &writer->messages;
}

struct topic_writer *kafka_writer_topics(struct kafka_writer *writer)
{
    return &writer->rows;
}
