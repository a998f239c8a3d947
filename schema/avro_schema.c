/* SPDX-License-Identifier: Apache-2.0 */
/* Avro schemas out of JSON, bounded: each named type is complete before it can be named, so there is no recursion. */
#include "schema/avro_schema.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_NAME = 512,
    MAX_NAMES = AVRO_MAX_FIELDS,
    MAX_FIXED = 1024 * 1024,
    /* Values that one value of a schema can be made of, arrays and maps left out: what reading it may cost. */
    MAX_WEIGHT = 64 * 1024,
};

/* A type, and what its limits are counted in. */
struct parsed {
    const struct avro_schema *schema;
    uint32_t depth;
    uint32_t weight;
};

struct named {
    const char *name;
    struct parsed type;
    const struct named *next;
};

struct parser {
    struct arena *arena;
    const struct named *named;
    uint32_t named_count;
    uint32_t field_count; /* fields, branches and symbols together */
    struct error *err;
};

static bool parse_type(struct parser *parser, const json_t *json, const char *space,
                       uint32_t nesting, struct parsed *parsed);

static bool refuse(struct parser *parser, const char *why, const char *what)
{
    return error_set(parser->err, ERROR_DATA, "Avro schema: %s%s%.100s", why, *what ? ": " : "",
                     what);
}

/* ---- names ---- */

static bool is_name(const char *name, size_t size)
{
    if (size == 0 || size > MAX_NAME || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && (c < '0' || c > '9'))
            return false;
    }
    return true;
}

/* Parts between dots. A topic's part that begins with a digit becomes a namespace in Debezium, though Avro forbids it. */
static bool is_namespace(const char *space)
{
    size_t size = strlen(space);
    if (size > MAX_NAME || strstr(space, "..") || *space == '.' ||
        (size > 0 && space[size - 1] == '.'))
        return false;
    return strspn(space, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
           size;
}

static const char *string_member(const json_t *json, const char *member)
{
    const char *text = json_string_value(json_object_get(json, member));
    return text ? text : "";
}

static const char *full_name(struct parser *parser, const char *space, const char *name)
{
    if (strchr(name, '.') || !*space)
        return arena_copy_string(parser->arena, name);
    size_t size = strlen(space) + strlen(name) + 2;
    char *full = (char *)arena_allocate_bytes(parser->arena, size);
    snprintf(full, size, "%s.%s", space, name);
    return full;
}

static const struct named *find_named(const struct parser *parser, const char *name)
{
    for (const struct named *named = parser->named; named; named = named->next)
        if (strcmp(named->name, name) == 0)
            return named;
    return NULL;
}

/* The full name of the type that `json` defines, and the namespace inside it. */
static bool take_name(struct parser *parser, const json_t *json, const char **space,
                      const char **name)
{
    const char *given = string_member(json, "name");
    const char *own_space = json_string_value(json_object_get(json, "namespace"));
    *name = full_name(parser, own_space ? own_space : *space, given);
    const char *dot = strrchr(*name, '.');
    const char *simple = dot ? dot + 1 : *name;
    char *inner = arena_copy_string(parser->arena, *name);
    inner[dot ? dot - *name : 0] = '\0';
    *space = inner;
    if (!is_name(simple, strlen(simple)) || !is_namespace(inner))
        return refuse(parser, "a name that Avro forbids", *name);
    if (find_named(parser, *name))
        return refuse(parser, "a name defined twice", *name);
    return true;
}

static bool define(struct parser *parser, const char *name, const struct parsed *type)
{
    if (parser->named_count++ == MAX_NAMES)
        return refuse(parser, "too many named types", "");
    struct named *named = arena_allocate(parser->arena, sizeof(*named));
    *named = (struct named){name, *type, parser->named};
    parser->named = named;
    return true;
}

static bool count_fields(struct parser *parser, size_t count)
{
    if (count > AVRO_MAX_FIELDS - parser->field_count)
        return refuse(parser, "too many fields", "");
    parser->field_count += (uint32_t)count;
    return true;
}

/* ---- limits ---- */

static bool add_part(struct parser *parser, struct parsed *whole, const struct parsed *part)
{
    if (part->depth + 1 > whole->depth)
        whole->depth = part->depth + 1;
    whole->weight += part->weight;
    if (whole->depth > AVRO_MAX_DEPTH)
        return refuse(parser, "nested too deeply", "");
    if (whole->weight > MAX_WEIGHT)
        return refuse(parser, "too large", "");
    return true;
}

/* ---- types by name ---- */

static const char *const PRIMITIVES[] = {
    [AVRO_TYPE_NULL] = "null",   [AVRO_TYPE_BOOLEAN] = "boolean", [AVRO_TYPE_INT] = "int",
    [AVRO_TYPE_LONG] = "long",   [AVRO_TYPE_FLOAT] = "float",     [AVRO_TYPE_DOUBLE] = "double",
    [AVRO_TYPE_BYTES] = "bytes", [AVRO_TYPE_STRING] = "string",
};

/* The primitive's type, or -1. */
static int find_primitive(const char *name)
{
    for (int i = 0; i < (int)(sizeof(PRIMITIVES) / sizeof(*PRIMITIVES)); i++)
        if (strcmp(PRIMITIVES[i], name) == 0)
            return i;
    return -1;
}

static struct avro_schema *new_schema(struct parser *parser, enum avro_type type)
{
    struct avro_schema *schema = arena_allocate(parser->arena, sizeof(*schema));
    *schema = (struct avro_schema){
        .type = type, .name = "", .connect_name = "", .connect_type = "", .logical_type = ""};
    return schema;
}

static bool parse_reference(struct parser *parser, const char *name, const char *space,
                            struct parsed *parsed)
{
    int primitive = find_primitive(name);
    if (primitive >= 0) {
        *parsed = (struct parsed){new_schema(parser, (enum avro_type)primitive), 1, 1};
        return true;
    }
    const struct named *named = find_named(parser, full_name(parser, space, name));
    if (!named)
        return refuse(parser, "an unknown name, or one inside itself", name);
    *parsed = named->type;
    return true;
}

/* ---- composed types ---- */

static bool parse_field(struct parser *parser, const json_t *json, const char *space,
                        uint32_t nesting, struct avro_field *field, struct parsed *type)
{
    const char *name = string_member(json, "name");
    if (!json_is_object(json) || !is_name(name, strlen(name)))
        return refuse(parser, "a field's name that Avro forbids", name);
    field->name = arena_copy_string(parser->arena, name);
    if (!parse_type(parser, json_object_get(json, "type"), space, nesting, type))
        return false;
    field->schema = type->schema;
    return true;
}

static int compare_fields(const struct avro_field *fields, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool parse_record(struct parser *parser, const json_t *json, const char *space,
                         uint32_t nesting, struct avro_schema *schema, struct parsed *parsed)
{
    const json_t *members = json_object_get(json, "fields");
    size_t count = json_array_size(members);
    if (!take_name(parser, json, &space, &schema->name) || !count_fields(parser, count))
        return false;
    if (!json_is_array(members))
        return refuse(parser, "a record without fields", schema->name);
    struct avro_field *fields = arena_allocate(parser->arena, count * sizeof(*fields));
    for (uint32_t i = 0; i < count; i++) {
        struct parsed type;
        if (!parse_field(parser, json_array_get(members, i), space, nesting, &fields[i], &type) ||
            !add_part(parser, parsed, &type))
            return false;
        if (compare_fields(fields, i, fields[i].name) >= 0)
            return refuse(parser, "a field twice", fields[i].name);
    }
    schema->fields = fields;
    schema->count = (uint32_t)count;
    return define(parser, schema->name, parsed);
}

static bool parse_enum(struct parser *parser, const json_t *json, const char *space,
                       struct avro_schema *schema, struct parsed *parsed)
{
    const json_t *members = json_object_get(json, "symbols");
    size_t count = json_array_size(members);
    if (!take_name(parser, json, &space, &schema->name) || !count_fields(parser, count))
        return false;
    if (count == 0)
        return refuse(parser, "an enum without symbols", schema->name);
    const char **symbols = arena_allocate(parser->arena, count * sizeof(*symbols));
    for (uint32_t i = 0; i < count; i++) {
        const char *symbol = json_string_value(json_array_get(members, i));
        if (!symbol || !is_name(symbol, strlen(symbol)))
            return refuse(parser, "a symbol that Avro forbids", schema->name);
        symbols[i] = arena_copy_string(parser->arena, symbol);
    }
    schema->symbols = symbols;
    schema->count = (uint32_t)count;
    return define(parser, schema->name, parsed);
}

static bool parse_fixed(struct parser *parser, const json_t *json, const char *space,
                        struct avro_schema *schema, struct parsed *parsed)
{
    const json_t *size = json_object_get(json, "size");
    if (!take_name(parser, json, &space, &schema->name))
        return false;
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > MAX_FIXED)
        return refuse(parser, "a fixed's size", schema->name);
    schema->size = (size_t)json_integer_value(size);
    return define(parser, schema->name, parsed);
}

static bool parse_items(struct parser *parser, const json_t *items, const char *space,
                        uint32_t nesting, struct avro_schema *schema, struct parsed *parsed)
{
    struct parsed item;
    if (!parse_type(parser, items, space, nesting, &item) || !add_part(parser, parsed, &item))
        return false;
    const struct avro_schema **branches = arena_allocate(parser->arena, sizeof(*branches));
    *branches = item.schema;
    schema->branches = branches;
    return true;
}

static bool is_same_branch(const struct avro_schema *left, const struct avro_schema *right)
{
    return left->type == right->type && strcmp(left->name, right->name) == 0;
}

static bool parse_union(struct parser *parser, const json_t *json, const char *space,
                        uint32_t nesting, struct parsed *parsed)
{
    size_t count = json_array_size(json);
    if (count == 0)
        return refuse(parser, "a union of nothing", "");
    if (!count_fields(parser, count))
        return false;
    struct avro_schema *schema = new_schema(parser, AVRO_TYPE_UNION);
    const struct avro_schema **branches = arena_allocate(parser->arena, count * sizeof(*branches));
    *parsed = (struct parsed){schema, 1, 1};
    for (uint32_t i = 0; i < count; i++) {
        struct parsed branch;
        if (!parse_type(parser, json_array_get(json, i), space, nesting, &branch) ||
            !add_part(parser, parsed, &branch))
            return false;
        branches[i] = branch.schema;
        if (branch.schema->type == AVRO_TYPE_UNION)
            return refuse(parser, "a union in a union", "");
        for (uint32_t j = 0; j < i; j++)
            if (is_same_branch(branches[j], branches[i]))
                return refuse(parser, "a union with two branches of one type", branches[i]->name);
    }
    schema->branches = branches;
    schema->count = (uint32_t)count;
    return true;
}

/* ---- objects ---- */

static bool take_number(struct parser *parser, const json_t *json, const char *member,
                        int32_t *number)
{
    const json_t *value = json_object_get(json, member);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX)
        return refuse(parser, "a decimal's number", member);
    *number = (int32_t)json_integer_value(value);
    return true;
}

static bool take_attributes(struct parser *parser, const json_t *json, struct avro_schema *schema)
{
    schema->connect_name = arena_copy_string(parser->arena, string_member(json, "connect.name"));
    schema->connect_type = arena_copy_string(parser->arena, string_member(json, "connect.type"));
    schema->logical_type = arena_copy_string(parser->arena, string_member(json, "logicalType"));
    if (strcmp(schema->logical_type, "decimal") != 0)
        return true;
    return take_number(parser, json, "scale", &schema->scale) &&
           take_number(parser, json, "precision", &schema->precision);
}

static bool parse_object(struct parser *parser, const json_t *json, const char *space,
                         uint32_t nesting, struct parsed *parsed)
{
    const json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (!name)
        return parse_type(parser, type, space, nesting, parsed);
    struct avro_schema *schema = new_schema(parser, AVRO_TYPE_NULL);
    *parsed = (struct parsed){schema, 1, 1};
    if (!take_attributes(parser, json, schema))
        return false;
    int primitive = find_primitive(name);
    if (primitive >= 0) {
        schema->type = (enum avro_type)primitive;
        return true;
    }
    if (strcmp(name, "record") == 0) {
        schema->type = AVRO_TYPE_RECORD;
        return parse_record(parser, json, space, nesting, schema, parsed);
    }
    if (strcmp(name, "enum") == 0) {
        schema->type = AVRO_TYPE_ENUM;
        return parse_enum(parser, json, space, schema, parsed);
    }
    if (strcmp(name, "fixed") == 0) {
        schema->type = AVRO_TYPE_FIXED;
        return parse_fixed(parser, json, space, schema, parsed);
    }
    bool is_array = strcmp(name, "array") == 0;
    if (is_array || strcmp(name, "map") == 0) {
        schema->type = is_array ? AVRO_TYPE_ARRAY : AVRO_TYPE_MAP;
        return parse_items(parser, json_object_get(json, is_array ? "items" : "values"), space,
                           nesting, schema, parsed);
    }
    return parse_reference(parser, name, space, parsed);
}

/* `nesting` counts JSON's levels, so that this recursion ends; depth counts types, references followed. */
static bool parse_type(struct parser *parser, const json_t *json, const char *space,
                       uint32_t nesting, struct parsed *parsed)
{
    if (nesting == 2 * AVRO_MAX_DEPTH)
        return refuse(parser, "nested too deeply", "");
    if (json_is_string(json))
        return parse_reference(parser, json_string_value(json), space, parsed);
    if (json_is_array(json))
        return parse_union(parser, json, space, nesting + 1, parsed);
    if (json_is_object(json))
        return parse_object(parser, json, space, nesting + 1, parsed);
    return refuse(parser, "a type that is neither name, object nor union", "");
}

static json_t *load(struct bytes text, struct error *err)
{
    json_error_t cause;
    if (text.size > AVRO_MAX_TEXT) {
        error_set(err, ERROR_DATA, "Avro schema: longer than %d bytes", AVRO_MAX_TEXT);
        return NULL;
    }
    json_t *json = json_loadb((const char *)text.data, text.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &cause);
    if (!json)
        error_set(err, ERROR_DATA, "Avro schema: not JSON: %s, at byte %d", cause.text,
                  cause.position);
    return json;
}

const struct avro_schema *avro_schema_parse(struct bytes text, struct arena *arena,
                                            struct error *err)
{
    json_t *json = load(text, err);
    if (!json)
        return NULL;
    struct parser parser = {.arena = arena, .err = err};
    struct parsed parsed;
    bool is_good = parse_type(&parser, json, "", 0, &parsed);
    json_decref(json);
    return is_good ? parsed.schema : NULL;
}

int avro_schema_find(const struct avro_schema *record, const char *field)
{
    return compare_fields(record->fields, record->count, field);
}
