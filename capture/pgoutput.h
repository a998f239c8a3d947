/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of pgoutput, protocol 1, with logical messages (PostgreSQL manual, "Logical Replication Message
 * Formats"). Readers and writers are twins in wire order; the writers serve tests and simulation. */
#ifndef PENSTOCK_CAPTURE_PGOUTPUT_H
#define PENSTOCK_CAPTURE_PGOUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/position.h"
#include "schema/change.h"

/* A TRUNCATE of more tables than this is not believed. */
enum { PGOUTPUT_MAX_TRUNCATED = 100000 };

enum pgoutput_kind {
    PGOUTPUT_BEGIN = 'B',
    PGOUTPUT_COMMIT = 'C',
    PGOUTPUT_ORIGIN = 'O',
    PGOUTPUT_RELATION = 'R',
    PGOUTPUT_TYPE = 'Y',
    PGOUTPUT_INSERT = 'I',
    PGOUTPUT_UPDATE = 'U',
    PGOUTPUT_DELETE = 'D',
    PGOUTPUT_TRUNCATE = 'T',
    PGOUTPUT_MESSAGE = 'M',
};

struct pgoutput_begin {
    pg_lsn final_lsn;       /* that of the commit record: unique, never 0 */
    int64_t commit_time_us; /* since 1970 UTC; the origin's, so not monotonic */
    uint32_t xid;
};

struct pgoutput_commit {
    pg_lsn commit_lsn;
    pg_lsn
        end_lsn; /* behind the commit record; the next transaction's commit_lsn is not before it */
    int64_t commit_time_us;
};

struct pgoutput_origin {
    pg_lsn commit_lsn; /* at the origin */
    const char *name;
};

struct pgoutput_relation {
    uint32_t oid;
    const char *schema; /* "pg_catalog" where the wire has "" */
    const char *name;
    enum replica_identity replica_identity;
    uint16_t column_count;
    const struct column *columns; /* name, type_oid, type_modifier, is_key; type_sql is "" */
};

struct pgoutput_type {
    uint32_t oid;
    const char *schema;
    const char *name; /* of a domain: its base type's */
};

struct pgoutput_row {
    uint32_t oid; /* the relation's */
    struct change change;
};

struct pgoutput_truncate {
    uint32_t count;
    bool is_cascade;
    bool is_restart_identity;
    struct bytes oids; /* `count` big-endian numbers */
};

struct pgoutput_logical {
    bool is_transactional; /* if not, it comes outside BEGIN … COMMIT and is no part of the order */
    pg_lsn lsn;
    const char *prefix;
    struct bytes content;
};

struct pgoutput_message {
    enum pgoutput_kind kind;
    union {
        struct pgoutput_begin begin;
        struct pgoutput_commit commit;
        struct pgoutput_origin origin;
        struct pgoutput_relation relation;
        struct pgoutput_type type;
        struct pgoutput_row row;
        struct pgoutput_truncate truncate;
        struct pgoutput_logical logical;
    };
};

/* Room for one decoded message. Large: keep one, not one per message. */
struct pgoutput_decoder {
    size_t max_row_bytes; /* a row whose values are longer in sum is refused; 0: no limit */
    struct change_values values;
    struct column columns[TABLE_MAX_COLUMNS];
};

/* Decodes one message. All pointers borrow from `bytes` and `decoder`, until the next call. PROTOCOL_ERROR for
 * anything that is cut off, too long, out of place or unknown. */
bool pgoutput_decode(struct pgoutput_decoder *decoder, struct bytes bytes,
                     struct pgoutput_message *message, struct error *err) MUST_USE;

/* The twin: the bytes that pgoutput_decode() would read as `message`. */
void pgoutput_encode(struct byte_buffer *buffer, const struct pgoutput_message *message);

#endif
