/* SPDX-License-Identifier: Apache-2.0 */
/* Connection strings of libpq (PostgreSQL, "Connection Strings"), URIs and "keyword=value …"; and URLs of registries. */
#ifndef PENSTOCK_CONFIG_URL_H
#define PENSTOCK_CONFIG_URL_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"

/* What is wrong with the form of a connection string, for a message, or NULL. libpq has the last word. */
const char *url_problem(const char *url) MUST_USE;

/* What is wrong with the form of a registry's URL, for a message, or NULL: http or https with a host, perhaps a path; no
 * user and no password, for which there are other settings. */
const char *url_http_problem(const char *url) MUST_USE;

/* Appends `url` with "***" for each password and for all that can't be parsed. Where it is in doubt it hides too
 * much. */
void url_mask(const char *url, struct byte_buffer *out);

/* Whether there is a password of more than EXPAND_PLACEHOLDER. */
bool url_has_password(const char *url);

#endif
