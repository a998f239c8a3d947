/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the values in the file. */
#include <stdio.h>
#include <string.h>

#include "config/expand.h"
#include "config/loading.h"
#include "config/properties.h"
#include "config/quote.h"
#include "config/suggest.h"
#include "config/url.h"

enum { MAX_EXPANDED = 64 * 1024 };

const struct node *node_find(const struct node *section, const char *key)
{
    const struct node *node = section ? section->first : NULL;
    while (node && strcmp(node->key, key) != 0)
        node = node->next;
    return node;
}

static bool fail_at(struct loading *loading, struct mark at)
{
    return mark_add(loading->err, loading->file_name, at);
}

/* Says which key is meant, or what to do if that can't be told. */
static bool refuse_unknown(struct loading *loading, const struct node *node, const char *section)
{
    char quoted[QUOTE_SIZE];
    char meant[SETTING_KEY_SIZE];
    const char *key = quote_key(node->key, quoted);
    suggest_in_section(section, *key ? node->key : "", meant);
    const char *space = *key ? " " : "";
    if (*meant) {
        error_set(loading->err, ERROR_CONFIG, "unknown key%s%s — did you mean \"%s\"?", space, key,
                  meant);
        error_remedy(loading->err, "write \"%s\", or remove the line", meant);
    } else {
        error_set(loading->err, ERROR_CONFIG, "unknown key%s%s", space, key);
        error_remedy(loading->err, "remove it; docs/configuration.md lists all settings");
    }
    return fail_at(loading, node->key_at);
}

/* "source.url" as one key, as it is right in --set. */
static bool refuse_dotted(struct loading *loading, const struct node *node)
{
    size_t size = strcspn(node->key, ".");
    error_set(loading->err, ERROR_CONFIG, "\"%s\" can't be one key in a file", node->key);
    error_remedy(loading->err, "write \"%.*s:\" and, indented below it, \"%s:\"", (int)size,
                 node->key, node->key + size + 1);
    return fail_at(loading, node->key_at);
}

static bool refuse_duplicate(struct loading *loading, const struct node *node,
                             const struct node *earlier)
{
    error_set(loading->err, ERROR_CONFIG, "duplicate key \"%s\", already in line %zu", node->key,
              earlier->key_at.line);
    error_remedy(loading->err, "keep one of the two");
    return fail_at(loading, node->key_at);
}

static const char *kind_text(enum node_kind kind)
{
    switch (kind) {
    case NODE_EMPTY:
        return "nothing";
    case NODE_SCALAR:
        return "a single value";
    case NODE_LIST:
        return "a list";
    case NODE_SECTION:
        return "a section";
    }
    return "something else";
}

static bool refuse_kind(struct loading *loading, const struct setting *setting,
                        const struct node *node)
{
    const char *expected = setting->type == SETTING_LIST ? "a list" : "a single value";
    const char *word = strrchr(setting->key, '.') ? strrchr(setting->key, '.') + 1 : setting->key;
    const char *example = setting->example ? setting->example : setting->initial;
    error_set(loading->err, ERROR_CONFIG, "%s must be %s, not %s", setting->key, expected,
              kind_text(node->kind));
    error_remedy(loading->err, "write \"%s: %s\"%s", word, example ? example : "value",
                 node->kind == NODE_EMPTY ? ", or remove the line" : "");
    return fail_at(loading, node->at);
}

static bool refuse_property_kind(struct loading *loading, const struct node *node)
{
    error_set(loading->err, ERROR_CONFIG, PROPERTY_SECTION ".%s must be a single value, not %s",
              node->key, kind_text(node->kind));
    error_remedy(loading->err, node->kind == NODE_EMPTY
                                   ? "give it a value, or remove the line"
                                   : "write properties in full: \"ssl.ca.location: …\"");
    return fail_at(loading, node->at);
}

static bool is_secret_text(const char *text)
{
    return text[strspn(text, (const char[]){EXPAND_PLACEHOLDER, '\0'})] != '\0';
}

/* A password that other users can read in the file isn't one any more. `key` is to be set, `file_key` instead names a file;
 * `holds` tells whether there is a password in what the file itself says. */
static bool check_exposure(struct loading *loading, const struct node *node, const char *key,
                           const char *file_key, bool (*holds)(const char *text))
{
    if (!(loading->file_mode & 077))
        return true;
    SCOPED_BUFFER literal;
    byte_buffer_init(&literal, DOCUMENT_MAX_BYTES);
    expand_literally(node->text, &literal);
    if (!holds(byte_buffer_text(&literal)))
        return true;
    error_set(loading->err, ERROR_CONFIG,
              "%s holds a password, and other users can open the file (mode %04o)", key,
              loading->file_mode & 07777);
    error_remedy(loading->err, "chmod 600 %s, or move the password to %s", loading->file_name,
                 file_key);
    return fail_at(loading, node->at);
}

static bool check_setting_exposure(struct loading *loading, const struct setting *setting,
                                   const struct node *node)
{
    char file_key[2 * SETTING_KEY_SIZE];
    if (!setting->takes_password)
        return true;
    snprintf(file_key, sizeof(file_key), "%.*s.password_file", (int)strcspn(setting->key, "."),
             setting->key);
    return check_exposure(loading, node, setting->key, file_key, url_has_password);
}

static bool check_property_exposure(struct loading *loading, const char *name,
                                    const struct node *node)
{
    char key[sizeof(PROPERTY_SECTION) + PROPERTY_NAME_SIZE];
    char file_key[sizeof(key) + sizeof("_file")];
    if (!property_is_secret(name))
        return true;
    snprintf(key, sizeof(key), PROPERTY_SECTION ".%s", name);
    snprintf(file_key, sizeof(file_key), "%s_file", key);
    return check_exposure(loading, node, key, file_key, is_secret_text);
}

/* The text of a scalar with its variables replaced, or NULL. */
static char *expand_node(struct loading *loading, const struct node *node)
{
    SCOPED_BUFFER text;
    byte_buffer_init(&text, MAX_EXPANDED);
    bool is_expanded = expand(node->text, loading->overrides->environment, &text, loading->err);
    struct bytes view = {text.data, text.size};
    if (is_expanded && text.overrun)
        is_expanded = error_set(loading->err, ERROR_CONFIG, "the value is longer than 64 KiB");
    else if (is_expanded && !bytes_are_utf8(view))
        is_expanded = error_set(loading->err, ERROR_CONFIG, "the variable is not UTF-8");
    if (is_expanded)
        return arena_copy_string(loading->store.memory, byte_buffer_text(&text));
    fail_at(loading, node->at);
    return NULL;
}

static bool take_scalar(struct loading *loading, const struct setting *setting,
                        const struct node *node)
{
    if (node->kind != NODE_SCALAR)
        return refuse_kind(loading, setting, node);
    if (!check_setting_exposure(loading, setting, node))
        return false;
    const char *text = expand_node(loading, node);
    if (!text)
        return false;
    return value_set(&loading->store, setting, text, node->text, loading->err) ||
           fail_at(loading, node->at);
}

/* The expanded, checked text of one item, or NULL. */
static char *take_item(struct loading *loading, const struct setting *setting,
                       const struct node *item)
{
    if (item->kind != NODE_SCALAR) {
        error_set(loading->err, ERROR_CONFIG, "an item of %s must be a single value, not %s",
                  setting->key, kind_text(item->kind));
        error_remedy(loading->err, "write one pattern for each \"-\", in quotes");
        fail_at(loading, item->at);
        return NULL;
    }
    char *text = expand_node(loading, item);
    if (!text || value_check(setting, text, item->text, loading->err))
        return text;
    fail_at(loading, item->at);
    return NULL;
}

static bool take_list(struct loading *loading, const struct setting *setting,
                      const struct node *node)
{
    if (node->kind != NODE_LIST)
        return refuse_kind(loading, setting, node);
    size_t count = 0;
    for (const struct node *item = node->first; item; item = item->next)
        count++;
    struct config_list list = {NULL, 0};
    list.items = arena_allocate(loading->store.memory, (count + 1) * sizeof(*list.items));
    for (const struct node *item = node->first; item; item = item->next) {
        list.items[list.count] = take_item(loading, setting, item);
        if (!list.items[list.count++])
            return false;
    }
    return value_set_list(&loading->store, setting, &list, loading->err) ||
           fail_at(loading, node->at);
}

static bool take_setting(struct loading *loading, const struct setting *setting,
                         const struct node *node)
{
    loading_mark_given(loading, setting);
    if (setting->type == SETTING_LIST)
        return take_list(loading, setting, node);
    return take_scalar(loading, setting, node);
}

/* A property of librdkafka; its name, which may be too long for a setting, is checked here. */
static bool take_property(struct loading *loading, const struct node *section,
                          const struct node *node)
{
    if (!loading_check_property(loading, node->key))
        return fail_at(loading, node->key_at);
    const struct node *earlier = node_find(section, node->key);
    if (earlier != node)
        return refuse_duplicate(loading, node, earlier);
    if (node->kind != NODE_SCALAR)
        return refuse_property_kind(loading, node);
    if (!check_property_exposure(loading, node->key, node))
        return false;
    const char *text = expand_node(loading, node);
    if (!text)
        return false;
    return loading_take_property(loading, LAYER_FILE, node->key, text) ||
           fail_at(loading, node->at);
}

static bool take_section(struct loading *loading, const struct node *section, const char *path);

/* What is below "source:". */
static bool take_subsection(struct loading *loading, const struct node *node, const char *path)
{
    if (node->kind == NODE_SECTION)
        return take_section(loading, node, path);
    if (node->kind == NODE_EMPTY)
        return true;
    error_set(loading->err, ERROR_CONFIG, "\"%s\" must be a section, not %s", path,
              kind_text(node->kind));
    error_remedy(loading->err, "write \"%s:\" and its settings below it, indented", path);
    return fail_at(loading, node->at);
}

/* Whether the key would be right in --set. */
static bool is_dotted_key(const char *key)
{
    size_t size = strlen(PROPERTY_SECTION ".");
    bool is_property = !strncmp(key, PROPERTY_SECTION ".", size) && !property_problem(key + size);
    return is_property || setting_find(key);
}

static bool take_entry(struct loading *loading, const struct node *section, const struct node *node,
                       const char *path)
{
    char key[2 * SETTING_KEY_SIZE];
    bool is_top = *path == '\0';
    if (!strcmp(path, PROPERTY_SECTION) && !property_is_setting(node->key))
        return take_property(loading, section, node);
    bool is_word = *node->key && !strchr(node->key, '.') && strlen(node->key) < SETTING_KEY_SIZE;
    snprintf(key, sizeof(key), "%s%s%s", path, is_top ? "" : ".", is_word ? node->key : "");
    const struct setting *setting = is_word ? setting_find(key) : NULL;
    if (is_top && !is_word && is_dotted_key(node->key))
        return refuse_dotted(loading, node);
    if (!setting && !(is_word && setting_is_section(key)))
        return refuse_unknown(loading, node, path);
    const struct node *earlier = node_find(section, node->key);
    if (earlier != node)
        return refuse_duplicate(loading, node, earlier);
    return setting ? take_setting(loading, setting, node) : take_subsection(loading, node, key);
}

/* Each key of it is known, or counted, before the next is looked at: so there are few, and node_find() is cheap. */
static bool take_section(struct loading *loading, const struct node *section, const char *path)
{
    for (const struct node *node = section->first; node; node = node->next)
        if (!take_entry(loading, section, node, path))
            return false;
    return true;
}

bool loading_take_file(struct loading *loading)
{
    return take_section(loading, loading->root, "");
}
