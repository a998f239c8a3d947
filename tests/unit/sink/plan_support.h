/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the plan share: a scene, and steps that read as text. */
#ifndef PENSTOCK_TESTS_UNIT_SINK_PLAN_SUPPORT_H
#define PENSTOCK_TESTS_UNIT_SINK_PLAN_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "schema/wire.h"
#include "sink/plan.h"
#include "tests/support/scene.h"

static struct scene scene;

static int open_scene(void **state)
{
    (void)state;
    scene_open(&scene);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_close(&scene);
    return 0;
}

/* ---- steps as text ---- */

static void write_set(struct byte_buffer *out, const struct row_set *set)
{
    static const char *const names[] = {[ROW_SET_INSERT] = "insert",
                                        [ROW_SET_UPDATE] = "update",
                                        [ROW_SET_DELETE] = "delete",
                                        [ROW_SET_DELETE_UNSEEN] = "unseen"};
    char text[256];
    write_format(out, "%s %s", names[set->kind], set->table->display_name);
    for (int i = 0; set->is_unchanged && i < set->table->shape->column_count; i++)
        if (set->is_unchanged[i])
            write_format(out, " -c%d", i + 1);
    for (size_t i = 0; i < set->count; i++)
        write_format(out, " %s", scene_text_of(set->tuples[i], text, sizeof(text)));
}

static void write_rows(struct byte_buffer *out, const struct plan_step *step)
{
    static struct change_values values;
    write_format(out, "rows %s", step->table->display_name);
    for (size_t i = 0; i < step->change_count; i++) {
        struct change change;
        char text[256];
        assert_true(wire_read(step->changes[i]->wire, &values, &change));
        const struct tuple *tuple =
            change.kind == CHANGE_DELETE ? &change.old_tuple : &change.new_tuple;
        write_format(out, " %c%s", change.kind, scene_text(tuple, text, sizeof(text)));
    }
}

/* Plans the scene's batch; the steps must read as `expected`. */
static void assert_plan(const char *expected)
{
    struct plan *plan = plan_new();
    const struct plan_step *steps;
    size_t count;
    struct error err;
    SCOPED_BUFFER out;
    byte_buffer_init(&out, 1 << 20);
    assert_true(plan_make(plan, scene.batch, 0, scene.batch->change_count, &steps, &count, &err));
    for (size_t i = 0; i < count; i++) {
        write_text(&out, i > 0 ? "; " : "");
        if (steps[i].kind == PLAN_SET)
            write_set(&out, &steps[i].set);
        else
            write_rows(&out, &steps[i]);
    }
    assert_string_equal(byte_buffer_text(&out), expected);
    plan_free(plan);
}

#define IN_A_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

#endif
