/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pgoutput on frames that a real server sent. */
#include "capture/pgoutput.h"

#include "tests/unit/capture/pgoutput_support.h"

/* 2024-01-01, before any recording, in microseconds since 1970. */
#define US_2024 INT64_C(1704067200000000)

static void assert_tuple(const struct tuple *tuple, const char *expected)
{
    char text[8192];
    assert_string_equal(scene_text(tuple, text, sizeof(text)), expected);
}

static void assert_column(const struct column *column, const char *name, uint32_t type_oid,
                          int32_t type_modifier, bool is_key)
{
    assert_string_equal(column->name, name);
    assert_int_equal(column->type_oid, type_oid);
    assert_int_equal(column->type_modifier, type_modifier);
    assert_int_equal(column->is_key, is_key);
    assert_string_equal(column->type_sql, "");
}

static void begin_and_commit_name_the_same_lsn(void **state)
{
    (void)state;
    SCOPED_FRAME begin = read_golden("begin");
    assert_true(begin.is_decoded);
    assert_int_equal(begin.message.kind, PGOUTPUT_BEGIN);
    assert_true(begin.message.begin.final_lsn > 0);
    assert_true(begin.message.begin.commit_time_us > US_2024);
    assert_true(begin.message.begin.xid > 0);
    SCOPED_FRAME commit = read_golden("commit");
    assert_true(commit.is_decoded);
    assert_int_equal(commit.message.kind, PGOUTPUT_COMMIT);
    assert_true(commit.message.commit.commit_lsn == begin.message.begin.final_lsn);
    assert_true(commit.message.commit.end_lsn > commit.message.commit.commit_lsn);
    assert_true(commit.message.commit.commit_time_us == begin.message.begin.commit_time_us);
}

static void an_origin_brings_its_own_lsn_and_time(void **state)
{
    (void)state;
    SCOPED_FRAME origin = read_golden("origin");
    assert_true(origin.is_decoded);
    assert_int_equal(origin.message.kind, PGOUTPUT_ORIGIN);
    assert_true(origin.message.origin.commit_lsn == UINT64_C(0xA00000001));
    assert_string_equal(origin.message.origin.name, "afar");
    SCOPED_FRAME begin = read_golden("begin_origin");
    assert_true(begin.message.begin.commit_time_us == INT64_C(1577836800000000));
}

static void a_relation_has_names_types_and_key(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("relation");
    assert_true(frame.is_decoded);
    const struct pgoutput_relation *relation = &frame.message.relation;
    assert_int_equal(frame.message.kind, PGOUTPUT_RELATION);
    assert_true(relation->oid >= 16384);
    assert_string_equal(relation->schema, "public");
    assert_string_equal(relation->name, "orders");
    assert_int_equal(relation->replica_identity, REPLICA_IDENTITY_DEFAULT);
    assert_int_equal(relation->column_count, 4);
    assert_column(&relation->columns[0], "id", 20, -1, true);
    assert_column(&relation->columns[1], "name", 25, -1, false);
    assert_column(&relation->columns[2], "price", 1700, (12 << 16 | 2) + 4, false);
    assert_column(&relation->columns[3], "note", 1043, 20 + 4, false);
}

static void a_full_identity_has_all_columns_as_key(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("relation_full");
    const struct pgoutput_relation *relation = &frame.message.relation;
    assert_true(frame.is_decoded);
    assert_int_equal(relation->replica_identity, REPLICA_IDENTITY_FULL);
    assert_int_equal(relation->column_count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(relation->columns[i].is_key);
}

static void an_identity_by_index_has_the_columns_of_the_index_as_key(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("relation_index");
    const struct pgoutput_relation *relation = &frame.message.relation;
    assert_true(frame.is_decoded);
    assert_int_equal(relation->replica_identity, REPLICA_IDENTITY_INDEX);
    assert_column(&relation->columns[0], "a", 23, -1, false);
    assert_column(&relation->columns[1], "b", 23, -1, true);
    assert_column(&relation->columns[2], "c", 25, -1, false);
}

static void names_come_as_they_are_without_quotes(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("relation_quoted");
    assert_true(frame.is_decoded);
    assert_string_equal(frame.message.relation.schema, "Größe");
    assert_string_equal(frame.message.relation.name, "a \"b");
    assert_string_equal(frame.message.relation.columns[0].name, "Spalte 1");
}

static void a_table_without_columns_is_a_table(void **state)
{
    (void)state;
    SCOPED_FRAME relation = read_golden("relation_empty");
    assert_true(relation.is_decoded);
    assert_int_equal(relation.message.relation.column_count, 0);
    SCOPED_FRAME insert = read_golden("insert_empty");
    assert_true(insert.is_decoded);
    assert_int_equal(insert.message.row.change.new_tuple.count, 0);
}

static void an_enum_is_announced_by_its_own_name(void **state)
{
    (void)state;
    SCOPED_FRAME type = read_golden("type_enum");
    assert_true(type.is_decoded);
    assert_int_equal(type.message.kind, PGOUTPUT_TYPE);
    assert_string_equal(type.message.type.schema, "public");
    assert_string_equal(type.message.type.name, "mood");
    uint32_t oid = type.message.type.oid;
    SCOPED_FRAME relation = read_golden("relation_typed");
    assert_true(relation.is_decoded);
    assert_int_equal(relation.message.relation.columns[1].type_oid, oid);
}

static void a_domain_is_announced_by_the_name_of_its_base_type(void **state)
{
    (void)state;
    SCOPED_FRAME type = read_golden("type_domain");
    assert_true(type.is_decoded);
    assert_true(type.message.type.oid >= 16384);
    assert_string_equal(type.message.type.schema, "pg_catalog");
    assert_string_equal(type.message.type.name, "numeric");
}

static void an_insert_has_a_new_row_of_texts(void **state)
{
    (void)state;
    SCOPED_FRAME relation = read_golden("relation");
    uint32_t oid = relation.message.relation.oid;
    SCOPED_FRAME frame = read_golden("insert");
    const struct pgoutput_row *row = &frame.message.row;
    assert_true(frame.is_decoded);
    assert_int_equal(frame.message.kind, PGOUTPUT_INSERT);
    assert_int_equal(row->oid, oid);
    assert_int_equal(row->change.kind, CHANGE_INSERT);
    assert_int_equal(row->change.old_kind, OLD_TUPLE_NONE);
    assert_tuple(&row->change.new_tuple, "7,Zoë,12.50,-");
    SCOPED_FRAME nan = read_golden("insert_nan");
    assert_tuple(&nan.message.row.change.new_tuple, "2,NaN");
}

static void an_update_without_key_change_has_no_old_row(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("update");
    const struct change *change = &frame.message.row.change;
    assert_true(frame.is_decoded);
    assert_int_equal(change->kind, CHANGE_UPDATE);
    assert_int_equal(change->old_kind, OLD_TUPLE_NONE);
    assert_tuple(&change->new_tuple, "7,Zoë,12.50,");
    assert_int_equal(change->new_tuple.values[3].kind, VALUE_TEXT);
}

static void a_key_change_has_the_old_key_in_full_width(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("update_key");
    const struct change *change = &frame.message.row.change;
    assert_true(frame.is_decoded);
    assert_int_equal(change->old_kind, OLD_TUPLE_KEY);
    assert_tuple(&change->old_tuple, "7,-,-,-");
    assert_tuple(&change->new_tuple, "8,Zoë,12.50,");
}

static void an_old_key_by_index_holds_the_columns_of_the_index(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("update_index");
    const struct change *change = &frame.message.row.change;
    assert_true(frame.is_decoded);
    assert_int_equal(change->old_kind, OLD_TUPLE_KEY);
    assert_tuple(&change->old_tuple, "-,2,-");
    assert_tuple(&change->new_tuple, "-,3,x");
}

static void an_unchanged_value_is_neither_null_nor_empty(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("update_unchanged");
    assert_true(frame.is_decoded);
    assert_int_equal(frame.message.row.change.old_kind, OLD_TUPLE_NONE);
    assert_tuple(&frame.message.row.change.new_tuple, "1,?,b");
    SCOPED_FRAME key = read_golden("update_key_unchanged");
    assert_true(key.is_decoded);
    assert_tuple(&key.message.row.change.old_tuple, "1,-,-");
    assert_tuple(&key.message.row.change.new_tuple, "2,?,b");
}

static void an_unchanged_value_comes_from_the_old_row_where_that_is_whole(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_golden("update_full_unchanged");
    const struct change *change = &frame.message.row.change;
    assert_true(frame.is_decoded);
    assert_int_equal(change->old_kind, OLD_TUPLE_FULL);
    const struct value *old = &change->old_tuple.values[1];
    const struct value *new = &change->new_tuple.values[1];
    assert_int_equal(old->kind, VALUE_TEXT);
    assert_int_equal(old->size, 3200);
    assert_int_equal(new->kind, VALUE_TEXT);
    assert_true(
        bytes_equal((struct bytes){old->data, old->size}, (struct bytes){new->data, new->size}));
}

static void a_delete_has_the_key_or_the_whole_row(void **state)
{
    (void)state;
    SCOPED_FRAME key = read_golden("delete_key");
    assert_true(key.is_decoded);
    assert_int_equal(key.message.row.change.kind, CHANGE_DELETE);
    assert_int_equal(key.message.row.change.old_kind, OLD_TUPLE_KEY);
    assert_tuple(&key.message.row.change.old_tuple, "8,-,-,-");
    SCOPED_FRAME full = read_golden("delete_full");
    assert_true(full.is_decoded);
    assert_int_equal(full.message.row.change.old_kind, OLD_TUPLE_FULL);
    assert_int_equal(full.message.row.change.old_tuple.values[1].size, 3200);
}

static void a_truncate_lists_its_tables_and_its_flags(void **state)
{
    (void)state;
    SCOPED_FRAME plain = read_golden("truncate");
    assert_true(plain.is_decoded);
    assert_int_equal(plain.message.truncate.count, 2);
    assert_int_equal(plain.message.truncate.oids.size, 8);
    assert_false(plain.message.truncate.is_cascade);
    assert_false(plain.message.truncate.is_restart_identity);
    SCOPED_FRAME flags = read_golden("truncate_cascade_restart");
    assert_true(flags.is_decoded);
    assert_int_equal(flags.message.truncate.count, 1);
    assert_true(flags.message.truncate.is_cascade);
    assert_true(flags.message.truncate.is_restart_identity);
}

static void a_logical_message_says_whether_it_belongs_to_a_transaction(void **state)
{
    (void)state;
    SCOPED_FRAME inside = read_golden("message");
    assert_true(inside.is_decoded);
    assert_true(inside.message.logical.is_transactional);
    assert_true(inside.message.logical.lsn > 0);
    assert_string_equal(inside.message.logical.prefix, "penstock");
    assert_int_equal(inside.message.logical.content.size, 0);
    SCOPED_FRAME outside = read_golden("message_at_once");
    assert_true(outside.is_decoded);
    assert_false(outside.message.logical.is_transactional);
    assert_string_equal(outside.message.logical.prefix, "other");
    assert_int_equal(outside.message.logical.content.size, 7);
    assert_memory_equal(outside.message.logical.content.data, "at once", 7);
}

/* ---- all of them ---- */

static void what_was_decoded_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        SCOPED_FRAME frame = read_golden(golden_names[i]);
        SCOPED_BUFFER again;
        byte_buffer_init(&again, SIZE_MAX);
        pgoutput_encode(&again, &frame.message);
        if (strcmp(golden_names[i], "update_full_unchanged") == 0) {
            assert_int_equal(again.size, frame.size + 4 + 3200);
            continue;
        }
        assert_int_equal(again.size, frame.size);
        assert_memory_equal(again.data, frame.data, frame.size);
    }
}

static void a_frame_cut_off_at_any_byte_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        SCOPED_FRAME whole = read_golden(golden_names[i]);
        for (size_t size = 0; size < whole.size; size++) {
            SCOPED_FRAME cut = {.data = malloc(size ? size : 1), .size = size};
            memcpy(cut.data, whole.data, size);
            decode_frame(&cut);
            if (cut.is_decoded || cut.err.stop != STOP_PROTOCOL_ERROR)
                fail_msg("%s, cut off after %zu bytes, was decoded", golden_names[i], size);
        }
    }
}

static void a_byte_too_many_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        SCOPED_FRAME whole = read_golden(golden_names[i]);
        SCOPED_FRAME longer = {.data = malloc(whole.size + 1), .size = whole.size + 1};
        memcpy(longer.data, whole.data, whole.size);
        longer.data[whole.size] = 0;
        decode_frame(&longer);
        assert_false(longer.is_decoded);
        assert_int_equal(longer.err.stop, STOP_PROTOCOL_ERROR);
        assert_true(longer.err.remedy[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_and_commit_name_the_same_lsn),
        cmocka_unit_test(an_origin_brings_its_own_lsn_and_time),
        cmocka_unit_test(a_relation_has_names_types_and_key),
        cmocka_unit_test(a_full_identity_has_all_columns_as_key),
        cmocka_unit_test(an_identity_by_index_has_the_columns_of_the_index_as_key),
        cmocka_unit_test(names_come_as_they_are_without_quotes),
        cmocka_unit_test(a_table_without_columns_is_a_table),
        cmocka_unit_test(an_enum_is_announced_by_its_own_name),
        cmocka_unit_test(a_domain_is_announced_by_the_name_of_its_base_type),
        cmocka_unit_test(an_insert_has_a_new_row_of_texts),
        cmocka_unit_test(an_update_without_key_change_has_no_old_row),
        cmocka_unit_test(a_key_change_has_the_old_key_in_full_width),
        cmocka_unit_test(an_old_key_by_index_holds_the_columns_of_the_index),
        cmocka_unit_test(an_unchanged_value_is_neither_null_nor_empty),
        cmocka_unit_test(an_unchanged_value_comes_from_the_old_row_where_that_is_whole),
        cmocka_unit_test(a_delete_has_the_key_or_the_whole_row),
        cmocka_unit_test(a_truncate_lists_its_tables_and_its_flags),
        cmocka_unit_test(a_logical_message_says_whether_it_belongs_to_a_transaction),
        cmocka_unit_test(what_was_decoded_encodes_to_the_same_bytes),
        cmocka_unit_test(a_frame_cut_off_at_any_byte_is_refused),
        cmocka_unit_test(a_byte_too_many_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
