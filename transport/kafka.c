/* SPDX-License-Identifier: Apache-2.0 */
/* Names of topics, Java's partitioner, and which properties are the user's to set. */
#include "transport/kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "transport/kafka_client.h"

enum { KAFKA_TOPIC_MAX_LENGTH = 249, MIN_TRANSACTION_MS = 10000, MAX_TRANSACTION_MS = 900000 };

/* ---- names ---- */

/* Appends with what Kafka doesn't allow replaced; counts on past the end of `out`. */
static size_t append_name(char *out, size_t length, const char *text)
{
    for (; *text; text++, length++) {
        bool is_allowed = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                          (*text >= '0' && *text <= '9') || strchr("._-", *text);
        if (length < KAFKA_TOPIC_MAX_LENGTH)
            out[length] = is_allowed ? *text : '_';
    }
    return length;
}

bool kafka_topic_name(const char *prefix, const char *schema, const char *table, char *out,
                      struct error *err)
{
    size_t length = append_name(out, 0, prefix);
    length = append_name(out, length, ".");
    length = append_name(out, length, schema);
    length = append_name(out, length, ".");
    length = append_name(out, length, table);
    out[length < KAFKA_TOPIC_MAX_LENGTH ? length : KAFKA_TOPIC_MAX_LENGTH] = '\0';
    if (length <= KAFKA_TOPIC_MAX_LENGTH)
        return true;
    error_set(err, ERROR_CONFIG, "the topic of %s.%s would have a name of %zu characters", schema,
              table, length);
    return error_remedy(err, "Kafka takes %d: choose a shorter topics.prefix",
                        KAFKA_TOPIC_MAX_LENGTH);
}

void kafka_control_name(const char *prefix, char *out)
{
    snprintf(out, KAFKA_TOPIC_SIZE, "__penstock.%s.control", prefix);
}

void kafka_offsets_name(const char *prefix, char *out)
{
    snprintf(out, KAFKA_TOPIC_SIZE, "__penstock.%s.offsets", prefix);
}

/* ---- the partitioner ---- */

/* MurmurHash2 (Austin Appleby, public domain), with the seed of org.apache.kafka.common.utils.Utils.murmur2(). */
static uint32_t murmur2(const uint8_t *key, size_t size)
{
    const uint32_t factor = 0x5bd1e995;
    uint32_t hash = 0x9747b28cU ^ (uint32_t)size;
    for (; size >= 4; key += 4, size -= 4) {
        uint32_t word = (uint32_t)key[0] | (uint32_t)key[1] << 8 | (uint32_t)key[2] << 16 |
                        (uint32_t)key[3] << 24;
        word *= factor;
        word ^= word >> 24;
        hash = hash * factor ^ word * factor;
    }
    for (size_t i = size; i > 0; i--)
        hash ^= (uint32_t)key[i - 1] << (8 * (i - 1));
    if (size > 0)
        hash *= factor;
    hash ^= hash >> 13;
    hash *= factor;
    return hash ^ hash >> 15;
}

uint32_t kafka_partition(const void *key, size_t size, uint32_t partitions)
{
    return (murmur2(key, size) & 0x7fffffff) % partitions;
}

/* ---- properties ---- */

/* Properties that decide about exactly-once or memory: `allowed` values may be set, though they change nothing. */
struct owned_property {
    const char *name;
    const char *allowed[2];
    const char *instead;
};

#define BY_NAME   "it is made of the pipeline's name: set name"
#define BY_MEMORY "memory is bounded in one place: set queue.max_bytes"
#define BY_TARGET "the checkpoint in the target says what was applied: leave it out"
#define EXACTLY   "exactly-once needs it as it is: leave it out"
#define UNUSED    "penstock doesn't use it: leave it out"

static const struct owned_property owned[] = {
    {"transactional.id", {NULL}, BY_NAME},
    {"group.id", {NULL}, BY_NAME},
    {"group.instance.id", {NULL}, UNUSED},
    {"group.protocol", {NULL}, UNUSED},
    {"group.protocol.type", {NULL}, UNUSED},
    {"partition.assignment.strategy", {NULL}, UNUSED},
    {"enable.idempotence", {"true"}, EXACTLY},
    {"enable.gapless.guarantee", {NULL}, EXACTLY},
    {"acks", {"all", "-1"}, EXACTLY},
    {"request.required.acks", {"all", "-1"}, EXACTLY},
    {"isolation.level", {"read_committed"}, EXACTLY},
    {"queuing.strategy", {"fifo"}, EXACTLY},
    {"check.crcs", {"true"}, "bytes that were damaged must be noticed: leave it out"},
    {"message.timeout.ms",
     {NULL},
     "a message waits as long as its transaction: set transaction.timeout.ms"},
    {"delivery.timeout.ms",
     {NULL},
     "a message waits as long as its transaction: set transaction.timeout.ms"},
    {"enable.auto.commit", {"false"}, BY_TARGET},
    {"auto.commit.enable", {"false"}, BY_TARGET},
    {"auto.commit.interval.ms", {NULL}, BY_TARGET},
    {"enable.auto.offset.store", {"false"}, BY_TARGET},
    {"auto.offset.reset", {NULL}, BY_TARGET},
    {"offset.store.method", {NULL}, BY_TARGET},
    {"offset.store.path", {NULL}, BY_TARGET},
    {"enable.partition.eof", {"true"}, UNUSED},
    {"queue.buffering.max.messages", {NULL}, BY_MEMORY},
    {"queue.buffering.max.kbytes", {NULL}, BY_MEMORY},
    {"queued.min.messages", {NULL}, BY_MEMORY},
    {"queued.max.messages.kbytes", {NULL}, BY_MEMORY},
    {"fetch.max.bytes", {NULL}, BY_MEMORY},
    {"fetch.message.max.bytes", {NULL}, BY_MEMORY},
    {"max.partition.fetch.bytes", {NULL}, BY_MEMORY},
    {"message.max.bytes", {NULL}, "the topic's max.message.bytes decides: leave it out"},
    {"delivery.report.only.error", {"false"}, EXACTLY},
    {"partitioner", {NULL}, "keys go to partitions as Java's clients do it: set topics.partitions"},
    {"allow.auto.create.topics", {"false"}, "topics are made with their settings: set topics.*"},
    {"enabled_events", {NULL}, UNUSED},
    {"log.queue", {NULL}, UNUSED},
    {"statistics.interval.ms", {NULL}, UNUSED},
    {"plugin.library.paths", {NULL}, "foreign code isn't loaded: leave it out"},
};

static bool is_allowed(const struct owned_property *property, const char *value)
{
    for (size_t i = 0; i < 2; i++)
        if (property->allowed[i] && strcasecmp(property->allowed[i], value) == 0)
            return true;
    return false;
}

static bool check_owned(const struct kafka_property *property, struct error *err)
{
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
        if (strcmp(owned[i].name, property->name) != 0 || is_allowed(&owned[i], property->value))
            continue;
        error_set(err, ERROR_CONFIG, "kafka.%s is not to be set", property->name);
        return error_remedy(err, "%s", owned[i].instead);
    }
    return true;
}

static bool check_transaction_timeout(const struct kafka_property *property, struct error *err)
{
    if (strcmp(property->name, "transaction.timeout.ms") != 0)
        return true;
    char *end = NULL;
    long timeout_ms = strtol(property->value, &end, 10);
    if (*end == '\0' && timeout_ms >= MIN_TRANSACTION_MS && timeout_ms <= MAX_TRANSACTION_MS)
        return true;
    return error_set(err, ERROR_CONFIG, "kafka.transaction.timeout.ms must be from %d to %d",
                     MIN_TRANSACTION_MS, MAX_TRANSACTION_MS);
}

/* librdkafka's own message would show the value, which may be a secret. */
static bool check_known(const struct kafka_property *property, struct error *err)
{
    char ignored[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result =
        rd_kafka_conf_set(conf, property->name, property->value, ignored, sizeof(ignored));
    rd_kafka_conf_destroy(conf);
    switch (result) {
    case RD_KAFKA_CONF_OK:
        return true;
    case RD_KAFKA_CONF_UNKNOWN:
        error_set(err, ERROR_CONFIG, "kafka.%s is no property of librdkafka %s", property->name,
                  rd_kafka_version_str());
        break;
    case RD_KAFKA_CONF_INVALID:
        error_set(err, ERROR_CONFIG, "kafka.%s has a value that librdkafka %s doesn't take",
                  property->name, rd_kafka_version_str());
        break;
    }
    return error_remedy(err, "see CONFIGURATION.md of librdkafka");
}

/* ---- plain text ---- */

static bool is_loopback(const char *host, size_t size)
{
    static const char *const names[] = {"localhost", "::1", "[::1]"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == size && strncasecmp(names[i], host, size) == 0)
            return true;
    return size > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= size;
}

/* The host of `[protocol://]host[:port]`. */
static const char *host_of(const char *server, size_t *size)
{
    const char *end = server + *size;
    for (const char *p = server; p + 3 <= end; p++)
        if (strncmp(p, "://", 3) == 0)
            server = p + 3;
    const char *host_end = end;
    if (*server == '[') {
        const char *bracket = memchr(server, ']', (size_t)(end - server));
        host_end = bracket ? bracket + 1 : end;
    } else {
        const char *colon = memchr(server, ':', (size_t)(end - server));
        host_end = colon ? colon : end;
    }
    *size = (size_t)(host_end - server);
    return server;
}

/* The first of the servers that is another host; NULL if there is none. */
static const char *other_host(const char *servers, size_t *size)
{
    while (*servers) {
        size_t length = strcspn(servers, ", ");
        *size = length;
        const char *host = host_of(servers, size);
        if (length > 0 && !is_loopback(host, *size))
            return host;
        servers += length + (servers[length] != '\0');
    }
    return NULL;
}

static bool check_plain_text(const struct kafka_options *options, struct error *err)
{
    char protocol[64];
    char servers[4096];
    size_t size;
    kafka_client_property(options, "security.protocol", protocol, sizeof(protocol));
    kafka_client_property(options, "bootstrap.servers", servers, sizeof(servers));
    const char *host = other_host(servers, &size);
    if (options->allows_insecure || !host || strcasecmp(protocol, "ssl") == 0 ||
        strcasecmp(protocol, "sasl_ssl") == 0)
        return true;
    error_set(err, ERROR_CONFIG, "rows would go to %.*s in plain text", (int)size, host);
    return error_remedy(err, "set kafka.security.protocol to ssl or sasl_ssl, or kafka.insecure: "
                             "true if the network is yours alone");
}

static bool is_set(const struct kafka_options *options, const char *name)
{
    for (size_t i = 0; i < options->property_count; i++)
        if (strcmp(options->properties[i].name, name) == 0 && *options->properties[i].value)
            return true;
    return false;
}

bool kafka_check_properties(const struct kafka_options *options, struct error *err)
{
    for (size_t i = 0; i < options->property_count; i++) {
        const struct kafka_property *property = &options->properties[i];
        if (!check_owned(property, err) || !check_known(property, err) ||
            !check_transaction_timeout(property, err))
            return false;
    }
    if (!is_set(options, "bootstrap.servers") && !is_set(options, "metadata.broker.list")) {
        error_set(err, ERROR_CONFIG, "kafka.bootstrap.servers is not set");
        return error_remedy(err, "set it to host:port of one or more brokers");
    }
    return check_plain_text(options, err);
}
