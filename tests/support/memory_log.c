/* SPDX-License-Identifier: Apache-2.0 */
/* The log of schemas in memory. */
#include "tests/support/memory_log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void memory_log_release(struct memory_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->records[i].key);
        free(log->records[i].value);
    }
    *log = (struct memory_log){0};
}

static char *copy_bytes(const void *data, size_t size)
{
    char *copy = memory_new(size + 1);
    memcpy(copy, data, size);
    return copy;
}

void memory_log_add(struct memory_log *log, const char *key, const char *value)
{
    assert(log->count < MEMORY_LOG_MAX_RECORDS);
    log->records[log->count].key = copy_bytes(key, strlen(key));
    log->records[log->count].value = value ? copy_bytes(value, strlen(value)) : NULL;
    log->count++;
}

static struct bytes view(const char *text)
{
    return (struct bytes){.data = (const uint8_t *)text, .size = text ? strlen(text) : 0};
}

static bool is_away(const struct memory_client *client, struct error *err)
{
    if (client->is_away)
        error_set(err, ERROR_RETRY, "the log is away");
    return client->is_away;
}

static bool read_log(void *context,
                     bool (*take)(void *taker, int64_t offset, struct bytes key, struct bytes value,
                                  struct error *err),
                     void *taker, struct error *err)
{
    struct memory_client *client = context;
    client->reads++;
    if (is_away(client, err))
        return false;
    for (; client->next < client->log->count; client->next++) {
        const struct memory_record *record = &client->log->records[client->next];
        if (!take(taker, (int64_t)client->next, view(record->key), view(record->value), err))
            return false;
    }
    return true;
}

static bool become_writer(void *context, struct error *err)
{
    struct memory_client *client = context;
    if (is_away(client, err))
        return false;
    client->fences++;
    client->epoch = ++client->log->epoch;
    return true;
}

static bool append(void *context, struct bytes key, struct bytes value, struct error *err)
{
    struct memory_client *client = context;
    void (*before)(struct memory_client *) = client->before_append;
    client->before_append = NULL;
    if (before)
        before(client);
    enum memory_fault fault = client->fault;
    client->fault = MEMORY_FAULT_NONE;
    if (is_away(client, err))
        return false;
    if (client->epoch != client->log->epoch || fault == MEMORY_FAULT_REFUSED)
        return error_set(err, ERROR_RETRY, "fenced");
    char *key_text = copy_bytes(key.data, key.size);
    char *value_text = copy_bytes(value.data, value.size);
    memory_log_add(client->log, key_text, value_text);
    free(key_text);
    free(value_text);
    return fault == MEMORY_FAULT_NONE || error_set(err, ERROR_RETRY, "no answer to the commit");
}

void memory_client_init(struct memory_client *client, struct memory_log *log)
{
    *client = (struct memory_client){.log = log};
    client->schema_log = (struct schema_log){
        .context = client, .read = read_log, .become_writer = become_writer, .append = append};
}
