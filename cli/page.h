/* SPDX-License-Identifier: Apache-2.0 */
/* What a command prints for people on standard output: lines that no name or value can break or disguise. */
#ifndef PENSTOCK_CLI_PAGE_H
#define PENSTOCK_CLI_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

/* Appends `text` with what could steer a terminal escaped: controls (C0, DEL, C1), separators of lines, marks of
 * writing direction, and bytes that are not UTF-8. */
void page_escape(struct byte_buffer *out, const char *text);

/* Prints one line, escaped as a whole: the format holds no newline. */
void page_line(const char *format, ...) PRINTF_LIKE(1, 2);

enum { SIZE_TEXT_SIZE = 24 };

/* "0 bytes", "512 bytes", "12 MiB", "1.4 GiB" into `text` of SIZE_TEXT_SIZE; returns `text`. */
const char *size_text(uint64_t bytes, char *text);

/* A list of tables, as one finding names them. */
struct name_list {
    size_t count;
    struct byte_buffer shown;  /* the first ten, for people, comma-separated */
    struct byte_buffer quoted; /* all, as SQL, comma-separated */
    struct byte_buffer text;   /* what name_list_text() lent */
};

void name_list_init(struct name_list *list);
void name_list_release(struct name_list *list);
void name_list_add(struct name_list *list, const char *schema, const char *name);
/* The first ten and how many more; valid until the next change. */
const char *name_list_text(struct name_list *list);
const char *name_list_sql(struct name_list *list);

#define SCOPED_NAMES CLEANUP(name_list_release) struct name_list

#endif
