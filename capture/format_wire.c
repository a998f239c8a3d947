/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe's format: changes in wire form, each table's shape before its first. */
#include <stdlib.h>

#include "base/memory.h"
#include "capture/format.h"
#include "schema/wire.h"

enum { MAX_SHAPE_BYTES = 16 * 1024 * 1024 };

struct format_wire {
    struct change_format base;
    struct message_writer *writer;
};

static bool write_shape(struct format_wire *format, struct relation *relation, struct chain *chain,
                        struct error *err)
{
    SCOPED_BUFFER body;
    byte_buffer_init(&body, MAX_SHAPE_BYTES);
    table_write(&body, relation->table);
    if (body.overrun)
        return error_set(err, ERROR_FATAL, "the shape of %s is too large", relation->table->name);
    relation->is_sent = true;
    struct message message = chain_message(chain, MESSAGE_SHAPE, relation->shape_id, NULL);
    message.body = (struct bytes){body.data, body.size};
    return format->writer->ops->write(format->writer, &message, err);
}

static bool wire_format_write(struct change_format *base, struct relation *relation,
                              struct chain *chain, const struct position *position,
                              const struct change_context *context, const struct change *change,
                              uint32_t *messages, struct error *err)
{
    struct format_wire *format = (struct format_wire *)base;
    (void)context;
    *messages = 1;
    if (!relation->is_sent && !write_shape(format, relation, chain, err))
        return false;
    struct message message = chain_message(chain, MESSAGE_CHANGE, relation->shape_id, position);
    uint8_t *body = format->writer->ops->reserve(format->writer, &message, wire_size(change), err);
    if (!body)
        return false;
    wire_write(body, change);
    return true;
}

static void wire_format_free(struct change_format *base)
{
    free(base);
}

static const struct change_format_ops ops = {.write = wire_format_write,
                                             .free = wire_format_free,
                                             .keeper = "the target",
                                             .routing = "pgoutput1/"};

struct change_format *format_wire_new(struct message_writer *writer)
{
    struct format_wire *format = memory_new(sizeof(*format));
    format->base.ops = &ops;
    format->writer = writer;
    return &format->base;
}
