/* SPDX-License-Identifier: Apache-2.0 */
/* Finds, makes and checks the topic below a log, in slices of time. */
#include "transport/kafka_log_topic.h"

#include <string.h>

enum { PAUSE_MS = 50 };

void kafka_log_wait_begin(struct kafka_log_wait *wait, const struct kafka_options *options,
                          struct kafka_client *client)
{
    *wait = (struct kafka_log_wait){.options = options, .client = client};
    kafka_log_wait_progress(wait);
}

void kafka_log_wait_progress(struct kafka_log_wait *wait)
{
    wait->deadline_ms = clock_now_ms(wait->options->clock) + KAFKA_LOG_PATIENCE_MS;
}

bool kafka_log_wait_on(struct kafka_log_wait *wait, struct error *err)
{
    kafka_client_poll(wait->client, 0);
    if (stop_flag_is_set(wait->options->stop))
        return error_set(err, ERROR_ENDED, "asked to end while waiting for Kafka");
    if (!kafka_client_goes_on(wait->client, KAFKA_LOG_PATIENCE_MS, err))
        return false;
    if (clock_now_ms(wait->options->clock) < wait->deadline_ms)
        return true;
    const char *reason = wait->client->reason;
    return error_set(err, ERROR_RETRY, "Kafka gives no answer within %d s%s%s",
                     KAFKA_LOG_PATIENCE_MS / 1000, reason[0] ? ": " : "", reason);
}

/* What passes by itself: the broker is busy, starting, or doesn't know the partition's leader yet. */
static bool pause_after(struct kafka_log_wait *wait, struct error *err)
{
    (void)stop_flag_wait(wait->options->stop, PAUSE_MS);
    return kafka_log_wait_on(wait, err);
}

bool kafka_log_topic_find(struct kafka_log_wait *wait, rd_kafka_topic_t *topic, bool *is_there,
                          struct error *err)
{
    do {
        const struct rd_kafka_metadata *found = NULL;
        rd_kafka_resp_err_t code =
            rd_kafka_metadata(wait->client->rk, 0, topic, &found, KAFKA_LOG_SLICE_MS);
        int partitions = 0;
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR && found->topic_cnt == 1) {
            code = found->topics[0].err;
            partitions = found->topics[0].partition_cnt;
            kafka_client_is_up(wait->client);
        }
        if (found)
            rd_kafka_metadata_destroy(found);
        *is_there = partitions > 0;
        if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || partitions == 1)
            return true;
        if (partitions > 1)
            return error_stop(err, STOP_REGISTRY_UNSUITABLE,
                              "it has %d partitions: the order of its records would be lost",
                              partitions);
        if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            return kafka_fail(err, code, NULL);
    } while (pause_after(wait, err));
    return false;
}

/* The event that ends an admin call, or NULL. The caller destroys it. */
static rd_kafka_event_t *await_event(struct kafka_log_wait *wait, rd_kafka_queue_t *queue,
                                     struct error *err)
{
    do {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_LOG_SLICE_MS);
        if (event)
            return event;
    } while (kafka_log_wait_on(wait, err));
    return NULL;
}

static bool read_creation(rd_kafka_event_t *event, struct error *err)
{
    size_t count = 0;
    if (rd_kafka_event_error(event))
        return kafka_fail(err, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    const rd_kafka_topic_result_t **topics =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(topics[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return true;
    return kafka_fail(err, code, rd_kafka_topic_result_error_string(topics[0]));
}

static bool create(struct kafka_log_wait *wait, const char *name, struct error *err)
{
    char reason[256];
    rd_kafka_NewTopic_t *wanted =
        rd_kafka_NewTopic_new(name, 1, wait->options->replication, reason, sizeof(reason));
    if (!wanted)
        return error_set(err, ERROR_FATAL, "%s", reason);
    rd_kafka_NewTopic_set_config(wanted, "cleanup.policy", "compact");
    rd_kafka_queue_t *queue = rd_kafka_queue_new(wait->client->rk);
    rd_kafka_CreateTopics(wait->client->rk, &wanted, 1, NULL, queue);
    rd_kafka_event_t *event = await_event(wait, queue, err);
    bool is_created = event && read_creation(event, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(wanted);
    return is_created;
}

/* Without the right to read settings there is nothing to check. */
static bool read_policy(rd_kafka_event_t *event, struct error *err)
{
    size_t count = 0;
    if (rd_kafka_event_error(event))
        return kafka_fail(err, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        count == 1 ? rd_kafka_ConfigResource_configs(resources[0], &entry_count) : NULL;
    for (size_t i = 0; i < entry_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        bool is_policy = strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0;
        if (is_policy && value && strcmp(value, "compact") != 0)
            return error_stop(err, STOP_REGISTRY_UNSUITABLE,
                              "its cleanup.policy is %s, not compact: schemas would be lost",
                              value);
    }
    return true;
}

static bool check_policy(struct kafka_log_wait *wait, const char *name, struct error *err)
{
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(wait->client->rk);
    rd_kafka_DescribeConfigs(wait->client->rk, &resource, 1, NULL, queue);
    rd_kafka_event_t *event = await_event(wait, queue, err);
    bool is_good = event && read_policy(event, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return is_good;
}

bool kafka_log_topic_ensure(struct kafka_log_wait *wait, rd_kafka_topic_t *topic, struct error *err)
{
    bool is_there;
    const char *name = rd_kafka_topic_name(topic);
    if (!kafka_log_topic_find(wait, topic, &is_there, err))
        return false;
    if (is_there)
        return check_policy(wait, name, err);
    if (!create(wait, name, err))
        return false;
    /* The broker that we ask may hear of it later than the controller that made it. */
    while (!is_there) {
        if (!pause_after(wait, err) || !kafka_log_topic_find(wait, topic, &is_there, err))
            return false;
    }
    return true;
}
