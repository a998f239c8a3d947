/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: bytes for the pipe, comparison, names. */
#include "schema/table.h"

#include <string.h>

static void write_column(struct byte_buffer *buffer, const struct column *column)
{
    write_string(buffer, column->name);
    write_u32(buffer, column->type_oid);
    write_u32(buffer, (uint32_t)column->type_modifier);
    write_u8(buffer, column->is_key);
    write_u8(buffer, column->is_not_null);
    write_u16(buffer, column->primary_key_position);
    write_string(buffer, column->type_sql);
}

static void write_type(struct byte_buffer *buffer, const struct type_definition *type)
{
    write_u8(buffer, (uint8_t)type->kind);
    write_u8(buffer, type->is_not_null);
    write_string(buffer, type->schema);
    write_string(buffer, type->name);
    write_u16(buffer, type->part_count);
    for (int i = 0; i < type->part_count; i++) {
        write_string(buffer, type->parts[i]);
        write_string(buffer, type->kind == TYPE_COMPOSITE ? type->part_types[i] : "");
    }
}

void table_write(struct byte_buffer *buffer, const struct table *table)
{
    write_u32(buffer, table->relation_oid);
    write_string(buffer, table->schema);
    write_string(buffer, table->name);
    write_u8(buffer, (uint8_t)table->replica_identity);
    write_u16(buffer, table->column_count);
    for (int i = 0; i < table->column_count; i++)
        write_column(buffer, &table->columns[i]);
    write_u16(buffer, table->type_count);
    for (int i = 0; i < table->type_count; i++)
        write_type(buffer, &table->types[i]);
}

static const char *copy_string(struct byte_reader *reader, struct arena *arena)
{
    return arena_copy_string(arena, read_string(reader));
}

static void read_column(struct byte_reader *reader, struct arena *arena, struct column *column)
{
    column->name = copy_string(reader, arena);
    column->type_oid = read_u32(reader);
    column->type_modifier = (int32_t)read_u32(reader);
    column->is_key = read_u8(reader) != 0;
    column->is_not_null = read_u8(reader) != 0;
    column->primary_key_position = read_u16(reader);
    column->type_sql = copy_string(reader, arena);
}

static void read_type(struct byte_reader *reader, struct arena *arena, struct type_definition *type)
{
    type->kind = (enum type_kind)read_u8(reader);
    type->is_not_null = read_u8(reader) != 0;
    type->schema = copy_string(reader, arena);
    type->name = copy_string(reader, arena);
    type->part_count = read_u16(reader);
    type->parts = arena_allocate(arena, type->part_count * sizeof(*type->parts));
    type->part_types = arena_allocate(arena, type->part_count * sizeof(*type->part_types));
    for (int i = 0; i < type->part_count && !reader->overrun; i++) {
        type->parts[i] = copy_string(reader, arena);
        type->part_types[i] = copy_string(reader, arena);
    }
}

struct table *table_read(struct byte_reader *reader, struct arena *arena)
{
    struct table *table = arena_allocate(arena, sizeof(*table));
    table->relation_oid = read_u32(reader);
    table->schema = copy_string(reader, arena);
    table->name = copy_string(reader, arena);
    table->replica_identity = (enum replica_identity)read_u8(reader);
    table->column_count = read_u16(reader);
    if (table->column_count > TABLE_MAX_COLUMNS)
        return NULL;
    table->columns = arena_allocate(arena, table->column_count * sizeof(*table->columns));
    for (int i = 0; i < table->column_count && !reader->overrun; i++)
        read_column(reader, arena, &table->columns[i]);
    table->type_count = read_u16(reader);
    table->types = arena_allocate(arena, table->type_count * sizeof(*table->types));
    for (int i = 0; i < table->type_count && !reader->overrun; i++)
        read_type(reader, arena, &table->types[i]);
    return reader->overrun ? NULL : table;
}

bool table_equal(const struct table *left, const struct table *right)
{
    SCOPED_BUFFER left_bytes;
    SCOPED_BUFFER right_bytes;
    byte_buffer_init(&left_bytes, SIZE_MAX);
    byte_buffer_init(&right_bytes, SIZE_MAX);
    table_write(&left_bytes, left);
    table_write(&right_bytes, right);
    return bytes_equal((struct bytes){left_bytes.data, left_bytes.size},
                       (struct bytes){right_bytes.data, right_bytes.size});
}

int table_find_column(const struct table *table, const char *name)
{
    for (int i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return i;
    return -1;
}

static void write_part(struct byte_buffer *buffer, const char *part)
{
    bool is_plain = *part && strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(part);
    if (is_plain) {
        write_text(buffer, part);
        return;
    }
    write_u8(buffer, '"');
    for (const char *p = part; *p; p++) {
        if (*p == '"')
            write_u8(buffer, '"');
        write_u8(buffer, (uint8_t)*p);
    }
    write_u8(buffer, '"');
}

void table_write_name(struct byte_buffer *buffer, const char *schema, const char *name)
{
    write_part(buffer, schema);
    write_u8(buffer, '.');
    write_part(buffer, name);
}
