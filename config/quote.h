/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, made fit for a message. */
#ifndef PENSTOCK_CONFIG_QUOTE_H
#define PENSTOCK_CONFIG_QUOTE_H

enum { QUOTE_SIZE = 128 };

/* The value in double quotes, control characters as ?, long text cut off; "***" if it looks like a connection
 * string, which may hold a password. Into `out` of QUOTE_SIZE; returns `out`. */
const char *quote_value(const char *text, char *out);

/* The key in double quotes if it looks like a key, else "" (a value that slipped into its place may be a secret).
 * Into `out` of QUOTE_SIZE; returns `out`. */
const char *quote_key(const char *key, char *out);

#endif
