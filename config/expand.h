/* SPDX-License-Identifier: Apache-2.0 */
/* Environment variables in values: ${NAME} and ${NAME:-default}; $${ stands for ${. */
#ifndef PENSTOCK_CONFIG_EXPAND_H
#define PENSTOCK_CONFIG_EXPAND_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

/* Stands for what came from a variable, in expand_literally(). No password in a file needs this character. */
#define EXPAND_PLACEHOLDER '\x01'

/* The value of `name` in "NAME=value" strings, NULL at the end; NULL if it isn't there. Borrowed. */
const char *environment_find(const char *const *environment, const char *name);

/* Appends `text`, with variables replaced; a variable that is empty counts as missing for its default only.
 * The result is not expanded again. Fails on a missing variable without default, and on a bad reference. */
bool expand(const char *text, const char *const *environment, struct byte_buffer *out,
            struct error *err) MUST_USE;

/* Appends what the file itself says: a variable without default becomes EXPAND_PLACEHOLDER, a default is
 * always taken. What expand() would refuse ends it. */
void expand_literally(const char *text, struct byte_buffer *out);

#endif
