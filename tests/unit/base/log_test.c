/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the log's lines, as text and as JSON. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

/* Standard error goes into a pipe while a test runs. */
static struct {
    int saved;
    int from;
    char line[65536];
} capture;

static int begin_capture(void **state)
{
    (void)state;
    int ends[2];
    capture.saved = dup(STDERR_FILENO);
    if (capture.saved < 0 || pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return -1;
    close(ends[1]);
    capture.from = ends[0];
    log_configure(LOG_INFO, LOG_TEXT);
    return 0;
}

static int end_capture(void **state)
{
    (void)state;
    dup2(capture.saved, STDERR_FILENO);
    close(capture.saved);
    close(capture.from);
    return 0;
}

/* The line logged since the last call; fails the test unless it is exactly one. */
static const char *logged_line(void)
{
    ssize_t size = read(capture.from, capture.line, sizeof(capture.line) - 1);
    assert_true(size > 0);
    capture.line[size] = '\0';
    char *end = strchr(capture.line, '\n');
    assert_non_null(end);
    assert_int_equal(end - capture.line, size - 1);
    *end = '\0';
    return capture.line;
}

/* The line without the time in front: "info  started …". */
static const char *logged_text(void)
{
    const char *line = logged_line();
    assert_true(strlen(line) > 25);
    assert_memory_equal(line + 10, "T", 1);
    assert_memory_equal(line + 23, "Z ", 2);
    return line + 25;
}

/* The line without the time in front: "\"level\":…}". */
static const char *logged_json(void)
{
    const char *line = logged_line();
    static const char head[] = "{\"time\":\"2026-01-01T00:00:00.000Z\",";
    assert_true(strlen(line) > sizeof(head));
    assert_memory_equal(line, "{\"time\":\"", 9);
    return line + sizeof(head) - 1;
}

static void an_event_without_fields_is_time_level_event(void **state)
{
    (void)state;
    log_info("started", "");
    assert_string_equal(logged_text(), "info  started");
}

static void fields_of_every_conversion_are_printed(void **state)
{
    (void)state;
    log_warn("all", "s=%s d=%d u=%u ld=%ld lu=%lu lld=%lld llu=%llu zu=%zu c=%c f=%.1f word=yes",
             "text", -1, 2U, -3L, 4UL, -5LL, 6ULL, (size_t)7, 'x', 0.25);
    assert_string_equal(
        logged_text(), "warn  all s=text d=-1 u=2 ld=-3 lu=4 lld=-5 llu=6 zu=7 c=x f=0.2 word=yes");
}

static void numbers_at_the_edges_of_their_types_are_whole(void **state)
{
    (void)state;
    log_info("edges", "low=%lld high=%llu size=%zu", (long long)INT64_MIN,
             (unsigned long long)UINT64_MAX, SIZE_MAX);
    assert_string_equal(logged_text(), "info  edges low=-9223372036854775808 "
                                       "high=18446744073709551615 size=18446744073709551615");
}

static void a_text_value_is_quoted_where_it_needs_it(void **state)
{
    (void)state;
    log_info("quoted", "plain=%s empty=%s space=%s equals=%s quote=%s backslash=%s", "a.b-c:d/e",
             "", "a b", "a=b", "a\"b", "a\\b");
    assert_string_equal(logged_text(), "info  quoted plain=a.b-c:d/e empty=\"\" space=\"a b\" "
                                       "equals=\"a=b\" quote=\"a\\\"b\" backslash=\"a\\\\b\"");
}

static void control_characters_cannot_forge_a_line(void **state)
{
    (void)state;
    log_info("control", "value=%s", "a\nb\tc\x1b[31m\x7f");
    assert_string_equal(logged_text(), "info  control value=\"a\\nb\\u0009c\\u001b[31m\\u007f\"");
}

static void what_steers_a_terminal_or_turns_a_line_is_escaped(void **state)
{
    (void)state;
    static const char value[] = "\u00e9\xc2\x9b"
                                "31m\u202e\u2066\u2028\u061c";
    log_info("unsafe", "one=%s two=%s", value, "\xc2\x85");
    assert_string_equal(logged_text(),
                        "info  unsafe one=\"\u00e9\\u009b31m\\u202e\\u2066\\u2028\\u061c\" "
                        "two=\"\\u0085\"");
    log_configure(LOG_INFO, LOG_JSON);
    log_info("unsafe", "one=%s", value);
    assert_string_equal(logged_json(), "\"level\":\"info\",\"event\":\"unsafe\","
                                       "\"one\":\"\u00e9\\u009b31m\\u202e\\u2066\\u2028\\u061c\"}");
}

static void letters_of_any_script_stay_as_they_are(void **state)
{
    (void)state;
    log_info("letters", "value=%s", "Gr\u00fc\u00dfe\u65e5\U0001f600");
    assert_string_equal(logged_text(), "info  letters value=Gr\u00fc\u00dfe\u65e5\U0001f600");
}

static void a_missing_string_is_empty(void **state)
{
    (void)state;
    const char *volatile missing = NULL;
    log_info("missing", "value=%s", missing);
    assert_string_equal(logged_text(), "info  missing value=\"\"");
}

static void json_has_numbers_bare_and_strings_quoted(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    log_error("caught up", "slot=%s lag_ms=%d rate=%.2f state=good", "penstock_shop", -12, 1.5);
    assert_string_equal(logged_json(), "\"level\":\"error\",\"event\":\"caught up\","
                                       "\"slot\":\"penstock_shop\",\"lag_ms\":-12,\"rate\":1.50,"
                                       "\"state\":\"good\"}");
}

static void json_escapes_quotes_backslashes_and_control_characters(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    log_info("escaped", "value=%s", "\"\\\n\t\x01 Grüße");
    assert_string_equal(logged_json(), "\"level\":\"info\",\"event\":\"escaped\","
                                       "\"value\":\"\\\"\\\\\\n\\u0009\\u0001 Grüße\"}");
}

static void an_event_without_fields_is_whole_json(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_JSON);
    log_info("started", "");
    assert_string_equal(logged_json(), "\"level\":\"info\",\"event\":\"started\"}");
}

static void an_event_below_the_least_level_is_not_logged(void **state)
{
    (void)state;
    log_configure(LOG_WARN, LOG_TEXT);
    log_debug("quiet", "");
    log_info("quiet", "");
    log_warn("loud", "");
    assert_string_equal(logged_text(), "warn  loud");
    log_configure(LOG_DEBUG, LOG_TEXT);
    log_debug("loud", "");
    assert_string_equal(logged_text(), "debug loud");
}

static void a_failure_is_logged_with_stop_reason_and_remedy(void **state)
{
    (void)state;
    struct error err = {0};
    error_stop(&err, STOP_SLOT_LOST, "slot shop is lost");
    log_failure(LOG_ERROR, "stopped", &err);
    assert_string_equal(logged_text(), "error stopped stop=SLOT_LOST reason=\"slot shop is lost\"");
    error_remedy(&err, "run penstock resync");
    log_failure(LOG_ERROR, "stopped", &err);
    assert_string_equal(logged_text(), "error stopped stop=SLOT_LOST reason=\"slot shop is lost\" "
                                       "do=\"run penstock resync\"");
}

static void a_failure_without_a_stop_is_logged_with_its_reason(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_RETRY, "refused");
    log_failure(LOG_WARN, "retrying", &err);
    assert_string_equal(logged_text(), "warn  retrying reason=refused");
    error_remedy(&err, "wait");
    log_failure(LOG_WARN, "retrying", &err);
    assert_string_equal(logged_text(), "warn  retrying reason=refused do=wait");
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, begin_capture, end_capture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(an_event_without_fields_is_time_level_event),
        LOG_TEST(fields_of_every_conversion_are_printed),
        LOG_TEST(numbers_at_the_edges_of_their_types_are_whole),
        LOG_TEST(a_text_value_is_quoted_where_it_needs_it),
        LOG_TEST(control_characters_cannot_forge_a_line),
        LOG_TEST(what_steers_a_terminal_or_turns_a_line_is_escaped),
        LOG_TEST(letters_of_any_script_stay_as_they_are),
        LOG_TEST(a_missing_string_is_empty),
        LOG_TEST(json_has_numbers_bare_and_strings_quoted),
        LOG_TEST(json_escapes_quotes_backslashes_and_control_characters),
        LOG_TEST(an_event_without_fields_is_whole_json),
        LOG_TEST(an_event_below_the_least_level_is_not_logged),
        LOG_TEST(a_failure_is_logged_with_stop_reason_and_remedy),
        LOG_TEST(a_failure_without_a_stop_is_logged_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
