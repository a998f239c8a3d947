/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the units share, and nobody else sees. */
#ifndef PENSTOCK_SINK_UNITS_INTERNAL_H
#define PENSTOCK_SINK_UNITS_INTERNAL_H

#include <stdatomic.h>

#include "schema/decoder.h"
#include "sink/units.h"
#include "transport/control.h"
#include "transport/kafka.h"

/* A shape of a source's table, and how its events are read. */
struct unit_shape {
    uint64_t hash;
    uint32_t id; /* in the messages that we give out */
    bool is_sent;
    struct arena *arena;
    const struct table *table;
    struct bytes table_bytes;
    uint32_t value_id;
    char fingerprint[65];
    struct unit_decoder *decoders; /* by schema id */
    size_t decoder_count;
};

enum wanted { WANTED_UNKNOWN, WANTED_NO, WANTED_YES };

struct unit_topic {
    char *name;
    enum wanted wanted; /* known once the topic's first shape is */
};

struct unit_partition {
    const struct unit_topic *topic;
    uint32_t partition;
    partition_handle handle;
    bool is_open;
    bool is_fresh; /* nothing was read of it, ever: its first record must be the log's first */
    struct position last;  /* of the record before next_offset */
    int64_t next_offset;   /* -1: from the log's start */
    struct position until; /* the current entry's last */
    uint64_t expected;     /* the current entry's count */
    uint64_t unit;         /* the number of the unit that `taken` counts for */
    uint64_t taken;
    uint64_t entry;                  /* the number of the last entry that named it */
    bool is_moved;                   /* since the last END: its place goes into the next */
    const struct topic_record *head; /* peeked; NULL: none */
};

/* A table that its unit has, though maybe without rows. */
struct unit_announced {
    uint64_t shape;
    struct position position;
};

enum { MAX_PENDING = 3 };

struct units {
    struct message_reader base;
    const struct units_options *options;
    struct topic_reader *topics;
    struct registry *registry;
    struct recorded recorded; /* of the sink, as the messages given out move it */
    struct places places;     /* the checkpoint's, for partitions not met yet */

    struct unit_partition control;
    const struct topic_record *record; /* of control; NULL: none */
    struct control_reader entries;
    struct control_entry entry;
    bool has_entry;
    bool is_entry_begun;
    bool awaits_epoch;  /* control was trimmed: what is before an EPOCH can't be used */
    int64_t end_offset; /* --until-caught-up: control's end at the start; -1: none */

    struct unit_topic **known;
    size_t known_count;
    struct unit_partition **partitions;
    size_t partition_count;
    struct unit_partition **active; /* of the current entry, not at `until` yet */
    size_t active_count;
    struct unit_partition **moved; /* since the last END */
    size_t moved_count;

    bool is_unit_open;
    struct position unit; /* of its first message: epoch and commit_lsn say which */
    uint64_t unit_number; /* counts the units opened here */
    uint64_t unit_changes;
    uint64_t entry_number; /* counts the entries with counts */
    int64_t heard_ms;      /* when the last entry, or the last row of one, came */

    struct unit_shape **shapes;
    size_t shape_count;
    struct unit_shape *last_shape;
    struct unit_announced *announced; /* of the unit whose END or PART comes next */
    size_t announced_count;
    struct change_values *values;
    struct byte_buffer texts;
    struct byte_buffer
        key_change; /* the old row of a key change's delete, as tuple_write() wrote it */
    enum old_tuple_kind key_change_kind; /* NONE: none is waiting for its create */
    struct position
        truncated; /* the last TRUNCATE given out: its copies in other partitions are dropped */
    uint64_t truncated_shape;

    struct message pending[MAX_PENDING];
    size_t pending_first;
    size_t pending_count;
    struct byte_buffer bodies[MAX_PENDING];
    struct byte_buffer place_bytes;
    struct position last_given;
    atomic_bool is_woken;
};

/* ---- sink/units.c ---- */

/* The body of the next message to give out, to be filled before unit_give(). */
struct byte_buffer *unit_body(struct units *units);
void unit_give(struct units *units, enum message_kind kind, uint32_t shape_id,
               const struct position *position);

/* ---- sink/units_rows.c ---- */

/* The bytes as a C string, into `out` of KAFKA_TOPIC_SIZE. ERROR_DATA. */
bool unit_text(struct bytes bytes, char *out, struct error *err) MUST_USE;

struct unit_topic *unit_topic(struct units *units, const char *name);
void unit_topics_free(struct units *units);

/* The partition that a count names. */
struct unit_partition *unit_find_partition(struct units *units, const struct control_count *count,
                                           struct error *err) MUST_USE;

/* Opens it, unless it is, where it was read up to. CHAIN_GAP if it ends before that. */
bool unit_open_partition(struct units *units, struct unit_partition *partition,
                         struct error *err) MUST_USE;

/* Turns ERROR_DATA into the stop POISON, which names the record. Returns false. */
bool unit_poison(const struct unit_partition *partition, const struct topic_record *record,
                 struct error *err);

/* The chain: whether the record is the next of its partition. Duplicates are dropped: `*is_new` is false. CHAIN_GAP,
 * HISTORY_TRUNCATED. */
bool unit_check_chain(struct units *units, struct unit_partition *partition,
                      const struct topic_record *record, bool *is_new, struct error *err) MUST_USE;

/* Makes ready what the entry's counts name. */
bool unit_begin_entry(struct units *units, struct error *err) MUST_USE;

enum taken { TAKEN_ALL, TAKEN_ONE, TAKEN_NOTHING };

/* Takes the next record of the entry, in the order of positions over all its partitions, and gives out what it says. NOTHING: it is not
 * here yet, after at most `timeout_ms`. */
bool unit_take(struct units *units, int timeout_ms, enum taken *taken, struct error *err) MUST_USE;

void unit_partition_took(struct units *units, struct unit_partition *partition,
                         const struct topic_record *record);

/* ---- sink/units_shapes.c ---- */

/* What a record says, given out as messages; none for a tombstone and for parts of a key change. */
bool unit_give_record(struct units *units, const struct topic_record *record,
                      struct error *err) MUST_USE;

/* The shape, from the offsets topic if it isn't known. */
struct unit_shape *unit_shape(struct units *units, uint64_t hash, struct error *err) MUST_USE;
void unit_give_shape(struct units *units, struct unit_shape *shape);

/* Keeps the entry SHAPE for its unit: it opens none, for its END may never come. */
void unit_announce(struct units *units);

/* Gives out the first one kept: the same that the pipe sends, an empty piece of the copy. */
bool unit_give_announced(struct units *units, struct error *err) MUST_USE;

void unit_give_change(struct units *units, const struct unit_shape *shape,
                      const struct change *change, const struct position *position);

/* Whether the sink takes the topic's table, whose shape must be recorded by now. */
bool unit_is_wanted(struct units *units, struct unit_topic *topic, bool *is_wanted,
                    struct error *err) MUST_USE;
void unit_shape_free(struct unit_shape *shape);

#endif
