/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of subjects: which schema ids a subject has had. */
#ifndef PENSTOCK_SCHEMA_SCHEMA_VERSIONS_H
#define PENSTOCK_SCHEMA_SCHEMA_VERSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schema_version {
    char *subject;
    uint32_t version;
    uint32_t id;
    bool is_deleted; /* softly: its number is taken, but it doesn't count */
};

/* Begins as zeros. */
struct schema_versions {
    struct schema_version *items; /* by subject, then by version */
    size_t count;
    size_t capacity;
};

void schema_versions_release(struct schema_versions *versions);

/* Sets the version, or takes it away; both may be repeated. */
void schema_versions_set(struct schema_versions *versions, const char *subject, uint32_t version,
                         uint32_t id, bool is_deleted);
void schema_versions_remove(struct schema_versions *versions, const char *subject,
                            uint32_t version);

/* Deletes softly all versions of the subject up to this one. */
void schema_versions_delete(struct schema_versions *versions, const char *subject, uint32_t up_to);

/* Takes the softly deleted versions of the subject away. */
void schema_versions_clear(struct schema_versions *versions, const char *subject);

/* Whether the subject has a version with this id that isn't deleted. */
bool schema_versions_has(const struct schema_versions *versions, const char *subject, uint32_t id);

/* The highest version of the subject, deleted ones included; 0 if it has none. */
uint32_t schema_versions_last(const struct schema_versions *versions, const char *subject);

#endif
