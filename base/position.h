/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a message, totally ordered (DESIGN §3). */
#ifndef PENSTOCK_BASE_POSITION_H
#define PENSTOCK_BASE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"

/* A place in PostgreSQL's write-ahead log, in bytes; compare as unsigned. */
typedef uint64_t pg_lsn;

/* Compared field by field, in this order, as unsigned numbers. All zeros is "none": before everything. */
struct position {
    uint32_t epoch;    /* starts at 1; grows at each resync */
    pg_lsn commit_lsn; /* Begin.final_lsn; 0 in the initial copy */
    uint64_t ordinal;  /* counts the decoded changes of the transaction from 1 */
    uint32_t step;     /* numbers the messages made of one change, from 0 */
};

enum { LSN_TEXT_SIZE = 18, POSITION_TEXT_SIZE = 80 };

/* <0, 0 or >0, as memcmp. */
int position_compare(const struct position *left, const struct position *right);

bool position_is_none(const struct position *position);

/* "16/B374D848", as PostgreSQL prints it, into `text` of LSN_TEXT_SIZE; returns `text`. */
const char *lsn_text(pg_lsn lsn, char *text);

/* "1:16/B374D848:3:0", into `text` of POSITION_TEXT_SIZE; returns `text`. */
const char *position_text(const struct position *position, char *text);

bool lsn_parse(const char *text, pg_lsn *lsn) MUST_USE;

#endif
