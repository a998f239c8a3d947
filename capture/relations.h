/* SPDX-License-Identifier: Apache-2.0 */
/* Which table a relation OID means at this point of the stream. */
#ifndef PENSTOCK_CAPTURE_RELATIONS_H
#define PENSTOCK_CAPTURE_RELATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "capture/catalog.h"
#include "capture/pgoutput.h"

struct relation {
    uint32_t oid;
    uint32_t shape_id;         /* a new one for each shape that a table takes */
    bool is_wanted;            /* else its changes are counted and dropped */
    bool is_sent;              /* the shape was written to the transport */
    const struct table *table; /* NULL if not wanted */
};

struct relations;

struct relations *relations_new(table_filter is_wanted, const void *context) MUST_USE;
void relations_free(struct relations *relations);

/* NULL if no Relation message for this OID has come. Valid until the next update. */
struct relation *relations_find(struct relations *relations, uint32_t oid);

/* A Relation message: a new shape is completed from the catalog; the same shape again changes nothing. */
bool relations_update(struct relations *relations, const struct pgoutput_relation *message,
                      struct connection *catalog, struct error *err) MUST_USE;

/* A table that the initial copy has read, in `arena`, which is taken over. */
struct relation *relations_add(struct relations *relations, const struct table *table,
                               struct arena *arena);

#endif
