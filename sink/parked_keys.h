/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that have a parked change: what comes later for one of them must wait behind it. */
#ifndef PENSTOCK_SINK_PARKED_KEYS_H
#define PENSTOCK_SINK_PARKED_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

/* A key is kept as sink/key.c writes its columns. Of no bytes: any key of the table, because only the server can tell
 * which of them are equal. Without data (NULL): the change has no key, and nothing waits behind it. */
struct parked_keys;

/* More than so many keys, or bytes of keys, are not held: by then a person is needed anyway. */
enum { PARKED_KEYS_MOST = 100000, PARKED_KEYS_MOST_BYTES = 32 * 1024 * 1024 };

struct parked_keys *parked_keys_new(void) MUST_USE;
void parked_keys_free(struct parked_keys *keys);

bool parked_keys_is_empty(const struct parked_keys *keys);
void parked_keys_clear(struct parked_keys *keys);

/* ROW_REFUSED: there are too many. */
bool parked_keys_add(struct parked_keys *keys, const char *schema, const char *table,
                     struct bytes key, struct error *err) MUST_USE;

/* Whether anything of the table is parked, be it without a key. */
bool parked_keys_has_table(const struct parked_keys *keys, const char *schema, const char *table);
bool parked_keys_has(const struct parked_keys *keys, const char *schema, const char *table,
                     struct bytes key);

void parked_keys_forget_table(struct parked_keys *keys, const char *schema, const char *table);

#endif
