/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tests/data/avro, and its row. */
#ifndef PENSTOCK_TESTS_SUPPORT_THINGS_H
#define PENSTOCK_TESTS_SUPPORT_THINGS_H

#include "schema/change.h"
#include "schema/encoder.h"
#include "schema/table.h"

enum { THINGS_COLUMNS = 10 };
enum {
    THING_ID,
    THING_QUANTITY,
    THING_TOTAL,
    THING_PRICE,
    THING_NOTE,
    THING_CHANGED,
    THING_DETAILS = 8,
    THING_WEIGHT
};

/* `id` is the primary key and the replica identity, `note` is NOT NULL too. */
extern const struct table THINGS;

/* The same with replica identity full. */
extern const struct table THINGS_FULL;

/* Fills the values of the usual row. */
void things_row(struct value *values);

/* The event that surrounds it. */
struct event things_event(enum event_op op);

#endif
