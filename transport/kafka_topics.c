/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata and the admin API, a slice at a time: what didn't come in time is asked again. */
#include "transport/kafka_topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking up ---- */

/* Codes that pass by themselves. */
static bool is_passing(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE ||
           code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
           code == RD_KAFKA_RESP_ERR_NOT_CONTROLLER ||
           code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

/* Not yet, or for good. Returns false. */
static bool later_or_never(struct error *err, rd_kafka_resp_err_t code, const char *text)
{
    error_clear(err);
    return is_passing(code) ? false : kafka_fail(err, code, text);
}

static bool all_have_leaders(const struct rd_kafka_metadata_topic *topic)
{
    for (int i = 0; i < topic->partition_cnt; i++)
        if (topic->partitions[i].leader < 0)
            return false;
    return topic->partition_cnt > 0;
}

static bool read_metadata(const struct rd_kafka_metadata *metadata, uint32_t *partitions,
                          struct error *err)
{
    const struct rd_kafka_metadata_topic *topic = &metadata->topics[0];
    error_clear(err);
    if (metadata->topic_cnt == 0 || topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        *partitions = 0;
        return true;
    }
    if (topic->err)
        return later_or_never(err, topic->err, NULL);
    if (!all_have_leaders(topic))
        return false;
    *partitions = (uint32_t)topic->partition_cnt;
    return true;
}

bool kafka_topic_look_up(struct kafka_client *client, const char *name, uint32_t *partitions,
                         struct error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client->rk, name, NULL);
    if (!topic)
        return kafka_fail(err, rd_kafka_last_error(), NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(client->rk, 0, topic, &metadata, KAFKA_SLICE_MS);
    rd_kafka_topic_destroy(topic);
    if (code)
        return later_or_never(err, code, NULL);
    kafka_client_is_up(client);
    bool is_read = read_metadata(metadata, partitions, err);
    rd_kafka_metadata_destroy(metadata);
    return is_read || error_add(err, "topic %s", name);
}

bool kafka_topic_bounds(struct kafka_client *client, const char *name, uint32_t partition,
                        int64_t *first, int64_t *end, struct error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        client->rk, name, (int32_t)partition, first, end, KAFKA_SLICE_MS);
    if (code)
        return later_or_never(err, code, NULL) || error_add(err, "topic %s", name);
    kafka_client_is_up(client);
    return true;
}

/* ---- the admin API ---- */

static rd_kafka_AdminOptions_t *admin_options(struct kafka_client *client, rd_kafka_admin_op_t op)
{
    char text[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client->rk, op);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, KAFKA_SLICE_MS, text, sizeof(text));
    return options;
}

/* The answer, or NULL: not yet, or failed with `err`. */
static rd_kafka_event_t *await(rd_kafka_queue_t *queue, struct error *err)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, KAFKA_SLICE_MS);
    error_clear(err);
    if (!event || !rd_kafka_event_error(event))
        return event;
    (void)later_or_never(err, rd_kafka_event_error(event), rd_kafka_event_error_string(event));
    rd_kafka_event_destroy(event);
    return NULL;
}

static bool read_created(rd_kafka_event_t *event, struct error *err)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    rd_kafka_resp_err_t code =
        count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
    error_clear(err);
    if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return true;
    const char *text = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL;
    bool is_plan_wrong = code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR ||
                         code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION ||
                         code == RD_KAFKA_RESP_ERR_INVALID_CONFIG ||
                         code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS;
    if (!is_plan_wrong)
        return later_or_never(err, code, text);
    error_stop(err, STOP_TOPIC_UNSUITABLE, "the topic can't be made as configured: %s",
               text ? text : rd_kafka_err2str(code));
    return error_remedy(err, "change topics.replication or topics.partitions, or make it by hand");
}

bool kafka_topic_create(struct kafka_client *client, const struct kafka_topic_plan *plan,
                        struct error *err)
{
    char text[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(plan->name, (int)plan->partitions,
                                                       plan->replication, text, sizeof(text));
    if (!topic)
        return error_set(err, ERROR_CONFIG, "topic %s: %s", plan->name, text);
    for (const struct kafka_property *setting = plan->settings; setting->name; setting++)
        (void)rd_kafka_NewTopic_set_config(topic, setting->name, setting->value);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    if (plan->is_rehearsal)
        (void)rd_kafka_AdminOptions_set_validate_only(options, 1, text, sizeof(text));
    rd_kafka_CreateTopics(client->rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = await(queue, err);
    bool is_made = event && read_created(event, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return is_made || error_add(err, "topic %s", plan->name);
}

static void read_setting(const rd_kafka_ConfigEntry_t *entry, struct kafka_topic_settings *settings)
{
    const char *name = rd_kafka_ConfigEntry_name(entry);
    const char *value = rd_kafka_ConfigEntry_value(entry);
    if (!value)
        return;
    if (strcmp(name, "cleanup.policy") == 0) {
        settings->is_compacted = strstr(value, "compact") != NULL;
        settings->is_deleted = strstr(value, "delete") != NULL;
    }
    if (strcmp(name, "max.message.bytes") == 0 || strcmp(name, "message.max.bytes") == 0)
        settings->max_message_bytes = strtoull(value, NULL, 10);
    if (strcmp(name, "min.insync.replicas") == 0)
        settings->min_in_sync = (uint32_t)strtoul(value, NULL, 10);
    if (strcmp(name, "default.replication.factor") == 0)
        settings->default_replication = (uint32_t)strtoul(value, NULL, 10);
}

static bool read_described(rd_kafka_event_t *event, struct kafka_topic_settings *settings,
                           struct error *err)
{
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    if (count != 1)
        return kafka_fail(err, RD_KAFKA_RESP_ERR__FAIL, NULL);
    if (rd_kafka_ConfigResource_error(resources[0]))
        return later_or_never(err, rd_kafka_ConfigResource_error(resources[0]),
                              rd_kafka_ConfigResource_error_string(resources[0]));
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    *settings = (struct kafka_topic_settings){0};
    for (size_t i = 0; i < entry_count; i++)
        read_setting(entries[i], settings);
    return true;
}

static bool read_settings(struct kafka_client *client, rd_kafka_ResourceType_t type,
                          const char *name, struct kafka_topic_settings *settings,
                          struct error *err)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(type, name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client->rk);
    rd_kafka_AdminOptions_t *options = admin_options(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(client->rk, &resource, 1, options, queue);
    rd_kafka_event_t *event = await(queue, err);
    bool is_read = event && read_described(event, settings, err);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy(resource);
    return is_read;
}

bool kafka_topic_read_settings(struct kafka_client *client, const char *name,
                               struct kafka_topic_settings *settings, struct error *err)
{
    return read_settings(client, RD_KAFKA_RESOURCE_TOPIC, name, settings, err) ||
           error_add(err, "settings of topic %s", name);
}

bool kafka_broker_read_settings(struct kafka_client *client, int32_t broker,
                                struct kafka_topic_settings *settings, struct error *err)
{
    char name[16];
    snprintf(name, sizeof(name), "%" PRId32, broker);
    return read_settings(client, RD_KAFKA_RESOURCE_BROKER, name, settings, err) ||
           error_add(err, "settings of broker %s", name);
}
