/* SPDX-License-Identifier: Apache-2.0 */
/* The log of schemas on Kafka: read by a consumer of its own each time, written in Kafka transactions under one id. */
#include "transport/kafka_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "transport/kafka_client.h"
#include "transport/kafka_log_topic.h"

struct kafka_log {
    struct kafka_options options;
    char *name;
    char *transactional_id;
    int64_t next;                  /* the offset to be read next */
    bool is_there;                 /* the topic was seen: from then on it is missed */
    bool is_writer;                /* `producer` has fenced the others */
    struct kafka_client *producer; /* NULL: none */
    rd_kafka_topic_t *topic;       /* the producer's */
};

struct kafka_log *kafka_log_new(const struct kafka_options *options, const char *topic,
                                const char *transactional_id, struct error *err)
{
    if (strlen(topic) >= KAFKA_TOPIC_SIZE) {
        error_set(err, ERROR_CONFIG, "the topic's name is longer than Kafka allows: %s", topic);
        return NULL;
    }
    struct kafka_log *log = memory_new(sizeof(*log));
    log->options = *options;
    log->name = memory_copy_string(topic);
    log->transactional_id = memory_copy_string(transactional_id);
    return log;
}

static void drop_producer(struct kafka_log *log)
{
    if (log->topic)
        rd_kafka_topic_destroy(log->topic);
    kafka_client_free(log->producer);
    log->topic = NULL;
    log->producer = NULL;
    log->is_writer = false;
}

void kafka_log_free(struct kafka_log *log)
{
    if (!log)
        return;
    drop_producer(log);
    free(log->name);
    free(log->transactional_id);
    free(log);
}

/* Of no group, so that it needs no rights on one. The end of the log is told without a long poll. */
static struct kafka_client *consumer_new(struct kafka_log *log, struct error *err)
{
    static const struct kafka_property own[] = {
        {"auto.offset.reset", "error"}, {"fetch.wait.max.ms", "10"}, {NULL, NULL}};
    return kafka_client_new(&(struct kafka_client_options){.kafka = &log->options,
                                                           .type = RD_KAFKA_CONSUMER,
                                                           .own = own},
                            err);
}

/* ---- reading ---- */

/* Log start and last stable offset, asked of the leader now. */
static bool find_bounds(struct kafka_log *log, struct kafka_log_wait *wait, int64_t *first,
                        int64_t *end, struct error *err)
{
    do {
        rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(wait->client->rk, log->name, 0,
                                                                    first, end, KAFKA_LOG_SLICE_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            return true;
        if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            return kafka_fail(err, code, NULL);
        (void)stop_flag_wait(log->options.stop, KAFKA_LOG_SLICE_MS / 10);
    } while (kafka_log_wait_on(wait, err));
    return false;
}

static bool take_record(struct kafka_log *log, const rd_kafka_message_t *message,
                        kafka_log_take take, void *taker, struct error *err)
{
    struct bytes key = {.data = message->key, .size = message->key_len};
    struct bytes value = {.data = message->payload, .size = message->len};
    if (!take(taker, message->offset, key, value, err))
        return false;
    log->next = message->offset + 1;
    return true;
}

/* Markers of transactions take offsets too: only the broker's word says that the end is reached. */
static bool read_to(struct kafka_log *log, struct kafka_log_wait *wait, rd_kafka_topic_t *topic,
                    int64_t end, kafka_log_take take, void *taker, struct error *err)
{
    bool is_good = true;
    while (is_good && log->next < end) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, 0, KAFKA_LOG_SLICE_MS);
        rd_kafka_resp_err_t code = message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_log_wait_progress(wait);
            is_good = take_record(log, message, take, taker, err);
        } else if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF && message->offset >= end) {
            log->next = message->offset;
        } else if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                   code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
            is_good = kafka_fail(err, code, NULL);
        }
        if (message)
            rd_kafka_message_destroy(message);
        is_good = is_good && kafka_log_wait_on(wait, err);
    }
    return is_good;
}

static bool read_records(struct kafka_log *log, struct kafka_log_wait *wait,
                         rd_kafka_topic_t *topic, kafka_log_take take, void *taker,
                         struct error *err)
{
    int64_t first;
    int64_t end;
    if (!find_bounds(log, wait, &first, &end, err))
        return false;
    if (log->next > end)
        return error_stop(err, STOP_REGISTRY_UNSUITABLE,
                          "it ends at offset %lld, but was read up to %lld: somebody made it anew",
                          (long long)end, (long long)log->next);
    if (log->next < first)
        log->next = first;
    if (log->next == end)
        return true;
    if (rd_kafka_consume_start(topic, 0, log->next) != 0)
        return kafka_fail(err, rd_kafka_last_error(), NULL);
    bool is_read = read_to(log, wait, topic, end, take, taker, err);
    rd_kafka_consume_stop(topic, 0);
    return is_read;
}

static bool read_by(struct kafka_log *log, struct kafka_client *consumer, kafka_log_take take,
                    void *taker, struct error *err)
{
    struct kafka_log_wait wait;
    kafka_log_wait_begin(&wait, &log->options, consumer);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer->rk, log->name, NULL);
    if (!topic)
        return kafka_fail(err, rd_kafka_last_error(), NULL);
    bool is_there;
    bool is_good = kafka_log_topic_find(&wait, topic, &is_there, err);
    if (is_good && is_there) {
        log->is_there = true;
        is_good = read_records(log, &wait, topic, take, taker, err);
    } else if (is_good && log->is_there) {
        /* To take it as empty would give its ids out again. */
        is_good = error_set(err, ERROR_RETRY, "the broker doesn't know it any more, or not yet");
    }
    rd_kafka_topic_destroy(topic);
    return is_good;
}

bool kafka_log_read(struct kafka_log *log, kafka_log_take take, void *taker, struct error *err)
{
    struct kafka_client *consumer = consumer_new(log, err);
    if (!consumer)
        return false;
    bool is_read = read_by(log, consumer, take, taker, err);
    kafka_client_free(consumer);
    return is_read || error_add(err, "topic %s", log->name);
}

/* ---- writing ---- */

static bool ensure_topic(struct kafka_log *log, struct error *err)
{
    struct kafka_client *consumer = consumer_new(log, err);
    if (!consumer)
        return false;
    struct kafka_log_wait wait;
    kafka_log_wait_begin(&wait, &log->options, consumer);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(consumer->rk, log->name, NULL);
    bool is_good = topic ? kafka_log_topic_ensure(&wait, topic, err)
                         : kafka_fail(err, rd_kafka_last_error(), NULL);
    if (topic)
        rd_kafka_topic_destroy(topic);
    kafka_client_free(consumer);
    log->is_there |= is_good;
    return is_good;
}

/* What a writer that died leaves open keeps readers waiting for 10 s at most. */
static bool make_producer(struct kafka_log *log, struct error *err)
{
    const struct kafka_property own[] = {{"transactional.id", log->transactional_id},
                                         {"transaction.timeout.ms", "10000"},
                                         {"message.timeout.ms", "10000"},
                                         {"linger.ms", "0"},
                                         {NULL, NULL}};
    log->producer = kafka_client_new(&(struct kafka_client_options){.kafka = &log->options,
                                                                    .type = RD_KAFKA_PRODUCER,
                                                                    .own = own},
                                     err);
    if (!log->producer)
        return false;
    log->topic = rd_kafka_topic_new(log->producer->rk, log->name, NULL);
    return log->topic || kafka_fail(err, rd_kafka_last_error(), NULL);
}

/* Another writer is no reason to stop: ids are given out by whoever became the writer last. */
static bool lost(struct kafka_log *log, struct error *err)
{
    drop_producer(log);
    if (err->stop == STOP_FENCED) {
        err->kind = ERROR_RETRY;
        err->stop = STOP_NONE;
        err->remedy[0] = '\0';
    }
    return error_add(err, "topic %s", log->name);
}

/* Calls init_transactions() or commit_transaction() until it has an end; both take up where they were. */
static bool drive(struct kafka_log *log, rd_kafka_error_t *(*call)(rd_kafka_t *rk, int timeout_ms),
                  struct error *err)
{
    struct kafka_log_wait wait;
    kafka_log_wait_begin(&wait, &log->options, log->producer);
    do {
        rd_kafka_error_t *error = call(log->producer->rk, KAFKA_LOG_SLICE_MS);
        if (!error)
            return true;
        if (!rd_kafka_error_is_retriable(error))
            return kafka_fail_with(err, error);
        rd_kafka_error_destroy(error);
    } while (kafka_log_wait_on(&wait, err));
    return false;
}

bool kafka_log_become_writer(struct kafka_log *log, struct error *err)
{
    drop_producer(log);
    if (!ensure_topic(log, err) || !make_producer(log, err))
        return lost(log, err);
    if (!drive(log, rd_kafka_init_transactions, err))
        return lost(log, err);
    /* The first message would wait up to a second for the topic's leader (librdkafka before 2.10.1). */
    struct kafka_log_wait wait;
    bool is_there;
    kafka_log_wait_begin(&wait, &log->options, log->producer);
    if (!kafka_log_topic_find(&wait, log->topic, &is_there, err))
        return lost(log, err);
    log->is_writer = true;
    return true;
}

static bool append_record(struct kafka_log *log, struct bytes key, struct bytes value,
                          struct error *err)
{
    rd_kafka_error_t *error = rd_kafka_begin_transaction(log->producer->rk);
    if (error)
        return kafka_fail_with(err, error);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        log->producer->rk, RD_KAFKA_V_RKT(log->topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)(uintptr_t)key.data, key.size),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.size), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return error_stop(err, STOP_SCHEMA_REJECTED,
                          "the schema has %zu bytes, more than kafka.message.max.bytes",
                          value.size);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(err, code, NULL);
    return drive(log, rd_kafka_commit_transaction, err);
}

bool kafka_log_append(struct kafka_log *log, struct bytes key, struct bytes value,
                      struct error *err)
{
    if (!log->is_writer)
        return error_set(err, ERROR_RETRY, "topic %s: not its writer", log->name);
    return append_record(log, key, value, err) || lost(log, err);
}
