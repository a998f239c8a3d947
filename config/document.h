/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML that a configuration may use, as a tree: sections, lists and scalars with their places. */
#ifndef PENSTOCK_CONFIG_DOCUMENT_H
#define PENSTOCK_CONFIG_DOCUMENT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

/* A place in the file, both from 1; the column counts characters. */
struct mark {
    size_t line;
    size_t column;
};

enum node_kind {
    NODE_EMPTY, /* nothing, ~ or null */
    NODE_SCALAR,
    NODE_LIST,
    NODE_SECTION,
};

struct node {
    enum node_kind kind;
    struct mark at;
    const char *key; /* in a section, else NULL */
    struct mark key_at;
    const char *text;   /* of a scalar, without quotes; "" otherwise */
    struct node *first; /* children of a list or section, in the order of the file */
    struct node *next;
};

enum {
    DOCUMENT_MAX_BYTES = 1 << 20,
    DOCUMENT_MAX_DEPTH = 8,
    DOCUMENT_MAX_NODES = 20000,
};

/* Parses one document; an empty one is an empty section. Refuses what is not needed and surprises: aliases,
 * anchors, tags, several documents, keys that are not scalars. Keys may still be there twice. Everything is
 * in `arena`. The error begins with "file_name:line:column: ". */
const struct node *document_parse(struct bytes text, const char *file_name, struct arena *arena,
                                  struct error *err) MUST_USE;

/* Puts "file_name:line:column: " in front of the message. Returns false. */
bool mark_add(struct error *err, const char *file_name, struct mark at);

#endif
