/* SPDX-License-Identifier: Apache-2.0 */
/* The publications that decide what the slot sends, and how we notice that somebody changed them. */
#ifndef PENSTOCK_CAPTURE_PUBLICATION_H
#define PENSTOCK_CAPTURE_PUBLICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "capture/catalog.h"
#include "postgres/connection.h"
#include "transport/recorded.h"

struct publication_options {
    const char *name; /* tables with a replica identity */
    const char *
        insert_name; /* tables without: only INSERT and TRUNCATE are published; NULL: none is used */
    bool is_ours;    /* we may make and fill them; else a person did */
};

/* A table as it is published. */
struct published_table {
    uint32_t oid;
    const char *schema;
    const char *name;
    const char *fingerprint;    /* of its column list and row filter */
    const char *column_numbers; /* published, an int2vector's text; "": all but generated ones */
    const char *row_filter;     /* SQL, or "" */
    bool is_partitioned;        /* published by its root: the rows are in its partitions */
};

struct published {
    struct arena *arena;
    struct published_table *tables; /* those that are wanted, by name; filtered ones left out */
    size_t count;
    size_t name_count; /* how many of the named publications exist */
    bool is_for_all_tables;
    char fingerprint[RECORDED_HASH_SIZE]; /* of all but the tables */
};

/* Reads what is published of what `is_wanted` accepts. */
bool publication_read(struct connection *connection, const struct publication_options *options,
                      table_filter is_wanted, const void *context, struct published *published,
                      struct error *err) MUST_USE;
void published_release(struct published *published);

/* Makes our publications, or sets their lists of tables, to exactly `tables`. */
bool publication_make(struct connection *connection, const struct publication_options *options,
                      const struct listed_tables *tables, struct error *err) MUST_USE;

/* `tables` of R: a line for each published table. To be freed with free(). */
char *publication_record(const struct published *published) MUST_USE;

/* TABLE_ADDED for this table. Returns false. */
bool publication_table_added(const struct publication_options *options, const char *schema,
                             const char *name, struct error *err);

/* What the comparison of a publication with R can do without a person: names, comma-separated. */
struct publication_change {
    struct byte_buffer dropped;  /* tables that were dropped at the source */
    struct byte_buffer unwanted; /* tables that `tables` no longer matches */
    struct byte_buffer created;  /* tables that were created under FOR ALL TABLES */
};

void publication_change_release(struct publication_change *change);

/* Compares with R; `is_filter_same` is false when other tables are wanted than R was written for: then a table that
 * R lacks wasn't created since. PUBLICATION_MISSING, PUBLICATION_CHANGED, TABLE_ADDED; what is harmless goes to `change`,
 * which is to be released in any case. */
bool publication_compare(struct connection *connection, const struct publication_options *options,
                         const struct published *published, const struct recorded *recorded,
                         bool is_filter_same, struct publication_change *change,
                         struct error *err) MUST_USE;

#endif
