/* SPDX-License-Identifier: Apache-2.0 */
/* What the twin's broker, writer and readers share. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_TOPICS_INTERNAL_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_TOPICS_INTERNAL_H

#include "tests/support/memory_topics.h"

enum memory_record_state { MEMORY_OPEN, MEMORY_COMMITTED, MEMORY_ABORTED };

struct memory_record {
    enum memory_record_state state;
    uint32_t writer; /* that has it open */
    bool has_key;
    bool has_value;
    bool has_header;
    struct byte_buffer key;
    struct byte_buffer value;
    struct byte_buffer header;
};

struct memory_partition {
    struct memory_record *records;
    size_t count;
    int64_t first; /* offset of log start */
};

struct memory_topic {
    char *name;
    uint32_t partition_count;
    struct memory_partition *partitions;
};

struct memory_topics {
    struct memory_topic *items;
    size_t count;
    uint32_t writer; /* the one that isn't fenced */
};

/* NULL if there is none. */
struct memory_topic *memory_topic_find(const struct memory_topics *topics, const char *name);
struct memory_topic *memory_topic_make(struct memory_topics *topics, const char *name,
                                       uint32_t partitions);
struct memory_partition *memory_partition_find(const struct memory_topics *topics, const char *name,
                                               uint32_t partition);

void memory_partition_add(struct memory_partition *partition, uint32_t writer, struct bytes key,
                          struct bytes value, struct bytes header);

/* The last stable offset. */
int64_t memory_partition_end(const struct memory_partition *partition);

/* The first committed record at or after `offset`, and its offset; NULL if there is none before the last stable one. */
const struct memory_record *memory_partition_next(const struct memory_partition *partition,
                                                  int64_t *offset);

/* All open records of the writer become `state`. */
void memory_topics_end(struct memory_topics *topics, uint32_t writer,
                       enum memory_record_state state);

struct bytes memory_bytes(bool is_there, const struct byte_buffer *buffer);

#endif
