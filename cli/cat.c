/* SPDX-License-Identifier: Apache-2.0 */
/* penstock cat: what lies in a topic, as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cat_control.h"
#include "cli/command.h"
#include "cli/kafka.h"
#include "schema/avro_json.h"
#include "transport/kafka_reader.h"

enum { MAX_LINE_BYTES = 1 << 30, PATIENCE_MS = 1000 };

/* A schema that was met. */
struct cat_schema {
    uint32_t id;
    struct arena *arena;
    const struct avro_schema *schema;
};

struct cat {
    const char *topic;
    bool is_control;
    struct topic_reader *topics;
    struct registry *registry;
    struct cat_schema *schemas;
    size_t schema_count;
    struct byte_buffer line;
};

static const struct avro_schema *find_schema(struct cat *cat, uint32_t id, struct error *err)
{
    struct bytes text;
    for (size_t i = 0; i < cat->schema_count; i++)
        if (cat->schemas[i].id == id)
            return cat->schemas[i].schema;
    if (!cat->registry->ops->schema(cat->registry, id, &text, err))
        return NULL;
    struct cat_schema added = {.id = id, .arena = arena_new(4096)};
    added.schema = avro_schema_parse(text, added.arena, err);
    if (!added.schema) {
        arena_free(added.arena);
        return NULL;
    }
    cat->schemas = memory_resize(cat->schemas, cat->schema_count + 1, sizeof(struct cat_schema));
    cat->schemas[cat->schema_count++] = added;
    return added.schema;
}

/* A key or a value; what can't be decoded ends the command with an error that names the place. */
static bool write_avro(struct cat *cat, const char *name, struct bytes bytes, struct error *err)
{
    write_format(&cat->line, ",\"%s\":", name);
    if (!bytes.data) {
        write_text(&cat->line, "null");
        return true;
    }
    struct byte_reader head = byte_reader_over(bytes);
    uint8_t magic = read_u8(&head);
    uint32_t id = read_u32(&head);
    if (head.overrun || magic != 0)
        return error_set(err, ERROR_DATA, "not in Confluent's wire format");
    const struct avro_schema *schema = find_schema(cat, id, err);
    return schema && avro_write_json(schema, (struct bytes){head.at, byte_reader_left(&head)},
                                     &cat->line, err);
}

static void write_place(struct cat *cat, uint32_t partition, const struct topic_record *record)
{
    char position[POSITION_TEXT_SIZE];
    char previous[POSITION_TEXT_SIZE];
    write_format(&cat->line,
                 "{\"partition\":%" PRIu32 ",\"offset\":%" PRId64
                 ",\"position\":\"%s\",\"previous\":\"%s\",\"flags\":%u",
                 partition, record->offset, position_text(&record->header.position, position),
                 position_text(&record->header.previous, previous), record->header.flags);
}

static bool print_record(struct cat *cat, uint32_t partition, const struct topic_record *record,
                         struct error *err)
{
    byte_buffer_clear(&cat->line);
    write_place(cat, partition, record);
    bool is_written = cat->is_control ? cat_write_control(record->value, &cat->line, err)
                                      : write_avro(cat, "key", record->key, err) &&
                                            write_avro(cat, "value", record->value, err);
    if (!is_written)
        return error_add(err, "%s/%" PRIu32 " offset %" PRId64, cat->topic, partition,
                         record->offset);
    write_text(&cat->line, "}\n");
    if (cat->line.overrun || fwrite(cat->line.data, 1, cat->line.size, stdout) != cat->line.size)
        return error_set(err, ERROR_RETRY, "can't write to standard output");
    return true;
}

static bool print_partition(struct cat *cat, uint32_t partition, struct error *err)
{
    partition_handle handle;
    const struct topic_record *record;
    enum peeked peeked = PEEKED_NOTHING;
    if (!cat->topics->ops->open(cat->topics, cat->topic, partition, -1, &handle, err))
        return false;
    while (peeked != PEEKED_END && !stop_flag_is_set(command_stop_flag())) {
        record = NULL;
        if (!cat->topics->ops->peek(cat->topics, handle, PATIENCE_MS, &record, &peeked, err))
            return false;
        if (!record)
            continue;
        if (!print_record(cat, partition, record, err))
            return false;
        cat->topics->ops->take(cat->topics, handle);
    }
    return true;
}

static bool print_topic(struct cat *cat, struct kafka_reader *reader, const char *prefix,
                        struct error *err)
{
    char control[KAFKA_TOPIC_SIZE];
    uint32_t partitions;
    kafka_control_name(prefix, control);
    cat->is_control = strcmp(cat->topic, control) == 0;
    if (!kafka_reader_partitions(reader, cat->topic, &partitions, err))
        return false;
    for (uint32_t i = 0; i < partitions; i++)
        if (!print_partition(cat, i, err))
            return false;
    return fflush(stdout) == 0 || error_set(err, ERROR_RETRY, "can't write to standard output");
}

static bool run_cat(struct cat *cat, const struct kafka_endpoint *kafka,
                    const struct config *config, struct error *err)
{
    struct session_registry registry;
    if (!session_registry_open(&registry, kafka, config, err))
        return false;
    struct kafka_reader *reader =
        kafka_reader_new(&kafka->options, "penstock-cat", config->queue.max_bytes, err);
    bool is_printed = false;
    if (reader) {
        cat->registry = registry.registry;
        cat->topics = kafka_reader_topics(reader);
        is_printed = print_topic(cat, reader, config->topics.prefix, err);
        kafka_reader_free(reader);
    }
    session_registry_close(&registry);
    return is_printed;
}

enum exit_code command_cat(const struct arguments *arguments, const struct config *config)
{
    struct cat cat = {.topic = arguments->operand};
    struct kafka_endpoint kafka;
    struct error err;
    byte_buffer_init(&cat.line, MAX_LINE_BYTES);
    bool is_read = kafka_endpoint_read(&kafka, config, &err);
    bool is_printed = is_read && run_cat(&cat, &kafka, config, &err);
    if (is_read)
        kafka_endpoint_release(&kafka);
    for (size_t i = 0; i < cat.schema_count; i++)
        arena_free(cat.schemas[i].arena);
    free(cat.schemas);
    byte_buffer_release(&cat.line);
    return is_printed ? EXIT_OK : command_stopped(&err);
}
