/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the PostgreSQL target share, and nobody else sees. */
#ifndef PENSTOCK_SINK_TARGET_POSTGRES_INTERNAL_H
#define PENSTOCK_SINK_TARGET_POSTGRES_INTERNAL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "sink/target_postgres.h"

/* Statements and commands of ours stay below this. */
enum { MAX_SQL_BYTES = 4 * 1024 * 1024 };

/* A statement that was prepared for one set of columns not to be set. */
struct prepared_update {
    struct prepared_update *next;
    const bool *is_unchanged; /* NULL: all columns are set */
    char name[32];
};

struct postgres_table {
    struct target_table base; /* first: a target_table is one */
    struct postgres_table *next;
    struct arena *arena;
    unsigned number;       /* in names of statements and temporary tables */
    const char *qualified; /* "schema"."table" */
    const char *only;      /* "ONLY " unless it is partitioned */
    const char **columns;  /* quoted, of the shape */
    bool *is_written;      /* by column: it is not generated at the target */
    bool *is_identity;     /* by column: GENERATED ALWAYS AS IDENTITY, which no UPDATE may set */
    bool has_identity_key; /* the key has such a column: a new key takes DELETE and INSERT */
    const char **key_operator; /* by key: OPERATOR("schema".=) */
    bool *compares_as_text;    /* by column: its type has no safe `=` */
    bool has_arbiter;          /* the key's index can serve ON CONFLICT */
    bool is_partitioned;
    bool has_stage; /* the temporary table for updates exists */
    bool has_delete_stage;
    bool is_stage_used; /* in this transaction */
    bool is_delete_stage_used;
    bool saved_has_stage; /* at the savepoint, as the next three */
    bool saved_has_delete_stage;
    bool saved_is_stage_used;
    bool saved_is_delete_stage_used;
    unsigned stage_number; /* in the names of the temporary tables */
    bool has_insert;
    bool has_upsert;
    bool has_delete;
    struct prepared_update *updates;
    struct table_counts saved; /* at the savepoint */
    int update_count;
};

/* A timestamptz from a text parameter of microseconds since 1970. */
#define TIME_OF(parameter)                                                                         \
    "pg_catalog.to_timestamp(0) + " parameter "::pg_catalog.int8 * interval '1 microsecond'"

/* What a queued statement was for. */
enum pending_kind {
    PENDING_COMMAND,    /* nothing to check but that it succeeds */
    PENDING_CHECKPOINT, /* gives the checkpoint, to be compared with `held` */
    PENDING_INSERT,
    PENDING_UPSERT,
    PENDING_UPDATE,
    PENDING_DELETE,
    PENDING_DELETE_UNSEEN,
    PENDING_POSITIONS, /* gives insert and flush positions of the log */
};

struct pending {
    enum pending_kind kind;
    enum apply_mode mode;
    struct postgres_table *table;
};

/* Statements of ours that run with every batch: prepared at their first use. */
enum own_statement {
    OWN_LOCK_CHECKPOINT, /* gives the checkpoint */
    OWN_MOVE_CHECKPOINT,
    OWN_COUNT_TABLE,
    OWN_MOVE_PLACE,
    OWN_READ_POSITIONS, /* gives insert and flush positions of the log */
    OWN_STATEMENTS,
};

struct postgres_target {
    struct target base;
    const struct target_postgres_options *options;
    struct connection *connection;
    struct postgres_table *tables;
    unsigned last_number;

    bool is_in_pipeline;
    struct pending *pending; /* a queue, in order of sending */
    size_t pending_first;
    size_t pending_count;
    size_t pending_capacity;
    size_t unasked;       /* statements sent since results were last asked for */
    struct error failure; /* the first of the pipeline */

    struct postgres_table *copying; /* a COPY of the initial copy is open */
    uint64_t copying_rows;

    struct recorded held; /* what the checkpoint must be */
    bool is_durable_commit;
    bool is_prepared[OWN_STATEMENTS];
    struct apply_warnings warnings;
    struct apply_warnings saved_warnings; /* at the savepoint */
    uint64_t segment_bytes;               /* of the target's WAL */
    uint64_t insert_position;
    uint64_t flushed_position;
    struct byte_buffer copy_text;
    struct change_values values;
};

static inline struct postgres_target *postgres_target_of(struct target *target)
{
    return (struct postgres_target *)target;
}

/* Whether an UPDATE sets the column. GENERATED ALWAYS AS IDENTITY can't be set: where it is no key, the row is looked
 * up with the value that it should have, so that a change of it is never passed over. */
static inline bool postgres_updates_column(const struct postgres_table *table, int column)
{
    return table->is_written[column] && !table->is_identity[column];
}

static inline bool postgres_is_key(const struct postgres_table *table, int column)
{
    for (int i = 0; i < table->base.key_count; i++)
        if (table->base.keys[i].column == column)
            return true;
    return false;
}

static inline bool postgres_checks_column(const struct postgres_table *table, int column)
{
    return table->is_identity[column] && table->base.key_count > 0 &&
           !postgres_is_key(table, column);
}

/* ---- pipeline: sink/target_postgres_pipeline.c ---- */

/* Queues a statement without parameters, or with text parameters up to NULL. */
bool postgres_queue_sql(struct postgres_target *target, enum pending_kind kind, const char *sql,
                        const char *const *params, struct error *err) MUST_USE;
bool postgres_queue_prepare(struct postgres_target *target, const char *name, const char *sql,
                            struct error *err) MUST_USE;
bool postgres_queue_row(struct postgres_target *target, enum pending_kind kind,
                        struct postgres_table *table, enum apply_mode mode, const char *name,
                        int count, const struct bytes *values, struct error *err) MUST_USE;

/* Queues one of our own statements with text parameters. */
bool postgres_queue_own(struct postgres_target *target, enum pending_kind kind,
                        enum own_statement statement, int count, const char *const *texts,
                        struct error *err) MUST_USE;

/* The server has forgotten all prepared statements of ours, or never had them. */
void postgres_forget_own(struct postgres_target *target);

/* Waits for all that is queued, leaves the pipeline, ends an open COPY. Fails with the first failure. */
bool postgres_settle(struct postgres_target *target, struct error *err) MUST_USE;

/* ---- checkpoint: sink/target_postgres_checkpoint.c ---- */

/* Makes schema penstock and its tables, unless they are there. */
bool postgres_create_checkpoint(struct postgres_target *target, struct error *err) MUST_USE;
bool postgres_read_checkpoint(struct target *target, struct recorded *recorded, struct error *err);
bool postgres_queue_checkpoint(struct postgres_target *target, const struct recorded *recorded,
                               struct error *err) MUST_USE;
/* What each table counted since the last call. */
bool postgres_queue_counts(struct postgres_target *target, const struct recorded *recorded,
                           struct error *err) MUST_USE;

/* ---- parked changes: sink/target_postgres_parked.c ---- */

/* Makes penstock.parked, unless it is there. */
bool postgres_create_parked(struct postgres_target *target, struct error *err) MUST_USE;
bool postgres_read_parked(struct target *target, struct parked_keys *keys, bool waits,
                          struct error *err);
bool postgres_park(struct target *target, const struct parked_change *parked, struct error *err);
bool postgres_name_parked(struct target *target, const struct position *position, uint32_t xid,
                          int64_t commit_time_us, struct error *err);
bool postgres_resolve_parked(struct target *target, const struct target_table *table,
                             struct error *err);
bool postgres_check_deferred(struct target *target, struct error *err);

/* ---- tables: sink/target_postgres_tables.c ---- */

bool postgres_prepare_table(struct target *target, const struct table *shape, bool may_create,
                            struct target_table **table, struct error *err);
void postgres_forget_tables(struct target *target);
/* Forgets the prepared updates, without telling the server. */
void postgres_free_updates(struct postgres_table *table);
bool postgres_read_places(struct target *base, struct places *places, struct error *err) MUST_USE;
bool postgres_move_places(struct target *base, const struct places *places,
                          struct error *err) MUST_USE;
bool postgres_empty_tables(struct target *target, const char *tables, const char *owned,
                           struct error *err);

/* ---- creation: sink/target_postgres_create.c ---- */

bool postgres_create_table(struct postgres_target *target, const struct table *shape,
                           struct error *err) MUST_USE;

/* ---- rows: sink/target_postgres_rows.c ---- */

bool postgres_apply_row(struct target *target, struct target_table *table,
                        const struct change *change, enum apply_mode mode, struct error *err);
/* The rows of a small set, one statement each. */
bool postgres_apply_set_rows(struct postgres_target *target, const struct row_set *set,
                             struct error *err) MUST_USE;
bool postgres_truncate(struct target *target, struct target_table *const *tables, size_t count,
                       bool is_restart_identity, struct error *err);

/* ---- sets: sink/target_postgres_sets.c ---- */

bool postgres_apply_set(struct target *target, const struct row_set *set, struct error *err);
bool postgres_copy_rows(struct target *target, struct target_table *table, struct bytes lines,
                        uint32_t row_count, struct error *err);

#endif
