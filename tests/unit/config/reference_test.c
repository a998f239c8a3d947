/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of docs/configuration.md; PENSTOCK_REGENERATE=1 writes it anew. */
#include "config/reference.h"

#include <stdio.h>

#include "tests/unit/config/config_support.h"

#define PAGE "docs/configuration.md"

static void write_page(struct byte_buffer *page)
{
    FILE *file = fopen(PAGE, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(page->data, 1, page->size, file), page->size);
    assert_int_equal(fclose(file), 0);
}

static void matches_the_page_that_is_committed(void **state)
{
    (void)state;
    SCOPED_BUFFER page;
    byte_buffer_init(&page, 1 << 20);
    config_write_reference(&page);
    if (getenv("PENSTOCK_REGENERATE"))
        write_page(&page);
    char *committed = calloc(1 << 20, 1);
    FILE *file = fopen(PAGE, "rb");
    assert_non_null(file);
    size_t size = fread(committed, 1, (1 << 20) - 1, file);
    fclose(file);
    bool is_same = !strcmp(committed, byte_buffer_text(&page)) && size == page.size;
    free(committed);
    if (!is_same)
        fail_msg("%s differs from the settings: run this test with PENSTOCK_REGENERATE=1", PAGE);
}

static void begins_with_configurations_that_load(void **state)
{
    (void)state;
    const struct config_needs *const needs[] = {RUN, CAPTURE, SINK};
    SCOPED_BUFFER page;
    byte_buffer_init(&page, 1 << 20);
    config_write_reference(&page);
    const char *at = byte_buffer_text(&page);
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        at = strstr(at, "```yaml\n") + strlen("```yaml\n");
        struct bytes text = {(const uint8_t *)at, (size_t)(strstr(at, "```") - at)};
        at += text.size + strlen("```");
        struct error err;
        SCOPED_CONFIG config = config_parse(text, "page", NULL, needs[i], &err);
        if (!config)
            fail_msg("%s", err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_page_that_is_committed),
        cmocka_unit_test(begins_with_configurations_that_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
