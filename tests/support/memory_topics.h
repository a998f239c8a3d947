/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's twin in memory: topics with partitions, transactions that are open, committed or aborted, a writer and readers as
 * transport/ has them. The writer's logic is the real one (transport/topic_chain). One thread. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_TOPICS_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/message.h"
#include "transport/topic_reader.h"
#include "transport/topic_writer.h"

/* ---- the broker ---- */

struct memory_topics;

struct memory_topics *memory_topics_new(void);
void memory_topics_free(struct memory_topics *topics);

/* How many records a read_committed reader can see in the partition; 0 if there is no such topic. */
size_t memory_topics_count(const struct memory_topics *topics, const char *topic,
                           uint32_t partition);

/* Like a foreign producer: a committed record. The topic is made if need be. */
void memory_topics_add(struct memory_topics *topics, const char *topic, uint32_t partition,
                       struct bytes key, struct bytes value, struct bytes header);

/* What retention does: the log begins at `first` now. */
void memory_topics_trim(struct memory_topics *topics, const char *topic, uint32_t partition,
                        int64_t first);

/* What KAFKA-17754 does: of the open transaction, this partition's records are committed, whatever comes of the rest. */
void memory_topics_tear(struct memory_topics *topics, const char *topic, uint32_t partition);

/* What an unclean election does: the last `count` records are gone. */
void memory_topics_lose(struct memory_topics *topics, const char *topic, uint32_t partition,
                        size_t count);

void memory_topics_delete(struct memory_topics *topics, const char *topic);

/* ---- the writer ---- */

struct memory_writer_options {
    const char *name;
    const char *prefix;
    uint32_t partitions;      /* of new topics */
    size_t transaction_bytes; /* a Kafka transaction ends at this size */
    size_t part_bytes;
    uint64_t part_messages;
    size_t max_message_bytes; /* 0: none is too large */
};

struct memory_writer;

/* A new writer fences the one before, whose open transaction is aborted. */
struct memory_writer *memory_writer_new(struct memory_topics *topics,
                                        const struct memory_writer_options *options);

/* Also what a crash does: the open transaction stays open until the next writer begins. */
void memory_writer_free(struct memory_writer *writer);
struct message_writer *memory_writer_messages(struct memory_writer *writer);
struct topic_writer *memory_writer_topics(struct memory_writer *writer);

/* While held, transactions close but don't commit; has_room() is false then, and write_row() says "not yet". */
void memory_writer_hold(struct memory_writer *writer, bool is_held);
size_t memory_writer_commits(const struct memory_writer *writer);
size_t
memory_writer_torn(const struct memory_writer *writer); /* partitions found torn at the start */

/* ---- readers ---- */

struct memory_reader;

struct memory_reader *memory_reader_new(struct memory_topics *topics);
void memory_reader_free(struct memory_reader *reader);
struct topic_reader *memory_reader_topics(struct memory_reader *reader);

#endif
