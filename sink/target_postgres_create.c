/* SPDX-License-Identifier: Apache-2.0 */
/* Creating a table, and the types that it needs, where the target lacks them. */
#include <string.h>

#include "sink/target_postgres_internal.h"

static bool execute(struct postgres_target *target, struct byte_buffer *sql, const char *what,
                    struct error *err)
{
    if (sql->overrun)
        return error_set(err, ERROR_CONFIG, "creating %s takes too long a statement", what);
    if (connection_execute(target->connection, byte_buffer_text(sql), NO_PARAMS, err))
        return true;
    if (err->stop == STOP_PERMISSION_DENIED)
        error_remedy(
            err,
            "grant the target's role CREATE on the database and the schema, or create it yourself");
    return error_add(err, "creating %s", what);
}

/* A name of a type goes into a statement only if the server reads the whole text as a type and knows it. */
static bool check_type(struct postgres_target *target, const char *type_sql, const char *of,
                       struct error *err)
{
    SCOPED_QUERY query = query_run(
        target->connection, "SELECT pg_catalog.to_regtype($1) IS NOT NULL", PARAMS(type_sql), err);
    bool is_malformed = !query && (err->stop == STOP_SERVER_REFUSED || err->kind == ERROR_DATA);
    if (query && query_bool(query, 0, 0))
        return true;
    if (!query && !is_malformed)
        return false;
    error_stop(err, STOP_TYPE_MISSING, "the target has no type %s, which %s needs",
               *type_sql ? type_sql : "(unknown)", of);
    return error_remedy(
        err, "create the type on the target, or CREATE EXTENSION there if it belongs to one, then "
             "start again");
}

static bool create_schema(struct postgres_target *target, const char *schema, struct error *err)
{
    SCOPED_QUERY query =
        query_run(target->connection, "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1",
                  PARAMS(schema), err);
    if (!query)
        return false;
    if (query_rows(query) > 0)
        return true;
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    write_text(&sql, "CREATE SCHEMA ");
    if (!identifier_write(&sql, schema))
        return error_set(err, ERROR_CONFIG, "the name of schema %s can't be quoted", schema);
    return execute(target, &sql, schema, err);
}

/* ---- types ---- */

static bool write_enum(struct byte_buffer *sql, const struct type_definition *type)
{
    write_text(sql, " AS ENUM (");
    for (int i = 0; i < type->part_count; i++) {
        write_text(sql, i > 0 ? ", " : "");
        literal_write(sql, type->parts[i]);
    }
    write_text(sql, ")");
    return true;
}

static bool write_composite(struct postgres_target *target, struct byte_buffer *sql,
                            const struct type_definition *type, struct error *err)
{
    write_text(sql, " AS (");
    for (int i = 0; i < type->part_count; i++) {
        write_text(sql, i > 0 ? ", " : "");
        if (!identifier_write(sql, type->parts[i]))
            return error_set(err, ERROR_CONFIG, "an attribute of type %s can't be quoted",
                             type->name);
        if (!check_type(target, type->part_types[i], type->name, err))
            return false;
        write_format(sql, " %s", type->part_types[i]);
    }
    write_text(sql, ")");
    return true;
}

static bool write_domain(struct postgres_target *target, struct byte_buffer *sql,
                         const struct type_definition *type, struct error *err)
{
    if (type->part_count != 1 || !check_type(target, type->parts[0], type->name, err))
        return false;
    write_format(sql, " AS %s%s", type->parts[0], type->is_not_null ? " NOT NULL" : "");
    return true;
}

static bool write_definition(struct postgres_target *target, struct byte_buffer *sql,
                             const struct type_definition *type, struct error *err)
{
    switch (type->kind) {
    case TYPE_ENUM:
        return write_enum(sql, type);
    case TYPE_COMPOSITE:
        return write_composite(target, sql, type, err);
    case TYPE_DOMAIN:
        return write_domain(target, sql, type, err);
    }
    return error_set(err, ERROR_FATAL, "type %s is of an unknown kind", type->name);
}

static bool create_type(struct postgres_target *target, const struct type_definition *type,
                        struct error *err)
{
    SCOPED_BUFFER name;
    SCOPED_BUFFER sql;
    byte_buffer_init(&name, MAX_SQL_BYTES);
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    if (!qualified_write(&name, type->schema, type->name))
        return error_set(err, ERROR_CONFIG, "the name of type %s can't be quoted", type->name);
    SCOPED_QUERY query =
        query_run(target->connection, "SELECT pg_catalog.to_regtype($1) IS NOT NULL",
                  PARAMS(byte_buffer_text(&name)), err);
    if (!query)
        return false;
    if (query_bool(query, 0, 0))
        return true;
    if (!create_schema(target, type->schema, err))
        return false;
    write_format(&sql, "CREATE %s %s", type->kind == TYPE_DOMAIN ? "DOMAIN" : "TYPE",
                 byte_buffer_text(&name));
    return write_definition(target, &sql, type, err) && execute(target, &sql, type->name, err);
}

/* ---- the table ---- */

static bool write_columns(struct postgres_target *target, struct byte_buffer *sql,
                          const struct table *shape, struct error *err)
{
    for (int i = 0; i < shape->column_count; i++) {
        const struct column *column = &shape->columns[i];
        write_text(sql, i > 0 ? ", " : "");
        if (!identifier_write(sql, column->name))
            return error_set(err, ERROR_CONFIG, "column %s can't be quoted", column->name);
        if (!check_type(target, column->type_sql, column->name, err))
            return false;
        write_format(sql, " %s%s", column->type_sql, column->is_not_null ? " NOT NULL" : "");
    }
    return true;
}

/* The columns for which `place` gives 1, 2, …, in that order, in parentheses; false if there are none. */
static bool write_key(struct byte_buffer *sql, const struct table *shape, bool is_primary)
{
    int count = 0;
    for (int place = 1; place <= shape->column_count; place++) {
        for (int i = 0; i < shape->column_count; i++) {
            const struct column *column = &shape->columns[i];
            bool is_next = is_primary ? column->primary_key_position == place
                                      : column->is_key && i + 1 == place;
            if (!is_next)
                continue;
            write_text(sql, count++ > 0 ? ", " : "(");
            if (!identifier_write(sql, column->name))
                return false;
        }
    }
    write_text(sql, count > 0 ? ")" : "");
    return count > 0;
}

/* A replica identity that isn't the primary key gets a unique index, so that rows are found by it. */
static bool create_identity_index(struct postgres_target *target, const struct table *shape,
                                  const char *name, struct error *err)
{
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    if (shape->replica_identity != REPLICA_IDENTITY_INDEX)
        return true;
    write_format(&sql, "CREATE UNIQUE INDEX ON %s ", name);
    return write_key(&sql, shape, false) ? execute(target, &sql, shape->name, err) : true;
}

bool postgres_create_table(struct postgres_target *target, const struct table *shape,
                           struct error *err)
{
    SCOPED_BUFFER name;
    SCOPED_BUFFER sql;
    SCOPED_BUFFER key;
    byte_buffer_init(&name, MAX_SQL_BYTES);
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    byte_buffer_init(&key, MAX_SQL_BYTES);
    if (!qualified_write(&name, shape->schema, shape->name))
        return error_set(err, ERROR_CONFIG, "the table's name can't be quoted");
    if (!create_schema(target, shape->schema, err))
        return false;
    for (int i = 0; i < shape->type_count; i++)
        if (!create_type(target, &shape->types[i], err))
            return false;
    write_format(&sql, "CREATE TABLE %s (", byte_buffer_text(&name));
    if (!write_columns(target, &sql, shape, err))
        return false;
    if (write_key(&key, shape, true))
        write_format(&sql, ", PRIMARY KEY %s", byte_buffer_text(&key));
    write_text(&sql, ")");
    return execute(target, &sql, shape->name, err) &&
           create_identity_index(target, shape, byte_buffer_text(&name), err);
}
