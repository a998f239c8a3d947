/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests with bounds: the one place that uses libcurl. No redirects, http and https only, TLS verified. */
#ifndef PENSTOCK_SCHEMA_HTTP_H
#define PENSTOCK_SCHEMA_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

struct http_options {
    const char *user;     /* NULL: none */
    const char *password; /* kept in memory only */
    const char *ca_file;  /* NULL: the system's */
    int timeout_ms;       /* of a whole request */
    size_t max_reply_bytes;
    bool allows_insecure; /* plain http to a host other than this one */
};

struct http_reply {
    long status;
    struct byte_buffer body; /* the caller releases it */
};

struct http;

struct http *http_new(const struct http_options *options, struct error *err) MUST_USE;
void http_free(struct http *http);

/* One request over a kept connection. `method` is GET, POST, PUT or DELETE; `body` may have no data. A reply of any status is true;
 * ERROR_RETRY when there was none in time or the connection failed, ERROR_CONFIG for a bad URL or certificate; never with the password. */
bool http_request(struct http *http, const char *method, const char *url, const char *content_type,
                  struct bytes body, struct http_reply *reply, struct error *err) MUST_USE;

#endif
