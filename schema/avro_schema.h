/* SPDX-License-Identifier: Apache-2.0 */
/* An Avro schema, parsed from text that came from outside: our own bounded parser, for libavro's can be made to write
 * past its memory (docs/decisions). Format: Avro 1.11 specification, "Schema Declaration". */
#ifndef PENSTOCK_SCHEMA_AVRO_SCHEMA_H
#define PENSTOCK_SCHEMA_AVRO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

enum {
    AVRO_MAX_TEXT = 256 * 1024 * 8, /* a table of 1,600 columns has that much */
    AVRO_MAX_DEPTH = 32,
    AVRO_MAX_FIELDS = 8192,
};

/* AVRO_NULL and so on are avro-c's. */
enum avro_type {
    AVRO_TYPE_NULL,
    AVRO_TYPE_BOOLEAN,
    AVRO_TYPE_INT,
    AVRO_TYPE_LONG,
    AVRO_TYPE_FLOAT,
    AVRO_TYPE_DOUBLE,
    AVRO_TYPE_BYTES,
    AVRO_TYPE_STRING,
    AVRO_TYPE_FIXED,
    AVRO_TYPE_ENUM,
    AVRO_TYPE_ARRAY,
    AVRO_TYPE_MAP,
    AVRO_TYPE_UNION,
    AVRO_TYPE_RECORD,
};

struct avro_field {
    const char *name;
    const struct avro_schema *schema;
};

struct avro_schema {
    enum avro_type type;
    const char *name;         /* full name of a named type; "" else */
    const char *connect_name; /* Connect's semantic type, "io.debezium.time.Date"; "" if none */
    const char *connect_type; /* "int16"; "" if none */
    const char *logical_type; /* "" if none */
    int32_t scale;            /* of a decimal */
    int32_t precision;        /* of a decimal; 0 if none */
    size_t size;              /* of a fixed */
    uint32_t count;           /* fields of a record, branches of a union, symbols of an enum */
    const struct avro_field *fields;           /* a record's */
    const struct avro_schema *const *branches; /* a union's; the one item's of an array or map */
    const char *const *symbols;
};

/* Into `arena`. NULL and ERROR_DATA with where and why. Refused: unknown names, names that Avro forbids, a name defined
 * twice, equal branches of a union, recursion, more than the limits above. */
const struct avro_schema *avro_schema_parse(struct bytes text, struct arena *arena,
                                            struct error *err) MUST_USE;

/* The field's index in a record, or -1. */
int avro_schema_find(const struct avro_schema *record, const char *field);

/* SHA-256 of the text's JSON with insignificant space removed, as 64 hexadecimal digits and a NUL: two registries that keep the same
 * schema give the same. ERROR_DATA if it is not JSON. */
bool avro_schema_fingerprint(struct bytes text, char fingerprint[65], struct error *err) MUST_USE;

#endif
