/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the control topic: which units are finished. The layout is docs/message-format.md's. */
#ifndef PENSTOCK_TRANSPORT_CONTROL_H
#define PENSTOCK_TRANSPORT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"

enum control_kind {
    CONTROL_END = 'E',
    CONTROL_PART = 'P',
    CONTROL_WATERMARK = 'W',
    CONTROL_EPOCH = 'N',
    CONTROL_GAP = 'G',
    CONTROL_SHAPE = 'S',
};

enum {
    CONTROL_VERSION = 1,
    CONTROL_MAX_ENTRY = 8 * 1024 * 1024,
    CONTROL_MAX_ENTRIES = 1000000,
};

/* How much of a unit lies in one topic-partition. */
struct control_count {
    struct bytes topic;
    uint32_t partition;
    uint64_t messages; /* since the unit's first */
    struct position last;
};

/* An entry, borrowed from its record. Lists are walked with the functions below. */
struct control_entry {
    enum control_kind kind;
    struct position position;
    pg_lsn lsn;      /* END: end_lsn; WATERMARK: its lsn */
    int64_t time_us; /* END: of the commit; WATERMARK: of the source; since 1970 UTC */
    uint32_t xid;
    uint64_t shape;      /* SHAPE: the hash */
    struct bytes origin; /* END; GAP: the reason; SHAPE: the topic */
    struct bytes counts; /* END, PART: counts; EPOCH: last positions, as counts without messages */
    uint32_t count_count;
    struct bytes tables; /* EPOCH */
    uint32_t table_count;
};

struct control_table {
    struct bytes topic;
    struct bytes schema;
    struct bytes name;
};

/* A record under construction: begin, then entries one after the other, then end. `record` is cleared first. */
void control_begin(struct byte_buffer *record);
void control_end(struct byte_buffer *record, uint32_t entry_count);

/* Appends one entry. `entry->counts` and `entry->tables` hold what control_write_count() and control_write_table() made. */
void control_write_entry(struct byte_buffer *record, const struct control_entry *entry);
void control_write_count(struct byte_buffer *counts, enum control_kind kind,
                         const struct control_count *count);
void control_write_table(struct byte_buffer *tables, const struct control_table *table);

/* Reads a record's entries one after the other. */
struct control_reader {
    struct byte_reader bytes;
    uint32_t left;
};

/* Checks version and count. ERROR_DATA, or the stop STATE_NEWER. */
bool control_open(struct control_reader *reader, struct bytes record, struct error *err) MUST_USE;

/* The next entry, checked whole with its lists; false at the end (ERROR_NONE) or if it is malformed (ERROR_DATA). */
bool control_next(struct control_reader *reader, struct control_entry *entry,
                  struct error *err) MUST_USE;

/* The item at the front of the list, which moves behind it; false at the end. */
bool control_next_count(enum control_kind kind, struct bytes *counts, struct control_count *count);
bool control_next_table(struct bytes *tables, struct control_table *table);

#endif
