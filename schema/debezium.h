/* SPDX-License-Identifier: Apache-2.0 */
/* A table's Avro schemas as Debezium 3.x with its Avro converter makes them, byte for byte. Sources:
 * Debezium's SchemaFactory, TableSchemaBuilder and PostgresSourceInfoStructMaker, Confluent's AvroData. */
#ifndef PENSTOCK_SCHEMA_DEBEZIUM_H
#define PENSTOCK_SCHEMA_DEBEZIUM_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "schema/table.h"

/* How a column's values travel in Avro. Which one: the column's type at the source, domains resolved to their base. */
enum avro_form {
    FORM_BOOLEAN,
    FORM_INT16, /* int, connect.type int16 */
    FORM_INT32,
    FORM_INT64, /* also oid */
    FORM_FLOAT,
    FORM_DOUBLE,
    FORM_DECIMAL,          /* numeric(p,s): bytes, unscaled two's complement, big-endian */
    FORM_VARIABLE_DECIMAL, /* numeric: io.debezium.data.VariableScaleDecimal */
    FORM_TEXT,  /* text kinds, and every type without a form of its own: PostgreSQL's text */
    FORM_BYTES, /* bytea */
    FORM_UUID,
    FORM_JSON,
    FORM_ENUM,
    FORM_DATE,            /* days since 1970 */
    FORM_TIME_MS,         /* time(0..3) */
    FORM_TIME_US,         /* time(4..6) */
    FORM_TIMESTAMP_MS,    /* timestamp(0..3) */
    FORM_TIMESTAMP_US,    /* timestamp(4..6) */
    FORM_ZONED_TIMESTAMP, /* timestamptz: ISO 8601 text in UTC */
    FORM_ZONED_TIME,      /* timetz: ISO text in UTC */
    FORM_INTERVAL,        /* microseconds, approximately: the exact text goes into the header */
};

struct column_form {
    enum avro_form form;
    int32_t scale; /* DECIMAL */
    int32_t
        precision; /* DECIMAL; ZONED_TIMESTAMP: digits of the fraction, always so many; 0: as many as needed */
};

/* The form of a column; follows domains through table->types. */
struct column_form debezium_form(const struct table *table, const struct column *column);

/* A column's name as Avro allows it for a field: other characters become `_`, a leading digit gets `_` before it (Debezium's
 * adjustment mode "avro"). In a topic's name, which becomes a namespace, dots stay. */
void debezium_write_name(struct byte_buffer *out, const char *name);

/* Append the schema's text; ERROR_CONFIG if two columns would be one field. The table has a key if a column is_key and its identity is not full; else a primary key, if
 * there is one; else false: no key schema, messages have no key. */
bool debezium_has_key(const struct table *table);
bool debezium_write_key_schema(struct byte_buffer *out, const struct table *table,
                               const char *topic, struct error *err) MUST_USE;
bool debezium_write_value_schema(struct byte_buffer *out, const struct table *table,
                                 const char *topic, struct error *err) MUST_USE;

/* The indexes of the key's columns, in the order of the key schema's fields (the primary key's); `columns` has room for TABLE_MAX_COLUMNS.
 * Returns how many. */
uint16_t debezium_key_columns(const struct table *table, uint16_t *columns);

#endif
