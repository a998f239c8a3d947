/* SPDX-License-Identifier: Apache-2.0 */
/* How every client is made, heard and ended. */
#include "transport/kafka_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"

#define ADDRESS_REMEDY                                                                             \
    "see that the brokers run, and that kafka.bootstrap.servers and kafka.security.protocol are "  \
    "theirs"

enum { MAX_REFUSALS = 3, END_PATIENCE_MS = 5000 };

/* ---- properties ---- */

/* Below the user's. Nagle costs 40 ms for each small request; a broker that is gone is to be found again soon. */
static const struct kafka_property defaults[] = {
    {"socket.nagle.disable", "true"},     {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.max.ms", "2000"}, {"socket.connection.setup.timeout.ms", "10000"},
    {"log.connection.close", "false"},    {NULL, NULL},
};

static const struct kafka_property producer_defaults[] = {
    {"compression.type", "lz4"},
    {"linger.ms", "2"},
    {"transaction.timeout.ms", "60000"},
    {NULL, NULL},
};

static const struct kafka_property consumer_defaults[] = {
    {"fetch.wait.max.ms", "50"}, /* a partition that is opened waits for the fetch under way */
    {"fetch.error.backoff.ms", "100"},
    {"fetch.queue.backoff.ms", "1"}, /* since librdkafka 2.2 */
    {NULL, NULL},
};

/* Above the user's. */
static const struct kafka_property common[] = {
    {"allow.auto.create.topics", "false"},
    {NULL, NULL},
};

static const struct kafka_property producer_common[] = {
    {"enable.idempotence", "true"},
    {"acks", "all"},
    {NULL, NULL},
};

static const struct kafka_property consumer_common[] = {
    {"isolation.level", "read_committed"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"enable.partition.eof", "true"},
    {"check.crcs", "true"},
    {NULL, NULL},
};

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        log_debug("property not taken", "name=%s library=%s", name, rd_kafka_version_str());
}

static void set_all(rd_kafka_conf_t *conf, const struct kafka_property *properties)
{
    for (; properties && properties->name; properties++)
        kafka_conf_set(conf, properties->name, properties->value);
}

/* Defaults, then the user's, then ours. */
static rd_kafka_conf_t *make_conf(const struct kafka_options *options, rd_kafka_type_t type)
{
    bool is_producer = type == RD_KAFKA_PRODUCER;
    char client_id[64];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(client_id, sizeof(client_id), "penstock-%s", options->name);
    kafka_conf_set(conf, "client.id", client_id);
    set_all(conf, defaults);
    set_all(conf, is_producer ? producer_defaults : consumer_defaults);
    for (size_t i = 0; i < options->property_count; i++)
        kafka_conf_set(conf, options->properties[i].name, options->properties[i].value);
    set_all(conf, common);
    set_all(conf, is_producer ? producer_common : consumer_common);
    return conf;
}

void kafka_client_property(const struct kafka_options *options, const char *name, char *out,
                           size_t size)
{
    rd_kafka_conf_t *conf = make_conf(options, RD_KAFKA_PRODUCER);
    size_t needed = size;
    if (rd_kafka_conf_get(conf, name, out, &needed) != RD_KAFKA_CONF_OK)
        *out = '\0';
    rd_kafka_conf_destroy(conf);
}

/* ---- callbacks ---- */

/* librdkafka's words come from its own threads. They never hold what the user's properties say of passwords. That a broker is
 * away comes to on_error() as well, once; what is retried tells an operator nothing. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    enum { SYSLOG_ERROR = 3, SYSLOG_WARNING = 4 }; /* of syslog(3), whose names are ours too */
    bool is_told = strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0 ||
                   strstr(text, "retrying") != NULL;
    enum log_level ours = is_told || level > SYSLOG_WARNING ? LOG_DEBUG
                          : level <= SYSLOG_ERROR           ? LOG_WARN
                                                            : LOG_INFO;
    log_write(ours, "kafka", "client=%s facility=%s text=%s", rk ? rd_kafka_name(rk) : "", facility,
              text);
}

static bool is_refusal(int code)
{
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL ||
           code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct kafka_client *client = opaque;
    (void)rk;
    if (is_refusal(code))
        client->refusals++;
    else if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && code != RD_KAFKA_RESP_ERR__TRANSPORT &&
             code != RD_KAFKA_RESP_ERR__RESOLVE)
        return;
    if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !client->reason[0])
        snprintf(client->reason, sizeof(client->reason), "%s", reason);
    if (client->down_since_ms != 0)
        return;
    client->down_since_ms = clock_now_ms(client->clock);
    log_warn("Kafka is away", "client=%s reason=%s do=%s", rd_kafka_name(rk), client->reason,
             "nothing if a broker restarts; else " ADDRESS_REMEDY);
}

static void on_message(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_client *client = opaque;
    if (!message->err)
        kafka_client_is_up(client);
    client->on_delivery(rk, message, client->owner);
}

/* ---- life ---- */

struct kafka_client *kafka_client_new(const struct kafka_client_options *options, struct error *err)
{
    char text[256];
    struct kafka_client *client = memory_new(sizeof(*client));
    rd_kafka_conf_t *conf = make_conf(options->kafka, options->type);
    client->on_delivery = options->on_delivery;
    client->owner = options->owner;
    client->clock = options->kafka->clock;
    set_all(conf, options->own);
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    if (options->on_delivery)
        rd_kafka_conf_set_dr_msg_cb(conf, on_message);
    client->rk = rd_kafka_new(options->type, conf, text, sizeof(text));
    if (client->rk)
        return client;
    rd_kafka_conf_destroy(conf);
    free(client);
    error_set(err, ERROR_CONFIG, "Kafka's client refuses the properties of kafka: %s", text);
    return NULL;
}

/* A consumer isn't closed: it is in no group, and closing may hang (librdkafka before 2.6.1). */
static void *destroy(void *rk)
{
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

void kafka_client_free(struct kafka_client *client)
{
    pthread_t thread;
    struct timespec until;
    if (!client)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_PATIENCE_MS / 1000;
    if (pthread_create(&thread, NULL, destroy, client->rk) != 0)
        (void)destroy(client->rk);
    else if (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT)
        pthread_detach(thread);
    free(client);
}

/* ---- waiting ---- */

void kafka_client_poll(struct kafka_client *client, int timeout_ms)
{
    rd_kafka_poll(client->rk, timeout_ms);
}

void kafka_client_is_up(struct kafka_client *client)
{
    if (client->down_since_ms != 0)
        log_info("Kafka answers again", "client=%s", rd_kafka_name(client->rk));
    client->refusals = 0;
    client->down_since_ms = 0;
    client->reason[0] = '\0';
}

bool kafka_client_not_yet(const struct kafka_client *client, int64_t patience_ms, struct error *err)
{
    error_clear(err);
    if (client->refusals >= MAX_REFUSALS) {
        error_stop(err, STOP_AUTHENTICATION_FAILED, "Kafka's brokers refuse us: %s",
                   client->reason);
        return error_remedy(err, "check kafka.security.protocol, kafka.sasl.* and kafka.ssl.*; "
                                 "librdkafka before 2.6.1 can't do SCRAM with Kafka 4");
    }
    if (client->down_since_ms == 0 ||
        clock_now_ms(client->clock) - client->down_since_ms < patience_ms)
        return false;
    error_set(err, ERROR_RETRY, "no Kafka broker can be reached: %s", client->reason);
    return error_remedy(err, ADDRESS_REMEDY);
}

bool kafka_client_goes_on(const struct kafka_client *client, int64_t patience_ms, struct error *err)
{
    (void)kafka_client_not_yet(client, patience_ms, err);
    return err->kind == ERROR_NONE;
}

/* ---- errors ---- */

static bool is_denial(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

static bool is_fence(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

bool kafka_fail(struct error *err, rd_kafka_resp_err_t code, const char *text)
{
    if (!text)
        text = rd_kafka_err2str(code);
    if (is_denial(code)) {
        error_stop(err, STOP_PERMISSION_DENIED, "Kafka doesn't allow it: %s", text);
        return error_remedy(err, "grant it by kafka-acls; see docs/stops.md, PERMISSION_DENIED");
    }
    if (is_refusal((int)code)) {
        error_stop(err, STOP_AUTHENTICATION_FAILED, "Kafka's brokers refuse us: %s", text);
        return error_remedy(err, "check kafka.security.protocol, kafka.sasl.* and kafka.ssl.*");
    }
    if (is_fence(code)) {
        error_stop(err, STOP_FENCED, "another writer took over the transactional id: %s", text);
        return error_remedy(err, "let only one capture of this name run");
    }
    if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
        return error_set(err, ERROR_CONFIG,
                         "kafka.transaction.timeout.ms is more than the brokers' "
                         "transaction.max.timeout.ms: %s",
                         text);
    return error_set(err, ERROR_RETRY, "Kafka: %s", text);
}

bool kafka_fail_with(struct error *err, rd_kafka_error_t *error)
{
    (void)kafka_fail(err, rd_kafka_error_code(error), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}
