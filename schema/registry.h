/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas and their ids: built in on the topic `_schemas`, or a Confluent-compatible registry over HTTP. Ids never change, so both
 * directions are remembered. */
#ifndef PENSTOCK_SCHEMA_REGISTRY_H
#define PENSTOCK_SCHEMA_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

struct registry;

struct registry_ops {
    /* The schema's id under this subject, registered if it wasn't. May wait some seconds. ERROR_RETRY: not reachable.
     * Stops: SCHEMA_REJECTED (incompatible, invalid), SCHEMA_CHANGED, PERMISSION_DENIED, REGISTRY_UNSUITABLE. */
    bool (*id)(struct registry *registry, const char *subject, struct bytes schema, uint32_t *id,
               struct error *err);
    /* The schema's text, borrowed until the registry is freed. The stop SCHEMA_UNKNOWN if there is none of this id. Whether
     * it is the one that was meant, the caller finds out by avro_schema_fingerprint(). */
    bool (*schema)(struct registry *registry, uint32_t id, struct bytes *schema, struct error *err);
    void (*free)(struct registry *registry);
};

struct registry {
    const struct registry_ops *ops;
};

struct registry_http_options {
    const char *url; /* with a path, if the registry has one: https://host/apis/ccompat/v7 */
    const char *user;
    const char *password;
    const char *ca_file;
    int timeout_ms;
    bool allows_insecure;
};

struct registry *registry_http_new(const struct registry_http_options *options,
                                   struct error *err) MUST_USE;

/* The topic `_schemas`, as the built-in registry needs it. transport/kafka_log.h has one, cli/ puts the two together. */
struct schema_log {
    void *context;
    /* Hands all records from where the last call ended up to the log's end to `take`, in order. */
    bool (*read)(void *context,
                 bool (*take)(void *taker, int64_t offset, struct bytes key, struct bytes value,
                              struct error *err),
                 void *taker, struct error *err);
    /* Begins to be the one writer: others' open transactions are fenced off. Then read() again before append(). */
    bool (*become_writer)(void *context, struct error *err);
    /* Appends one record, durably. ERROR_RETRY with the log's writer lost: become_writer() again. */
    bool (*append)(void *context, struct bytes key, struct bytes value, struct error *err);
};

/* Borrows the log. Ids are counted over all subjects; the same schema, white space apart, has the same id in each. Others'
 * compatibility levels and modes are not looked at. A registry of another make must not write to the topic at the same
 * time: only writers with our transactional id are fenced. */
struct registry *registry_log_new(const struct schema_log *log) MUST_USE;

#endif
