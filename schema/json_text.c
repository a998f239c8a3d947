/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON with bounds, and takes the white space out of it. */
#include "schema/json_text.h"

#include <string.h>

/* Finds out where strings are, one character after the other. */
struct scan {
    bool is_in_string;
    bool is_escaped; /* the character before was the backslash of an escape */
};

static void scan_character(struct scan *scan, uint8_t character)
{
    if (!scan->is_in_string) {
        scan->is_in_string = character == '"';
        return;
    }
    if (scan->is_escaped) {
        scan->is_escaped = false;
        return;
    }
    scan->is_escaped = character == '\\';
    scan->is_in_string = character != '"';
}

/* jansson recurses up to 2,048 levels; what is legitimate has a handful. */
static bool is_shallow(struct bytes text)
{
    struct scan scan = {0};
    int depth = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        bool is_structural = !scan.is_in_string;
        scan_character(&scan, character);
        if (is_structural && (character == '[' || character == '{') &&
            ++depth > JSON_TEXT_MAX_DEPTH)
            return false;
        if (is_structural && (character == ']' || character == '}'))
            depth--;
    }
    return true;
}

json_t *json_text_read(struct bytes text, struct error *err)
{
    if (!is_shallow(text)) {
        error_set(err, ERROR_DATA, "JSON of more than %d levels", JSON_TEXT_MAX_DEPTH);
        return NULL;
    }
    json_error_t reason;
    json_t *value = json_loadb((const char *)text.data, text.size,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    /* jansson's words can quote the text, but only some characters around the fault. */
    if (!value)
        error_set(err, ERROR_DATA, "not JSON: %s at byte %d", reason.text, reason.position);
    return value;
}

struct bytes json_text_string(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return (struct bytes){.data = (const uint8_t *)json_string_value(value),
                          .size = json_string_length(value)};
}

void json_text_compact(struct bytes text, struct byte_buffer *out)
{
    struct scan scan = {0};
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        bool is_space = !scan.is_in_string && strchr(" \t\r\n", character) && character != '\0';
        scan_character(&scan, character);
        if (!is_space)
            write_u8(out, character);
    }
}
