/* SPDX-License-Identifier: Apache-2.0 */
/* From hexadecimal digits to bytes. */
#include "tests/support/hex_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static uint8_t digit(char letter)
{
    const char *digits = "0123456789abcdef";
    const char *at = letter ? strchr(digits, tolower((unsigned char)letter)) : NULL;
    if (!at)
        abort();
    return (uint8_t)(at - digits);
}

static void add_line(const char *line, struct byte_buffer *out)
{
    for (const char *at = line; *at && *at != '#';) {
        if (isspace((unsigned char)*at)) {
            at++;
            continue;
        }
        write_u8(out, (uint8_t)(digit(at[0]) << 4 | digit(at[1])));
        at += 2;
    }
}

static uint8_t *copy_exactly(const struct byte_buffer *buffer, size_t *size)
{
    uint8_t *copy = memory_new(buffer->size > 0 ? buffer->size : 1);
    if (buffer->size > 0)
        memcpy(copy, buffer->data, buffer->size);
    *size = buffer->size;
    return copy;
}

uint8_t *hex_read(const char *text, size_t *size)
{
    SCOPED_BUFFER out;
    byte_buffer_init(&out, SIZE_MAX);
    add_line(text, &out);
    return copy_exactly(&out, size);
}

uint8_t *hex_file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    SCOPED_BUFFER out;
    byte_buffer_init(&out, SIZE_MAX);
    if (!file)
        return NULL;
    while (fgets(line, sizeof(line), file))
        add_line(line, &out);
    fclose(file);
    return copy_exactly(&out, size);
}
