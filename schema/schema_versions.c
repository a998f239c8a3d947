/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of subjects in one sorted array. */
#include "schema/schema_versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void schema_versions_release(struct schema_versions *versions)
{
    for (size_t i = 0; i < versions->count; i++)
        free(versions->items[i].subject);
    free(versions->items);
    *versions = (struct schema_versions){0};
}

static int compare(const struct schema_version *item, const char *subject, uint32_t version)
{
    int order = strcmp(item->subject, subject);
    if (order != 0)
        return order;
    return (item->version > version) - (item->version < version);
}

/* Where the version is, or would be put; version 0 is before all of a subject. */
static size_t place_of(const struct schema_versions *versions, const char *subject,
                       uint32_t version)
{
    size_t low = 0;
    size_t high = versions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&versions->items[middle], subject, version) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct schema_versions *versions, size_t place, const char *subject)
{
    return place < versions->count && strcmp(versions->items[place].subject, subject) == 0;
}

static void remove_at(struct schema_versions *versions, size_t place)
{
    free(versions->items[place].subject);
    versions->count--;
    memmove(versions->items + place, versions->items + place + 1,
            (versions->count - place) * sizeof(*versions->items));
}

void schema_versions_set(struct schema_versions *versions, const char *subject, uint32_t version,
                         uint32_t id, bool is_deleted)
{
    size_t place = place_of(versions, subject, version);
    if (!is_at(versions, place, subject) || versions->items[place].version != version) {
        if (versions->count == versions->capacity) {
            versions->capacity = versions->capacity ? 2 * versions->capacity : 64;
            versions->items =
                memory_resize(versions->items, versions->capacity, sizeof(*versions->items));
        }
        memmove(versions->items + place + 1, versions->items + place,
                (versions->count - place) * sizeof(*versions->items));
        versions->items[place] =
            (struct schema_version){.subject = memory_copy_string(subject), .version = version};
        versions->count++;
    }
    versions->items[place].id = id;
    versions->items[place].is_deleted = is_deleted;
}

void schema_versions_remove(struct schema_versions *versions, const char *subject, uint32_t version)
{
    size_t place = place_of(versions, subject, version);
    if (is_at(versions, place, subject) && versions->items[place].version == version)
        remove_at(versions, place);
}

void schema_versions_delete(struct schema_versions *versions, const char *subject, uint32_t up_to)
{
    for (size_t i = place_of(versions, subject, 0); is_at(versions, i, subject); i++)
        versions->items[i].is_deleted |= versions->items[i].version <= up_to;
}

void schema_versions_clear(struct schema_versions *versions, const char *subject)
{
    size_t i = place_of(versions, subject, 0);
    while (is_at(versions, i, subject)) {
        if (versions->items[i].is_deleted)
            remove_at(versions, i);
        else
            i++;
    }
}

bool schema_versions_has(const struct schema_versions *versions, const char *subject, uint32_t id)
{
    for (size_t i = place_of(versions, subject, 0); is_at(versions, i, subject); i++) {
        if (versions->items[i].id == id && !versions->items[i].is_deleted)
            return true;
    }
    return false;
}

uint32_t schema_versions_last(const struct schema_versions *versions, const char *subject)
{
    uint32_t last = 0;
    for (size_t i = place_of(versions, subject, 0); is_at(versions, i, subject); i++)
        last = versions->items[i].version;
    return last;
}
