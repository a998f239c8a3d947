/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the chain share, and nobody else sees. */
#ifndef PENSTOCK_TRANSPORT_TOPIC_CHAIN_INTERNAL_H
#define PENSTOCK_TRANSPORT_TOPIC_CHAIN_INTERNAL_H

#include "transport/control.h"
#include "transport/header.h"
#include "transport/offsets.h"
#include "transport/topic_chain.h"

struct chain_partition {
    uint32_t topic;
    uint32_t number;
    struct position last;    /* of the last message that is there or was sent */
    int64_t acked_offset;    /* of a message of ours that is there, the last one known; -1: none */
    uint64_t messages;       /* of the open unit */
    struct position counted; /* the last one of them */
    bool is_in_unit;
    bool is_touched; /* by the open Kafka transaction */
};

struct chain_topic {
    char *name;
    uint32_t partition_count;
    uint32_t first; /* of its partitions */
    bool is_gone;
};

struct chain_shape {
    uint64_t hash;
    char fingerprint[OFFSETS_FINGERPRINT_SIZE];
};

/* A record that goes to the offsets topic with the next close. */
struct chain_pending {
    struct byte_buffer key;
    struct byte_buffer value;
};

/* A list of partitions, by their index. */
struct chain_list {
    uint32_t *items;
    uint32_t count;
    uint32_t capacity;
};

struct topic_chain {
    struct topic_chain_options options;
    struct chain_topic *topics;
    uint32_t topic_count;
    struct chain_partition *partitions;
    uint32_t partition_count;
    struct chain_shape *shapes;
    size_t shape_count;
    struct chain_pending *pending;
    size_t pending_count;

    struct recorded recorded; /* R, with all that was taken */
    bool is_changed;          /* since the last close */
    bool is_tables_changed;
    uint64_t state_count;
    struct durable closed; /* what the last close wrote */
    struct durable durable;

    bool is_unit_open;
    struct position taken; /* the last message or entry of the open unit */
    struct chain_list unit;
    struct chain_list touched;
    size_t part_bytes; /* since the last PART */
    uint64_t part_messages;

    struct byte_buffer entries; /* the control record that is gathered */
    uint32_t entry_count;
    struct position last_entry; /* the last one gathered or written */
    struct byte_buffer counts;
    struct byte_buffer tables;
    struct byte_buffer header;
    struct byte_buffer key;
    struct byte_buffer value;
};

static inline struct bytes chain_view(const struct byte_buffer *buffer)
{
    return (struct bytes){buffer->data, buffer->size};
}

struct chain_partition *chain_partition(struct topic_chain *chain, uint32_t topic,
                                        uint32_t partition);

/* The fingerprint of a known shape, or NULL. */
const char *chain_find_shape(const struct topic_chain *chain, uint64_t hash);
void chain_add_shape(struct topic_chain *chain, const struct topic_shape *shape);

/* A record for the next close, to be filled at once. */
struct chain_pending *chain_add_pending(struct topic_chain *chain);
void chain_clear_pending(struct topic_chain *chain);

void chain_list_add(struct chain_list *list, uint32_t item);

#endif
