/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the topic `_schemas`, as Confluent's registry writes and reads it. Its key's bytes matter for compaction:
 * the members' order is fixed. Unknown kinds and members are skipped, for newer registries have more. */
#ifndef PENSTOCK_SCHEMA_SCHEMA_RECORD_H
#define PENSTOCK_SCHEMA_SCHEMA_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

enum schema_record_kind {
    SCHEMA_RECORD_OTHER, /* CONFIG, MODE, NOOP, what we don't know, what isn't of the default context */
    SCHEMA_RECORD_SCHEMA,         /* a version of a subject */
    SCHEMA_RECORD_HARD_DELETE,    /* the version is gone */
    SCHEMA_RECORD_DELETE_SUBJECT, /* the versions up to this one are deleted softly */
    SCHEMA_RECORD_CLEAR_SUBJECT,  /* the subject's softly deleted versions are gone */
};

struct schema_record {
    enum schema_record_kind kind;
    const char *subject; /* borrowed from `key` */
    uint32_t version;
    uint32_t id; /* SCHEMA only, and below */
    struct bytes
        text; /* borrowed from `value`; no data if it is not plain Avro: another type, or with references */
    bool is_deleted; /* softly */
    json_t *key;
    json_t *value;
};

/* Reads the record; a value without data is a tombstone. ERROR_DATA for a version of a subject that makes no sense: what it
 * says about ids must not be missed. Release it in either case. */
bool schema_record_read(struct bytes key, struct bytes value, struct schema_record *record,
                        struct error *err) MUST_USE;
void schema_record_release(struct schema_record *record);

/* Appends key and value of a version. ERROR_FATAL if a text isn't UTF-8. */
bool schema_record_write(const char *subject, uint32_t version, uint32_t id, struct bytes text,
                         struct byte_buffer *key, struct byte_buffer *value,
                         struct error *err) MUST_USE;

#define SCOPED_SCHEMA_RECORD CLEANUP(schema_record_release) struct schema_record

#endif
