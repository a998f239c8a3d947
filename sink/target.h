/* SPDX-License-Identifier: Apache-2.0 */
/* A database that changes are applied to: one ops table for each kind. */
#ifndef PENSTOCK_SINK_TARGET_H
#define PENSTOCK_SINK_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/position.h"
#include "schema/change.h"
#include "sink/parked_keys.h"
#include "sink/places.h"
#include "transport/recorded.h"

/* How two texts of a key column are compared, so that it agrees with the target's key index. */
enum key_form {
    KEY_FORM_BYTES,   /* equal values have equal texts */
    KEY_FORM_NUMERIC, /* 1.0 = 1.00 */
    KEY_FORM_FLOAT,   /* -0 = 0 */
    KEY_FORM_UNKNOWN, /* only the server can tell: no compaction */
};

struct key_column {
    uint16_t column; /* index in the shape */
    enum key_form form;
};

struct table_counts {
    uint64_t copied;
    uint64_t inserted;
    uint64_t updated;
    uint64_t deleted;
    uint64_t truncated;
};

/* A table of the target, as one shape of the source's table writes to it. */
struct target_table {
    const struct table *shape;
    const char *display_name; /* schema.table, for people */
    uint16_t key_count;       /* 0: rows are found by all their values */
    struct key_column *keys;
    bool is_compactable;        /* a unique index on the key, all of whose forms are known */
    struct table_counts counts; /* since the last checkpoint was written */
};

/* How strictly a row is applied. */
enum apply_mode {
    APPLY_FAST,    /* an INSERT that meets a row fails with ERROR_DATA */
    APPLY_CAREFUL, /* it is applied over the row, and counted */
};

/* What went differently from what the source did. */
struct apply_warnings {
    uint64_t row_exists; /* an INSERT met a row */
    uint64_t row_absent; /* a DELETE met none */
};

/* The final rows of many changes of one table, of one kind. */
enum row_set_kind {
    ROW_SET_INSERT,        /* seen inserted: by COPY */
    ROW_SET_UPDATE,        /* seen updated: each must meet its row */
    ROW_SET_DELETE,        /* each must meet its row */
    ROW_SET_DELETE_UNSEEN, /* inserted and deleted again: should meet none */
};

struct row_set {
    enum row_set_kind kind;
    struct target_table *table;
    const bool *is_unchanged; /* UPDATE: by column, not sent and so not to be set; NULL: none */
    size_t count;
    struct bytes
        *tuples; /* as schema/wire's tuple_write() wrote them; of a DELETE: the key's values */
};

/* Where a commit ends in the target's own log. */
struct commit_mark {
    bool is_durable;   /* the commit waited for the disk, and so did all before it */
    uint64_t position; /* else: durable once flushed() has reached this */
};

/* A change that is kept aside instead of being applied: the target refuses it, or it waits behind one of its key. */
struct parked_change {
    struct position position;
    const struct target_table *table;
    const struct change *change;
    struct bytes keys[2];       /* see parked_keys.h; the second if it changes its key */
    bool is_unit_known;         /* else name_parked() comes when the unit has ended */
    uint32_t xid;               /* of the source transaction */
    int64_t commit_time_us;     /* the same */
    const struct error *reason; /* NULL: it waits behind another */
};

struct target;

struct target_ops {
    /* Connects, and takes the lock of the sink's name, waiting for at most 75 s. */
    bool (*open)(struct target *target, struct error *err);
    void (*free)(struct target *target);
    /* Reads the checkpoint; state RECORDED_NONE if there is none. */
    bool (*read_checkpoint)(struct target *target, struct recorded *recorded, struct error *err);

    /* Over Kafka: the places of all partitions, a part of the checkpoint. */
    bool (*read_places)(struct target *target, struct places *places, struct error *err);
    /* Inside the transaction: those that it moves. */
    bool (*move_places)(struct target *target, const struct places *places, struct error *err);

    /* Finds the table for a shape, creating it where `may_create` and the options allow that. The result lives until
     * forget_tables(). */
    bool (*prepare_table)(struct target *target, const struct table *shape, bool may_create,
                          struct target_table **table, struct error *err);
    /* The source's tables were described anew, or a transaction that may have made some was rolled back. */
    void (*forget_tables)(struct target *target);

    /* Inside the transaction: of the tables listed in `tables` (R's form) those that are also in `owned` are emptied,
     * the others must be empty. TARGET_NOT_EMPTY. */
    bool (*empty_tables)(struct target *target, const char *tables, const char *owned,
                         struct error *err);

    /* Begins, and compares the checkpoint with `held`: FENCED if another has moved it. */
    bool (*begin)(struct target *target, const struct recorded *held, bool is_durable,
                  struct error *err);
    bool (*savepoint)(struct target *target, struct error *err);
    bool (*release_savepoint)(struct target *target, struct error *err);
    bool (*rollback_to_savepoint)(struct target *target, struct error *err);

    /* Many rows at once; a count that differs from what was expected is ERROR_DATA. */
    bool (*apply_set)(struct target *target, const struct row_set *set, struct error *err);
    /* One change, in order. May be queued: finish_rows() tells. */
    bool (*apply_row)(struct target *target, struct target_table *table,
                      const struct change *change, enum apply_mode mode, struct error *err);
    bool (*truncate)(struct target *target, struct target_table *const *tables, size_t count,
                     bool is_restart_identity, struct error *err);
    /* Lines of COPY's text format for consecutive calls with one table. */
    bool (*copy_rows)(struct target *target, struct target_table *table, struct bytes lines,
                      uint32_t row_count, struct error *err);
    /* Waits for all that is queued. ERROR_DATA, ROW_MISSING. */
    bool (*finish_rows)(struct target *target, struct apply_warnings *warnings, struct error *err);

    /* Adds the keys of all parked changes that nobody has resolved; where it `waits`, those who are about to resolve
     * some are awaited first, and none can begin before the transaction's end. At most one more key than fits. */
    bool (*read_parked)(struct target *target, struct parked_keys *keys, bool waits,
                        struct error *err);
    /* May be queued, as a row. */
    bool (*park)(struct target *target, const struct parked_change *parked, struct error *err);
    /* The source transaction of what was parked at this commit before its end was known. */
    bool (*name_parked)(struct target *target, const struct position *position, uint32_t xid,
                        int64_t commit_time_us, struct error *err);
    /* What is parked of the table (NULL: of all) has become void. */
    bool (*resolve_parked)(struct target *target, const struct target_table *table,
                           struct error *err);
    /* Checks what was deferred, and goes on deferring: ERROR_DATA. Waits for all that is queued. */
    bool (*check_deferred)(struct target *target, struct error *err);

    /* Checks what was deferred, writes the checkpoint and commits. On false with ERROR_RETRY and a lost session the
     * outcome is unknown: read the checkpoint. */
    bool (*commit)(struct target *target, const struct recorded *recorded,
                   struct apply_warnings *warnings, struct commit_mark *mark, struct error *err);
    bool (*rollback)(struct target *target, struct error *err);

    bool (*is_lost)(const struct target *target);
    /* How far commits are known to have reached the disk: those whose mark is at most this. */
    uint64_t (*flushed)(const struct target *target);
    /* Asks the server for that; also keeps the session alive. */
    bool (*ask_flushed)(struct target *target, struct error *err);
};

struct target {
    const struct target_ops *ops;
};

#endif
