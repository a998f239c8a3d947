/* SPDX-License-Identifier: Apache-2.0 */
/* One change, one prepared statement, in the pipeline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/wire.h"
#include "sink/target_postgres_internal.h"

/* After so many masks of unchanged columns of one table, their statements are dropped and made anew. */
enum { MAX_UPDATES = 64 };

/* The values of one statement, in the order of its parameters. */
struct parameters {
    struct bytes values[2 * TABLE_MAX_COLUMNS];
    int count;
};

static void add_parameter(struct parameters *parameters, const struct value *value)
{
    static const uint8_t nothing[1];
    struct bytes bytes = {value->data, value->size};
    if (value->kind == VALUE_NULL)
        bytes = (struct bytes){NULL, 0};
    else if (!bytes.data)
        bytes.data = nothing;
    parameters->values[parameters->count++] = bytes;
}

/* ---- statements ---- */

/* `c1, c2` of the columns that are written. */
static void write_column_list(struct byte_buffer *sql, const struct postgres_table *table)
{
    bool is_first = true;
    for (int i = 0; i < table->base.shape->column_count; i++) {
        if (!table->is_written[i])
            continue;
        write_format(sql, "%s%s", is_first ? "" : ", ", table->columns[i]);
        is_first = false;
    }
}

static void write_insert(struct byte_buffer *sql, const struct postgres_table *table)
{
    int count = 0;
    for (int i = 0; i < table->base.shape->column_count; i++)
        if (table->is_written[i])
            count++;
    write_format(sql, "INSERT INTO %s ", table->qualified);
    if (count == 0) {
        write_text(sql, "DEFAULT VALUES");
        return;
    }
    write_text(sql, "(");
    write_column_list(sql, table);
    write_text(sql, ") OVERRIDING SYSTEM VALUE VALUES (");
    for (int i = 1; i <= count; i++)
        write_format(sql, "%s$%d", i > 1 ? ", " : "", i);
    write_text(sql, ")");
}

static void write_upsert(struct byte_buffer *sql, const struct postgres_table *table)
{
    const struct target_table *base = &table->base;
    write_insert(sql, table);
    write_text(sql, " ON CONFLICT (");
    for (int i = 0; i < base->key_count; i++)
        write_format(sql, "%s%s", i > 0 ? ", " : "", table->columns[base->keys[i].column]);
    write_text(sql, ")");
    bool is_first = true;
    for (int i = 0; i < base->shape->column_count; i++) {
        if (!postgres_updates_column(table, i))
            continue;
        write_format(sql, "%s%s = EXCLUDED.%s", is_first ? " DO UPDATE SET " : ", ",
                     table->columns[i], table->columns[i]);
        is_first = false;
    }
    write_text(sql, is_first ? " DO NOTHING" : "");
    /* Only a plain table tells whether it inserted or updated. */
    write_text(sql, table->is_partitioned ? " RETURNING true" : " RETURNING xmax = 0");
}

static void write_equality(struct byte_buffer *sql, const struct postgres_table *table, int column,
                           int parameter)
{
    if (table->compares_as_text[column])
        write_format(sql,
                     "%s::pg_catalog.text COLLATE pg_catalog.\"C\""
                     " IS NOT DISTINCT FROM $%d::pg_catalog.text",
                     table->columns[column], parameter);
    else
        write_format(sql, "%s IS NOT DISTINCT FROM $%d", table->columns[column], parameter);
}

/* Whether this column helps to find a row where no unique index does. */
static bool identifies(const struct postgres_table *table, int column)
{
    const struct table *shape = table->base.shape;
    return shape->replica_identity == REPLICA_IDENTITY_FULL || shape->columns[column].is_key;
}

/* WHERE: by the key through its index, or one row by its physical place. `first` is the first parameter's number. */
static void write_where(struct byte_buffer *sql, const struct postgres_table *table, int first)
{
    const struct target_table *base = &table->base;
    write_text(sql, " WHERE ");
    if (base->key_count > 0) {
        for (int i = 0; i < base->key_count; i++)
            write_format(sql, "%s%s %s $%d", i > 0 ? " AND " : "",
                         table->columns[base->keys[i].column], table->key_operator[i], first + i);
        return;
    }
    const char *place = table->is_partitioned ? "(tableoid, ctid)" : "ctid";
    write_format(sql, "%s = (SELECT %s FROM %s%s WHERE ", place,
                 table->is_partitioned ? "tableoid, ctid" : "ctid", table->only, table->qualified);
    bool is_first = true;
    for (int i = 0; i < base->shape->column_count; i++) {
        if (!identifies(table, i))
            continue;
        write_text(sql, is_first ? "" : " AND ");
        write_equality(sql, table, i, first++);
        is_first = false;
    }
    write_text(sql, is_first ? "false LIMIT 1)" : " LIMIT 1)");
}

static void add_identity(struct parameters *parameters, const struct postgres_table *table,
                         const struct tuple *tuple)
{
    const struct target_table *base = &table->base;
    for (int i = 0; i < base->key_count; i++)
        add_parameter(parameters, &tuple->values[base->keys[i].column]);
    for (int i = 0; base->key_count == 0 && i < base->shape->column_count; i++)
        if (identifies(table, i))
            add_parameter(parameters, &tuple->values[i]);
}

static bool prepare(struct postgres_target *target, const struct postgres_table *table,
                    const char *prefix, struct byte_buffer *sql, char *name, size_t size,
                    struct error *err)
{
    snprintf(name, size, "%s%u", prefix, table->number);
    if (sql->overrun)
        return error_set(err, ERROR_FATAL, "a statement for %s is too long",
                         table->base.display_name);
    return postgres_queue_prepare(target, name, byte_buffer_text(sql), err);
}

/* ---- INSERT ---- */

static bool insert_row(struct postgres_target *target, struct postgres_table *table,
                       const struct tuple *tuple, enum apply_mode mode, struct error *err)
{
    char name[32];
    bool is_upsert = mode == APPLY_CAREFUL && table->has_arbiter;
    bool *is_prepared = is_upsert ? &table->has_upsert : &table->has_insert;
    snprintf(name, sizeof(name), "%s%u", is_upsert ? "upsert" : "insert", table->number);
    if (!*is_prepared) {
        SCOPED_BUFFER sql;
        byte_buffer_init(&sql, MAX_SQL_BYTES);
        if (is_upsert)
            write_upsert(&sql, table);
        else
            write_insert(&sql, table);
        *is_prepared =
            prepare(target, table, is_upsert ? "upsert" : "insert", &sql, name, sizeof(name), err);
        if (!*is_prepared)
            return false;
    }
    struct parameters parameters = {.count = 0};
    for (int i = 0; i < tuple->count; i++)
        if (table->is_written[i])
            add_parameter(&parameters, &tuple->values[i]);
    return postgres_queue_row(target, is_upsert ? PENDING_UPSERT : PENDING_INSERT, table, mode,
                              name, parameters.count, parameters.values, err);
}

/* ---- UPDATE ---- */

static bool is_set(const struct postgres_table *table, const struct tuple *tuple, int column)
{
    return postgres_updates_column(table, column) && tuple->values[column].kind != VALUE_UNCHANGED;
}

static bool is_checked(const struct postgres_table *table, const struct tuple *tuple, int column)
{
    return postgres_checks_column(table, column) && tuple->values[column].kind != VALUE_UNCHANGED;
}

static bool same_mask(const struct prepared_update *update, const struct tuple *tuple)
{
    for (int i = 0; i < tuple->count; i++)
        if (update->is_unchanged[i] != (tuple->values[i].kind == VALUE_UNCHANGED))
            return false;
    return true;
}

static struct prepared_update *find_update(struct postgres_table *table, const struct tuple *tuple)
{
    for (struct prepared_update *update = table->updates; update; update = update->next)
        if (same_mask(update, tuple))
            return update;
    return NULL;
}

static bool prepare_update(struct postgres_target *target, struct postgres_table *table,
                           const struct tuple *tuple, struct prepared_update *update,
                           struct error *err)
{
    char prefix[32];
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    int count = 0;
    write_format(&sql, "UPDATE %s%s SET ", table->only, table->qualified);
    for (int i = 0; i < tuple->count; i++)
        if (is_set(table, tuple, i)) {
            write_format(&sql, "%s%s = $%d", count > 0 ? ", " : "", table->columns[i], count + 1);
            count++;
        }
    write_where(&sql, table, count + 1);
    count += table->base.key_count;
    for (int i = 0; i < tuple->count; i++)
        if (is_checked(table, tuple, i))
            write_format(&sql, " AND %s IS NOT DISTINCT FROM $%d", table->columns[i], ++count);
    snprintf(prefix, sizeof(prefix), "update%d_", table->update_count);
    return prepare(target, table, prefix, &sql, update->name, sizeof(update->name), err);
}

static bool drop_updates(struct postgres_target *target, struct postgres_table *table,
                         struct error *err)
{
    while (table->updates) {
        char sql[64];
        struct prepared_update *update = table->updates;
        snprintf(sql, sizeof(sql), "DEALLOCATE %s", update->name);
        table->updates = update->next;
        free(update);
        if (!postgres_queue_sql(target, PENDING_COMMAND, sql, NO_PARAMS, err))
            return false;
    }
    return true;
}

static struct prepared_update *make_update(struct postgres_target *target,
                                           struct postgres_table *table, const struct tuple *tuple,
                                           struct error *err)
{
    if (table->update_count % MAX_UPDATES == 0 && !drop_updates(target, table, err))
        return NULL;
    struct prepared_update *update = memory_new(sizeof(*update));
    bool *is_unchanged = arena_allocate(table->arena, tuple->count * sizeof(bool));
    for (int i = 0; i < tuple->count; i++)
        is_unchanged[i] = tuple->values[i].kind == VALUE_UNCHANGED;
    update->is_unchanged = is_unchanged;
    if (!prepare_update(target, table, tuple, update, err)) {
        free(update);
        return NULL;
    }
    table->update_count++;
    update->next = table->updates;
    table->updates = update;
    return update;
}

static bool sets_anything(const struct postgres_table *table, const struct tuple *tuple)
{
    for (int i = 0; i < tuple->count; i++)
        if (is_set(table, tuple, i))
            return true;
    return false;
}

static bool update_row(struct postgres_target *target, struct postgres_table *table,
                       const struct tuple *identity, const struct tuple *tuple,
                       enum apply_mode mode, struct error *err)
{
    if (!sets_anything(table, tuple))
        return true;
    struct prepared_update *update = find_update(table, tuple);
    if (!update)
        update = make_update(target, table, tuple, err);
    if (!update)
        return false;
    struct parameters parameters = {.count = 0};
    for (int i = 0; i < tuple->count; i++)
        if (is_set(table, tuple, i))
            add_parameter(&parameters, &tuple->values[i]);
    add_identity(&parameters, table, identity);
    for (int i = 0; i < tuple->count; i++)
        if (is_checked(table, tuple, i))
            add_parameter(&parameters, &tuple->values[i]);
    return postgres_queue_row(target, PENDING_UPDATE, table, mode, update->name, parameters.count,
                              parameters.values, err);
}

/* ---- DELETE ---- */

static bool delete_row(struct postgres_target *target, struct postgres_table *table,
                       const struct tuple *identity, enum pending_kind kind, enum apply_mode mode,
                       struct error *err)
{
    char name[32];
    snprintf(name, sizeof(name), "delete%u", table->number);
    if (!table->has_delete) {
        SCOPED_BUFFER sql;
        byte_buffer_init(&sql, MAX_SQL_BYTES);
        write_format(&sql, "DELETE FROM %s%s", table->only, table->qualified);
        write_where(&sql, table, 1);
        table->has_delete = prepare(target, table, "delete", &sql, name, sizeof(name), err);
        if (!table->has_delete)
            return false;
    }
    struct parameters parameters = {.count = 0};
    add_identity(&parameters, table, identity);
    return postgres_queue_row(target, kind, table, mode, name, parameters.count, parameters.values,
                              err);
}

/* ---- all ---- */

static bool key_missing(const struct target_table *table, struct error *err)
{
    error_stop(err, STOP_KEY_MISSING, "a row of %s came without the values that identify it",
               table->display_name);
    return error_remedy(
        err, "give the source's table a primary key, or ALTER TABLE … REPLICA IDENTITY FULL");
}

static bool is_identified(const struct postgres_table *table, const struct tuple *identity)
{
    const struct target_table *base = &table->base;
    for (int i = 0; i < identity->count; i++)
        if (base->key_count == 0 && identifies(table, i) &&
            identity->values[i].kind == VALUE_UNCHANGED)
            return false;
    for (int i = 0; i < base->key_count; i++)
        if (identity->values[base->keys[i].column].kind == VALUE_UNCHANGED)
            return false;
    return true;
}

/* The tuple that says which row the change meets; NULL if none does. */
static const struct tuple *identity_of(const struct target_table *table,
                                       const struct change *change)
{
    if (change->old_kind != OLD_TUPLE_NONE)
        return &change->old_tuple;
    bool is_full = table->shape->replica_identity == REPLICA_IDENTITY_FULL && table->key_count == 0;
    return change->kind == CHANGE_UPDATE && !is_full ? &change->new_tuple : NULL;
}

static bool same_value(const struct value *left, const struct value *right)
{
    return left->kind == right->kind && bytes_equal((struct bytes){left->data, left->size},
                                                    (struct bytes){right->data, right->size});
}

/* Whether a key column that no UPDATE may set gets another value. */
static bool changes_identity(const struct postgres_table *table, const struct tuple *identity,
                             const struct tuple *tuple)
{
    for (int i = 0; i < table->base.key_count; i++) {
        int column = table->base.keys[i].column;
        if (table->is_identity[column] &&
            !same_value(&identity->values[column], &tuple->values[column]))
            return true;
    }
    return false;
}

/* A new key where the server refuses to update it: the row goes and comes again. */
static bool replace_row(struct postgres_target *target, struct postgres_table *table,
                        const struct change *change, enum apply_mode mode, struct error *err)
{
    for (int i = 0; i < change->new_tuple.count; i++) {
        if (change->new_tuple.values[i].kind != VALUE_UNCHANGED)
            continue;
        error_stop(err, STOP_VALUE_UNKNOWN, "a row of %s gets a new key, and its %s was not sent",
                   table->base.display_name, table->base.shape->columns[i].name);
        return error_remedy(err,
                            "ALTER TABLE %s ALTER COLUMN … SET GENERATED BY DEFAULT; on the "
                            "target, then start again",
                            table->qualified);
    }
    return delete_row(target, table, &change->old_tuple, PENDING_DELETE, mode, err) &&
           insert_row(target, table, &change->new_tuple, mode, err);
}

bool postgres_apply_row(struct target *base, struct target_table *table,
                        const struct change *change, enum apply_mode mode, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    struct postgres_table *mine = (struct postgres_table *)table;
    if (change->kind == CHANGE_INSERT)
        return insert_row(target, mine, &change->new_tuple, mode, err);
    const struct tuple *identity = identity_of(table, change);
    if (!identity || !is_identified(mine, identity))
        return key_missing(table, err);
    if (change->kind == CHANGE_UPDATE && mine->has_identity_key &&
        changes_identity(mine, identity, &change->new_tuple))
        return replace_row(target, mine, change, mode, err);
    if (change->kind == CHANGE_DELETE)
        return delete_row(target, mine, identity, PENDING_DELETE, mode, err);
    return update_row(target, mine, identity, &change->new_tuple, mode, err);
}

static bool apply_set_row(struct postgres_target *target, const struct row_set *set,
                          const struct tuple *tuple, struct error *err)
{
    struct postgres_table *table = (struct postgres_table *)set->table;
    switch (set->kind) {
    case ROW_SET_INSERT:
        return insert_row(target, table, tuple, APPLY_FAST, err);
    case ROW_SET_UPDATE:
        return update_row(target, table, tuple, tuple, APPLY_FAST, err);
    case ROW_SET_DELETE:
        return delete_row(target, table, tuple, PENDING_DELETE, APPLY_FAST, err);
    case ROW_SET_DELETE_UNSEEN:
        return delete_row(target, table, tuple, PENDING_DELETE_UNSEEN, APPLY_FAST, err);
    }
    return true;
}

bool postgres_apply_set_rows(struct postgres_target *target, const struct row_set *set,
                             struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        struct tuple tuple;
        const uint8_t *at = set->tuples[i].data;
        if (!tuple_read(&at, at + set->tuples[i].size, target->values.new_values, &tuple))
            return error_set(err, ERROR_FATAL, "a row in the batch is malformed");
        if (!apply_set_row(target, set, &tuple, err))
            return false;
    }
    return true;
}

bool postgres_truncate(struct target *base, struct target_table *const *tables, size_t count,
                       bool is_restart_identity, struct error *err)
{
    struct postgres_target *target = postgres_target_of(base);
    SCOPED_BUFFER sql;
    byte_buffer_init(&sql, MAX_SQL_BYTES);
    for (size_t i = 0; i < count; i++) {
        const struct postgres_table *table = (const struct postgres_table *)tables[i];
        write_format(&sql, "%s%s%s", i > 0 ? ", " : "TRUNCATE ", table->only, table->qualified);
        tables[i]->counts.truncated++;
    }
    write_text(&sql, is_restart_identity ? " RESTART IDENTITY" : "");
    return postgres_queue_sql(target, PENDING_COMMAND, byte_buffer_text(&sql), NO_PARAMS, err);
}
