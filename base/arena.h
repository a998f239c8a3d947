/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is handed out piece by piece and released all at once. */
#ifndef PENSTOCK_BASE_ARENA_H
#define PENSTOCK_BASE_ARENA_H

#include <stddef.h>

#include "base/attributes.h"
#include "base/bytes.h"

struct arena;

/* Blocks are of `block_bytes`; a larger piece gets a block of its own. */
struct arena *arena_new(size_t block_bytes) MUST_USE;
void arena_free(struct arena *arena);

/* Memory aligned for any type, not zeroed; valid until arena_reset(). */
void *arena_allocate(struct arena *arena, size_t size) MUST_USE;

/* Like arena_allocate(), without alignment: for bytes. */
uint8_t *arena_allocate_bytes(struct arena *arena, size_t size) MUST_USE;

struct bytes arena_copy(struct arena *arena, struct bytes bytes);
char *arena_copy_string(struct arena *arena, const char *string) MUST_USE;

/* Forgets all pieces; blocks of the standard size are kept for the next use, larger ones are released. */
void arena_reset(struct arena *arena);

/* Bytes held from the system, used or not. */
size_t arena_size(const struct arena *arena);

#endif
