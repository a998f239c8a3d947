/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: read from files. */
#ifndef PENSTOCK_CONFIG_SECRETS_H
#define PENSTOCK_CONFIG_SECRETS_H

#include "base/attributes.h"
#include "base/error.h"

/* The secret in the file, to be freed with config_secret_free(). The file must be regular, closed to others
 * (mode 0640 at most), of 1 byte to 4 KiB, one line; its newline is not part of the secret. NULL: ERROR_CONFIG. */
char *config_read_secret(const char *path, struct error *err) MUST_USE;

/* Wipes it first. NULL does nothing. */
void config_secret_free(char *secret);

#endif
