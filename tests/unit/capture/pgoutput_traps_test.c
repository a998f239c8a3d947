/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pgoutput on frames made by hand: what its decoder must not believe, mix up or overlook. */
#include "tests/unit/capture/pgoutput_support.h"

/* Pieces of frames, as digits. */
#define OID      "00004009"
#define ONE_TEXT "0001 74 00000001 31" /* a tuple of one column: "1" */
#define ONE_NULL "0001 6e"

static void assert_stops(const char *hex, enum stop stop, const char *why)
{
    SCOPED_FRAME frame = read_hex(hex);
    assert_false(frame.is_decoded);
    assert_int_equal(frame.err.kind, ERROR_STOP);
    assert_int_equal(frame.err.stop, stop);
    if (!strstr(frame.err.message, why))
        fail_msg("\"%s\" doesn't say \"%s\"", frame.err.message, why);
    assert_true(frame.err.remedy[0]);
}

static void assert_refused(const char *hex, const char *why)
{
    assert_stops(hex, STOP_PROTOCOL_ERROR, why);
}

static void numbers_are_big_endian_and_time_counts_from_2000(void **state)
{
    (void)state;
    SCOPED_FRAME begin = read_hex("42 8000000000000001 0000000000000001 fffffffe");
    assert_true(begin.is_decoded);
    assert_true(begin.message.begin.final_lsn == UINT64_C(0x8000000000000001));
    assert_true(begin.message.begin.commit_time_us == INT64_C(946684800000001));
    assert_true(begin.message.begin.xid == UINT32_C(0xfffffffe));
    SCOPED_FRAME before_2000 = read_hex("42 0000000000000001 ffffffffffffffff 00000001");
    assert_true(before_2000.message.begin.commit_time_us == INT64_C(946684799999999));
}

static void a_begin_at_lsn_0_is_refused(void **state)
{
    (void)state;
    assert_refused("42 0000000000000000 0000000000000001 00000001", "LSN is 0");
}

static void a_commit_with_flags_or_before_its_begin_is_refused(void **state)
{
    (void)state;
    assert_refused("43 01 0000000000000001 0000000000000002 0000000000000000", "flags");
    assert_refused("43 00 0000000000000002 0000000000000001 0000000000000000", "before it commits");
}

static void an_unknown_message_is_refused(void **state)
{
    (void)state;
    assert_refused("", "cut off");
    assert_refused("00", "unknown message");
    assert_refused("5a 00000001", "unknown message");
    assert_refused("ff", "unknown message");
}

/* Top-level K and r are of protocol 3, S E c A of protocol 2: nobody asked for them. */
static void messages_of_later_protocols_are_refused(void **state)
{
    (void)state;
    static const char *const kinds[] = {"53", "45", "63", "41", "62", "50", "4b", "72", "70"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char hex[64];
        snprintf(hex, sizeof(hex), "%s 00000001 01 0001", kinds[i]);
        assert_refused(hex, "unknown message");
    }
}

static void an_origin_inside_a_row_is_an_old_row(void **state)
{
    (void)state;
    SCOPED_FRAME origin = read_hex("4f 0000000000000001 6100");
    assert_true(origin.is_decoded);
    assert_int_equal(origin.message.kind, PGOUTPUT_ORIGIN);
    SCOPED_FRAME full = read_hex("44" OID "4f" ONE_TEXT);
    assert_true(full.is_decoded);
    assert_int_equal(full.message.row.change.old_kind, OLD_TUPLE_FULL);
    SCOPED_FRAME key = read_hex("44" OID "4b" ONE_TEXT);
    assert_true(key.is_decoded);
    assert_int_equal(key.message.row.change.old_kind, OLD_TUPLE_KEY);
}

static void a_relation_without_schema_is_of_pg_catalog(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_hex("52" OID "00 6100 64 0000");
    assert_true(frame.is_decoded);
    assert_string_equal(frame.message.relation.schema, "pg_catalog");
}

static void an_unknown_replica_identity_is_refused(void **state)
{
    (void)state;
    assert_refused("52" OID "6100 6200 78 0000", "replica identity");
    assert_refused("52" OID "6100 6200 00 0000", "replica identity");
}

static void unknown_flags_of_a_column_are_refused(void **state)
{
    (void)state;
    assert_refused("52" OID "6100 6200 64 0001 02 6300 00000017 ffffffff", "column flags");
    assert_refused("52" OID "6100 6200 64 0001 81 6300 00000017 ffffffff", "column flags");
}

static void a_relation_of_more_columns_than_postgresql_has_is_refused(void **state)
{
    (void)state;
    assert_refused("52" OID "6100 6200 64 0681", "too many columns");
    assert_refused("52" OID "6100 6200 64 ffff", "too many columns");
}

static void a_row_of_more_columns_than_postgresql_has_is_refused(void **state)
{
    (void)state;
    assert_refused("49" OID "4e 0681 6e", "too many columns");
    assert_refused("44" OID "4b ffff 6e", "too many columns");
    assert_refused("55" OID "4f 8000 6e", "too many columns");
}

static void a_row_of_the_most_columns_is_read(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    byte_buffer_init(&bytes, SIZE_MAX);
    write_u8(&bytes, 'I');
    write_u32(&bytes, 16393);
    write_u8(&bytes, 'N');
    write_u16(&bytes, TABLE_MAX_COLUMNS);
    for (int i = 0; i < TABLE_MAX_COLUMNS; i++)
        write_u8(&bytes, 'n');
    struct pgoutput_message message;
    struct error err;
    assert_true(pgoutput_decode(&decoder, (struct bytes){bytes.data, bytes.size}, &message, &err));
    assert_int_equal(message.row.change.new_tuple.count, TABLE_MAX_COLUMNS);
}

static void an_unknown_kind_of_value_is_refused(void **state)
{
    (void)state;
    assert_refused("49" OID "4e 0001 78 00000001 31", "kind of value");
    assert_refused("49" OID "4e 0001 00", "kind of value");
}

static void text_and_binary_may_mix_in_one_row(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_hex("49" OID "4e 0003 74 00000001 31 62 00000002 0001 6e");
    assert_true(frame.is_decoded);
    const struct value *values = frame.message.row.change.new_tuple.values;
    assert_int_equal(values[0].kind, VALUE_TEXT);
    assert_int_equal(values[1].kind, VALUE_BINARY);
    assert_int_equal(values[1].size, 2);
    assert_int_equal(values[2].kind, VALUE_NULL);
}

static void a_value_longer_than_its_frame_is_refused(void **state)
{
    (void)state;
    assert_refused("49" OID "4e 0001 74 00000002 31", "cut off");
    assert_refused("49" OID "4e 0001 74 7fffffff 31", "cut off");
    assert_refused("49" OID "4e 0001 74 ffffffff 31", "cut off");
}

static void a_value_longer_than_the_limit_is_refused(void **state)
{
    (void)state;
    decoder.max_row_bytes = 3;
    SCOPED_FRAME fits = read_hex("49" OID "4e 0001 74 00000003 313131");
    assert_true(fits.is_decoded);
    assert_stops("49" OID "4e 0001 74 00000004 31313131", STOP_ROW_TOO_LONG,
                 "limits.max_row_bytes");
    assert_stops("49" OID "4e 0001 62 ffffffff", STOP_ROW_TOO_LONG, "limits.max_row_bytes");
    decoder.max_row_bytes = 0;
}

static void a_row_whose_values_are_longer_in_sum_than_the_limit_is_refused(void **state)
{
    (void)state;
    decoder.max_row_bytes = 3;
    SCOPED_FRAME fits = read_hex("49" OID "4e 0003 74 00000002 3131 6e 74 00000001 31");
    assert_true(fits.is_decoded);
    assert_stops("49" OID "4e 0002 74 00000002 3131 74 00000002 3131", STOP_ROW_TOO_LONG,
                 "limits.max_row_bytes");
    SCOPED_FRAME both = read_hex("55" OID "4f 0001 74 00000003 313131 4e 0001 74 00000003 323232");
    assert_true(both.is_decoded);
    assert_stops("55" OID "4f 0002 74 00000002 3131 74 00000002 3131 4e 0002 6e 6e",
                 STOP_ROW_TOO_LONG, "limits.max_row_bytes");
    decoder.max_row_bytes = 0;
}

static void an_insert_with_an_unchanged_value_is_refused(void **state)
{
    (void)state;
    assert_refused("49" OID "4e 0001 75", "unchanged");
}

static void an_insert_with_an_old_row_is_refused(void **state)
{
    (void)state;
    assert_refused("49" OID "4b" ONE_TEXT "4e" ONE_TEXT, "new tuple expected");
}

static void an_update_without_a_new_row_is_refused(void **state)
{
    (void)state;
    assert_refused("55" OID "4b" ONE_TEXT, "cut off");
    assert_refused("55" OID "4b" ONE_TEXT "4b" ONE_TEXT, "new tuple expected");
    assert_refused("55" OID "58" ONE_TEXT, "new tuple expected");
}

static void a_delete_with_a_new_row_is_refused(void **state)
{
    (void)state;
    assert_refused("44" OID "4e" ONE_TEXT, "old tuple expected");
    assert_refused("44" OID "4b" ONE_TEXT "4e" ONE_TEXT, "left over");
}

static void rows_of_different_width_are_refused(void **state)
{
    (void)state;
    assert_refused("55" OID "4f 0002 6e 6e 4e" ONE_NULL, "width");
    assert_refused("55" OID "4b" ONE_NULL "4e 0002 6e 6e", "width");
}

static void an_unchanged_value_is_not_taken_from_an_old_key(void **state)
{
    (void)state;
    SCOPED_FRAME key = read_hex("55" OID "4b 0002 74 00000001 31 6e"
                                "4e 0002 74 00000001 32 75");
    assert_true(key.is_decoded);
    assert_int_equal(key.message.row.change.new_tuple.values[1].kind, VALUE_UNCHANGED);
    SCOPED_FRAME full = read_hex("55" OID "4f 0002 74 00000001 31 6e"
                                 "4e 0002 74 00000001 32 75");
    assert_true(full.is_decoded);
    assert_int_equal(full.message.row.change.new_tuple.values[1].kind, VALUE_NULL);
}

static void a_truncate_of_too_many_tables_is_refused(void **state)
{
    (void)state;
    assert_refused("54 000186a1 00", "too many tables");
    assert_refused("54 ffffffff 00", "too many tables");
    assert_refused("54 40000000 00", "too many tables");
    assert_refused("54 00000002 00 00004009", "cut off");
}

static void unknown_flags_of_a_truncate_or_a_message_are_refused(void **state)
{
    (void)state;
    assert_refused("54 00000001 04 00004009", "flags");
    assert_refused("4d 02 0000000000000001 6100 00000000", "flags");
}

static void a_logical_message_longer_than_its_frame_is_refused(void **state)
{
    (void)state;
    assert_refused("4d 01 0000000000000001 6100 00000002 31", "cut off");
    assert_refused("4d 01 0000000000000001 6100 ffffffff 31", "cut off");
}

static void a_string_without_end_is_refused(void **state)
{
    (void)state;
    assert_refused("4f 0000000000000001 616263", "cut off");
    assert_refused("52" OID "6100 62626262", "cut off");
    assert_refused("59" OID "6100 62626262", "cut off");
    assert_refused("4d 01 0000000000000001 616263", "cut off");
}

static void a_refusal_shows_the_kind_but_no_value(void **state)
{
    (void)state;
    SCOPED_FRAME frame = read_hex("49" OID "4e 0001 74 00000006 736563726574 00");
    assert_false(frame.is_decoded);
    assert_non_null(strstr(frame.err.message, "'I'"));
    assert_null(strstr(frame.err.message, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian_and_time_counts_from_2000),
        cmocka_unit_test(a_begin_at_lsn_0_is_refused),
        cmocka_unit_test(a_commit_with_flags_or_before_its_begin_is_refused),
        cmocka_unit_test(an_unknown_message_is_refused),
        cmocka_unit_test(messages_of_later_protocols_are_refused),
        cmocka_unit_test(an_origin_inside_a_row_is_an_old_row),
        cmocka_unit_test(a_relation_without_schema_is_of_pg_catalog),
        cmocka_unit_test(an_unknown_replica_identity_is_refused),
        cmocka_unit_test(unknown_flags_of_a_column_are_refused),
        cmocka_unit_test(a_relation_of_more_columns_than_postgresql_has_is_refused),
        cmocka_unit_test(a_row_of_more_columns_than_postgresql_has_is_refused),
        cmocka_unit_test(a_row_of_the_most_columns_is_read),
        cmocka_unit_test(an_unknown_kind_of_value_is_refused),
        cmocka_unit_test(text_and_binary_may_mix_in_one_row),
        cmocka_unit_test(a_value_longer_than_its_frame_is_refused),
        cmocka_unit_test(a_value_longer_than_the_limit_is_refused),
        cmocka_unit_test(a_row_whose_values_are_longer_in_sum_than_the_limit_is_refused),
        cmocka_unit_test(an_insert_with_an_unchanged_value_is_refused),
        cmocka_unit_test(an_insert_with_an_old_row_is_refused),
        cmocka_unit_test(an_update_without_a_new_row_is_refused),
        cmocka_unit_test(a_delete_with_a_new_row_is_refused),
        cmocka_unit_test(rows_of_different_width_are_refused),
        cmocka_unit_test(an_unchanged_value_is_not_taken_from_an_old_key),
        cmocka_unit_test(a_truncate_of_too_many_tables_is_refused),
        cmocka_unit_test(unknown_flags_of_a_truncate_or_a_message_are_refused),
        cmocka_unit_test(a_logical_message_longer_than_its_frame_is_refused),
        cmocka_unit_test(a_string_without_end_is_refused),
        cmocka_unit_test(a_refusal_shows_the_kind_but_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
