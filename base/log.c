/* SPDX-License-Identifier: Apache-2.0 */
/* The log: text for people, JSON for machines, both from one format string. */
#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/character.h"
#include "base/error.h"

static atomic_int least_level = LOG_INFO;
static atomic_int line_format = LOG_TEXT;

/* A value is cut at its limit; an escaped byte takes six, and no event has as many fields as would fill a line. */
enum { LINE_MAX_BYTES = 256 * 1024, VALUE_MAX_BYTES = 4096, KEY_MAX_BYTES = 64 };

void log_configure(enum log_level least, enum log_format format)
{
    atomic_store(&least_level, (int)least);
    atomic_store(&line_format, (int)format);
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

/* Replaces what isn't UTF-8: bytes of a foreign encoding, or a character that was cut in two. */
static void make_utf8(char *text)
{
    size_t size = strlen(text);
    if (bytes_are_utf8((struct bytes){(const uint8_t *)text, size}))
        return;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
}

static bool is_escaped(const char *at, size_t size, uint32_t code)
{
    return *at == '"' || *at == '\\' || size == 0 || character_is_unsafe(code);
}

static bool needs_quotes(const char *text)
{
    uint32_t code = 0;
    if (*text == '\0')
        return true;
    for (const char *p = text; *p;) {
        size_t size = character_read(p, &code);
        if (*p == ' ' || *p == '=' || is_escaped(p, size, code))
            return true;
        p += size;
    }
    return false;
}

/* Text that is not UTF-8 was made so before. */
static void write_quoted(struct byte_buffer *line, const char *text)
{
    write_u8(line, '"');
    for (const char *p = text; *p;) {
        uint32_t code = 0;
        size_t size = character_read(p, &code);
        if (!is_escaped(p, size, code))
            write_bytes(line, p, size);
        else if (*p == '"' || *p == '\\')
            write_format(line, "\\%c", *p);
        else if (*p == '\n')
            write_text(line, "\\n");
        else
            write_format(line, "\\u%04" PRIx32, code);
        p += size > 0 ? size : 1;
    }
    write_u8(line, '"');
}

static void write_field(struct byte_buffer *line, const char *key, const char *value,
                        bool is_number)
{
    if (atomic_load(&line_format) == LOG_JSON) {
        write_text(line, ",");
        write_quoted(line, key);
        write_text(line, ":");
        if (is_number)
            write_text(line, value);
        else
            write_quoted(line, value);
        return;
    }
    write_format(line, " %s=", key);
    if (needs_quotes(value))
        write_quoted(line, value);
    else
        write_text(line, value);
}

/* The argument that `conversion` ("%s", "%.1f", "%lu", …) asks for, as text. */
static bool format_value(const char *conversion, va_list *arguments, char *value, size_t size)
{
    const char *length = conversion + strspn(conversion, "%.0123456789");
    char kind = conversion[strlen(conversion) - 1];
    bool is_long = length[0] == 'l' || length[0] == 'z';
    bool is_signed = kind == 'd';
    if (kind == 's') {
        const char *text = va_arg(*arguments, const char *);
        snprintf(value, size, "%s", text ? text : "");
        return false;
    }
    if (kind == 'f') {
        int digits = 6;
        (void)sscanf(conversion, "%%.%d", &digits);
        double number = va_arg(*arguments, double);
        snprintf(value, size, "%.*f", digits, number);
        if (!isfinite(number))
            return false;
    } else if (kind == 'c') {
        snprintf(value, size, "%c", va_arg(*arguments, int));
        return false;
    } else if (is_long && is_signed) {
        snprintf(value, size, "%ld", va_arg(*arguments, long));
    } else if (is_long) {
        snprintf(value, size, "%lu", va_arg(*arguments, unsigned long));
    } else if (is_signed) {
        snprintf(value, size, "%d", va_arg(*arguments, int));
    } else {
        snprintf(value, size, "%u", va_arg(*arguments, unsigned));
    }
    return true;
}

/* Copies up to `stop` or the end into `out`; returns what follows. */
static const char *copy_until(const char *from, char stop, char *out, size_t size)
{
    size_t length = 0;
    while (from[length] && from[length] != stop)
        length++;
    snprintf(out, size, "%.*s", (int)length, from);
    return from[length] ? from + length + 1 : from + length;
}

static void write_fields(struct byte_buffer *line, const char *format, va_list *arguments)
{
    while (*format) {
        char key[KEY_MAX_BYTES];
        char conversion[KEY_MAX_BYTES];
        char value[VALUE_MAX_BYTES];
        format = copy_until(format, '=', key, sizeof(key));
        format = copy_until(format, ' ', conversion, sizeof(conversion));
        bool is_number = false;
        if (conversion[0] == '%')
            is_number = format_value(conversion, arguments, value, sizeof(value));
        else
            snprintf(value, sizeof(value), "%s", conversion);
        make_utf8(value);
        write_field(line, key, value, is_number);
    }
}

static void write_head(struct byte_buffer *line, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    int millis = (int)(now.tv_nsec / 1000000);
    if (atomic_load(&line_format) == LOG_JSON)
        write_format(line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":\"%s\"", stamp,
                     millis, level_name(level), event);
    else
        write_format(line, "%s.%03dZ %-5s %s", stamp, millis, level_name(level), event);
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
    if ((int)level < atomic_load(&least_level))
        return;
    SCOPED_BUFFER line;
    byte_buffer_init(&line, LINE_MAX_BYTES);
    write_head(&line, level, event);
    va_list arguments;
    va_start(arguments, format);
    write_fields(&line, format, &arguments);
    va_end(arguments);
    write_text(&line, atomic_load(&line_format) == LOG_JSON ? "}\n" : "\n");
    ssize_t written = write(STDERR_FILENO, line.data, line.size);
    (void)written;
}

void log_failure(enum log_level level, const char *event, const struct error *err)
{
    const char *name = err->stop == STOP_NONE ? "" : stop_name(err->stop);
    if (*name && err->remedy[0])
        log_write(level, event, "stop=%s reason=%s do=%s", name, err->message, err->remedy);
    else if (*name)
        log_write(level, event, "stop=%s reason=%s", name, err->message);
    else if (err->remedy[0])
        log_write(level, event, "reason=%s do=%s", err->message, err->remedy);
    else
        log_write(level, event, "reason=%s", err->message);
}
