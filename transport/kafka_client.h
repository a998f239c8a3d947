/* SPDX-License-Identifier: Apache-2.0 */
/* A client of librdkafka as all of ours are made: properties, log, errors, and an end that is bounded in time. For the
 * files of transport/kafka*.c only. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_CLIENT_H
#define PENSTOCK_TRANSPORT_KAFKA_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka.h"

/* One wait of ours: DESIGN §3. */
enum { KAFKA_SLICE_MS = 1000 };

/* Kafka counts headers and framing too: what a message takes beyond key, value and the sections of its header. */
enum { KAFKA_MESSAGE_OVERHEAD = 192 };

struct kafka_client_options {
    const struct kafka_options *kafka;
    rd_kafka_type_t type;
    const struct kafka_property
        *own; /* what this client needs beyond the common; ends with a name of NULL */
    void (*on_delivery)(rd_kafka_t *rk, const rd_kafka_message_t *message, void *owner);
    void *owner; /* what on_delivery() gets */
};

struct kafka_client {
    rd_kafka_t *rk;
    void (*on_delivery)(rd_kafka_t *rk, const rd_kafka_message_t *message, void *owner);
    void *owner;
    const struct clock *clock;
    unsigned refusals;     /* in a row: logins and TLS handshakes that brokers refused */
    int64_t down_since_ms; /* no broker can be reached since then; 0: one can */
    char reason[256];      /* of the last refusal, or of being down */
};

/* ERROR_CONFIG if librdkafka refuses a property. Connects in the background. */
struct kafka_client *kafka_client_new(const struct kafka_client_options *options,
                                      struct error *err) MUST_USE;

/* Waits a few seconds at most: what librdkafka can't end by then is left to a thread of its own. */
void kafka_client_free(struct kafka_client *client);

/* Serves callbacks, waiting at most `timeout_ms` for the first. */
void kafka_client_poll(struct kafka_client *client, int timeout_ms);

/* A broker answered. */
void kafka_client_is_up(struct kafka_client *client);

/* Whether it makes sense to go on waiting: false with AUTHENTICATION_FAILED once brokers have refused us repeatedly, with
 * ERROR_RETRY once none could be reached for `patience_ms`. */
bool kafka_client_goes_on(const struct kafka_client *client, int64_t patience_ms,
                          struct error *err) MUST_USE;

/* The answer of a call that wasn't done in its slice: false, with ERROR_NONE if it makes sense to call again. */
bool kafka_client_not_yet(const struct kafka_client *client, int64_t patience_ms,
                          struct error *err);

/* What a code of librdkafka means to us: PERMISSION_DENIED, AUTHENTICATION_FAILED, FENCED; all else is ERROR_RETRY.
 * `text` is its reason, or NULL. Returns false. */
bool kafka_fail(struct error *err, rd_kafka_resp_err_t code, const char *text);

/* Like it, for the error of a transactional call, which it frees. */
bool kafka_fail_with(struct error *err, rd_kafka_error_t *error);

/* Sets properties whose names are known to be good. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);

/* What the user's properties, with our defaults below them, set for `name`, into `out`. */
void kafka_client_property(const struct kafka_options *options, const char *name, char *out,
                           size_t size);

#endif
