/* SPDX-License-Identifier: Apache-2.0 */
/* A position behind all commits: the flush position is not, while asynchronous commits wait to be flushed. */
#include "capture/barrier.h"

/* `local`: the server may commit asynchronously by default, or wait for a standby that is away. */
static const char EMIT[] = "SET LOCAL synchronous_commit = local;"
                           " SELECT pg_catalog.pg_logical_emit_message(true, 'penstock', '')";

static const char FLUSHED[] = "SELECT pg_catalog.pg_current_wal_flush_lsn()";

/* A transaction with an id of its own writes a commit behind this position, and the WAL writer flushes every commit
 * within three times wal_writer_delay. */
static const char INSERTED[] =
    "SELECT pg_catalog.pg_current_wal_insert_lsn() FROM pg_catalog.pg_current_xact_id()";

bool barrier_set(struct connection *source, pg_lsn *lsn, struct error *err)
{
    struct error ignored;
    bool is_emitted = connection_execute(source, EMIT, NO_PARAMS, &ignored);
    SCOPED_QUERY query = query_run(source, is_emitted ? FLUSHED : INSERTED, NO_PARAMS, err);
    if (!query)
        return error_add(err, "the source's position");
    *lsn = query_lsn(query, 0, 0);
    return true;
}
