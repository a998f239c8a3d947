/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in registry: the records of `_schemas` in memory, and new ones under a fenced writer. */
#include "schema/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/avro_schema.h"
#include "schema/json_text.h"
#include "schema/schema_record.h"
#include "schema/schema_texts.h"
#include "schema/schema_versions.h"

enum {
    MAX_TRIES = 5,                  /* to win against other writers, before the caller pauses */
    MAX_RECORD = 8 * AVRO_MAX_TEXT, /* JSON makes six bytes of one at most */
};

struct registry_log {
    struct registry registry;
    const struct schema_log *log;
    bool is_writer;            /* and all that others had written was read since */
    uint32_t last_id;          /* the highest ever seen, of any type of schema */
    struct schema_texts texts; /* compact */
    struct schema_versions versions;
};

static struct registry_log *of_registry(struct registry *registry)
{
    return (struct registry_log *)((char *)registry - offsetof(struct registry_log, registry));
}

/* An id that changes what it stands for would make rows unreadable, or readable as something else. */
static bool take_text(struct registry_log *self, uint32_t id, struct bytes text, struct error *err)
{
    SCOPED_BUFFER compact;
    byte_buffer_init(&compact, text.size);
    json_text_compact(text, &compact);
    struct bytes wanted = {.data = compact.data, .size = compact.size};
    const struct schema_text *found = schema_texts_find(&self->texts, id);
    if (!found) {
        schema_texts_add(&self->texts, id, wanted);
        return true;
    }
    if (bytes_equal(found->text, wanted))
        return true;
    error_stop(err, STOP_SCHEMA_CHANGED, "schema id %u stands for two schemas", id);
    return error_remedy(err, "find out who else writes to the topic _schemas: a registry and "
                             "Penstock must not do so at once");
}

static bool apply(struct registry_log *self, const struct schema_record *record, struct error *err)
{
    switch (record->kind) {
    case SCHEMA_RECORD_OTHER:
        return true;
    case SCHEMA_RECORD_SCHEMA:
        if (record->text.data && !take_text(self, record->id, record->text, err))
            return false;
        if (record->id > self->last_id)
            self->last_id = record->id;
        schema_versions_set(&self->versions, record->subject, record->version, record->id,
                            record->is_deleted);
        return true;
    case SCHEMA_RECORD_HARD_DELETE:
        schema_versions_remove(&self->versions, record->subject, record->version);
        return true;
    case SCHEMA_RECORD_DELETE_SUBJECT:
        schema_versions_delete(&self->versions, record->subject, record->version);
        return true;
    case SCHEMA_RECORD_CLEAR_SUBJECT:
        schema_versions_clear(&self->versions, record->subject);
        return true;
    }
    return true;
}

static bool take_record(void *taker, int64_t offset, struct bytes key, struct bytes value,
                        struct error *err)
{
    struct registry_log *self = taker;
    SCOPED_SCHEMA_RECORD record;
    struct error reason;
    if (!schema_record_read(key, value, &record, &reason))
        error_stop(err, STOP_REGISTRY_UNSUITABLE, "%s", reason.message);
    else if (apply(self, &record, err))
        return true;
    return error_add(err, "_schemas at offset %lld", (long long)offset);
}

static bool read_log(struct registry_log *self, struct error *err)
{
    return self->log->read(self->log->context, take_record, self, err);
}

/* The id of the subject's version with this text; false if there is none. */
static bool look_up(const struct registry_log *self, const char *subject, struct bytes compact,
                    uint32_t *id)
{
    const struct schema_text *text = schema_texts_of(&self->texts, compact);
    if (!text || !schema_versions_has(&self->versions, subject, text->id))
        return false;
    *id = text->id;
    return true;
}

/* From here on no id is given out by somebody else without our next append() failing. */
static bool become_writer(struct registry_log *self, struct error *err)
{
    if (self->is_writer)
        return true;
    if (!self->log->become_writer(self->log->context, err) || !read_log(self, err))
        return false;
    self->is_writer = true;
    return true;
}

static bool append(struct registry_log *self, const char *subject, struct bytes schema,
                   struct bytes compact, uint32_t *id, struct error *err)
{
    const struct schema_text *text = schema_texts_of(&self->texts, compact);
    if (!text && self->last_id == INT32_MAX)
        return error_stop(err, STOP_REGISTRY_UNSUITABLE, "_schemas has used up all ids");
    uint32_t wanted = text ? text->id : self->last_id + 1;
    uint32_t version = schema_versions_last(&self->versions, subject) + 1;
    SCOPED_BUFFER key;
    SCOPED_BUFFER value;
    byte_buffer_init(&key, MAX_RECORD);
    byte_buffer_init(&value, MAX_RECORD);
    if (!schema_record_write(subject, version, wanted, schema, &key, &value, err))
        return false;
    /* Whatever went wrong, the writer's state is unknown: begin as writer again. */
    self->is_writer = false;
    if (!self->log->append(self->log->context, (struct bytes){key.data, key.size},
                           (struct bytes){value.data, value.size}, err))
        return false;
    self->is_writer = true;
    if (!take_text(self, wanted, schema, err))
        return false;
    if (wanted > self->last_id)
        self->last_id = wanted;
    schema_versions_set(&self->versions, subject, version, wanted, false);
    *id = wanted;
    return true;
}

/* Another writer may come between at any time: then all is looked at again. */
static bool register_schema(struct registry_log *self, const char *subject, struct bytes schema,
                            struct bytes compact, uint32_t *id, struct error *err)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        if (!become_writer(self, err))
            return false;
        if (look_up(self, subject, compact, id) || append(self, subject, schema, compact, id, err))
            return true;
        if (err->kind != ERROR_RETRY)
            return false;
    }
    return false;
}

/* A capture that starts again finds its schemas in the log, and fences nobody. */
static bool find_or_register(struct registry_log *self, const char *subject, struct bytes schema,
                             struct bytes compact, uint32_t *id, struct error *err)
{
    if (look_up(self, subject, compact, id))
        return true;
    if (!self->is_writer && !read_log(self, err))
        return false;
    return look_up(self, subject, compact, id) ||
           register_schema(self, subject, schema, compact, id, err);
}

static bool log_id(struct registry *registry, const char *subject, struct bytes schema,
                   uint32_t *id, struct error *err)
{
    struct registry_log *self = of_registry(registry);
    SCOPED_BUFFER compact;
    byte_buffer_init(&compact, AVRO_MAX_TEXT);
    json_text_compact(schema, &compact);
    if (compact.overrun)
        return error_stop(err, STOP_SCHEMA_REJECTED,
                          "subject %s: the schema is longer than %d bytes", subject, AVRO_MAX_TEXT);
    return find_or_register(self, subject, schema, (struct bytes){compact.data, compact.size}, id,
                            err) ||
           error_add(err, "subject %s", subject);
}

static bool log_schema(struct registry *registry, uint32_t id, struct bytes *schema,
                       struct error *err)
{
    struct registry_log *self = of_registry(registry);
    const struct schema_text *found = schema_texts_find(&self->texts, id);
    if (!found) {
        if (!read_log(self, err))
            return error_add(err, "schema id %u", id);
        found = schema_texts_find(&self->texts, id);
    }
    if (!found)
        return error_stop(err, STOP_SCHEMA_UNKNOWN, "_schemas has no Avro schema of id %u", id);
    *schema = found->text;
    return true;
}

static void log_registry_free(struct registry *registry)
{
    if (!registry)
        return;
    struct registry_log *self = of_registry(registry);
    schema_texts_release(&self->texts);
    schema_versions_release(&self->versions);
    free(self);
}

struct registry *registry_log_new(const struct schema_log *log)
{
    static const struct registry_ops ops = {log_id, log_schema, log_registry_free};
    struct registry_log *self = memory_new(sizeof(*self));
    self->registry.ops = &ops;
    self->log = log;
    return &self->registry;
}
