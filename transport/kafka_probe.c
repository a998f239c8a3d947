/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata, settings and rehearsals over one client, each waited for until it is there or the patience is over. */
#include "transport/kafka_probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "transport/kafka_patience.h"
#include "transport/kafka_producer.h"
#include "transport/kafka_topics.h"

struct kafka_probe {
    const struct kafka_options *options;
    struct kafka_client *client;
    int patience_ms;
};

struct kafka_probe *kafka_probe_new(const struct kafka_options *options, int patience_ms,
                                    struct error *err)
{
    static const struct kafka_property own[] = {{NULL, NULL}};
    struct kafka_client_options client = {.kafka = options, .type = RD_KAFKA_CONSUMER, .own = own};
    struct kafka_probe *probe = memory_new(sizeof(*probe));
    *probe = (struct kafka_probe){.options = options, .patience_ms = patience_ms};
    probe->client = kafka_client_new(&client, err);
    if (probe->client)
        return probe;
    free(probe);
    return NULL;
}

void kafka_probe_free(struct kafka_probe *probe)
{
    if (!probe)
        return;
    kafka_client_free(probe->client);
    free(probe);
}

static struct kafka_patience patience_of(const struct kafka_probe *probe)
{
    return kafka_patience_of(probe->options, probe->patience_ms);
}

/* ---- the cluster ---- */

static bool read_cluster(struct kafka_probe *probe, uint32_t *brokers, int32_t *first,
                         struct error *err)
{
    struct kafka_patience patience = patience_of(probe);
    const struct rd_kafka_metadata *metadata = NULL;
    while (rd_kafka_metadata(probe->client->rk, 0, NULL, &metadata, KAFKA_SLICE_MS) ||
           metadata->broker_cnt == 0) {
        if (metadata)
            rd_kafka_metadata_destroy(metadata);
        metadata = NULL;
        error_clear(err);
        if (!kafka_patience_again(&patience, probe->client, err))
            return false;
    }
    kafka_client_is_up(probe->client);
    *brokers = (uint32_t)metadata->broker_cnt;
    *first = metadata->brokers[0].id;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

bool kafka_probe_cluster(struct kafka_probe *probe, struct kafka_cluster *cluster,
                         struct error *err)
{
    struct kafka_topic_settings settings;
    int32_t first = 0;
    *cluster = (struct kafka_cluster){0};
    if (!read_cluster(probe, &cluster->brokers, &first, err))
        return false;
    struct kafka_patience patience = patience_of(probe);
    while (!kafka_broker_read_settings(probe->client, first, &settings, err)) {
        if (err->stop == STOP_PERMISSION_DENIED)
            return true;
        if (!kafka_patience_again(&patience, probe->client, err))
            return false;
    }
    cluster->has_settings = true;
    cluster->replication = settings.default_replication;
    cluster->max_message_bytes = settings.max_message_bytes;
    cluster->min_in_sync = settings.min_in_sync;
    return true;
}

/* ---- topics ---- */

static bool read_replicas(struct kafka_probe *probe, const char *name,
                          struct kafka_probed_topic *found, struct error *err)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(probe->client->rk, name, NULL);
    rd_kafka_resp_err_t code =
        topic ? rd_kafka_metadata(probe->client->rk, 0, topic, &metadata, KAFKA_SLICE_MS)
              : rd_kafka_last_error();
    if (topic)
        rd_kafka_topic_destroy(topic);
    if (code)
        return kafka_fail(err, code, NULL) || error_add(err, "topic %s", name);
    found->replicas = found->in_sync = UINT32_MAX;
    const struct rd_kafka_metadata_topic *read = &metadata->topics[0];
    for (int i = 0; i < read->partition_cnt; i++) {
        uint32_t replicas = (uint32_t)read->partitions[i].replica_cnt;
        uint32_t in_sync = (uint32_t)read->partitions[i].isr_cnt;
        found->replicas = replicas < found->replicas ? replicas : found->replicas;
        found->in_sync = in_sync < found->in_sync ? in_sync : found->in_sync;
    }
    rd_kafka_metadata_destroy(metadata);
    return true;
}

bool kafka_probe_topic(struct kafka_probe *probe, const char *name,
                       struct kafka_probed_topic *topic, struct error *err)
{
    struct kafka_patience patience = patience_of(probe);
    struct kafka_topic_settings settings;
    *topic = (struct kafka_probed_topic){0};
    while (!kafka_topic_look_up(probe->client, name, &topic->partitions, err))
        if (!kafka_patience_again(&patience, probe->client, err))
            return false;
    if (topic->partitions == 0)
        return true;
    if (!read_replicas(probe, name, topic, err))
        return false;
    while (!kafka_topic_read_settings(probe->client, name, &settings, err)) {
        if (err->stop == STOP_PERMISSION_DENIED)
            return true;
        if (!kafka_patience_again(&patience, probe->client, err))
            return false;
    }
    topic->has_settings = true;
    topic->is_compacted = settings.is_compacted;
    topic->is_deleted = settings.is_deleted;
    topic->max_message_bytes = settings.max_message_bytes;
    topic->min_in_sync = settings.min_in_sync;
    return true;
}

bool kafka_probe_making(struct kafka_probe *probe, const char *name, uint32_t partitions,
                        struct error *err)
{
    static const struct kafka_property settings[] = {{NULL, NULL}};
    struct kafka_patience patience = patience_of(probe);
    struct kafka_topic_plan plan = {.name = name,
                                    .partitions = partitions,
                                    .replication = probe->options->replication,
                                    .settings = settings,
                                    .is_rehearsal = true};
    while (!kafka_topic_create(probe->client, &plan, err))
        if (!kafka_patience_again(&patience, probe->client, err))
            return false;
    return true;
}

bool kafka_probe_emptiness(struct kafka_probe *probe, const char *name, uint32_t partitions,
                           bool *is_empty, struct error *err)
{
    struct kafka_patience patience = patience_of(probe);
    *is_empty = true;
    for (uint32_t i = 0; i < partitions; i++) {
        int64_t first = 0;
        int64_t end = 0;
        while (!kafka_topic_bounds(probe->client, name, i, &first, &end, err))
            if (!kafka_patience_again(&patience, probe->client, err))
                return false;
        *is_empty &= first == end;
    }
    return true;
}

/* ---- transactions ---- */

bool kafka_probe_transactions(struct kafka_probe *probe, struct error *err)
{
    struct kafka_patience patience = patience_of(probe);
    char id[64];
    snprintf(id, sizeof(id), "%s-check", probe->options->name);
    struct kafka_producer_options options = {.kafka = probe->options, .transactional_id = id};
    struct kafka_producer *producer = kafka_producer_new(&options, err);
    bool is_good = producer != NULL;
    while (is_good && !kafka_producer_init(producer, err))
        is_good = kafka_patience_again(&patience, kafka_producer_client(producer), err);
    kafka_producer_free(producer);
    return is_good || error_add(err, "transactional id %s", id);
}

uint64_t kafka_probe_batch_bytes(const struct kafka_probe *probe)
{
    char text[24];
    kafka_client_property(probe->options, "batch.size", text, sizeof(text));
    return strtoull(text, NULL, 10);
}

/* ---- the library ---- */

const char *kafka_library_version(void)
{
    return rd_kafka_version_str();
}

bool kafka_library_has_good_scram(void)
{
    enum { VERSION_2_6_1 = 0x02060100 };
    return rd_kafka_version() >= VERSION_2_6_1;
}
