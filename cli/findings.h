/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of `check`, printed one by one as they are made. */
#ifndef PENSTOCK_CLI_FINDINGS_H
#define PENSTOCK_CLI_FINDINGS_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

enum finding_kind { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct findings {
    int counts[3];         /* by kind */
    bool is_unavailable;   /* a server didn't answer */
    bool is_misconfigured; /* the configuration is wrong */
    bool is_interrupted;   /* we were asked to end */
};

/* Prints `ok|warn|FAIL  what: detail`. */
void finding(struct findings *findings, enum finding_kind kind, const char *what,
             const char *format, ...) PRINTF_LIKE(4, 5);

/* Prints what mends the last one, indented: SQL or a line of the configuration. */
void finding_do(const char *format, ...) PRINTF_LIKE(1, 2);

/* A FAIL with the error's message and remedy. */
void finding_error(struct findings *findings, const char *what, const struct error *err);

/* Prints the closing line; the exit code that follows from all of them. */
enum exit_code findings_close(const struct findings *findings);

#endif
