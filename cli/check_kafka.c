/* SPDX-License-Identifier: Apache-2.0 */
/* check: Kafka's brokers, its client, what the capture has recorded there, and the registry. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"

static const char WHAT[] = "kafka";

/* ---- the client ---- */

static const char *property(const struct check *check, const char *name)
{
    const struct config_kafka *kafka = &check->config->kafka;
    for (size_t i = kafka->count; i-- > 0;)
        if (strcmp(kafka->properties[i].name, name) == 0)
            return kafka->properties[i].value;
    return NULL;
}

const char *check_bootstrap(const struct check *check)
{
    const char *servers = property(check, "bootstrap.servers");
    return servers ? servers : "BROKERS";
}

/* Before the brokers are asked: what they say to it is just "invalid credentials". */
static void check_scram(struct check *check)
{
    const char *mechanism = property(check, "sasl.mechanisms");
    if (!mechanism)
        mechanism = property(check, "sasl.mechanism");
    if (!mechanism || strncmp(mechanism, "SCRAM", 5) != 0 || kafka_library_has_good_scram())
        return;
    finding(&check->findings, FINDING_WARN, WHAT,
            "librdkafka %s can do %s with Kafka up to 3.9 only: Kafka 4 refuses the password",
            kafka_library_version(), mechanism);
    finding_do("use librdkafka 2.6.1 or newer; or with Kafka 4 a client's certificate "
               "(kafka.ssl.certificate.location, kafka.ssl.key.location) or sasl.mechanism: PLAIN "
               "over sasl_ssl");
}

static void check_insecure(struct check *check)
{
    if (!check->config->kafka.insecure)
        return;
    finding(&check->findings, FINDING_WARN, WHAT,
            "connections without verified TLS are allowed: anyone on the way can read and change "
            "what is replicated");
    finding_do("remove kafka.insecure from the configuration, and set kafka.security.protocol: "
               "ssl or sasl_ssl");
}

/* ---- the cluster ---- */

static void check_replication(struct check *check)
{
    const struct kafka_cluster *cluster = &check->cluster;
    uint32_t replication = (uint32_t)check->config->topics.replication;
    if (replication == 0)
        replication = cluster->replication;
    if (cluster->brokers < 2 || replication != 1)
        return;
    finding(&check->findings, FINDING_WARN, WHAT,
            "topics are made with one replica, though there are %" PRIu32
            " brokers: if one loses its disk, changes are lost",
            cluster->brokers);
    finding_do("topics.replication: %d  before the first start", cluster->brokers < 3 ? 2 : 3);
}

static bool check_cluster(struct check *check)
{
    struct error err;
    check->probe = kafka_probe_new(&check->kafka.options, COMMAND_PATIENCE_MS, &err);
    if (!check->probe || !kafka_probe_cluster(check->probe, &check->cluster, &err)) {
        finding_error(&check->findings, WHAT, &err);
        return false;
    }
    finding(&check->findings, FINDING_OK, WHAT, "%" PRIu32 " broker%s, librdkafka %s",
            check->cluster.brokers, check->cluster.brokers == 1 ? "" : "s",
            kafka_library_version());
    check_replication(check);
    return true;
}

/* ---- transactions ---- */

static void check_transactions(struct check *check)
{
    struct error err;
    const char *name = check->config->name;
    if (kafka_probe_transactions(check->probe, &err)) {
        finding(&check->findings, FINDING_OK, "kafka transactions",
                "ids that begin with %s- can be used", name);
        return;
    }
    if (err.stop == STOP_PERMISSION_DENIED) {
        finding(&check->findings, FINDING_FAIL, "kafka transactions", "PERMISSION_DENIED: %s",
                err.message);
        finding_do("kafka-acls --bootstrap-server %s --add --allow-principal User:… --operation "
                   "Write --operation Describe --transactional-id %s- --resource-pattern-type "
                   "prefixed",
                   check_bootstrap(check), name);
        return;
    }
    finding_error(&check->findings, "kafka transactions", &err);
    if (err.kind == ERROR_RETRY)
        finding_do("see that the brokers' transaction.state.log.replication.factor (3 unless set) "
                   "isn't more than there are brokers");
}

/* ---- what is recorded ---- */

/* R tells whose topics these are, and what slot and tables belong to them. */
static void check_recorded(struct check *check)
{
    struct error err;
    const char *prefix = check->config->topics.prefix;
    if (!kafka_look(&check->kafka.options, COMMAND_PATIENCE_MS, &check->look, &err)) {
        finding_error(&check->findings, "kafka state", &err);
        return;
    }
    bool is_foreign = check->look.recorded.state != RECORDED_NONE &&
                      strcmp(check->look.name, check->config->name) != 0;
    if (is_foreign && check->source) {
        finding(&check->findings, FINDING_FAIL, "kafka state",
                "TOPICS_FOREIGN: the topics of prefix %s belong to pipeline %s", prefix,
                check->look.name);
        finding_do("topics.prefix: %s  or another that no pipeline has", check->config->name);
        return;
    }
    recorded_assign(&check->recorded, &check->look.recorded);
    check->is_recorded_known = true;
    finding(&check->findings, FINDING_OK, "kafka state", "prefix %s, %s", prefix,
            recorded_state_text(check->recorded.state));
}

bool check_kafka(struct check *check)
{
    struct error err;
    if (!kafka_endpoint_read(&check->kafka, check->config, &err)) {
        finding_error(&check->findings, WHAT, &err);
        return false;
    }
    check_scram(check);
    check_insecure(check);
    if (!check_cluster(check))
        return false;
    check_recorded(check);
    if (check->source)
        check_transactions(check);
    return true;
}

void check_kafka_release(struct check *check)
{
    kafka_probe_free(check->probe);
    kafka_look_release(&check->look);
    kafka_endpoint_release(&check->kafka);
}

/* ---- the registry ---- */

/* Any schema's answer shows that a registry is there; that it has none of this id is one. */
void check_registry(struct check *check)
{
    enum { ANY_ID = 1 };
    const char *url = check->config->registry.url;
    struct session_registry session;
    struct bytes schema;
    struct error err;
    if (!session_registry_open(&session, &check->kafka, check->config, &err)) {
        finding_error(&check->findings, "registry", &err);
        return;
    }
    if (session.registry->ops->schema(session.registry, ANY_ID, &schema, &err) ||
        err.stop == STOP_SCHEMA_UNKNOWN) {
        finding(&check->findings, FINDING_OK, "registry", "%s",
                url ? "it answers" : "built in, on the topic " KAFKA_LOG_SCHEMAS);
    } else {
        finding_error(&check->findings, "registry", &err);
    }
    session_registry_close(&session);
}
