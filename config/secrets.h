/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: read from files, and hidden wherever a connection URL is shown. */
#ifndef PENSTOCK_CONFIG_SECRETS_H
#define PENSTOCK_CONFIG_SECRETS_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

/* The secret in the file, to be freed with config_secret_free(). The file must be regular, closed to others
 * (mode 0640 at most), of 1 byte to 4 KiB, one line; its newline is not part of the secret. NULL: ERROR_CONFIG. */
char *config_read_secret(const char *path, struct error *err) MUST_USE;

/* Wipes it first. NULL does nothing. */
void config_secret_free(char *secret);

/* Copies the connection string, a URI or "keyword=value …" (PostgreSQL, "Connection Strings"), into `out` with
 * each password replaced by "***". What can't be parsed is replaced too. Cut off at `size`. Returns `out`. */
const char *config_mask_url(const char *url, char *out, size_t size);

#endif
