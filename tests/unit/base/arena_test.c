/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the arena. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { BLOCK_BYTES = 4096 };

static void pieces_are_aligned_for_any_type(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    for (size_t i = 1; i < 100; i++) {
        *arena_allocate_bytes(arena, 1) = 0xff;
        uintptr_t address = (uintptr_t)arena_allocate(arena, i);
        assert_int_equal(address % alignof(max_align_t), 0);
    }
    arena_free(arena);
}

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    enum { PIECES = 500 };
    struct arena *arena = arena_new(BLOCK_BYTES);
    uint8_t *pieces[PIECES];
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = i % 2 ? arena_allocate(arena, i + 1) : arena_allocate_bytes(arena, i + 1);
        memset(pieces[i], (int)(i % 251), i + 1);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j <= i; j++)
            assert_int_equal(pieces[i][j], i % 251);
    arena_free(arena);
}

static void a_piece_larger_than_a_block_is_given_and_leaves_the_block_in_use(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    uint8_t *before = arena_allocate_bytes(arena, 1);
    uint8_t *large = arena_allocate(arena, 10 * BLOCK_BYTES);
    memset(large, 1, 10 * BLOCK_BYTES);
    assert_ptr_equal(arena_allocate_bytes(arena, 1), before + 1);
    arena_free(arena);
}

static void copies_are_independent_of_their_source(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    char source[] = "orders";
    char *string = arena_copy_string(arena, source);
    struct bytes bytes = arena_copy(arena, (struct bytes){(uint8_t *)source, 3});
    source[0] = 'X';
    assert_string_equal(string, "orders");
    assert_int_equal(bytes.size, 3);
    assert_memory_equal(bytes.data, "ord", 3);
    assert_int_equal(arena_copy(arena, (struct bytes){NULL, 0}).size, 0);
    arena_free(arena);
}

static void a_reset_keeps_blocks_and_releases_large_pieces(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    for (int i = 0; i < 10; i++)
        memset(arena_allocate(arena, BLOCK_BYTES / 4), 0, BLOCK_BYTES / 4);
    size_t blocks = arena_size(arena);
    memset(arena_allocate(arena, 100 * BLOCK_BYTES), 0, 100 * BLOCK_BYTES);
    assert_true(arena_size(arena) >= blocks + 100 * BLOCK_BYTES);
    arena_reset(arena);
    assert_int_equal(arena_size(arena), blocks);
    arena_free(arena);
}

static void the_same_work_after_a_reset_takes_no_more_memory(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    size_t first = 0;
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < 200; i++)
            memset(arena_allocate(arena, i), round, i);
        if (round == 0)
            first = arena_size(arena);
        assert_int_equal(arena_size(arena), first);
        arena_reset(arena);
    }
    arena_free(arena);
}

static void an_empty_arena_can_be_reset_and_freed(void **state)
{
    (void)state;
    struct arena *arena = arena_new(BLOCK_BYTES);
    arena_reset(arena);
    assert_int_equal(arena_size(arena), 0);
    arena_free(arena);
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_for_any_type),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_piece_larger_than_a_block_is_given_and_leaves_the_block_in_use),
        cmocka_unit_test(copies_are_independent_of_their_source),
        cmocka_unit_test(a_reset_keeps_blocks_and_releases_large_pieces),
        cmocka_unit_test(the_same_work_after_a_reset_takes_no_more_memory),
        cmocka_unit_test(an_empty_arena_can_be_reset_and_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
