/* SPDX-License-Identifier: Apache-2.0 */
/* Options of Kafka clients and of registries, out of the configuration. */
#include "cli/kafka.h"

#include <stdlib.h>

#include "base/memory.h"
#include "cli/command.h"
#include "config/secrets.h"

bool kafka_endpoint_read(struct kafka_endpoint *endpoint, const struct config *config,
                         struct error *err)
{
    const struct config_kafka *kafka = &config->kafka;
    *endpoint = (struct kafka_endpoint){
        .properties = memory_new_array(kafka->count + 1, sizeof(struct kafka_property))};
    for (size_t i = 0; i < kafka->count; i++)
        endpoint->properties[i] = (struct kafka_property){.name = kafka->properties[i].name,
                                                          .value = kafka->properties[i].value};
    endpoint->options = (struct kafka_options){
        .properties = endpoint->properties,
        .property_count = kafka->count,
        .allows_insecure = kafka->insecure,
        .name = config->name,
        .prefix = config->topics.prefix,
        .partitions = (uint32_t)config->topics.partitions,
        .replication = config->topics.replication ? (int32_t)config->topics.replication : -1,
        .retention_ms = config->topics.retention_ms ? config->topics.retention_ms : -1,
        .max_message_bytes = config->topics.max_message_bytes,
        .allows_compaction = config->topics.allow_compaction,
        .clock = &system_clock,
        .stop = command_stop_flag()};
    bool is_read = kafka_check_properties(&endpoint->options, err);
    if (is_read && config->registry.password_file) {
        endpoint->registry_password = config_read_secret(config->registry.password_file, err);
        is_read = endpoint->registry_password != NULL;
    }
    if (!is_read)
        kafka_endpoint_release(endpoint);
    return is_read;
}

void kafka_endpoint_release(struct kafka_endpoint *endpoint)
{
    free(endpoint->properties);
    config_secret_free(endpoint->registry_password);
    *endpoint = (struct kafka_endpoint){0};
}

static bool read_log(void *context, kafka_log_take take, void *taker, struct error *err)
{
    return kafka_log_read(context, take, taker, err);
}

static bool become_writer(void *context, struct error *err)
{
    return kafka_log_become_writer(context, err);
}

static bool append(void *context, struct bytes key, struct bytes value, struct error *err)
{
    return kafka_log_append(context, key, value, err);
}

bool session_registry_open(struct session_registry *session, const struct kafka_endpoint *endpoint,
                           const struct config *config, struct error *err)
{
    *session = (struct session_registry){0};
    if (config->registry.url) {
        struct registry_http_options options = {.url = config->registry.url,
                                                .user = config->registry.user,
                                                .password = endpoint->registry_password,
                                                .ca_file = config->registry.ca_file,
                                                .timeout_ms = (int)config->registry.timeout_ms,
                                                .allows_insecure = config->registry.insecure};
        session->registry = registry_http_new(&options, err);
        return session->registry != NULL;
    }
    session->log =
        kafka_log_new(&endpoint->options, KAFKA_LOG_SCHEMAS, KAFKA_LOG_SCHEMAS_WRITER, err);
    session->schema_log = (struct schema_log){.context = session->log,
                                              .read = read_log,
                                              .become_writer = become_writer,
                                              .append = append};
    if (session->log)
        session->registry = registry_log_new(&session->schema_log);
    if (!session->registry)
        session_registry_close(session);
    return session->registry != NULL;
}

void session_registry_close(struct session_registry *session)
{
    if (session->registry)
        session->registry->ops->free(session->registry);
    kafka_log_free(session->log);
    *session = (struct session_registry){0};
}
