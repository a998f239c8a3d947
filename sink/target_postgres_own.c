/* SPDX-License-Identifier: Apache-2.0 */
/* Our own statements, which run with every batch. */
#include <string.h>

#include "sink/target_postgres_internal.h"

static const struct {
    const char *name;
    const char *sql;
} statements[OWN_STATEMENTS] = {
    [OWN_LOCK_CHECKPOINT] = {"lock_checkpoint",
                             "SELECT epoch, commit_lsn, ordinal, step, acked_lsn, state"
                             " FROM penstock.checkpoint WHERE name = $1 FOR UPDATE"},
    [OWN_MOVE_CHECKPOINT] =
        {"move_checkpoint",
         "UPDATE penstock.checkpoint SET epoch = $2::pg_catalog.int8, commit_lsn = "
         "$3::pg_catalog.pg_lsn,"
         " ordinal = $4::pg_catalog.int8, step = $5::pg_catalog.int8, end_lsn = "
         "$6::pg_catalog.pg_lsn,"
         " acked_lsn = $7::pg_catalog.pg_lsn, commit_time = " TIME_OF(
             "$8") ", updated_at = pg_catalog.now()"
                   " WHERE name = $1"},
    [OWN_COUNT_TABLE] =
        {"count_table",
         "INSERT INTO penstock.table_progress AS p"
         " (name, table_name, copied, inserted, updated, deleted, truncated)"
         " VALUES ($1, $2, $3::pg_catalog.int8, $4::pg_catalog.int8, $5::pg_catalog.int8,"
         " $6::pg_catalog.int8, $7::pg_catalog.int8) ON CONFLICT (name, table_name) DO UPDATE SET"
         " copied = p.copied + EXCLUDED.copied, inserted = p.inserted + EXCLUDED.inserted,"
         " updated = p.updated + EXCLUDED.updated, deleted = p.deleted + EXCLUDED.deleted,"
         " truncated = p.truncated + EXCLUDED.truncated"},
    [OWN_MOVE_PLACE] =
        {"move_place",
         "INSERT INTO penstock.place"
         " (name, topic, partition, next_offset, epoch, commit_lsn, ordinal, step)"
         " VALUES ($1, $2, $3::pg_catalog.int8, $4::pg_catalog.int8, $5::pg_catalog.int8,"
         " $6::pg_catalog.pg_lsn, $7::pg_catalog.int8, $8::pg_catalog.int8)"
         " ON CONFLICT (name, topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset,"
         " epoch = EXCLUDED.epoch, commit_lsn = EXCLUDED.commit_lsn, ordinal = EXCLUDED.ordinal,"
         " step = EXCLUDED.step"},
    [OWN_READ_POSITIONS] = {"read_positions", "SELECT pg_catalog.pg_current_wal_insert_lsn(),"
                                              " pg_catalog.pg_current_wal_flush_lsn()"},
};

void postgres_forget_own(struct postgres_target *target)
{
    memset(target->is_prepared, 0, sizeof(target->is_prepared));
}

bool postgres_queue_own(struct postgres_target *target, enum pending_kind kind,
                        enum own_statement statement, int count, const char *const *texts,
                        struct error *err)
{
    enum { MOST = 8 };
    struct bytes values[MOST];
    const char *name = statements[statement].name;
    if (!target->is_prepared[statement] &&
        !postgres_queue_prepare(target, name, statements[statement].sql, err))
        return false;
    target->is_prepared[statement] = true;
    for (int i = 0; i < count; i++)
        values[i] = (struct bytes){(const uint8_t *)texts[i], strlen(texts[i])};
    return postgres_queue_row(target, kind, NULL, APPLY_FAST, name, count, values, err);
}
