/* SPDX-License-Identifier: Apache-2.0 */
/* A position of the source's WAL behind all that was committed so far. */
#ifndef PENSTOCK_CAPTURE_BARRIER_H
#define PENSTOCK_CAPTURE_BARRIER_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/position.h"
#include "postgres/connection.h"

/* Sets `lsn` to a position behind each commit that was visible before the call, those of sessions with
 * synchronous_commit = off too; the slot gets there without help. Where allowed, a logical message of ours gives even
 * an idle source something to send, and makes the capture acknowledge at once. */
bool barrier_set(struct connection *source, pg_lsn *lsn, struct error *err) MUST_USE;

#endif
