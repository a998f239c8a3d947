/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories leave the same rows through the plan as change by change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schema/wire.h"
#include "sink/plan.h"
#include "tests/support/memory_target.h"
#include "tests/support/scene.h"

enum { HISTORIES = 20000, TABLES = 3, KEYS = 4, MOST_CHANGES = 40, ROWS_SIZE = 4096 };

static const char *const names[TABLES] = {"bytes", "number", "pair"};
static const char *const forms[TABLES] = {"b", "n", "bf"};

/* What the histories were made of, so that none of the cases is missed unseen. */
static size_t sets_seen[ROW_SET_DELETE_UNSEEN + 1];
static size_t rows_seen;
static size_t partial_seen;

struct history {
    struct scene scene;
    uint64_t random;
    bool is_there[TABLES][KEYS];
    int version;
};

static uint32_t next_random(struct history *history, uint32_t below)
{
    history->random =
        history->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(history->random >> 33) % below;
}

/* The key's columns, in one of the texts that are the same key. */
static void write_key(struct history *history, int table, int key, char *out, size_t size)
{
    static const char *const scales[] = {"", ".0", ".00"};
    if (table == 0)
        snprintf(out, size, "k%d", key);
    else if (table == 1)
        snprintf(out, size, "%d%s", key, scales[next_random(history, 3)]);
    else
        snprintf(out, size, "p%d,%s", key / 2,
                 key % 2 ? "1.5" : (next_random(history, 2) ? "0" : "-0"));
}

/* The row's values, one of which may not be sent. */
static void write_row(struct history *history, int table, int key, bool may_leave_out, char *out,
                      size_t size)
{
    char key_text[32];
    int version = ++history->version;
    write_key(history, table, key, key_text, sizeof(key_text));
    switch (next_random(history, may_leave_out ? 5 : 2)) {
    case 0:
        snprintf(out, size, "%s,a%d,b%d", key_text, version, version);
        return;
    case 1:
        snprintf(out, size, "%s,-,b%d", key_text, version);
        return;
    case 2:
        snprintf(out, size, "%s,?,b%d", key_text, version);
        return;
    case 3:
        snprintf(out, size, "%s,a%d,?", key_text, version);
        return;
    default:
        snprintf(out, size, "%s,?,?", key_text);
        return;
    }
}

static void write_old(struct history *history, int table, int key, char *out, size_t size)
{
    char key_text[32];
    write_key(history, table, key, key_text, sizeof(key_text));
    snprintf(out, size, "K%s,-,-", key_text);
}

/* Moves a row to a free key; false if there is none. */
static bool change_key(struct history *history, int table, int key)
{
    char old[64];
    char row[64];
    int to = (int)next_random(history, KEYS);
    if (history->is_there[table][to])
        return false;
    write_old(history, table, key, old, sizeof(old));
    write_row(history, table, to, true, row, sizeof(row));
    scene_update(&history->scene, (size_t)table, old, row);
    history->is_there[table][key] = false;
    history->is_there[table][to] = true;
    return true;
}

static void add_change(struct history *history)
{
    char old[64];
    char row[64];
    int table = (int)next_random(history, TABLES);
    int key = (int)next_random(history, KEYS);
    bool *is_there = &history->is_there[table][key];
    uint32_t dice = next_random(history, 20);
    if (!*is_there) {
        write_row(history, table, key, false, row, sizeof(row));
        scene_insert(&history->scene, (size_t)table, row);
        *is_there = true;
        return;
    }
    if (dice == 0 && change_key(history, table, key))
        return;
    if (dice < 7) {
        write_old(history, table, key, old, sizeof(old));
        scene_delete(&history->scene, (size_t)table, old);
        *is_there = false;
        return;
    }
    write_old(history, table, key, old, sizeof(old));
    write_row(history, table, key, true, row, sizeof(row));
    scene_update(&history->scene, (size_t)table, dice < 10 ? old : NULL, row);
}

static struct memory_target *target_new(void)
{
    struct memory_target *memory = memory_target_new();
    for (int i = 0; i < TABLES; i++)
        memory_target_add_table(memory, names[i], forms[i], 0);
    return memory;
}

static void apply_row(struct target *target, const struct batch_change *at)
{
    static struct change_values values;
    struct change change;
    struct error err;
    assert_true(wire_read(at->wire, &values, &change));
    if (!target->ops->apply_row(target, at->shape->target, &change, APPLY_FAST, &err))
        fail_msg("%s", err.message);
}

static void apply_range(struct target *target, const struct batch *batch, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        apply_row(target, &batch->changes[i]);
}

static void apply_step(struct target *target, const struct plan_step *step)
{
    struct error err;
    if (step->kind == PLAN_ROWS) {
        rows_seen++;
        for (size_t i = 0; i < step->change_count; i++)
            apply_row(target, step->changes[i]);
        return;
    }
    sets_seen[step->set.kind]++;
    partial_seen += step->set.is_unchanged != NULL;
    if (!target->ops->apply_set(target, &step->set, &err))
        fail_msg("%s", err.message);
}

static void apply_planned(struct target *target, struct plan *plan, const struct batch *batch,
                          size_t first, size_t end)
{
    const struct plan_step *steps;
    size_t count;
    struct error err;
    assert_true(plan_make(plan, batch, first, end, &steps, &count, &err));
    for (size_t i = 0; i < count; i++)
        apply_step(target, &steps[i]);
}

static void assert_same_rows(const struct memory_target *one, const struct memory_target *other,
                             uint64_t seed)
{
    static char rows[2][ROWS_SIZE];
    for (int i = 0; i < TABLES; i++) {
        memory_target_open_rows(one, names[i], rows[0], ROWS_SIZE);
        memory_target_open_rows(other, names[i], rows[1], ROWS_SIZE);
        if (strcmp(rows[0], rows[1]) != 0)
            fail_msg("seed %lu, table %s: \"%s\" became \"%s\"", (unsigned long)seed, names[i],
                     rows[0], rows[1]);
    }
}

static void try_history(uint64_t seed, struct plan *plan)
{
    struct history history = {.random = seed * 977 + 1};
    struct memory_target *memories[2] = {target_new(), target_new()};
    struct recorded none = {0};
    struct error err;
    scene_open(&history.scene);
    for (int i = 0; i < TABLES; i++)
        (void)scene_add_table(&history.scene, names[i], i == 2 ? 4 : 3, forms[i]);
    size_t before = next_random(&history, MOST_CHANGES / 2);
    size_t changes = before + 1 + next_random(&history, MOST_CHANGES);
    for (size_t i = 0; i < changes; i++)
        add_change(&history);
    for (int i = 0; i < 2; i++) {
        struct target *target = memory_target_base(memories[i]);
        assert_true(target->ops->begin(target, &none, true, &err));
        apply_range(target, history.scene.batch, 0, before);
    }
    apply_range(memory_target_base(memories[0]), history.scene.batch, before, changes);
    apply_planned(memory_target_base(memories[1]), plan, history.scene.batch, before, changes);
    assert_same_rows(memories[0], memories[1], seed);
    assert_int_equal(memory_target_surprises(memories[1]), 0);
    for (int i = 0; i < 2; i++)
        memory_target_free(memories[i]);
    scene_close(&history.scene);
}

static void a_history_through_the_plan_leaves_the_rows_that_it_leaves_in_order(void **state)
{
    (void)state;
    struct plan *plan = plan_new();
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        try_history(seed, plan);
    plan_free(plan);
    for (size_t i = 0; i <= ROW_SET_DELETE_UNSEEN; i++)
        assert_true(sets_seen[i] > 1000);
    assert_true(rows_seen > 1000);
    assert_true(partial_seen > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_through_the_plan_leaves_the_rows_that_it_leaves_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
