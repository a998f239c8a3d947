/* SPDX-License-Identifier: Apache-2.0 */
/* Replaces ${NAME} and ${NAME:-default} in values. */
#include "config/expand.h"

#include <string.h>

enum { NAME_SIZE = 128 };

/* One ${…}. */
struct reference {
    char name[NAME_SIZE];
    const char *fallback; /* what follows ":-", NULL if there is none */
    size_t fallback_size;
    size_t size; /* of the whole, from $ to } */
};

static bool is_name_character(char c, bool is_first)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return is_letter || (!is_first && c >= '0' && c <= '9');
}

const char *environment_find(const char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (; environment && *environment; environment++)
        if (!strncmp(*environment, name, size) && (*environment)[size] == '=')
            return *environment + size + 1;
    return NULL;
}

/* Reads the reference that `text` begins with; false if it isn't one. */
static bool parse_reference(const char *text, struct reference *reference)
{
    const char *end = strchr(text, '}');
    const char *name = text + 2;
    size_t name_size = 0;
    while (is_name_character(name[name_size], name_size == 0))
        name_size++;
    const char *rest = name + name_size;
    if (!end || name_size == 0 || name_size >= NAME_SIZE)
        return false;
    bool has_fallback = !strncmp(rest, ":-", 2);
    if (rest != end && !has_fallback)
        return false;
    memcpy(reference->name, name, name_size);
    reference->name[name_size] = '\0';
    reference->fallback = has_fallback ? rest + 2 : NULL;
    reference->fallback_size = has_fallback ? (size_t)(end - rest) - 2 : 0;
    reference->size = (size_t)(end - text) + 1;
    return true;
}

/* Copies up to the next "${", undoing $${ on the way; returns where it is, or the end. */
static const char *copy_plain(const char *text, struct byte_buffer *out)
{
    while (*text && strncmp(text, "${", 2) != 0) {
        bool is_escape = !strncmp(text, "$${", 3);
        write_text(out, is_escape ? "${" : (char[]){*text, '\0'});
        text += is_escape ? 3 : 1;
    }
    return text;
}

/* `value` is the variable's, NULL if it isn't set. */
static bool write_reference(const struct reference *reference, const char *value,
                            struct byte_buffer *out, struct error *err)
{
    if (reference->fallback && (!value || !*value)) {
        write_bytes(out, reference->fallback, reference->fallback_size);
        return true;
    }
    if (value) {
        write_text(out, value);
        return true;
    }
    error_set(err, ERROR_CONFIG, "the environment variable %s is not set", reference->name);
    return error_remedy(err, "set %s, or write ${%s:-default}", reference->name, reference->name);
}

bool expand(const char *text, const char *const *environment, struct byte_buffer *out,
            struct error *err)
{
    struct reference reference;
    for (text = copy_plain(text, out); *text; text = copy_plain(text + reference.size, out)) {
        if (!parse_reference(text, &reference)) {
            error_set(err, ERROR_CONFIG, "\"${\" begins no reference to an environment variable");
            return error_remedy(err, "write ${NAME} or ${NAME:-default}, or $${ for a plain ${");
        }
        const char *value = environment_find(environment, reference.name);
        if (!write_reference(&reference, value, out, err))
            return false;
    }
    return true;
}

void expand_literally(const char *text, struct byte_buffer *out)
{
    struct reference reference;
    for (text = copy_plain(text, out); *text; text = copy_plain(text + reference.size, out)) {
        if (!parse_reference(text, &reference))
            return;
        if (reference.fallback)
            write_bytes(out, reference.fallback, reference.fallback_size);
        else
            write_u8(out, (uint8_t)EXPAND_PLACEHOLDER);
    }
}
