/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as values: kind, name, message with context, remedy. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_message(struct error *err, const char *format, va_list arguments)
{
    vsnprintf(err->message, sizeof(err->message), format, arguments);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    error_clear(err);
    err->kind = kind;
    va_list arguments;
    va_start(arguments, format);
    set_message(err, format, arguments);
    va_end(arguments);
    return false;
}

bool error_stop(struct error *err, enum stop stop, const char *format, ...)
{
    error_clear(err);
    err->kind = ERROR_STOP;
    err->stop = stop;
    va_list arguments;
    va_start(arguments, format);
    set_message(err, format, arguments);
    va_end(arguments);
    return false;
}

bool error_remedy(struct error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->remedy, sizeof(err->remedy), format, arguments);
    va_end(arguments);
    return false;
}

bool error_add(struct error *err, const char *format, ...)
{
    char context[sizeof(err->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    char whole[2 * sizeof(err->message)];
    snprintf(whole, sizeof(whole), "%s: %s", context, err->message);
    memcpy(err->message, whole, sizeof(err->message) - 1);
    err->message[sizeof(err->message) - 1] = '\0';
    return false;
}

void error_clear(struct error *err)
{
    err->kind = ERROR_NONE;
    err->stop = STOP_NONE;
    err->sqlstate[0] = '\0';
    err->constraint[0] = '\0';
    err->message[0] = '\0';
    err->remedy[0] = '\0';
}

enum exit_code error_exit_code(const struct error *err)
{
    switch (err->kind) {
    case ERROR_NONE:
    case ERROR_ENDED:
        return EXIT_OK;
    case ERROR_RETRY:
        return EXIT_UNAVAILABLE;
    case ERROR_DATA:
        return EXIT_PERSON;
    case ERROR_CONFIG:
        return EXIT_CONFIGURATION;
    case ERROR_STOP:
        return stop_exit_code(err->stop);
    case ERROR_FATAL:
        return EXIT_BUG;
    }
    return EXIT_BUG;
}
