/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the comparison of what is published with R, as far as it asks the server nothing. */
#include "capture/publication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "capture/oids.h"

enum { TABLES = 20000, FIRST_OID = 16384 };

static const struct publication_options OPTIONS = {.name = "one"};

/* Tables whose OIDs are in another order than their names, as in a database that has lived. */
static struct published many_tables(void)
{
    struct published published = {
        .arena = arena_new(64 * 1024), .count = TABLES, .name_count = 1, .fingerprint = "same"};
    published.tables = arena_allocate(published.arena, TABLES * sizeof(*published.tables));
    for (size_t i = 0; i < TABLES; i++) {
        char name[32];
        snprintf(name, sizeof(name), "t%05zu", i);
        published.tables[i] =
            (struct published_table){.oid = (uint32_t)(FIRST_OID + i * 7919 % TABLES),
                                     .schema = "public",
                                     .name = arena_copy_string(published.arena, name),
                                     .fingerprint = "-"};
    }
    return published;
}

static struct recorded record(const struct published *published)
{
    return (struct recorded){.publication = "same", .tables = publication_record(published)};
}

static void every_oid_of_20000_is_found_where_it_stands_and_no_other(void **state)
{
    (void)state;
    struct published published = many_tables();
    struct recorded recorded = record(&published);
    SCOPED_OIDS of_published = oids_of_published(&published);
    SCOPED_OIDS of_recorded = oids_of_recorded(&recorded);
    assert_int_equal(of_published.count, TABLES);
    assert_int_equal(of_recorded.count, TABLES);
    for (size_t i = 0; i < TABLES; i++) {
        assert_int_equal(oids_find(&of_published, published.tables[i].oid)->at, i);
        assert_int_equal(oids_find(&of_recorded, published.tables[i].oid)->at, i);
    }
    assert_null(oids_find(&of_published, FIRST_OID - 1));
    assert_null(oids_find(&of_recorded, FIRST_OID + TABLES));
    published_release(&published);
    recorded_release(&recorded);
}

static void an_empty_set_has_no_oid(void **state)
{
    (void)state;
    SCOPED_OIDS of_published = oids_of_published(&(struct published){0});
    SCOPED_OIDS of_recorded = oids_of_recorded(&(struct recorded){0});
    assert_null(oids_find(&of_published, FIRST_OID));
    assert_null(oids_find(&of_recorded, FIRST_OID));
}

/* A walk of one list for each line of the other takes this test beyond its time limit. */
static void the_same_20000_tables_are_no_change(void **state)
{
    (void)state;
    struct published published = many_tables();
    struct recorded recorded = record(&published);
    struct publication_change change;
    struct error err;
    assert_true(publication_compare(NULL, &OPTIONS, &published, &recorded, true, &change, &err));
    assert_int_equal(change.dropped.size + change.unwanted.size + change.created.size, 0);
    publication_change_release(&change);
    published_release(&published);
    recorded_release(&recorded);
}

static void tables_created_under_for_all_tables_are_named(void **state)
{
    (void)state;
    struct published published = many_tables();
    struct published before = published;
    before.count = TABLES - 2;
    struct recorded recorded = record(&before);
    struct publication_change change;
    struct error err;
    published.is_for_all_tables = true;
    assert_true(publication_compare(NULL, &OPTIONS, &published, &recorded, true, &change, &err));
    assert_string_equal(byte_buffer_text(&change.created), "public.t19998, public.t19999");
    publication_change_release(&change);
    published_release(&published);
    recorded_release(&recorded);
}

static void a_changed_column_list_among_20000_tables_is_a_stop(void **state)
{
    (void)state;
    struct published published = many_tables();
    struct recorded recorded = record(&published);
    struct publication_change change;
    struct error err;
    published.tables[12345].fingerprint = "other";
    assert_false(publication_compare(NULL, &OPTIONS, &published, &recorded, true, &change, &err));
    assert_int_equal(err.stop, STOP_PUBLICATION_CHANGED);
    assert_non_null(strstr(err.message, "t12345"));
    publication_change_release(&change);
    published_release(&published);
    recorded_release(&recorded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_oid_of_20000_is_found_where_it_stands_and_no_other),
        cmocka_unit_test(an_empty_set_has_no_oid),
        cmocka_unit_test(the_same_20000_tables_are_no_change),
        cmocka_unit_test(tables_created_under_for_all_tables_are_named),
        cmocka_unit_test(a_changed_column_list_among_20000_tables_is_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
