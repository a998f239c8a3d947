/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tests/data/avro. */
#include "tests/support/things.h"

#include "tests/support/avro_round.h"

#define COLUMNS(is_full)                                                                           \
    (struct column[THINGS_COLUMNS])                                                                \
    {                                                                                              \
        {.name = "id",                                                                             \
         .type_oid = 20,                                                                           \
         .type_modifier = -1,                                                                      \
         .type_sql = "bigint",                                                                     \
         .is_key = true,                                                                           \
         .primary_key_position = 1,                                                                \
         .is_not_null = true},                                                                     \
            {"quantity", 23, -1, is_full, false, 0, "integer"},                                    \
            {"total", 20, -1, is_full, false, 0, "bigint"},                                        \
            {"price", 1700, (12 << 16 | 2) + 4, is_full, false, 0, "numeric(12,2)"},               \
            {"note", 25, -1, is_full, true, 0, "text"},                                            \
            {"changed", 1184, -1, is_full, false, 0, "timestamp with time zone"},                  \
            {"is_paid", 16, -1, is_full, false, 0, "boolean"},                                     \
            {"reference", 2950, -1, is_full, false, 0, "uuid"},                                    \
            {"details", 3802, -1, is_full, false, 0, "jsonb"},                                     \
            {"weight", 701, -1, is_full, false, 0, "double precision"},                            \
    }

const struct table THINGS = {.relation_oid = 1,
                             .schema = "public",
                             .name = "things",
                             .replica_identity = REPLICA_IDENTITY_DEFAULT,
                             .column_count = THINGS_COLUMNS,
                             .columns = COLUMNS(false)};

const struct table THINGS_FULL = {.relation_oid = 1,
                                  .schema = "public",
                                  .name = "things",
                                  .replica_identity = REPLICA_IDENTITY_FULL,
                                  .column_count = THINGS_COLUMNS,
                                  .columns = COLUMNS(true)};

void things_row(struct value *values)
{
    static const char *const texts[THINGS_COLUMNS] = {
        "7",           "-3",
        "98765432101", "-1299.95",
        "a note",      "2026-11-23 17:33:51.12+00",
        "t",           "550e8400-e29b-41d4-a716-446655440000",
        "{\"a\": 1}",  "0.1"};
    for (int i = 0; i < THINGS_COLUMNS; i++)
        values[i] = text_value(texts[i]);
}

struct event things_event(enum event_op op)
{
    return (struct event){.op = op,
                          .commit_time_us = INT64_C(1795455231123456),
                          .now_us = INT64_C(1795455231130001),
                          .last_commit_lsn = op == EVENT_READ ? 0 : 300,
                          .lsn = 400,
                          .xid = op == EVENT_READ ? 0 : 771};
}
