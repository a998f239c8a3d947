/* SPDX-License-Identifier: Apache-2.0 */
/* What a change is: one decoded event of a row or table, with its values in wire form. */
#ifndef PENSTOCK_SCHEMA_CHANGE_H
#define PENSTOCK_SCHEMA_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "schema/table.h"

/* The letters are those of pgoutput's TupleData. */
enum value_kind {
    VALUE_NULL = 'n',
    VALUE_UNCHANGED = 'u', /* an unchanged TOAST value, not sent */
    VALUE_TEXT = 't',
    VALUE_BINARY = 'b',
};

/* One value as the server sent it. Borrowed. */
struct value {
    const uint8_t *data;
    uint32_t size;
    enum value_kind kind;
};

/* The values of all columns of a table, in its order. */
struct tuple {
    uint16_t count;
    struct value *values;
};

enum change_kind {
    CHANGE_INSERT = 'I',
    CHANGE_UPDATE = 'U',
    CHANGE_DELETE = 'D',
    CHANGE_TRUNCATE = 'T', /* of one table; a statement's tables share position.ordinal */
    CHANGE_COPY = 'r',     /* rows of the initial copy, as lines of COPY's text format */
};

enum old_tuple_kind {
    OLD_TUPLE_NONE = 0,
    OLD_TUPLE_KEY =
        'K', /* only the replica identity's columns hold values; the rest are to be ignored */
    OLD_TUPLE_FULL = 'O',
};

struct change {
    enum change_kind kind;
    enum old_tuple_kind old_kind;
    struct tuple old_tuple;   /* UPDATE and DELETE, where old_kind says so */
    struct tuple new_tuple;   /* INSERT and UPDATE */
    bool is_restart_identity; /* TRUNCATE … RESTART IDENTITY */
    uint32_t copy_row_count;  /* COPY */
    struct bytes copy_rows;   /* COPY: whole lines, with their newlines */
};

/* Room for the values of one change, so that decoding allocates nothing. */
struct change_values {
    struct value old_values[TABLE_MAX_COLUMNS];
    struct value new_values[TABLE_MAX_COLUMNS];
};

#endif
