/* SPDX-License-Identifier: Apache-2.0 */
/* The twin's broker: logs of records, and what may happen to them. */
#include "tests/support/memory_topics.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/support/memory_topics_internal.h"

struct memory_topics *memory_topics_new(void)
{
    return memory_new(sizeof(struct memory_topics));
}

static void free_record(struct memory_record *record)
{
    byte_buffer_release(&record->key);
    byte_buffer_release(&record->value);
    byte_buffer_release(&record->header);
}

static void free_topic(struct memory_topic *topic)
{
    for (uint32_t i = 0; i < topic->partition_count; i++) {
        for (size_t j = 0; j < topic->partitions[i].count; j++)
            free_record(&topic->partitions[i].records[j]);
        free(topic->partitions[i].records);
    }
    free(topic->partitions);
    free(topic->name);
}

void memory_topics_free(struct memory_topics *topics)
{
    if (!topics)
        return;
    for (size_t i = 0; i < topics->count; i++)
        free_topic(&topics->items[i]);
    free(topics->items);
    free(topics);
}

struct memory_topic *memory_topic_find(const struct memory_topics *topics, const char *name)
{
    for (size_t i = 0; i < topics->count; i++)
        if (strcmp(topics->items[i].name, name) == 0)
            return &topics->items[i];
    return NULL;
}

struct memory_topic *memory_topic_make(struct memory_topics *topics, const char *name,
                                       uint32_t partitions)
{
    struct memory_topic *found = memory_topic_find(topics, name);
    if (found)
        return found;
    topics->items = memory_resize(topics->items, topics->count + 1, sizeof(*topics->items));
    struct memory_topic *topic = &topics->items[topics->count++];
    *topic = (struct memory_topic){
        .name = memory_copy_string(name),
        .partition_count = partitions,
        .partitions = memory_new_array(partitions, sizeof(struct memory_partition))};
    return topic;
}

struct memory_partition *memory_partition_find(const struct memory_topics *topics, const char *name,
                                               uint32_t partition)
{
    struct memory_topic *topic = memory_topic_find(topics, name);
    return topic && partition < topic->partition_count ? &topic->partitions[partition] : NULL;
}

struct bytes memory_bytes(bool is_there, const struct byte_buffer *buffer)
{
    static const uint8_t nothing[1];
    return (struct bytes){!is_there ? NULL : buffer->data ? buffer->data : nothing, buffer->size};
}

static void copy(struct byte_buffer *out, struct bytes bytes)
{
    byte_buffer_init(out, SIZE_MAX);
    write_bytes(out, bytes.data, bytes.size);
}

void memory_partition_add(struct memory_partition *partition, uint32_t writer, struct bytes key,
                          struct bytes value, struct bytes header)
{
    partition->records =
        memory_resize(partition->records, partition->count + 1, sizeof(*partition->records));
    struct memory_record *record = &partition->records[partition->count++];
    *record = (struct memory_record){.state = MEMORY_OPEN,
                                     .writer = writer,
                                     .has_key = key.data != NULL,
                                     .has_value = value.data != NULL,
                                     .has_header = header.data != NULL};
    copy(&record->key, key);
    copy(&record->value, value);
    copy(&record->header, header);
}

int64_t memory_partition_end(const struct memory_partition *partition)
{
    size_t i = 0;
    while (i < partition->count && partition->records[i].state != MEMORY_OPEN)
        i++;
    return (int64_t)i;
}

const struct memory_record *memory_partition_next(const struct memory_partition *partition,
                                                  int64_t *offset)
{
    int64_t end = memory_partition_end(partition);
    if (*offset < partition->first)
        *offset = partition->first;
    for (; *offset < end; ++*offset)
        if (partition->records[*offset].state == MEMORY_COMMITTED)
            return &partition->records[*offset];
    return NULL;
}

size_t memory_topics_count(const struct memory_topics *topics, const char *topic,
                           uint32_t partition)
{
    const struct memory_partition *found = memory_partition_find(topics, topic, partition);
    size_t count = 0;
    for (int64_t at = 0; found && memory_partition_next(found, &at); at++)
        count++;
    return count;
}

void memory_topics_add(struct memory_topics *topics, const char *topic, uint32_t partition,
                       struct bytes key, struct bytes value, struct bytes header)
{
    memory_topic_make(topics, topic, partition + 1);
    struct memory_partition *found = memory_partition_find(topics, topic, partition);
    memory_partition_add(found, 0, key, value, header);
    found->records[found->count - 1].state = MEMORY_COMMITTED;
}

void memory_topics_trim(struct memory_topics *topics, const char *topic, uint32_t partition,
                        int64_t first)
{
    memory_partition_find(topics, topic, partition)->first = first;
}

void memory_topics_tear(struct memory_topics *topics, const char *topic, uint32_t partition)
{
    struct memory_partition *found = memory_partition_find(topics, topic, partition);
    for (size_t i = 0; i < found->count; i++)
        if (found->records[i].state == MEMORY_OPEN)
            found->records[i].state = MEMORY_COMMITTED;
}

void memory_topics_lose(struct memory_topics *topics, const char *topic, uint32_t partition,
                        size_t count)
{
    struct memory_partition *found = memory_partition_find(topics, topic, partition);
    for (; count > 0; count--)
        free_record(&found->records[--found->count]);
}

void memory_topics_delete(struct memory_topics *topics, const char *topic)
{
    struct memory_topic *found = memory_topic_find(topics, topic);
    free_topic(found);
    *found = topics->items[--topics->count];
}

void memory_topics_end(struct memory_topics *topics, uint32_t writer,
                       enum memory_record_state state)
{
    for (size_t i = 0; i < topics->count; i++) {
        for (uint32_t j = 0; j < topics->items[i].partition_count; j++) {
            struct memory_partition *partition = &topics->items[i].partitions[j];
            for (size_t k = partition->count; k-- > 0;)
                if (partition->records[k].state == MEMORY_OPEN &&
                    partition->records[k].writer == writer)
                    partition->records[k].state = state;
        }
    }
}
