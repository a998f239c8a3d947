/* SPDX-License-Identifier: Apache-2.0 */
/* A set of relation OIDs: thousands of tables are looked up in one another's lists every 10 s. */
#ifndef PENSTOCK_CAPTURE_OIDS_H
#define PENSTOCK_CAPTURE_OIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "transport/recorded.h"

struct published;

/* In the order of their OIDs. */
struct oids {
    struct oid_entry {
        uint32_t oid;
        size_t at; /* where it stands in the list that it came from */
    } * entries;
    size_t count;
};

/* Of the tables that R lists. Returned sets are released with oids_release(). */
struct oids oids_of_recorded(const struct recorded *recorded);
struct oids oids_of_published(const struct published *published);
void oids_release(struct oids *oids);

/* The entry of that OID, or NULL; a search of log2(count) steps. */
const struct oid_entry *oids_find(const struct oids *oids, uint32_t oid);

#define SCOPED_OIDS CLEANUP(oids_release) struct oids

#endif
