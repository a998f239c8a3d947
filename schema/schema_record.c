/* SPDX-License-Identifier: Apache-2.0 */
/* Records of `_schemas` from and to their JSON. */
#include "schema/schema_record.h"

#include <stdlib.h>
#include <string.h>

#include "schema/json_text.h"

/* A whole number from 1 on that fits the registry's ints, or 0. */
static uint32_t number_of(const json_t *object, const char *member)
{
    json_int_t number = json_integer_value(json_object_get(object, member));
    return number > 0 && number <= INT32_MAX ? (uint32_t)number : 0;
}

/* Subjects of other contexts, ":.context:subject", have ids of their own, which our messages never bear. */
static bool is_of_default_context(const char *subject)
{
    return subject && strncmp(subject, ":.", 2) != 0;
}

static bool read_version(struct schema_record *record, struct bytes value, struct error *err)
{
    record->version = number_of(record->key, "version");
    if (record->version == 0)
        return error_set(err, ERROR_DATA, "a version of subject %s without its number",
                         record->subject);
    if (!value.data) {
        record->kind = SCHEMA_RECORD_HARD_DELETE;
        return true;
    }
    record->kind = SCHEMA_RECORD_SCHEMA;
    record->value = json_text_read(value, err);
    if (!record->value)
        return false;
    record->id = number_of(record->value, "id");
    struct bytes text = json_text_string(record->value, "schema");
    if (record->id == 0 || !text.data)
        return error_set(err, ERROR_DATA, "a version of subject %s without id or schema",
                         record->subject);
    const char *type = json_string_value(json_object_get(record->value, "schemaType"));
    bool has_references = json_array_size(json_object_get(record->value, "references")) > 0;
    if ((!type || strcmp(type, "AVRO") == 0) && !has_references)
        record->text = text;
    record->is_deleted = json_is_true(json_object_get(record->value, "deleted"));
    return true;
}

/* DELETE_SUBJECT says in its value up to which version. A tombstone says nothing. */
static bool read_deletion(struct schema_record *record, enum schema_record_kind kind,
                          struct bytes value, struct error *err)
{
    if (!value.data)
        return true;
    record->value = json_text_read(value, err);
    if (!record->value)
        return false;
    record->kind = kind;
    record->version = number_of(record->value, "version");
    return true;
}

bool schema_record_read(struct bytes key, struct bytes value, struct schema_record *record,
                        struct error *err)
{
    *record = (struct schema_record){.kind = SCHEMA_RECORD_OTHER};
    struct error not_json;
    record->key = json_text_read(key, &not_json);
    const char *type = json_string_value(json_object_get(record->key, "keytype"));
    record->subject = json_string_value(json_object_get(record->key, "subject"));
    if (!type || !is_of_default_context(record->subject))
        return true;
    if (strcmp(type, "SCHEMA") == 0)
        return read_version(record, value, err);
    if (strcmp(type, "DELETE_SUBJECT") == 0)
        return read_deletion(record, SCHEMA_RECORD_DELETE_SUBJECT, value, err);
    if (strcmp(type, "CLEAR_SUBJECT") == 0)
        return read_deletion(record, SCHEMA_RECORD_CLEAR_SUBJECT, value, err);
    return true;
}

void schema_record_release(struct schema_record *record)
{
    json_decref(record->key);
    json_decref(record->value);
    *record = (struct schema_record){0};
}

static bool write_json(json_t *object, struct byte_buffer *out, struct error *err)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (!text)
        return error_set(err, ERROR_FATAL, "the schema or its subject is no UTF-8 text");
    write_text(out, text);
    free(text);
    return true;
}

/* jansson keeps the order in which members were added. */
bool schema_record_write(const char *subject, uint32_t version, uint32_t id, struct bytes text,
                         struct byte_buffer *key, struct byte_buffer *value, struct error *err)
{
    json_auto_t *names = json_pack("{s:s, s:s, s:I, s:i}", "keytype", "SCHEMA", "subject", subject,
                                   "version", (json_int_t)version, "magic", 1);
    json_auto_t *content =
        json_pack("{s:s, s:I, s:I, s:s%, s:b}", "subject", subject, "version", (json_int_t)version,
                  "id", (json_int_t)id, "schema", (const char *)text.data, text.size, "deleted", 0);
    return write_json(names, key, err) && write_json(content, value, err);
}
