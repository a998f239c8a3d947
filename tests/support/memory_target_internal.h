/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the target in memory share. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_TARGET_INTERNAL_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_TARGET_INTERNAL_H

#include "base/arena.h"
#include "tests/support/memory_rows.h"
#include "tests/support/memory_target.h"

enum { MEMORY_SCRIPT = 64, MEMORY_TRACE_SIZE = 4096 };

/* A parked change; all it points to is in the arena. */
struct memory_parked {
    const char *table;
    const char *text;
    struct bytes keys[2];
    struct position position;
    uint32_t xid; /* 0: not known yet */
    bool is_resolved;
};

struct memory_parking {
    struct memory_parked *items;
    size_t count;
};

/* What a commit made. */
struct memory_version {
    struct memory_rows rows;
    struct memory_parking parking;
    struct recorded checkpoint;
    uint64_t position;
};

struct memory_script {
    enum memory_op op;
    unsigned left;
    enum memory_failure failure;
};

/* A table as prepare_table() has handed it out. */
struct memory_prepared {
    struct target_table base;
    struct key_column keys[MEMORY_KEYS];
    struct memory_prepared *next;
};

struct memory_target {
    struct target base;
    struct arena *arena; /* of all rows that ever were */
    struct memory_table tables[MEMORY_TABLES];
    size_t table_count;
    struct memory_prepared *prepared;
    struct memory_version committed;
    struct memory_version durable;
    struct memory_version *late; /* committed, on their way to the disk; oldest first */
    size_t late_count;
    uint64_t flushed; /* what the session knows of it */
    struct memory_rows rows;
    struct memory_rows saved;
    struct memory_parking parking;
    struct apply_warnings warnings;
    struct apply_warnings saved_warnings;
    struct error queued_failure;
    struct memory_script script[MEMORY_SCRIPT];
    size_t script_count;
    bool is_open;
    bool is_changed; /* by the open transaction */
    bool is_failed;
    bool is_lost;
    bool is_durable;
    bool has_savepoint;
    bool commits_late;
    bool queues_rows;
    uint64_t surprises;
    uint64_t commits;
    char trace[MEMORY_TRACE_SIZE];
    struct value values[TABLE_MAX_COLUMNS];
};

void memory_require(bool is_met, const char *what);
struct memory_target *memory_of(struct target *base);

/* Notes the call; false where the script, or a lost session, lets it fail. */
bool memory_passes(struct memory_target *memory, enum memory_op op, struct error *err);

/* The row's failure in `err` is told now, or by the next call that waits. */
bool memory_refuse(struct memory_target *memory, struct error *err);

/* What was put off fails now. */
bool memory_settle(struct memory_target *memory, struct error *err);

void memory_parking_copy(struct memory_parking *to, const struct memory_parking *from);
bool memory_read_parked(struct target *base, struct parked_keys *keys, bool waits,
                        struct error *err);
bool memory_park(struct target *base, const struct parked_change *parked, struct error *err);
bool memory_name_parked(struct target *base, const struct position *position, uint32_t xid,
                        int64_t commit_time_us, struct error *err);
bool memory_resolve_parked(struct target *base, const struct target_table *table,
                           struct error *err);
bool memory_check_deferred(struct target *base, struct error *err);

bool memory_prepare_table(struct target *base, const struct table *shape, bool may_create,
                          struct target_table **table, struct error *err);
void memory_forget_tables(struct target *base);
bool memory_empty_tables(struct target *base, const char *tables, const char *owned,
                         struct error *err);
bool memory_apply_set(struct target *base, const struct row_set *set, struct error *err);
bool memory_apply_row(struct target *base, struct target_table *table, const struct change *change,
                      enum apply_mode mode, struct error *err);
bool memory_truncate(struct target *base, struct target_table *const *tables, size_t count,
                     bool is_restart_identity, struct error *err);
bool memory_copy_rows(struct target *base, struct target_table *table, struct bytes lines,
                      uint32_t row_count, struct error *err);

#endif
