/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of blocks with a bump pointer. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct block {
    struct block *next;
    size_t size;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    size_t block_bytes;
    size_t total_bytes;
    size_t used;          /* of the first block in `blocks` */
    struct block *blocks; /* the newest first */
    struct block *spare;  /* standard blocks kept over a reset */
    struct block *large;  /* pieces of their own */
};

struct arena *arena_new(size_t block_bytes)
{
    struct arena *arena = memory_new(sizeof(*arena));
    arena->block_bytes = block_bytes;
    return arena;
}

static void release(struct arena *arena, struct block *block)
{
    while (block) {
        struct block *next = block->next;
        arena->total_bytes -= block->size;
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    release(arena, arena->blocks);
    release(arena, arena->spare);
    release(arena, arena->large);
    free(arena);
}

static struct block *block_new(struct arena *arena, size_t size)
{
    struct block *block = memory_resize(NULL, 1, sizeof(*block) + size);
    block->size = size;
    arena->total_bytes += size;
    return block;
}

static void *allocate_large(struct arena *arena, size_t size)
{
    struct block *block = block_new(arena, size);
    block->next = arena->large;
    arena->large = block;
    return block->data;
}

static void add_block(struct arena *arena)
{
    struct block *block = arena->spare;
    if (block)
        arena->spare = block->next;
    else
        block = block_new(arena, arena->block_bytes);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used = 0;
}

static uint8_t *allocate(struct arena *arena, size_t size, size_t alignment)
{
    if (size > arena->block_bytes / 4)
        return allocate_large(arena, size);
    size_t start = (arena->used + alignment - 1) & ~(alignment - 1);
    if (!arena->blocks || start + size > arena->block_bytes) {
        add_block(arena);
        start = 0;
    }
    arena->used = start + size;
    return arena->blocks->data + start;
}

void *arena_allocate(struct arena *arena, size_t size)
{
    return allocate(arena, size, alignof(max_align_t));
}

uint8_t *arena_allocate_bytes(struct arena *arena, size_t size)
{
    return allocate(arena, size, 1);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    uint8_t *copy = arena_allocate_bytes(arena, bytes.size);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return (struct bytes){copy, bytes.size};
}

char *arena_copy_string(struct arena *arena, const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = (char *)arena_allocate_bytes(arena, size);
    memcpy(copy, string, size);
    return copy;
}

void arena_reset(struct arena *arena)
{
    release(arena, arena->large);
    arena->large = NULL;
    while (arena->blocks) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        block->next = arena->spare;
        arena->spare = block;
    }
    arena->used = 0;
}

size_t arena_size(const struct arena *arena)
{
    return arena->total_bytes;
}
