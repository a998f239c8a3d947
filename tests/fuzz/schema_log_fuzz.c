/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds lines as records of `_schemas` (key, value, key, …; an empty value is a tombstone) to the built-in registry, which
 * must keep its ids apart whatever they say. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schema/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct lines {
    const uint8_t *at;
    const uint8_t *end;
    int64_t offset;
};

/* An empty line is no data, as a tombstone has none. */
static struct bytes next_line(struct lines *lines)
{
    size_t left = (size_t)(lines->end - lines->at);
    const uint8_t *newline = left > 0 ? memchr(lines->at, '\n', left) : NULL;
    size_t size = newline ? (size_t)(newline - lines->at) : left;
    struct bytes line = {.data = size > 0 ? lines->at : NULL, .size = size};
    lines->at += size + (newline != NULL);
    return line;
}

static bool read_lines(void *context,
                       bool (*take)(void *taker, int64_t offset, struct bytes key,
                                    struct bytes value, struct error *err),
                       void *taker, struct error *err)
{
    struct lines *lines = context;
    while (lines->at < lines->end) {
        struct bytes key = next_line(lines);
        struct bytes value = next_line(lines);
        if (!take(taker, lines->offset++, key, value, err))
            return false;
    }
    return true;
}

static bool become_writer(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static bool append(void *context, struct bytes key, struct bytes value, struct error *err)
{
    (void)context;
    (void)key;
    (void)value;
    (void)err;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char ours[] = "{\"type\":\"fixed\",\"name\":\"ours\",\"size\":7}";
    const struct bytes schema = {.data = (const uint8_t *)ours, .size = sizeof(ours) - 1};
    struct lines lines = {.at = data, .end = data + size};
    const struct schema_log log = {
        .context = &lines, .read = read_lines, .become_writer = become_writer, .append = append};
    struct registry *registry = registry_log_new(&log);
    struct error err;
    uint32_t id;
    uint32_t again;
    struct bytes text;
    if (registry->ops->id(registry, "t-value", schema, &id, &err)) {
        bool is_kept = registry->ops->id(registry, "t-value", schema, &again, &err) &&
                       again == id && registry->ops->schema(registry, id, &text, &err) &&
                       bytes_equal(text, schema);
        if (!is_kept)
            abort();
    }
    registry->ops->free(registry);
    return 0;
}
