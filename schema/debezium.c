/* SPDX-License-Identifier: Apache-2.0 */
/* A table's schemas, as text: members in the order in which Confluent's AvroData and Avro's Schema.toString() write them. */
#include "schema/debezium.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/column_type.h"

#define VARIABLE_SCALE_DECIMAL "io.debezium.data.VariableScaleDecimal"

static const char VARIABLE_SCALE_DECIMAL_RECORD[] =
    "{\"type\":\"record\",\"name\":\"VariableScaleDecimal\",\"namespace\":\"io.debezium.data\","
    "\"fields\":[{\"name\":\"scale\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"bytes\"}],"
    "\"connect.doc\":\"Variable scaled decimal\",\"connect.version\":1,"
    "\"connect.name\":\"" VARIABLE_SCALE_DECIMAL "\"}";

/* What follows `before` and `after` in every envelope. */
static const char SOURCE_AND_REST[] =
    "{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Source\","
    "\"namespace\":\"io.debezium.connector.postgresql\",\"fields\":["
    "{\"name\":\"version\",\"type\":\"string\"},"
    "{\"name\":\"connector\",\"type\":\"string\"},"
    "{\"name\":\"name\",\"type\":\"string\"},"
    "{\"name\":\"ts_ms\",\"type\":\"long\"},"
    "{\"name\":\"snapshot\",\"type\":[{\"type\":\"string\",\"connect.version\":1,"
    "\"connect.parameters\":{\"allowed\":\"true,first,first_in_data_collection,"
    "last_in_data_collection,last,false,incremental\"},\"connect.default\":\"false\","
    "\"connect.name\":\"io.debezium.data.Enum\"},\"null\"],\"default\":\"false\"},"
    "{\"name\":\"db\",\"type\":\"string\"},"
    "{\"name\":\"sequence\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"ts_us\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"ts_ns\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"schema\",\"type\":\"string\"},"
    "{\"name\":\"table\",\"type\":\"string\"},"
    "{\"name\":\"txId\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"lsn\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"xmin\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"origin\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"origin_lsn\",\"type\":[\"null\",\"long\"],\"default\":null}],"
    "\"connect.version\":1,\"connect.name\":\"io.debezium.connector.postgresql.Source\"}},"
    "{\"name\":\"transaction\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"block\","
    "\"namespace\":\"event\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},"
    "{\"name\":\"total_order\",\"type\":\"long\"},"
    "{\"name\":\"data_collection_order\",\"type\":\"long\"}],\"connect.version\":1,"
    "\"connect.name\":\"event.block\"}],\"default\":null},"
    "{\"name\":\"op\",\"type\":\"string\"},"
    "{\"name\":\"ts_ms\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"ts_us\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"ts_ns\",\"type\":[\"null\",\"long\"],\"default\":null}]";

/* ---- names ---- */

static bool is_name_character(uint8_t c, bool is_first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!is_first && c >= '0' && c <= '9');
}

/* Java counts UTF-16 units: a character of four bytes is two, another is one. */
static void write_replacement(struct byte_buffer *out, uint8_t c)
{
    bool is_continuation = (c & 0xc0) == 0x80;
    if (!is_continuation)
        write_text(out, c >= 0xf0 ? "__" : "_");
}

static void write_adjusted(struct byte_buffer *out, const char *name, bool keeps_dots)
{
    for (const uint8_t *c = (const uint8_t *)name; *c; c++) {
        bool is_first = c == (const uint8_t *)name;
        if (is_name_character(*c, is_first) || (keeps_dots && *c == '.' && !is_first)) {
            write_u8(out, *c);
            continue;
        }
        write_replacement(out, *c);
        if (*c >= '0' && *c <= '9')
            write_u8(out, *c);
    }
}

void debezium_write_name(struct byte_buffer *out, const char *name)
{
    write_adjusted(out, name, false);
}

static int compare_names(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

static bool check_names(const struct table *table, struct error *err)
{
    SCOPED_BUFFER names;
    byte_buffer_init(&names, SIZE_MAX);
    size_t *starts = memory_new_array((size_t)table->column_count + 1, sizeof(*starts));
    const char **sorted = memory_new_array((size_t)table->column_count + 1, sizeof(*sorted));
    for (int i = 0; i < table->column_count; i++) {
        starts[i] = names.size;
        debezium_write_name(&names, table->columns[i].name);
        write_u8(&names, '\0');
    }
    for (int i = 0; i < table->column_count; i++)
        sorted[i] = (const char *)names.data + starts[i];
    qsort(sorted, table->column_count, sizeof(*sorted), compare_names);
    bool is_good = true;
    for (int i = 1; i < table->column_count && is_good; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            is_good = error_set(err, ERROR_CONFIG,
                                "table %s.%s has two columns that would both be the Avro field %s",
                                table->schema, table->name, sorted[i]);
    free(sorted);
    free(starts);
    return is_good;
}

/* ---- types ---- */

/* Inside a JSON string, as Jackson writes it. */
static void write_json_text(struct byte_buffer *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        static const char plain[] = "\"\\\b\f\n\r\t";
        static const char letters[] = "\"\\bfnrt";
        const char *found = strchr(plain, *c);
        if (found)
            write_format(out, "\\%c", letters[found - plain]);
        else if ((uint8_t)*c < 0x20)
            write_format(out, "\\u%04X", (unsigned)*c);
        else
            write_u8(out, (uint8_t)*c);
    }
}

static void write_enum(struct byte_buffer *out, const struct type_definition *type)
{
    write_text(out, "{\"type\":\"string\",\"connect.version\":1,"
                    "\"connect.parameters\":{\"allowed\":\"");
    for (int i = 0; i < type->part_count; i++) {
        write_text(out, i > 0 ? "," : "");
        write_json_text(out, type->parts[i]);
    }
    write_text(out, "\"},\"connect.name\":\"io.debezium.data.Enum\"}");
}

static void write_decimal(struct byte_buffer *out, const struct column_form *form)
{
    write_format(out,
                 "{\"type\":\"bytes\",\"scale\":%" PRId32 ",\"precision\":%" PRId32
                 ",\"connect.version\":1,\"connect.parameters\":{\"scale\":\"%" PRId32
                 "\",\"connect.decimal.precision\":\"%" PRId32 "\"},"
                 "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\","
                 "\"logicalType\":\"decimal\"}",
                 form->scale, form->precision, form->scale, form->precision);
}

/* A named type is defined once, then only named. */
static void write_variable_decimal(struct byte_buffer *out, bool *is_defined)
{
    write_text(out, *is_defined ? "\"" VARIABLE_SCALE_DECIMAL "\"" : VARIABLE_SCALE_DECIMAL_RECORD);
    *is_defined = true;
}

/* The forms whose schema is always the same text. */
static const struct {
    const char *type;
    const char *connect_name;
} SIMPLE_TYPES[] = {
    [FORM_BOOLEAN] = {"boolean", NULL},
    [FORM_INT32] = {"int", NULL},
    [FORM_INT64] = {"long", NULL},
    [FORM_FLOAT] = {"float", NULL},
    [FORM_DOUBLE] = {"double", NULL},
    [FORM_TEXT] = {"string", NULL},
    [FORM_BYTES] = {"bytes", NULL},
    [FORM_UUID] = {"string", "io.debezium.data.Uuid"},
    [FORM_JSON] = {"string", "io.debezium.data.Json"},
    [FORM_DATE] = {"int", "io.debezium.time.Date"},
    [FORM_TIME_MS] = {"int", "io.debezium.time.Time"},
    [FORM_TIME_US] = {"long", "io.debezium.time.MicroTime"},
    [FORM_TIMESTAMP_MS] = {"long", "io.debezium.time.Timestamp"},
    [FORM_TIMESTAMP_US] = {"long", "io.debezium.time.MicroTimestamp"},
    [FORM_ZONED_TIMESTAMP] = {"string", "io.debezium.time.ZonedTimestamp"},
    [FORM_ZONED_TIME] = {"string", "io.debezium.time.ZonedTime"},
    [FORM_INTERVAL] = {"long", "io.debezium.time.MicroDuration"},
};

static void write_type(struct byte_buffer *out, const struct column_type *type,
                       bool *is_decimal_defined)
{
    enum avro_form form = type->form.form;
    if (form == FORM_INT16)
        write_text(out, "{\"type\":\"int\",\"connect.type\":\"int16\"}");
    else if (form == FORM_DECIMAL)
        write_decimal(out, &type->form);
    else if (form == FORM_VARIABLE_DECIMAL)
        write_variable_decimal(out, is_decimal_defined);
    else if (form == FORM_ENUM)
        write_enum(out, type->enum_type);
    else if (!SIMPLE_TYPES[form].connect_name)
        write_format(out, "\"%s\"", SIMPLE_TYPES[form].type);
    else
        write_format(out, "{\"type\":\"%s\",\"connect.version\":1,\"connect.name\":\"%s\"}",
                     SIMPLE_TYPES[form].type, SIMPLE_TYPES[form].connect_name);
}

static void write_field(struct byte_buffer *out, const struct table *table,
                        const struct column *column, bool *is_decimal_defined)
{
    struct column_type type = column_type_of(table, column);
    write_text(out, "{\"name\":\"");
    debezium_write_name(out, column->name);
    write_text(out, column->is_not_null ? "\",\"type\":" : "\",\"type\":[\"null\",");
    write_type(out, &type, is_decimal_defined);
    write_text(out, column->is_not_null ? "}" : "],\"default\":null}");
}

/* ---- keys ---- */

static bool is_in_key(const struct column *column, bool has_identity)
{
    return has_identity ? column->is_key : column->primary_key_position > 0;
}

/* Whether the replica identity is the key, rather than the primary key. */
static bool has_identity_key(const struct table *table)
{
    if (table->replica_identity == REPLICA_IDENTITY_FULL)
        return false;
    for (int i = 0; i < table->column_count; i++)
        if (table->columns[i].is_key)
            return true;
    return false;
}

uint16_t debezium_key_columns(const struct table *table, uint16_t *columns)
{
    bool has_identity = has_identity_key(table);
    uint16_t count = 0;
    for (uint16_t i = 0; i < table->column_count; i++) {
        if (!is_in_key(&table->columns[i], has_identity))
            continue;
        uint16_t place = count++;
        uint16_t position = table->columns[i].primary_key_position;
        for (; place > 0 && table->columns[columns[place - 1]].primary_key_position > position;
             place--)
            columns[place] = columns[place - 1];
        columns[place] = i;
    }
    return count;
}

bool debezium_has_key(const struct table *table)
{
    uint16_t columns[TABLE_MAX_COLUMNS];
    return debezium_key_columns(table, columns) > 0;
}

/* ---- schemas ---- */

static void write_head(struct byte_buffer *out, const char *name, const char *topic)
{
    write_format(out, "{\"type\":\"record\",\"name\":\"%s\"", name);
    if (topic) {
        write_text(out, ",\"namespace\":\"");
        write_adjusted(out, topic, true);
        write_u8(out, '"');
    }
    write_text(out, ",\"fields\":[");
}

static void write_connect_name(struct byte_buffer *out, const char *topic, const char *name)
{
    write_text(out, ",\"connect.name\":\"");
    write_adjusted(out, topic, true);
    write_format(out, ".%s\"}", name);
}

static bool finish(const struct byte_buffer *out, const struct table *table, struct error *err)
{
    return !out->overrun || error_set(err, ERROR_CONFIG, "the Avro schema of %s.%s is too long",
                                      table->schema, table->name);
}

bool debezium_write_key_schema(struct byte_buffer *out, const struct table *table,
                               const char *topic, struct error *err)
{
    uint16_t columns[TABLE_MAX_COLUMNS];
    uint16_t count = debezium_key_columns(table, columns);
    bool is_decimal_defined = false;
    if (!check_names(table, err))
        return false;
    if (count == 0)
        return error_set(err, ERROR_FATAL, "table %s.%s has no key", table->schema, table->name);
    write_head(out, "Key", topic);
    for (int i = 0; i < count; i++) {
        write_text(out, i > 0 ? "," : "");
        write_field(out, table, &table->columns[columns[i]], &is_decimal_defined);
    }
    write_u8(out, ']');
    write_connect_name(out, topic, "Key");
    return finish(out, table, err);
}

bool debezium_write_value_schema(struct byte_buffer *out, const struct table *table,
                                 const char *topic, struct error *err)
{
    bool is_decimal_defined = false;
    if (!check_names(table, err))
        return false;
    write_head(out, "Envelope", topic);
    write_text(out, "{\"name\":\"before\",\"type\":[\"null\",");
    write_head(out, "Value", NULL);
    for (int i = 0; i < table->column_count; i++) {
        write_text(out, i > 0 ? "," : "");
        write_field(out, table, &table->columns[i], &is_decimal_defined);
    }
    write_u8(out, ']');
    write_connect_name(out, topic, "Value");
    write_text(out, "],\"default\":null},"
                    "{\"name\":\"after\",\"type\":[\"null\",\"Value\"],\"default\":null},");
    write_text(out, SOURCE_AND_REST);
    write_text(out, ",\"connect.version\":2");
    write_connect_name(out, topic, "Envelope");
    return finish(out, table, err);
}
