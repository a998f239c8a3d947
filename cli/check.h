/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `check` share. */
#ifndef PENSTOCK_CLI_CHECK_H
#define PENSTOCK_CLI_CHECK_H

#include "base/arena.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/kafka.h"
#include "cli/page.h"
#include "cli/publication_names.h"
#include "transport/kafka_look.h"
#include "transport/kafka_probe.h"
#include "transport/recorded.h"

/* A relation of the source that the configuration chooses. */
struct checked_table {
    uint32_t oid;
    const char *schema;
    const char *name;
    const char *owner; /* quoted, as SQL */
    char kind;         /* pg_class.relkind */
    char persistence;  /* pg_class.relpersistence */
    char identity;     /* pg_class.relreplident */
    bool has_identity; /* its UPDATE and DELETE can be published */
    bool has_primary_key;
    bool is_usable;      /* the role has USAGE on its schema */
    bool is_readable;    /* the role may SELECT */
    bool is_owned;       /* by a role that ours is a member of */
    bool is_row_secured; /* row-level security would hide rows */
    bool is_published;   /* by one of the publications that we use */
    bool is_update_published;
    bool is_captured; /* ordinary, permanent, and published as soon as we have begun */
};

struct check {
    const struct config *config;
    struct findings findings;
    struct publication_names publication;
    struct arena *arena;
    struct connection *source; /* NULL: not there */
    struct connection *target; /* NULL: not there */
    const char *source_role;   /* quoted, as SQL */
    const char *source_database;
    const char *target_role;
    const char *target_database;
    bool has_kafka; /* configured */
    struct kafka_endpoint kafka;
    struct kafka_probe *probe; /* NULL: no broker could be asked */
    struct kafka_cluster cluster;
    struct kafka_look look;
    bool is_recorded_known; /* Kafka, or without it the target, told R, or that there is none */
    struct recorded recorded;
    bool is_checkpoint_known; /* the same of the target */
    struct recorded checkpoint;
    bool has_slot;
    struct checked_table *tables;
    size_t table_count;
};

/* Whether the replication has not begun: nothing was copied yet. False while that isn't known. */
static inline bool check_is_first_start(const struct check *check)
{
    return check->is_recorded_known && check->recorded.state == RECORDED_NONE;
}

/* Whether the target has never been written to: what it holds isn't ours. */
static inline bool check_is_first_copy(const struct check *check)
{
    return check->is_checkpoint_known && check->checkpoint.state == RECORDED_NONE;
}

/* Whether the initial copy is done. */
static inline bool check_is_streaming(const struct check *check)
{
    return check->is_recorded_known && check->recorded.state == RECORDED_STREAMING;
}

/* Who keeps R, and which command goes on from it, for people. */
static inline const char *check_keeper(const struct check *check)
{
    return check->has_kafka ? "Kafka" : "the target";
}

static inline const char *check_starter(const struct check *check)
{
    return check->has_kafka ? "penstock capture" : "penstock run";
}

/* Runs a query; a failure is a finding named `what`, and gives NULL. */
struct query *check_query(struct check *check, struct connection *connection, const char *what,
                          const char *sql, const char *const *params) MUST_USE;

/* cli/check.c uses these in this order; each needs its server's session. */
void check_source_server(struct check *check, const struct connection_options *options);
void check_source_slot(struct check *check);
void check_source_waits(struct check *check);
bool check_read_tables(struct check *check) MUST_USE;
void check_source_tables(struct check *check);
void check_source_publication(struct check *check);
void check_target_server(struct check *check);
void check_target_tables(struct check *check);

/* The same over Kafka. False if no broker can be asked any further. The brokers' addresses are for commands to type. */
bool check_kafka(struct check *check) MUST_USE;
void check_kafka_release(struct check *check);
void check_topics(struct check *check);
void check_registry(struct check *check);
const char *check_bootstrap(const struct check *check);

#endif
