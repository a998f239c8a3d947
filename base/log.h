/* SPDX-License-Identifier: Apache-2.0 */
/* One event, one line, on standard error. Only cli/ and the run loops log; library code returns errors. */
#ifndef PENSTOCK_BASE_LOG_H
#define PENSTOCK_BASE_LOG_H

#include "base/attributes.h"

struct error;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

void log_configure(enum log_level least, enum log_format format);

/* Logs `event`, lower case, with fields by a format of the form "key=%s other=%d": words separated by
 * single spaces, each `key=` and one conversion of d, u, ld, lu, lld, llu, zu, s, c or f (with an optional
 * precision), or `key=literal`. Values are quoted and escaped where they need it, as text and as JSON.
 * "" means no fields. */
void log_write(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Logs an error with its stop name, message and remedy. */
void log_failure(enum log_level level, const char *event, const struct error *err);

#endif
