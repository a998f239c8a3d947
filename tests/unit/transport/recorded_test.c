/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of R: its bytes, its states, what it lets be confirmed. */
#include "transport/recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char tables[] = "16384 0123 \"public\".\"orders\"\n";

static const struct recorded full = {
    .state = RECORDED_STREAMING,
    .position = {UINT32_MAX, UINT64_C(0x8000000000000001), UINT64_MAX, 3},
    .end_lsn = UINT64_C(0x8000000000000009),
    .acked_lsn = 0x100,
    .system_id = UINT64_C(7000000000000000001),
    .timeline = 2,
    .slot = "penstock_shop",
    .publication = "0123456789abcdef0123456789abcdef",
    .routing = "pgoutput-1-messages",
    .commit_time_us = -1,
    .tables = tables};

static void written(struct byte_buffer *buffer, const struct recorded *recorded)
{
    byte_buffer_init(buffer, SIZE_MAX);
    recorded_write(buffer, recorded);
}

static void r_is_read_as_it_was_written(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {0};
    struct error err;
    written(&bytes, &full);
    assert_true(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
    assert_int_equal(found.state, full.state);
    assert_int_equal(position_compare(&found.position, &full.position), 0);
    assert_true(found.end_lsn == full.end_lsn && found.acked_lsn == full.acked_lsn);
    assert_true(found.system_id == full.system_id && found.commit_time_us == -1);
    assert_int_equal(found.timeline, 2);
    assert_string_equal(found.slot, full.slot);
    assert_string_equal(found.publication, full.publication);
    assert_string_equal(found.routing, full.routing);
    assert_string_equal(found.tables, tables);
    recorded_release(&found);
    assert_null(found.tables);
}

static void what_was_read_takes_the_place_of_what_was_there(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {0};
    struct recorded empty = {0};
    struct error err;
    recorded_assign(&found, &full);
    written(&bytes, &empty);
    assert_true(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
    assert_int_equal(found.state, RECORDED_NONE);
    assert_string_equal(found.tables, "");
    recorded_release(&found);
}

static void r_cut_off_at_any_byte_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {.timeline = 7};
    struct error err;
    written(&bytes, &full);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, bytes.data, size);
        assert_false(recorded_read((struct bytes){copy, size}, &found, &err));
        assert_int_equal(err.kind, ERROR_FATAL);
        free(copy);
    }
    assert_int_equal(found.timeline, 7);
    assert_null(found.tables);
}

static void bytes_behind_r_are_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {0};
    struct error err;
    written(&bytes, &full);
    write_u8(&bytes, 0);
    assert_false(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
}

static void a_newer_version_stops_by_name(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {0};
    struct error err;
    written(&bytes, &full);
    bytes.data[3] = RECORDED_VERSION + 1;
    assert_false(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
    assert_int_equal(err.stop, STOP_STATE_NEWER);
    assert_true(err.remedy[0]);
    write_u8(&bytes, 0);
    assert_false(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
    assert_int_equal(err.stop, STOP_STATE_NEWER);
}

static void an_unknown_state_is_refused(void **state)
{
    (void)state;
    SCOPED_BUFFER bytes;
    struct recorded found = {0};
    struct error err;
    written(&bytes, &full);
    bytes.data[7] = RECORDED_STREAMING + 1;
    assert_false(recorded_read((struct bytes){bytes.data, bytes.size}, &found, &err));
    assert_int_equal(err.kind, ERROR_FATAL);
}

static void a_name_longer_than_its_field_is_refused(void **state)
{
    (void)state;
    enum { SLOT_SIZE = 13 };
    SCOPED_BUFFER bytes;
    SCOPED_BUFFER longer;
    struct recorded found = {0};
    struct error err;
    written(&bytes, &full);
    const uint8_t *slot = memmem(bytes.data, bytes.size, full.slot, SLOT_SIZE);
    assert_non_null(slot);
    size_t before = (size_t)(slot - bytes.data);
    byte_buffer_init(&longer, SIZE_MAX);
    write_bytes(&longer, bytes.data, before);
    for (int i = 0; i < RECORDED_NAME_SIZE; i++)
        write_u8(&longer, 'x');
    write_bytes(&longer, slot + SLOT_SIZE, bytes.size - before - SLOT_SIZE);
    assert_false(recorded_read((struct bytes){longer.data, longer.size}, &found, &err));
}

static void a_copy_owns_its_list_of_tables(void **state)
{
    (void)state;
    struct recorded one = {0};
    struct recorded two = {0};
    recorded_assign(&one, &full);
    recorded_assign(&two, &one);
    assert_ptr_not_equal(one.tables, two.tables);
    recorded_release(&one);
    assert_string_equal(two.tables, tables);
    recorded_assign(&two, &two);
    assert_string_equal(two.tables, tables);
    recorded_release(&two);
    recorded_release(&two);
}

static void the_later_of_the_two_lsns_may_be_confirmed(void **state)
{
    (void)state;
    struct recorded recorded = {.end_lsn = 1, .acked_lsn = 2};
    assert_true(recorded_confirmable(&recorded) == 2);
    recorded.end_lsn = UINT64_C(0x8000000000000000);
    assert_true(recorded_confirmable(&recorded) == UINT64_C(0x8000000000000000));
}

static void a_state_reads_as_a_word_and_back(void **state)
{
    (void)state;
    for (int i = RECORDED_CREATING; i <= RECORDED_STREAMING; i++) {
        enum recorded_state found = RECORDED_NONE;
        assert_true(recorded_state_parse(recorded_state_text((enum recorded_state)i), &found));
        assert_int_equal(found, i);
    }
    enum recorded_state kept = RECORDED_COPYING;
    assert_string_equal(recorded_state_text(RECORDED_NONE), "none");
    assert_false(recorded_state_parse("none", &kept));
    assert_false(recorded_state_parse("", &kept));
    assert_false(recorded_state_parse("streaming ", &kept));
    assert_int_equal(kept, RECORDED_COPYING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r_is_read_as_it_was_written),
        cmocka_unit_test(what_was_read_takes_the_place_of_what_was_there),
        cmocka_unit_test(r_cut_off_at_any_byte_is_refused_and_changes_nothing),
        cmocka_unit_test(bytes_behind_r_are_refused),
        cmocka_unit_test(a_newer_version_stops_by_name),
        cmocka_unit_test(an_unknown_state_is_refused),
        cmocka_unit_test(a_name_longer_than_its_field_is_refused),
        cmocka_unit_test(a_copy_owns_its_list_of_tables),
        cmocka_unit_test(the_later_of_the_two_lsns_may_be_confirmed),
        cmocka_unit_test(a_state_reads_as_a_word_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
