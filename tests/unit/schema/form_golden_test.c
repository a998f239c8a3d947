/* SPDX-License-Identifier: Apache-2.0 */
/* The forms against values that a real server wrote as text and fastavro as Avro (tests/data/record_avro.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/debezium.h"
#include "schema/form.h"

enum { LINE_SIZE = 16384, FIELDS = 4, FEWEST_LINES = 2000 };

struct golden {
    struct column column;
    struct bytes text;
    uint8_t avro[LINE_SIZE];
    size_t avro_size;
};

static void parse_hex(const char *hex, struct golden *golden)
{
    golden->avro_size = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        const char pair[] = {hex[0], hex[1], '\0'};
        golden->avro[golden->avro_size++] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

static void parse_line(char *line, struct golden *golden)
{
    char *fields[FIELDS];
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = strsep(&line, "\t");
        assert_non_null(fields[i]);
    }
    golden->column = (struct column){.name = "v",
                                     .type_oid = (uint32_t)strtoul(fields[0], NULL, 10),
                                     .type_modifier = (int32_t)strtol(fields[1], NULL, 10),
                                     .type_sql = ""};
    golden->text = (struct bytes){(const uint8_t *)fields[2], strlen(fields[2])};
    parse_hex(fields[3], golden);
}

/* 1.00 in a numeric without scale, and a day or month in an interval, are the two that may not come back by themselves. */
static bool may_be_inexact(const struct golden *golden, enum avro_form form)
{
    bool ends_in_zero = golden->text.data[golden->text.size - 1] == '0';
    return form == FORM_INTERVAL || (form == FORM_VARIABLE_DECIMAL && ends_in_zero);
}

static void assert_writes(const struct golden *golden, const struct column_form *form,
                          bool *is_exact)
{
    uint8_t *out = malloc(golden->text.size + FORM_MAX_EXTRA + (size_t)form->scale);
    *is_exact = true;
    uint8_t *end = form_codec_of(form->form)->write(form, golden->text, out, is_exact);
    if ((size_t)(end - out) != golden->avro_size ||
        memcmp(out, golden->avro, golden->avro_size) != 0)
        fail_msg("type %u, modifier %d: %s is written differently", golden->column.type_oid,
                 golden->column.type_modifier, (const char *)golden->text.data);
    if (!*is_exact && !may_be_inexact(golden, form->form))
        fail_msg("type %u: %s needs a note", golden->column.type_oid,
                 (const char *)golden->text.data);
    free(out);
}

static void assert_reads(const struct golden *golden, const struct column_form *form)
{
    size_t room = 3 * golden->avro_size + FORM_MAX_EXTRA + (size_t)form->scale + 2000;
    uint8_t *texts = malloc(room);
    struct avro_input input = {golden->avro, golden->avro + golden->avro_size};
    struct form_output output = {.at = texts, .end = texts + room};
    struct bytes text;
    assert_true(form_codec_of(form->form)->read(form, &input, &output, &text));
    assert_ptr_equal(input.at, input.end);
    if (!bytes_equal(text, golden->text))
        fail_msg("type %u: %s is read as %.*s", golden->column.type_oid,
                 (const char *)golden->text.data, (int)text.size, (const char *)text.data);
    free(texts);
}

static void values_are_those_of_fastavro_and_texts_those_of_the_server(void **state)
{
    static char line[LINE_SIZE];
    static struct golden golden;
    (void)state;
    FILE *file = fopen("tests/data/avro/values.txt", "r");
    assert_non_null(file);
    int lines = 0;
    while (fgets(line, sizeof(line), file)) {
        if (*line == '#')
            continue;
        parse_line(line, &golden);
        struct table table = {.columns = &golden.column, .column_count = 1};
        struct column_form form = debezium_form(&table, &golden.column);
        bool is_exact = false;
        assert_writes(&golden, &form, &is_exact);
        if (is_exact)
            assert_reads(&golden, &form);
        lines++;
    }
    fclose(file);
    assert_true(lines > FEWEST_LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_fastavro_and_texts_those_of_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
