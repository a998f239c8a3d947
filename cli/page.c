/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people: escaping, sizes, lists of names. */
#include "cli/page.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/character.h"
#include "postgres/connection.h"
#include "schema/table.h"

enum { MAX_TEXT_BYTES = 64 * 1024 * 1024, SHOWN_NAMES = 10 };

void page_escape(struct byte_buffer *out, const char *text)
{
    while (*text) {
        uint32_t code;
        size_t size = character_read(text, &code);
        if (size == 0) {
            write_format(out, "\\x%02x", (unsigned)(uint8_t)*text++);
            continue;
        }
        if (code == '\n')
            write_text(out, "\\n");
        else if (character_is_unsafe(code))
            write_format(out, "\\u%04" PRIx32, code);
        else
            write_bytes(out, text, size);
        text += size;
    }
}

void page_line(const char *format, ...)
{
    SCOPED_BUFFER line;
    byte_buffer_init(&line, MAX_TEXT_BYTES);
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    page_escape(&line, text);
    free(text);
    puts(byte_buffer_text(&line));
}

const char *size_text(uint64_t bytes, char *text)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(text, SIZE_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
        return text;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    while (amount >= 1023.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        amount /= 1024;
        unit++;
    }
    snprintf(text, SIZE_TEXT_SIZE, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return text;
}

/* ---- lists ---- */

void name_list_init(struct name_list *list)
{
    list->count = 0;
    byte_buffer_init(&list->shown, MAX_TEXT_BYTES);
    byte_buffer_init(&list->quoted, MAX_TEXT_BYTES);
    byte_buffer_init(&list->text, MAX_TEXT_BYTES);
}

void name_list_release(struct name_list *list)
{
    byte_buffer_release(&list->shown);
    byte_buffer_release(&list->quoted);
    byte_buffer_release(&list->text);
}

void name_list_add(struct name_list *list, const char *schema, const char *name)
{
    const char *comma = list->count > 0 ? ", " : "";
    if (list->count < SHOWN_NAMES) {
        write_text(&list->shown, comma);
        table_write_name(&list->shown, schema, name);
    }
    write_text(&list->quoted, comma);
    if (!qualified_write(&list->quoted, schema, name))
        write_text(&list->quoted, "…"); /* no name of PostgreSQL's gets here */
    list->count++;
}

const char *name_list_text(struct name_list *list)
{
    byte_buffer_clear(&list->text);
    write_text(&list->text, byte_buffer_text(&list->shown));
    if (list->count > SHOWN_NAMES)
        write_format(&list->text, " and %zu more", list->count - SHOWN_NAMES);
    return byte_buffer_text(&list->text);
}

const char *name_list_sql(struct name_list *list)
{
    return byte_buffer_text(&list->quoted);
}
