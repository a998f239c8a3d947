/* SPDX-License-Identifier: Apache-2.0 */
/* Why something failed, and what the caller should do about it. */
#ifndef PENSTOCK_BASE_ERROR_H
#define PENSTOCK_BASE_ERROR_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/stops.h"

enum error_kind {
    ERROR_NONE,
    ERROR_RETRY,  /* a server is away or busy: try again, with a pause */
    ERROR_DATA,   /* this row or message; the rest is fine */
    ERROR_CONFIG, /* the configuration or the command line: a person */
    ERROR_STOP,   /* a named stop, see `stop`: a person, in most cases */
    ERROR_ENDED,  /* we were asked to end; not a failure */
    ERROR_FATAL,  /* a bug of ours */
};

struct error {
    enum error_kind kind;
    enum stop stop;      /* STOP_NONE unless kind is ERROR_STOP (or ERROR_DATA that becomes one) */
    char sqlstate[6];    /* the server's SQLSTATE where there was one, else "" */
    char constraint[64]; /* the violated constraint's name, else "" */
    char message[1024];  /* outermost context first: "slot penstock_shop: …" */
    char remedy[1024];   /* what to type next; "" if nothing is known */
};

/* Sets the first cause. Returns false, so that `return error_set(…)` reads well. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* Sets a named stop; `remedy` may be NULL. Returns false. */
bool error_stop(struct error *err, enum stop stop, const char *format, ...) PRINTF_LIKE(3, 4);

/* Says what to do next, once the error is set. Returns false. */
bool error_remedy(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "context: " in front of the message. Returns false. */
bool error_add(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

void error_clear(struct error *err);

/* The exit code that this error ends the process with (DESIGN §9). */
enum exit_code error_exit_code(const struct error *err);

#endif
