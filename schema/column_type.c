/* SPDX-License-Identifier: Apache-2.0 */
/* From PostgreSQL's types to the forms in which their values travel. */
#include "schema/column_type.h"

#include <stdlib.h>
#include <string.h>

/* Rows of pg_type.dat; they never change. */
enum built_in_type {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

enum {
    FIRST_USER_OID = 16384,
    MOST_DOMAIN_DEPTH = 32,
    NUMERIC_HEADER = 4, /* VARHDRSZ is added to numeric's modifier */
    MOST_MS_DIGITS = 3,
    DEFAULT_SECOND_DIGITS = 6,
};

/* numeric(p,s): the scale has 11 bits with sign since PostgreSQL 15, where it can also exceed the precision. Avro's decimal
 * can be neither. */
static struct column_form numeric_form(int32_t modifier)
{
    if (modifier < NUMERIC_HEADER)
        return (struct column_form){.form = FORM_VARIABLE_DECIMAL};
    int32_t bits = modifier - NUMERIC_HEADER;
    int32_t precision = bits >> 16;
    int32_t scale = ((bits & 0x7ff) ^ 1024) - 1024;
    if (scale < 0 || scale > precision)
        return (struct column_form){.form = FORM_VARIABLE_DECIMAL};
    return (struct column_form){.form = FORM_DECIMAL, .scale = scale, .precision = precision};
}

static struct column_form built_in_form(uint32_t oid, int32_t modifier)
{
    bool is_ms = modifier >= 0 && modifier <= MOST_MS_DIGITS;
    switch (oid) {
    case OID_BOOL:
        return (struct column_form){.form = FORM_BOOLEAN};
    case OID_BYTEA:
        return (struct column_form){.form = FORM_BYTES};
    case OID_INT2:
        return (struct column_form){.form = FORM_INT16};
    case OID_INT4:
        return (struct column_form){.form = FORM_INT32};
    case OID_INT8:
    case OID_OID:
        return (struct column_form){.form = FORM_INT64};
    case OID_FLOAT4:
        return (struct column_form){.form = FORM_FLOAT};
    case OID_FLOAT8:
        return (struct column_form){.form = FORM_DOUBLE};
    case OID_NUMERIC:
        return numeric_form(modifier);
    case OID_UUID:
        return (struct column_form){.form = FORM_UUID};
    case OID_JSON:
    case OID_JSONB:
        return (struct column_form){.form = FORM_JSON};
    case OID_DATE:
        return (struct column_form){.form = FORM_DATE};
    case OID_TIME:
        return (struct column_form){.form = is_ms ? FORM_TIME_MS : FORM_TIME_US};
    case OID_TIMESTAMP:
        return (struct column_form){.form = is_ms ? FORM_TIMESTAMP_MS : FORM_TIMESTAMP_US};
    case OID_TIMESTAMPTZ:
        return (struct column_form){.form = FORM_ZONED_TIMESTAMP,
                                    .precision = modifier >= 0 ? modifier : DEFAULT_SECOND_DIGITS};
    case OID_TIMETZ:
        return (struct column_form){.form = FORM_ZONED_TIME};
    case OID_INTERVAL:
        return (struct column_form){.form = FORM_INTERVAL};
    default:
        return (struct column_form){.form = FORM_TEXT};
    }
}

/* ---- domains, whose base type is known by its name only ---- */

/* format_type()'s names without their modifiers. */
static uint32_t oid_of_name(const char *name)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } types[] = {
        {"boolean", OID_BOOL},
        {"bytea", OID_BYTEA},
        {"smallint", OID_INT2},
        {"integer", OID_INT4},
        {"bigint", OID_INT8},
        {"oid", OID_OID},
        {"real", OID_FLOAT4},
        {"double precision", OID_FLOAT8},
        {"numeric", OID_NUMERIC},
        {"uuid", OID_UUID},
        {"json", OID_JSON},
        {"jsonb", OID_JSONB},
        {"date", OID_DATE},
        {"time without time zone", OID_TIME},
        {"time with time zone", OID_TIMETZ},
        {"timestamp without time zone", OID_TIMESTAMP},
        {"timestamp with time zone", OID_TIMESTAMPTZ},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].oid;
    return OID_TEXT;
}

static int32_t modifier_of(uint32_t oid, const char *numbers)
{
    char *end = NULL;
    long first = strtol(numbers, &end, 10);
    long second = *end == ',' ? strtol(end + 1, NULL, 10) : 0;
    if (oid == OID_NUMERIC)
        return (int32_t)(((uint32_t)first << 16 | ((uint32_t)second & 0x7ff)) + NUMERIC_HEADER);
    return (int32_t)first;
}

/* "timestamp(3) without time zone" is a name with its modifier in the middle. */
static struct column_form form_of_sql(const char *sql)
{
    char name[64];
    size_t length = strlen(sql);
    bool is_array = length > 2 && strcmp(sql + length - 2, "[]") == 0;
    if (strncmp(sql, "interval", strlen("interval")) == 0 && !is_array)
        return (struct column_form){.form = FORM_INTERVAL};
    const char *open = strchr(sql, '(');
    const char *close = open ? strchr(open, ')') : NULL;
    if (length >= sizeof(name) || is_array || (open && !close))
        return (struct column_form){.form = FORM_TEXT};
    size_t head = open ? (size_t)(open - sql) : length;
    memcpy(name, sql, head);
    strcpy(name + head, open ? close + 1 : "");
    uint32_t oid = oid_of_name(name);
    return built_in_form(oid, open ? modifier_of(oid, open + 1) : -1);
}

/* Takes `name`, quoted as quote_ident() may have, from the text; NULL if it isn't there. */
static const char *take_identifier(const char *text, const char *name)
{
    if (*text != '"') {
        size_t length = strlen(name);
        return strncmp(text, name, length) == 0 ? text + length : NULL;
    }
    text++;
    for (; *name; name++) {
        if (*text != *name || (*name == '"' && *++text != '"'))
            return NULL;
        text++;
    }
    return *text == '"' ? text + 1 : NULL;
}

static const struct type_definition *find_type(const struct table *table, const char *sql)
{
    for (int i = 0; i < table->type_count; i++) {
        const struct type_definition *type = &table->types[i];
        const char *at = take_identifier(sql, type->schema);
        if (!at || *at != '.')
            continue;
        at = take_identifier(at + 1, type->name);
        if (at && *at == '\0')
            return type;
    }
    return NULL;
}

struct column_type column_type_of(const struct table *table, const struct column *column)
{
    struct column_type result = {.form = {.form = FORM_TEXT}};
    if (column->type_oid < FIRST_USER_OID) {
        result.form = built_in_form(column->type_oid, column->type_modifier);
        return result;
    }
    const char *sql = column->type_sql;
    const struct type_definition *type = find_type(table, sql);
    for (int depth = 0; type && type->kind == TYPE_DOMAIN && type->part_count == 1; depth++) {
        if (depth == MOST_DOMAIN_DEPTH)
            return result;
        sql = type->parts[0];
        type = find_type(table, sql);
    }
    if (type && type->kind == TYPE_ENUM) {
        result.form.form = FORM_ENUM;
        result.enum_type = type;
    } else if (!type && sql != column->type_sql) {
        result.form = form_of_sql(sql);
    }
    return result;
}

struct column_form debezium_form(const struct table *table, const struct column *column)
{
    return column_type_of(table, column).form;
}
