/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests with bounds: the one place that uses libcurl. No redirects, no proxies of the environment, http and
 * https only, TLS 1.2 or later and verified. */
#ifndef PENSTOCK_SCHEMA_HTTP_H
#define PENSTOCK_SCHEMA_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

enum { HTTP_DEFAULT_REPLY_BYTES = 1024 * 1024 };

struct http_options {
    const char *user;       /* NULL: none */
    const char *password;   /* kept in memory only; NULL: none */
    const char *ca_file;    /* NULL: the system's */
    int timeout_ms;         /* of a whole request */
    size_t max_reply_bytes; /* 0: HTTP_DEFAULT_REPLY_BYTES */
    bool allows_insecure;   /* plain http to a host other than this one */
};

struct http_reply {
    long status;
    struct byte_buffer body; /* the caller releases it */
};

struct http;

/* Copies what it needs of the options. */
struct http *http_new(const struct http_options *options, struct error *err) MUST_USE;
void http_free(struct http *http);

/* Whether a request may go there: http or https, no user or password inside, plain http to this host only unless
 * allowed. ERROR_CONFIG; the message never has a password. */
bool http_check_url(const struct http *http, const char *url, struct error *err) MUST_USE;

/* One request over a kept connection. `method` is GET, POST, PUT or DELETE; `content_type` may be NULL, `body` may have no
 * data. A reply of any status is true. ERROR_RETRY when there was none in time or the connection failed, ERROR_CONFIG
 * for a bad URL or certificate, ERROR_DATA for a reply that is too long; never with the password. */
bool http_request(struct http *http, const char *method, const char *url, const char *content_type,
                  struct bytes body, struct http_reply *reply, struct error *err) MUST_USE;

#endif
