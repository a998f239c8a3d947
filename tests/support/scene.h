/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, rows and batches written by hand, in a few characters each: "1,a,-,?" is a row whose third column is NULL
 * and whose fourth was not sent. */
#ifndef PENSTOCK_TESTS_SUPPORT_SCENE_H
#define PENSTOCK_TESTS_SUPPORT_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "schema/change.h"
#include "sink/batch.h"
#include "sink/target.h"

/* The values of `text`; they live in `arena`. */
struct tuple scene_tuple(struct arena *arena, const char *text);

/* The twin: what the tuple holds, in `out`; returns `out`. */
const char *scene_text(const struct tuple *tuple, char *out, size_t size);

/* The same of a tuple as tuple_write() wrote it. */
const char *scene_text_of(struct bytes written, char *out, size_t size);

/* A change in schema/wire's form, in `arena`. For an old tuple, `old` begins with K or O: "K1,-". NULL: there is none. */
struct bytes scene_change(struct arena *arena, enum change_kind kind, const char *old,
                          const char *row);

/* A table public.<name> of `columns` columns c1, c2, …; its keys are the first `key_count`. */
struct table *scene_shape(struct arena *arena, uint32_t oid, const char *name, uint16_t columns,
                          uint16_t key_count);

enum { SCENE_TABLES = 8 };

/* A batch and the tables that it writes to. */
struct scene {
    struct arena *arena;
    struct batch *batch;
    struct shape *shapes[SCENE_TABLES];
    struct target_table targets[SCENE_TABLES];
    size_t table_count;
    pg_lsn lsn; /* of the transaction under way */
    uint64_t ordinal;
};

void scene_open(struct scene *scene);
void scene_close(struct scene *scene);

/* Forgets the batch, keeps the tables. */
void scene_clear(struct scene *scene);

/* Adds a table; `forms` has a letter a key column: b(ytes), n(umeric), f(loat), u(nknown); "" means no key. */
size_t scene_add_table(struct scene *scene, const char *name, uint16_t columns, const char *forms);

void scene_insert(struct scene *scene, size_t table, const char *row);
void scene_update(struct scene *scene, size_t table, const char *old, const char *row);
void scene_delete(struct scene *scene, size_t table, const char *old);
void scene_truncate(struct scene *scene, size_t table); /* shares the ordinal of the one before */
void scene_copy(struct scene *scene, size_t table, const char *lines, uint32_t row_count);

/* The END of the unit, with its own count, or with another one. */
void scene_end(struct scene *scene);
void scene_end_counting(struct scene *scene, uint64_t count);
void scene_watermark(struct scene *scene, pg_lsn lsn);
void scene_state(struct scene *scene, const struct recorded *recorded, uint64_t state_count);

#endif
