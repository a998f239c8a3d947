/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of OIDs: sorted once, then searched by halves. */
#include "capture/oids.h"

#include <stdlib.h>

#include "base/memory.h"
#include "capture/publication.h"

static int compare_entries(const void *left, const void *right)
{
    uint32_t one = ((const struct oid_entry *)left)->oid;
    uint32_t other = ((const struct oid_entry *)right)->oid;
    return (one > other) - (one < other);
}

static void sort(struct oids *oids)
{
    if (oids->count > 1)
        qsort(oids->entries, oids->count, sizeof(*oids->entries), compare_entries);
}

struct oids oids_of_recorded(const struct recorded *recorded)
{
    struct oids oids = {0};
    size_t capacity = 0;
    struct recorded_table table;
    for (const char *at = recorded->tables; recorded_next_table(&at, &table);) {
        if (oids.count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            oids.entries = memory_resize(oids.entries, capacity, sizeof(*oids.entries));
        }
        oids.entries[oids.count] = (struct oid_entry){table.oid, oids.count};
        oids.count++;
    }
    sort(&oids);
    return oids;
}

struct oids oids_of_published(const struct published *published)
{
    struct oids oids = {.count = published->count};
    oids.entries = memory_new_array(published->count, sizeof(*oids.entries));
    for (size_t i = 0; i < published->count; i++)
        oids.entries[i] = (struct oid_entry){published->tables[i].oid, i};
    sort(&oids);
    return oids;
}

void oids_release(struct oids *oids)
{
    free(oids->entries);
    *oids = (struct oids){0};
}

const struct oid_entry *oids_find(const struct oids *oids, uint32_t oid)
{
    struct oid_entry key = {.oid = oid};
    if (oids->count == 0)
        return NULL;
    return bsearch(&key, oids->entries, oids->count, sizeof(*oids->entries), compare_entries);
}
