/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of schemas in an array sorted by their ids. */
#include "schema/schema_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void schema_texts_release(struct schema_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free((void *)(uintptr_t)texts->items[i].text.data);
    free(texts->items);
    *texts = (struct schema_texts){0};
}

/* Where the id is, or would be put. */
static size_t place_of(const struct schema_texts *texts, uint32_t id)
{
    size_t low = 0;
    size_t high = texts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (texts->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct schema_text *schema_texts_find(const struct schema_texts *texts, uint32_t id)
{
    size_t place = place_of(texts, id);
    bool is_there = place < texts->count && texts->items[place].id == id;
    return is_there ? &texts->items[place] : NULL;
}

const struct schema_text *schema_texts_of(const struct schema_texts *texts, struct bytes text)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (bytes_equal(texts->items[i].text, text))
            return &texts->items[i];
    }
    return NULL;
}

struct bytes schema_texts_add(struct schema_texts *texts, uint32_t id, struct bytes text)
{
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? 2 * texts->capacity : 64;
        texts->items = memory_resize(texts->items, texts->capacity, sizeof(*texts->items));
    }
    uint8_t *copy = memory_new(text.size + 1);
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    size_t place = place_of(texts, id);
    memmove(texts->items + place + 1, texts->items + place,
            (texts->count - place) * sizeof(*texts->items));
    texts->items[place] = (struct schema_text){.id = id, .text = {.data = copy, .size = text.size}};
    texts->count++;
    return texts->items[place].text;
}
