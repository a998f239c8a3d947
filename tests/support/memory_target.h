/* SPDX-License-Identifier: Apache-2.0 */
/* A target in memory, for tests: transactions, savepoints, a checkpoint, commits that reach the disk late, and
 * failures by script. It aborts when it is called in a way that PostgreSQL would not take. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_TARGET_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink/target.h"

enum memory_op {
    MEMORY_OPEN,
    MEMORY_READ_CHECKPOINT,
    MEMORY_PREPARE,
    MEMORY_BEGIN,
    MEMORY_SAVEPOINT,
    MEMORY_APPLY_SET,
    MEMORY_APPLY_ROW,
    MEMORY_TRUNCATE,
    MEMORY_COPY,
    MEMORY_FINISH,
    MEMORY_COMMIT,
    MEMORY_ASK_FLUSHED,
    MEMORY_PARK,
    MEMORY_CHECK_DEFERRED,
    MEMORY_OPS
};

enum memory_failure {
    MEMORY_FAILS_NOT,
    MEMORY_DATA,       /* ERROR_DATA: a constraint */
    MEMORY_BUSY,       /* ERROR_RETRY, the session lives: a deadlock */
    MEMORY_REFUSES,    /* ERROR_STOP, PERMISSION_DENIED */
    MEMORY_LOST,       /* the session is lost, its transaction rolled back */
    MEMORY_LOST_AFTER, /* of COMMIT: it was done, but the answer is lost */
    MEMORY_CRASHES,    /* the server loses all that had not reached the disk */
    MEMORY_CRASHES_AFTER /* of COMMIT: done, on disk, the answer is lost, older ones are on disk too */
};

struct memory_target;

struct memory_target *memory_target_new(void);
void memory_target_free(struct memory_target *memory);
struct target *memory_target_base(struct memory_target *memory);

/* A table by its name; `forms` as scene_add_table() has them; `unique_column` from 1, or 0, is unique besides. */
void memory_target_add_table(struct memory_target *memory, const char *name, const char *forms,
                             uint16_t unique_column);

/* Failures of rows are told by the next call that waits, as a pipeline does. */
void memory_target_queue_rows(struct memory_target *memory);

/* The `nth` call of `op` from now on (1: the next) fails. */
void memory_target_fail(struct memory_target *memory, enum memory_op op, unsigned nth,
                        enum memory_failure failure);

/* Nothing fails any more. */
void memory_target_heal(struct memory_target *memory);

/* Commits without waiting for the disk from now on, unless they are asked to. */
void memory_target_commit_late(struct memory_target *memory);

/* The oldest `commits` that wait reach the disk. */
void memory_target_flush(struct memory_target *memory, size_t commits);
size_t memory_target_unflushed(const struct memory_target *memory);

/* The session is lost; or all that has not reached the disk, too. */
void memory_target_lose(struct memory_target *memory);
void memory_target_crash(struct memory_target *memory);

/* What a reader of the table sees: "1,a 2,b", by text; `out` is returned. */
const char *memory_target_rows(const struct memory_target *memory, const char *name, char *out,
                               size_t size);

/* What the open transaction sees. */
const char *memory_target_open_rows(const struct memory_target *memory, const char *name, char *out,
                                    size_t size);

/* The committed checkpoint, to be read, or changed as another instance would. */
struct recorded *memory_target_checkpoint(struct memory_target *memory);

/* What of it is on disk. */
const struct recorded *memory_target_durable(const struct memory_target *memory);

/* Calls since the last memory_target_forget_trace(): "begin set row commit". */
const char *memory_target_trace(const struct memory_target *memory);
void memory_target_forget_trace(struct memory_target *memory);

/* Rows that met what a true history doesn't let them meet: a DELETE none, one never seen a row. */
uint64_t memory_target_surprises(const struct memory_target *memory);

/* The committed parked changes that nobody has resolved, in order: "t:I 1,a!" was refused, "t:U 1,b" waits behind. */
const char *memory_target_parked(const struct memory_target *memory, char *out, size_t size);

/* What a person does who has mended the target by hand. */
void memory_target_resolve_parked(struct memory_target *memory);

/* Commits of all kinds so far, those without change included. */
uint64_t memory_target_commits(const struct memory_target *memory);

#endif
