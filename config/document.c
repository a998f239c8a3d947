/* SPDX-License-Identifier: Apache-2.0 */
/* YAML into a tree of nodes; the only user of libyaml. */
#include "config/document.h"

#include <string.h>
#include <yaml.h>

struct builder {
    yaml_parser_t parser;
    struct bytes text;
    const char *file_name;
    struct arena *arena;
    size_t node_count;
    struct error *err;
};

#define SCOPED_EVENT CLEANUP(yaml_event_delete) yaml_event_t

static struct node *build_node(struct builder *builder, const yaml_event_t *event, unsigned depth);

bool mark_add(struct error *err, const char *file_name, struct mark at)
{
    return error_add(err, "%s:%zu:%zu", file_name, at.line, at.column);
}

static struct mark mark_of(yaml_mark_t mark)
{
    return (struct mark){mark.line + 1, mark.column + 1};
}

/* The place of the byte at `offset`. */
static struct mark mark_at_offset(struct bytes text, size_t offset)
{
    struct mark at = {1, 1};
    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n')
            at = (struct mark){at.line + 1, 1};
        else if ((text.data[i] & 0xc0) != 0x80)
            at.column++;
    }
    return at;
}

static bool refuse(struct builder *builder, struct mark at, const char *message, const char *remedy)
{
    error_set(builder->err, ERROR_CONFIG, "%s", message);
    error_remedy(builder->err, "%s", remedy);
    return mark_add(builder->err, builder->file_name, at);
}

/* Finds the character that makes the text unfit, which it is known to have. */
static bool refuse_bytes(struct builder *builder)
{
    struct bytes text = builder->text;
    size_t at = 0;
    while (at < text.size && text.data[at] != 0) {
        uint8_t lead = text.data[at];
        size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (length > text.size - at || !bytes_are_utf8((struct bytes){text.data + at, length}))
            return refuse(builder, mark_at_offset(text, at), "the text is not UTF-8",
                          "save the file as UTF-8");
        at += length;
    }
    return refuse(builder, mark_at_offset(text, at), "there is a NUL byte",
                  "remove it: a configuration is plain text");
}

static bool check_text(struct builder *builder)
{
    if (builder->text.size > DOCUMENT_MAX_BYTES)
        return refuse(builder, (struct mark){1, 1}, "the file is larger than 1 MiB",
                      "check that this is the right file");
    return bytes_are_utf8(builder->text) || refuse_bytes(builder);
}

/* What most often causes this problem, found by libyaml's words for it. */
static const char *remedy_of(const yaml_parser_t *parser)
{
    const char *context = parser->context ? parser->context : "";
    const char *problem = parser->problem ? parser->problem : "";
    if (strstr(context, "alias") || strstr(context, "anchor"))
        return "put a value that begins with * or & in quotes: \"*.*\"";
    if (strstr(problem, "cannot start any token"))
        return "indent with spaces, not tabs, and put values that begin with @, ` or % in quotes";
    if (strstr(problem, "mapping values"))
        return "put a value that contains \": \" in quotes, and check the indentation above";
    return "check the indentation and the quotes here and in the line above";
}

static bool refuse_yaml(struct builder *builder)
{
    const yaml_parser_t *parser = &builder->parser;
    bool is_of_bytes = parser->error == YAML_READER_ERROR;
    struct mark at = is_of_bytes ? mark_at_offset(builder->text, parser->problem_offset)
                                 : mark_of(parser->problem_mark);
    const char *problem = parser->problem ? parser->problem : "out of memory";
    error_set(builder->err, ERROR_CONFIG, "this isn't YAML: %s%s%s",
              parser->context ? parser->context : "", parser->context ? ", " : "", problem);
    error_remedy(builder->err, "%s", remedy_of(parser));
    return mark_add(builder->err, builder->file_name, at);
}

static bool next_event(struct builder *builder, yaml_event_t *event)
{
    return yaml_parser_parse(&builder->parser, event) || refuse_yaml(builder);
}

static bool has_anchor(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return event->data.sequence_start.anchor;
    return event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor;
}

static bool has_tag(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return event->data.sequence_start.tag;
    return event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.tag;
}

static bool check_event(struct builder *builder, const yaml_event_t *event, unsigned depth)
{
    struct mark at = mark_of(event->start_mark);
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(builder, at, "aliases (*name) are not allowed",
                      "write the value out, or put it in quotes if it begins with *");
    if (has_anchor(event))
        return refuse(builder, at, "anchors (&name) are not allowed",
                      "write the value out, or put it in quotes if it begins with &");
    if (has_tag(event))
        return refuse(builder, at, "tags (!name) are not allowed",
                      "remove the tag, or put the value in quotes if it begins with !");
    if (depth > DOCUMENT_MAX_DEPTH)
        return refuse(builder, at, "sections and lists are nested too deeply",
                      "no setting lies deeper than a list in a section");
    if (builder->node_count++ == DOCUMENT_MAX_NODES)
        return refuse(builder, at, "the file has more than 20000 values",
                      "use patterns instead of long lists: public.*");
    return true;
}

static struct node *node_new(struct builder *builder, const yaml_event_t *event,
                             enum node_kind kind)
{
    struct node *node = arena_allocate(builder->arena, sizeof(*node));
    *node = (struct node){.kind = kind, .at = mark_of(event->start_mark), .text = ""};
    return node;
}

/* The text of a scalar, or NULL (refused). */
static const char *scalar_text(struct builder *builder, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) == event->data.scalar.length)
        return arena_copy_string(builder->arena, text);
    refuse(builder, mark_of(event->start_mark), "a value contains a NUL character",
           "remove the \\0");
    return NULL;
}

static struct node *build_scalar(struct builder *builder, const yaml_event_t *event)
{
    struct node *node = node_new(builder, event, NODE_SCALAR);
    node->text = scalar_text(builder, event);
    if (!node->text)
        return NULL;
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (is_plain && (!*node->text || !strcmp(node->text, "~") || !strcmp(node->text, "null")))
        node->kind = NODE_EMPTY;
    return node;
}

static struct node *build_list(struct builder *builder, const yaml_event_t *start, unsigned depth)
{
    struct node *list = node_new(builder, start, NODE_LIST);
    for (struct node **end = &list->first;; end = &(*end)->next) {
        SCOPED_EVENT event;
        if (!next_event(builder, &event))
            return NULL;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return list;
        *end = build_node(builder, &event, depth + 1);
        if (!*end)
            return NULL;
    }
}

/* The value that belongs to the key in `event`. */
static struct node *build_entry(struct builder *builder, const yaml_event_t *event, unsigned depth)
{
    if (!check_event(builder, event, depth))
        return NULL;
    struct mark at = mark_of(event->start_mark);
    if (event->type != YAML_SCALAR_EVENT) {
        refuse(builder, at, "a key must be a plain word", "write \"key: value\"");
        return NULL;
    }
    const char *key = scalar_text(builder, event);
    SCOPED_EVENT value = {0};
    if (!key || !next_event(builder, &value))
        return NULL;
    struct node *node = build_node(builder, &value, depth);
    if (node) {
        node->key = key;
        node->key_at = at;
    }
    return node;
}

static struct node *build_section(struct builder *builder, const yaml_event_t *start,
                                  unsigned depth)
{
    struct node *section = node_new(builder, start, NODE_SECTION);
    for (struct node **end = &section->first;; end = &(*end)->next) {
        SCOPED_EVENT event;
        if (!next_event(builder, &event))
            return NULL;
        if (event.type == YAML_MAPPING_END_EVENT)
            return section;
        *end = build_entry(builder, &event, depth + 1);
        if (!*end)
            return NULL;
    }
}

static struct node *build_node(struct builder *builder, const yaml_event_t *event, unsigned depth)
{
    if (!check_event(builder, event, depth))
        return NULL;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return build_list(builder, event, depth);
    if (event->type == YAML_MAPPING_START_EVENT)
        return build_section(builder, event, depth);
    return build_scalar(builder, event);
}

static bool at_stream_end(struct builder *builder)
{
    SCOPED_EVENT event;
    if (!next_event(builder, &event))
        return false;
    if (event.type == YAML_STREAM_END_EVENT)
        return true;
    return refuse(builder, mark_of(event.start_mark), "a second document begins here",
                  "keep one document: remove the line \"---\" and what follows, or what precedes");
}

/* The node of the document whose start event has been read. */
static struct node *build_document(struct builder *builder)
{
    SCOPED_EVENT event;
    if (!next_event(builder, &event))
        return NULL;
    struct node *root = build_node(builder, &event, 0);
    if (!root)
        return NULL;
    SCOPED_EVENT end;
    if (!next_event(builder, &end) || !at_stream_end(builder))
        return NULL;
    if (root->kind == NODE_EMPTY)
        root->kind = NODE_SECTION;
    if (root->kind == NODE_SECTION)
        return root;
    refuse(builder, root->at, "the file must consist of \"key: value\" lines",
           "see config/examples/penstock.yml for an example");
    return NULL;
}

static struct node *build_stream(struct builder *builder)
{
    SCOPED_EVENT start;
    if (!next_event(builder, &start))
        return NULL;
    SCOPED_EVENT event;
    if (!next_event(builder, &event))
        return NULL;
    if (event.type == YAML_DOCUMENT_START_EVENT)
        return build_document(builder);
    struct node *empty = node_new(builder, &event, NODE_SECTION);
    empty->at = (struct mark){1, 1};
    return empty;
}

const struct node *document_parse(struct bytes text, const char *file_name, struct arena *arena,
                                  struct error *err)
{
    struct builder builder = {.text = text, .file_name = file_name, .arena = arena, .err = err};
    if (!check_text(&builder))
        return NULL;
    if (!yaml_parser_initialize(&builder.parser)) {
        error_set(err, ERROR_RETRY, "no memory for the YAML parser");
        return NULL;
    }
    const uint8_t *input = text.size > 0 ? text.data : (const uint8_t *)"";
    yaml_parser_set_input_string(&builder.parser, input, text.size);
    const struct node *root = build_stream(&builder);
    yaml_parser_delete(&builder.parser);
    return root;
}
