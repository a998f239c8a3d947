/* SPDX-License-Identifier: Apache-2.0 */
/* Characters that a terminal or a reader of logs must not get as they are. */
#ifndef PENSTOCK_BASE_CHARACTER_H
#define PENSTOCK_BASE_CHARACTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the UTF-8 character at `at`, inside a C string. Returns its bytes, or 0 if they are not UTF-8. */
size_t character_read(const char *at, uint32_t *code);

/* Whether it can steer a terminal or turn the order of a line: C0 and C1 controls, DEL, the controls of
 * bidirectional text, the line and paragraph separators. */
bool character_is_unsafe(uint32_t code);

#endif
