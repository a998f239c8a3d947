/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's transactional producer: its calls in slices, its errors as ours. */
#include "transport/kafka_producer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/header.h"

enum { ABORT_PATIENCE_MS = 2000, FULL_WAIT_MS = 100 };

struct kafka_producer_topic {
    rd_kafka_topic_t *topic;
    void *owner;
};

struct kafka_producer {
    struct kafka_client *client;
    const struct clock *clock;
    kafka_delivered on_delivered;
    void *owner;
    int64_t timeout_ms; /* transaction.timeout.ms */
    bool is_open;
    bool is_failed;
    int64_t opened_ms;
    int64_t commit_ms; /* when the commit began; 0: it hasn't */
    struct kafka_producer_topic **topics;
    size_t topic_count;
};

/* The header isn't counted: it is small, or the exact text of a value that is counted. */
static size_t message_size(size_t key_size, size_t value_size)
{
    return key_size + value_size + KAFKA_MESSAGE_OVERHEAD;
}

size_t kafka_message_size(const struct kafka_message *message)
{
    return message_size(message->key.size, message->value.size);
}

/* ---- life ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *owner)
{
    struct kafka_producer *producer = owner;
    const struct kafka_producer_topic *topic = message->_private;
    (void)rk;
    if (producer->on_delivered)
        producer->on_delivered(producer->owner, topic->owner, (uint32_t)message->partition,
                               message->offset, message_size(message->key_len, message->len),
                               message->err);
}

struct kafka_producer *kafka_producer_new(const struct kafka_producer_options *options,
                                          struct error *err)
{
    /* Memory is bounded by who sends; a topic bounds the size of its messages. */
    const struct kafka_property own[] = {{"transactional.id", options->transactional_id},
                                         {"message.max.bytes", "1000000000"},
                                         {"queue.buffering.max.messages", "10000000"},
                                         {"queue.buffering.max.kbytes", "2147483647"},
                                         {NULL, NULL}};
    struct kafka_producer *producer = memory_new(sizeof(*producer));
    struct kafka_client_options client = {.kafka = options->kafka,
                                          .type = RD_KAFKA_PRODUCER,
                                          .own = own,
                                          .on_delivery = on_delivery,
                                          .owner = producer};
    char timeout[16];
    kafka_client_property(options->kafka, "transaction.timeout.ms", timeout, sizeof(timeout));
    producer->timeout_ms = strtoll(timeout, NULL, 10);
    producer->clock = options->kafka->clock;
    producer->on_delivered = options->on_delivered;
    producer->owner = options->owner;
    producer->client = kafka_client_new(&client, err);
    if (producer->client)
        return producer;
    free(producer);
    return NULL;
}

void kafka_producer_free(struct kafka_producer *producer)
{
    if (!producer)
        return;
    producer->on_delivered = NULL;
    if (producer->is_open && !producer->is_failed) {
        rd_kafka_error_t *error =
            rd_kafka_abort_transaction(producer->client->rk, ABORT_PATIENCE_MS);
        if (error)
            rd_kafka_error_destroy(error);
    }
    for (size_t i = 0; i < producer->topic_count; i++)
        rd_kafka_topic_destroy(producer->topics[i]->topic);
    kafka_client_free(producer->client);
    for (size_t i = 0; i < producer->topic_count; i++)
        free(producer->topics[i]);
    free(producer->topics);
    free(producer);
}

struct kafka_client *kafka_producer_client(struct kafka_producer *producer)
{
    return producer->client;
}

struct kafka_producer_topic *kafka_producer_topic(struct kafka_producer *producer, const char *name,
                                                  void *topic_owner)
{
    struct kafka_producer_topic *topic = memory_new(sizeof(*topic));
    topic->owner = topic_owner;
    topic->topic = rd_kafka_topic_new(producer->client->rk, name, NULL);
    producer->topics =
        memory_resize(producer->topics, producer->topic_count + 1, sizeof(*producer->topics));
    producer->topics[producer->topic_count++] = topic;
    return topic;
}

/* ---- transactions ---- */

/* A transaction that outlived its time-out was ended by the broker, which then answers as if another producer had come. */
static bool fail(struct kafka_producer *producer, rd_kafka_resp_err_t code, const char *text,
                 struct error *err)
{
    bool is_expired = producer->is_open &&
                      clock_now_ms(producer->clock) - producer->opened_ms >= producer->timeout_ms;
    producer->is_failed = true;
    (void)kafka_fail(err, code, text);
    if (err->stop != STOP_FENCED || !is_expired)
        return false;
    return error_set(err, ERROR_RETRY, "a Kafka transaction took longer than %" PRId64 " ms: %s",
                     producer->timeout_ms, text ? text : rd_kafka_err2str(code));
}

/* Whether the call is to be repeated: then the error is freed and cleared. */
static bool is_to_repeat(rd_kafka_error_t *error)
{
    return rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error) &&
           !rd_kafka_error_txn_requires_abort(error);
}

static bool fail_with(struct kafka_producer *producer, rd_kafka_error_t *error, struct error *err)
{
    (void)fail(producer, rd_kafka_error_code(error), rd_kafka_error_string(error), err);
    rd_kafka_error_destroy(error);
    return false;
}

bool kafka_producer_init(struct kafka_producer *producer, struct error *err)
{
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer->client->rk, KAFKA_SLICE_MS);
    error_clear(err);
    rd_kafka_poll(producer->client->rk, 0);
    if (!error) {
        kafka_client_is_up(producer->client);
        return true;
    }
    if (!is_to_repeat(error))
        return fail_with(producer, error, err);
    rd_kafka_error_destroy(error);
    return false;
}

bool kafka_producer_begin(struct kafka_producer *producer, struct error *err)
{
    if (producer->is_open)
        return true;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->client->rk);
    if (error)
        return fail_with(producer, error, err);
    producer->is_open = true;
    producer->opened_ms = clock_now_ms(producer->clock);
    producer->commit_ms = 0;
    return true;
}

static rd_kafka_resp_err_t produce(struct kafka_producer *producer,
                                   const struct kafka_message *message)
{
    rd_kafka_t *rk = producer->client->rk;
    void *key = (void *)(uintptr_t)message->key.data;
    void *value = (void *)(uintptr_t)message->value.data;
    if (!message->header.data)
        return rd_kafka_producev(rk, RD_KAFKA_V_RKT(message->topic->topic),
                                 RD_KAFKA_V_PARTITION((int32_t)message->partition),
                                 RD_KAFKA_V_KEY(key, message->key.size),
                                 RD_KAFKA_V_VALUE(value, message->value.size),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_OPAQUE(message->topic), RD_KAFKA_V_END);
    return rd_kafka_producev(
        rk, RD_KAFKA_V_RKT(message->topic->topic),
        RD_KAFKA_V_PARTITION((int32_t)message->partition), RD_KAFKA_V_KEY(key, message->key.size),
        RD_KAFKA_V_VALUE(value, message->value.size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_HEADER(HEADER_NAME, message->header.data, (ssize_t)message->header.size),
        RD_KAFKA_V_OPAQUE(message->topic), RD_KAFKA_V_END);
}

bool kafka_producer_send(struct kafka_producer *producer, const struct kafka_message *message,
                         struct error *err)
{
    int64_t started_ms = 0;
    for (;;) {
        rd_kafka_resp_err_t code = produce(producer, message);
        if (!code)
            return true;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return fail(producer, code, NULL, err);
        int64_t now_ms = clock_now_ms(producer->clock);
        if (started_ms == 0)
            started_ms = now_ms;
        if (now_ms - started_ms >= producer->timeout_ms)
            return fail(producer, code, NULL, err);
        kafka_client_poll(producer->client, FULL_WAIT_MS);
    }
}

bool kafka_producer_commit(struct kafka_producer *producer, struct error *err)
{
    error_clear(err);
    if (producer->commit_ms == 0)
        producer->commit_ms = clock_now_ms(producer->clock);
    rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->client->rk, KAFKA_SLICE_MS);
    if (!error) {
        producer->is_open = false;
        kafka_client_is_up(producer->client);
        return true;
    }
    if (!is_to_repeat(error))
        return fail_with(producer, error, err);
    bool is_expired = clock_now_ms(producer->clock) - producer->commit_ms >= producer->timeout_ms;
    if (is_expired)
        return fail_with(producer, error, err);
    rd_kafka_error_destroy(error);
    return false;
}

bool kafka_producer_is_open(const struct kafka_producer *producer)
{
    return producer->is_open;
}

int64_t kafka_producer_opened_ms(const struct kafka_producer *producer)
{
    return producer->opened_ms;
}
