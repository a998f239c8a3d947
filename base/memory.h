/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that does not fail: where memory is out, the process says so and exits 75 (try again).
 * That is safe at any instant, because the protocol of positions survives SIGKILL at any instant. */
#ifndef PENSTOCK_BASE_MEMORY_H
#define PENSTOCK_BASE_MEMORY_H

#include <stddef.h>

#include "base/attributes.h"

/* Zeroed memory of `size` bytes; to be released with free(). */
void *memory_new(size_t size) MUST_USE;

/* Zeroed array; the product is checked for overflow. */
void *memory_new_array(size_t count, size_t size) MUST_USE;

/* realloc() to `count` elements of `size` bytes; new bytes are not zeroed. */
void *memory_resize(void *old, size_t count, size_t size) MUST_USE;

char *memory_copy_string(const char *string) MUST_USE;

#endif
