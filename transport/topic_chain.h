/* SPDX-License-Identifier: Apache-2.0 */
/* What a writer to topics keeps in mind (DESIGN §3, §4): the chain of each partition, the counts of the open unit, the
 * entries of the control topic, R. No Kafka in it: messages in, finished records out. */
#ifndef PENSTOCK_TRANSPORT_TOPIC_CHAIN_H
#define PENSTOCK_TRANSPORT_TOPIC_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "transport/message.h"
#include "transport/topic_writer.h"

/* The first two topics; row topics follow. Each of the two has one partition. */
enum { TOPIC_CHAIN_CONTROL = 0, TOPIC_CHAIN_OFFSETS = 1, TOPIC_CHAIN_FIRST_ROWS = 2 };

enum { TOPIC_CHAIN_CONTROL_BYTES = 64 * 1024 }; /* a control record is written when it is larger */

struct topic_chain_options {
    const char *name;   /* of the pipeline */
    const char *prefix; /* of the topics */
    size_t part_bytes;
    uint64_t part_messages;
};

/* A finished record. Borrowed. */
struct topic_chain_record {
    uint32_t topic;
    uint32_t partition;
    struct bytes key;    /* no data: none */
    struct bytes value;  /* no data: a tombstone */
    struct bytes header; /* no data: none (offsets topic) */
};

typedef bool (*topic_chain_send)(void *sender, const struct topic_chain_record *record,
                                 struct error *err);

struct topic_chain;

struct topic_chain *topic_chain_new(const struct topic_chain_options *options);
void topic_chain_free(struct topic_chain *chain);

/* ---- what is recorded ---- */

/* One record of the offsets topic, in their order. ERROR_DATA, STATE_NEWER, TOPICS_FOREIGN. */
bool topic_chain_learn(struct topic_chain *chain, struct bytes key, struct bytes value,
                       struct error *err) MUST_USE;

const struct recorded *topic_chain_recorded(const struct topic_chain *chain);

/* Topics count from 0, the two above included. */
uint32_t topic_chain_topic_count(const struct topic_chain *chain);
const char *topic_chain_topic_name(const struct topic_chain *chain, uint32_t topic);
uint32_t topic_chain_partition_count(const struct topic_chain *chain, uint32_t topic);

/* False if it isn't known. */
bool topic_chain_find_topic(const struct topic_chain *chain, const char *name, uint32_t *topic);

/* A topic that is written to from now on; recorded with the next close. */
uint32_t topic_chain_add_topic(struct topic_chain *chain, const char *name, uint32_t partitions);

/* It isn't there any more: its tails aren't looked at, and no EPOCH names it. */
void topic_chain_topic_is_gone(struct topic_chain *chain, uint32_t topic);
bool topic_chain_is_topic_gone(const struct topic_chain *chain, uint32_t topic);

/* ---- tails ---- */

/* Where to read a partition's tail from: the last message known to be there, or -1: log start. */
int64_t topic_chain_tail_from(const struct topic_chain *chain, uint32_t topic, uint32_t partition);

/* What was found in a partition, read from there. */
struct topic_tail {
    int64_t first;        /* log start */
    int64_t end;          /* last stable offset */
    bool has_last;        /* a message was found */
    struct position last; /* its position, of the last one */
    int64_t last_offset;
};

/* Compares with what is recorded; `*is_torn`: it holds messages of a Kafka transaction that R doesn't know, which
 * topic_chain_write_row() will drop. POSITION_MISMATCH; without R, TOPIC_NOT_EMPTY. */
bool topic_chain_take_tail(struct topic_chain *chain, uint32_t topic, uint32_t partition,
                           const struct topic_tail *tail, bool *is_torn,
                           struct error *err) MUST_USE;

/* ---- writing ---- */

/* Whether `position` begins another ordinal than the message before it, so that a Kafka transaction may end before it. Adds
 * the PART that may be due there. */
bool topic_chain_is_boundary(struct topic_chain *chain, const struct position *position);

/* Counts the row's messages, and sends those that their partitions don't have yet. What was counted before (a change that is
 * given again) is skipped. */
bool topic_chain_write_row(struct topic_chain *chain, const struct topic_row *row,
                           topic_chain_send send, void *sender, struct error *err) MUST_USE;

bool topic_chain_write_shape(struct topic_chain *chain, const struct topic_shape *shape,
                             struct error *err) MUST_USE;
bool topic_chain_announce(struct topic_chain *chain, const struct position *position,
                          const struct topic_shape *shape, struct error *err) MUST_USE;

/* END, WATERMARK, STATE: entries of the control topic, and R. */
bool topic_chain_write(struct topic_chain *chain, const struct message *message,
                       struct error *err) MUST_USE;

bool topic_chain_is_unit_open(const struct topic_chain *chain);

/* Whether a close would write anything. */
bool topic_chain_has_pending(const struct topic_chain *chain);

/* Sends the control record if it has grown beyond its size. */
bool topic_chain_send_control(struct topic_chain *chain, topic_chain_send send, void *sender,
                              struct error *err) MUST_USE;

/* A message of ours is at this offset. */
void topic_chain_acked(struct topic_chain *chain, uint32_t topic, uint32_t partition,
                       int64_t offset);

/* Sends what ends a Kafka transaction: the control record, R, and the records of what it touched. */
bool topic_chain_close(struct topic_chain *chain, topic_chain_send send, void *sender,
                       struct error *err) MUST_USE;

/* What was closed last is committed. */
void topic_chain_committed(struct topic_chain *chain);
const struct durable *topic_chain_durable(const struct topic_chain *chain);

#endif
