/* SPDX-License-Identifier: Apache-2.0 */
/* check: the topics: there or to be made, and fit for whole transactions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"

static const char WHAT[] = "kafka topics";

enum topic_role { TOPIC_OF_ROWS, TOPIC_OF_CONTROL, TOPIC_OF_OFFSETS };

/* One topic, as it was found. */
struct checked_topic {
    const char *name;
    enum topic_role role;
    uint32_t recorded; /* partitions, by the capture's state; 0: it knows nothing of it */
    struct kafka_probed_topic found;
};

/* What all topics have in common, told once. */
struct checked_topics {
    size_t found;
    size_t to_be_made;
    bool is_making_refused;
    uint64_t smallest_message_bytes;
    char smallest[KAFKA_TOPIC_SIZE];
};

/* The command that changes a topic's setting. */
static void do_set(const struct check *check, const char *topic, const char *setting)
{
    finding_do("kafka-configs --bootstrap-server %s --alter --entity-type topics --entity-name %s "
               "--add-config %s",
               check_bootstrap(check), topic, setting);
}

/* A denial has the same cause and the same remedy for all topics. */
static void report_error(struct check *check, const struct error *err)
{
    const char *prefix = check->config->topics.prefix;
    if (err->stop != STOP_PERMISSION_DENIED) {
        finding_error(&check->findings, WHAT, err);
        return;
    }
    finding(&check->findings, FINDING_FAIL, WHAT, "PERMISSION_DENIED: %s", err->message);
    finding_do("kafka-acls --bootstrap-server %s --add --allow-principal User:… %s--operation Read "
               "--operation Describe --topic %s. --resource-pattern-type prefixed  and the same "
               "for __penstock.%s.",
               check_bootstrap(check),
               check->source ? "--operation Create --operation DescribeConfigs --operation Write "
                             : "",
               prefix, prefix);
}

/* ---- one topic ---- */

static void check_cleanup(struct check *check, const struct checked_topic *topic)
{
    const struct kafka_probed_topic *found = &topic->found;
    if (topic->role == TOPIC_OF_OFFSETS) {
        if (found->is_compacted && !found->is_deleted)
            return;
        finding(&check->findings, FINDING_FAIL, WHAT,
                "TOPIC_UNSUITABLE: %s isn't compacted only: it would lose the capture's state",
                topic->name);
        do_set(check, topic->name, "cleanup.policy=compact");
        return;
    }
    bool is_allowed = topic->role == TOPIC_OF_ROWS && check->config->topics.allow_compaction;
    if (!found->is_compacted || is_allowed)
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "TOPIC_UNSUITABLE: %s is compacted: what is removed from it breaks the chain",
            topic->name);
    do_set(check, topic->name, "cleanup.policy=delete");
}

static void check_partitions(struct check *check, const struct checked_topic *topic)
{
    uint32_t wanted = topic->role == TOPIC_OF_ROWS ? topic->recorded : 1;
    if (wanted == 0 || topic->found.partitions == wanted)
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "TOPIC_CHANGED: %s has %" PRIu32 " partitions, it should have %" PRIu32, topic->name,
            topic->found.partitions, wanted);
    finding_do("see docs/stops.md, TOPIC_CHANGED");
}

static void check_replicas(struct check *check, const struct checked_topic *topic)
{
    const struct kafka_probed_topic *found = &topic->found;
    if (found->in_sync < found->min_in_sync) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "%s has %" PRIu32 " replicas in sync, and takes writes with %" PRIu32
                " (min.insync.replicas) only",
                topic->name, found->in_sync, found->min_in_sync);
        if (found->replicas < found->min_in_sync)
            do_set(check, topic->name, "min.insync.replicas=1");
        else
            finding_do("bring the brokers back that hold the topic's other replicas");
    }
    if (check->cluster.brokers > 1 && found->replicas == 1) {
        finding(&check->findings, FINDING_WARN, WHAT,
                "%s has one replica, though there are %" PRIu32
                " brokers: if one loses its disk, changes are lost",
                topic->name, check->cluster.brokers);
        finding_do("kafka-reassign-partitions --bootstrap-server %s --execute "
                   "--reassignment-json-file …  with more replicas",
                   check_bootstrap(check));
    }
    if (found->replicas > 2 && found->min_in_sync < 2) {
        finding(&check->findings, FINDING_WARN, WHAT,
                "%s takes writes that one replica alone has (min.insync.replicas=1)", topic->name);
        do_set(check, topic->name, "min.insync.replicas=2");
    }
}

static void check_size(struct check *check, const struct checked_topic *topic,
                       struct checked_topics *topics)
{
    uint64_t batch = kafka_probe_batch_bytes(check->probe);
    uint64_t bytes = topic->found.max_message_bytes;
    char setting[64];
    if (bytes < batch) {
        finding(&check->findings, FINDING_FAIL, WHAT,
                "TOPIC_UNSUITABLE: %s takes %" PRIu64
                " bytes at a time, kafka.batch.size is %" PRIu64,
                topic->name, bytes, batch);
        snprintf(setting, sizeof(setting), "max.message.bytes=%" PRIu64, batch + 48588);
        do_set(check, topic->name, setting);
    }
    if (topic->role != TOPIC_OF_ROWS)
        return;
    if (topics->smallest_message_bytes == 0 || bytes < topics->smallest_message_bytes) {
        topics->smallest_message_bytes = bytes;
        snprintf(topics->smallest, sizeof(topics->smallest), "%s", topic->name);
    }
}

/* What lies in a topic of which the capture knows nothing isn't this pipeline's. */
static void check_empty(struct check *check, const struct checked_topic *topic)
{
    struct error err;
    bool is_empty;
    if (!check->source || topic->recorded > 0 || topic->role == TOPIC_OF_OFFSETS ||
        !check->is_recorded_known)
        return;
    if (!kafka_probe_emptiness(check->probe, topic->name, topic->found.partitions, &is_empty,
                               &err)) {
        finding_error(&check->findings, WHAT, &err);
        return;
    }
    if (is_empty)
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "TOPIC_NOT_EMPTY: %s has messages that aren't this pipeline's", topic->name);
    finding_do("kafka-topics --bootstrap-server %s --delete --topic %s  if nobody needs it; else "
               "choose another topics.prefix",
               check_bootstrap(check), topic->name);
}

/* One refusal stands for all: they have the same cause. */
static void check_missing(struct check *check, const struct checked_topic *topic,
                          struct checked_topics *topics)
{
    struct error err;
    uint32_t partitions =
        topic->role == TOPIC_OF_ROWS ? (uint32_t)check->config->topics.partitions : 1;
    if (!check->source) {
        finding(&check->findings, FINDING_WARN, WHAT, "%s isn't there", topic->name);
        finding_do("start penstock capture, which makes it; if it runs: topics.prefix must be the "
                   "capture's");
        return;
    }
    topics->to_be_made++;
    if (topics->is_making_refused ||
        kafka_probe_making(check->probe, topic->name, partitions, &err))
        return;
    topics->is_making_refused = true;
    report_error(check, &err);
}

/* A sink doesn't need to read a topic's settings, the capture does. */
static void check_unreadable(struct check *check, const struct checked_topic *topic)
{
    if (!check->source)
        return;
    finding(&check->findings, FINDING_FAIL, WHAT,
            "PERMISSION_DENIED: the settings of %s may not be read", topic->name);
    finding_do("kafka-acls --bootstrap-server %s --add --allow-principal User:… --operation "
               "DescribeConfigs --topic %s",
               check_bootstrap(check), topic->name);
}

static void check_topic(struct check *check, const char *name, enum topic_role role,
                        struct checked_topics *topics)
{
    struct checked_topic topic = {.name = name, .role = role};
    struct error err;
    if (role == TOPIC_OF_CONTROL && check->look.recorded.state != RECORDED_NONE)
        topic.recorded = 1;
    for (size_t i = 0; i < check->look.topic_count; i++)
        if (strcmp(check->look.topics[i].name, name) == 0)
            topic.recorded = check->look.topics[i].partitions;
    if (!kafka_probe_topic(check->probe, name, &topic.found, &err)) {
        report_error(check, &err);
        return;
    }
    if (topic.found.partitions == 0) {
        check_missing(check, &topic, topics);
        return;
    }
    topics->found++;
    check_partitions(check, &topic);
    check_empty(check, &topic);
    if (!topic.found.has_settings) {
        check_unreadable(check, &topic);
        return;
    }
    check_cleanup(check, &topic);
    check_size(check, &topic, topics);
    check_replicas(check, &topic);
}

/* ---- all ---- */

/* A row and its envelope must fit into one message. */
static void check_rows_fit(struct check *check, const struct checked_topics *topics)
{
    char most[SIZE_TEXT_SIZE];
    char row[SIZE_TEXT_SIZE];
    char setting[64];
    uint64_t limit = check->config->limits.max_row_bytes;
    uint64_t bytes = topics->smallest_message_bytes;
    if (!check->source || bytes == 0 || bytes >= limit)
        return;
    size_text(bytes, most);
    finding(&check->findings, FINDING_WARN, WHAT,
            "%s takes messages of %s, limits.max_row_bytes allows rows of %s: a row between the "
            "two stops the capture (ROW_TOO_LONG)",
            topics->smallest, most, size_text(limit, row));
    snprintf(setting, sizeof(setting), "max.message.bytes=%" PRIu64, limit);
    do_set(check, topics->smallest, setting);
    finding_do("limits.max_row_bytes: %" PRIu64 " KiB  if no row is longer", bytes / 1024);
}

static void check_row_topics(struct check *check, struct checked_topics *topics)
{
    char name[KAFKA_TOPIC_SIZE];
    struct error err;
    if (!check->source) {
        for (size_t i = 0; i < check->look.topic_count; i++)
            check_topic(check, check->look.topics[i].name, TOPIC_OF_ROWS, topics);
        return;
    }
    for (size_t i = 0; i < check->table_count; i++) {
        const struct checked_table *table = &check->tables[i];
        if (!table->is_captured)
            continue;
        if (!kafka_topic_name(check->config->topics.prefix, table->schema, table->name, name, &err))
            finding_error(&check->findings, WHAT, &err);
        else
            check_topic(check, name, TOPIC_OF_ROWS, topics);
    }
}

void check_topics(struct check *check)
{
    struct checked_topics topics = {0};
    char name[KAFKA_TOPIC_SIZE];
    kafka_control_name(check->config->topics.prefix, name);
    check_topic(check, name, TOPIC_OF_CONTROL, &topics);
    kafka_offsets_name(check->config->topics.prefix, name);
    check_topic(check, name, TOPIC_OF_OFFSETS, &topics);
    check_row_topics(check, &topics);
    check_rows_fit(check, &topics);
    if (topics.found > 0)
        finding(&check->findings, FINDING_OK, WHAT, "%zu exist", topics.found);
    if (topics.to_be_made > 0 && !topics.is_making_refused)
        finding(&check->findings, FINDING_OK, WHAT, "%zu will be made", topics.to_be_made);
}
