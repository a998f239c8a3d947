/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a registry what standard input says, line by line, so that a test in Python can drive schema/registry. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/stop_flag.h"
#include "schema/registry.h"
#include "transport/kafka_log.h"

static struct stop_flag stop;

static void on_sigterm(int number)
{
    (void)number;
    stop_flag_set(&stop);
}

static const char *kind_name(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE:
        return "NONE";
    case ERROR_RETRY:
        return "RETRY";
    case ERROR_DATA:
        return "DATA";
    case ERROR_CONFIG:
        return "CONFIG";
    case ERROR_STOP:
        return "STOP";
    case ERROR_ENDED:
        return "ENDED";
    case ERROR_FATAL:
        return "FATAL";
    }
    return "?";
}

static void print_error(const struct error *err)
{
    printf("error %s %s %s\n", kind_name(err->kind), stop_name(err->stop), err->message);
}

/* "id SUBJECT SCHEMA" */
static bool ask_id(struct registry *registry, char *rest, struct error *err)
{
    uint32_t id;
    char *schema = strchr(rest, ' ');
    if (!schema)
        return error_set(err, ERROR_CONFIG, "id SUBJECT SCHEMA");
    *schema++ = '\0';
    struct bytes text = {.data = (const uint8_t *)schema, .size = strlen(schema)};
    if (!registry->ops->id(registry, rest, text, &id, err))
        return false;
    printf("ok %u\n", id);
    return true;
}

/* "schema ID" */
static bool ask_schema(struct registry *registry, const char *rest, struct error *err)
{
    struct bytes text;
    uint32_t id = (uint32_t)strtoul(rest, NULL, 10);
    if (!registry->ops->schema(registry, id, &text, err))
        return false;
    printf("ok %.*s\n", (int)text.size, (const char *)text.data);
    return true;
}

static void answer_all(struct registry *registry)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        struct error err;
        line[strcspn(line, "\n")] = '\0';
        bool is_id = strncmp(line, "id ", 3) == 0;
        char *rest = line + (is_id ? 3 : strlen("schema "));
        if (!(is_id ? ask_id(registry, rest, &err) : ask_schema(registry, rest, &err)))
            print_error(&err);
        fflush(stdout);
    }
    free(line);
}

/* http URL; more in the environment. */
static int probe_http(const char *url)
{
    struct error err;
    const struct registry_http_options options = {.url = url,
                                                  .user = getenv("PROBE_USER"),
                                                  .password = getenv("PROBE_PASSWORD"),
                                                  .ca_file = getenv("PROBE_CA"),
                                                  .timeout_ms = 10000};
    struct registry *registry = registry_http_new(&options, &err);
    if (!registry) {
        print_error(&err);
        return EXIT_CONFIGURATION;
    }
    answer_all(registry);
    registry->ops->free(registry);
    return EXIT_OK;
}

static bool read_log(void *context,
                     bool (*take)(void *taker, int64_t offset, struct bytes key, struct bytes value,
                                  struct error *err),
                     void *taker, struct error *err)
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

/* log BOOTSTRAP */
static int probe_log(const char *bootstrap)
{
    struct error err;
    const struct kafka_property properties[] = {{"bootstrap.servers", bootstrap}};
    const struct kafka_options options = {.properties = properties,
                                          .property_count = 1,
                                          .name = "probe",
                                          .prefix = "probe",
                                          .replication = -1,
                                          .clock = &system_clock,
                                          .stop = &stop};
    struct kafka_log *log =
        kafka_log_new(&options, KAFKA_LOG_SCHEMAS, KAFKA_LOG_SCHEMAS_WRITER, &err);
    if (!log) {
        print_error(&err);
        return EXIT_CONFIGURATION;
    }
    const struct schema_log schema_log = {
        .context = log, .read = read_log, .become_writer = become_writer, .append = append};
    struct registry *registry = registry_log_new(&schema_log);
    answer_all(registry);
    registry->ops->free(registry);
    kafka_log_free(log);
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    if (!stop_flag_open(&stop))
        return EXIT_BUG;
    signal(SIGTERM, on_sigterm);
    if (argc == 3 && strcmp(argv[1], "http") == 0)
        return probe_http(argv[2]);
    if (argc == 3 && strcmp(argv[1], "log") == 0)
        return probe_log(argv[2]);
    fprintf(stderr, "registry_probe http URL | log BOOTSTRAP\n");
    return EXIT_USAGE;
}
