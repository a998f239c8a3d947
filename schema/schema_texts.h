/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of schemas by their ids, kept for ever: neither changes. */
#ifndef PENSTOCK_SCHEMA_SCHEMA_TEXTS_H
#define PENSTOCK_SCHEMA_SCHEMA_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct schema_text {
    uint32_t id;
    struct bytes text; /* owned, stays where it is; ends with a NUL that isn't counted */
};

/* Begins as zeros. */
struct schema_texts {
    struct schema_text *items; /* ascending ids */
    size_t count;
    size_t capacity;
};

void schema_texts_release(struct schema_texts *texts);

/* NULL if there is none of this id; valid until the next add. */
const struct schema_text *schema_texts_find(const struct schema_texts *texts, uint32_t id);

/* The one with exactly this text and the lowest id, or NULL. */
const struct schema_text *schema_texts_of(const struct schema_texts *texts, struct bytes text);

/* Copies the text, which lives until the release. The id must be new. */
struct bytes schema_texts_add(struct schema_texts *texts, uint32_t id, struct bytes text);

#endif
