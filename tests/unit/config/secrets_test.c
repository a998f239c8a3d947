/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of password files and of masking. */
#include "config/secrets.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config/config_support.h"

static struct error err;
static char path[64];

static char *read_text(const char *text, size_t size, mode_t mode)
{
    strcpy(path, "/tmp/penstock_secret_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    error_clear(&err);
    char *secret = config_read_secret(path, &err);
    unlink(path);
    return secret;
}

static void assert_secret(const char *text, mode_t mode, const char *expected)
{
    char *secret = read_text(text, strlen(text), mode);
    assert_non_null(secret);
    assert_string_equal(secret, expected);
    config_secret_free(secret);
}

static void assert_refused_as(const char *text, size_t size, mode_t mode, const char *problem)
{
    char message[160];
    assert_null(read_text(text, size, mode));
    snprintf(message, sizeof(message), "the password file %s %s", path, problem);
    assert_string_equal(err.message, message);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_string_not_equal(err.remedy, "");
}

static void strips_one_newline(void **state)
{
    (void)state;
    assert_secret("hunter2\n", 0600, "hunter2");
    assert_secret("hunter2", 0400, "hunter2");
    assert_secret(" hunter 2 \n", 0640, " hunter 2 ");
}

static void takes_at_most_4_kib(void **state)
{
    (void)state;
    char text[5000] = "";
    memset(text, 'x', 4096);
    text[4096] = '\n';
    char *secret = read_text(text, 4097, 0600);
    assert_non_null(secret);
    assert_int_equal(strlen(secret), 4096);
    config_secret_free(secret);
    text[4096] = 'x';
    assert_refused_as(text, 4097, 0600, "is longer than 4 KiB");
    assert_refused_as(text, 5000, 0600, "is longer than 4 KiB");
}

static void refuses_what_is_no_password(void **state)
{
    (void)state;
    assert_refused_as("", 0, 0600, "is empty");
    assert_refused_as("\n", 1, 0600, "is empty");
    assert_refused_as("a\0b", 3, 0600, "contains a NUL byte");
    assert_refused_as("a\nb\n", 4, 0600, "has more than one line");
    assert_refused_as("a\n\n", 3, 0600, "has more than one line");
    assert_refused_as("a\r\n", 3, 0600, "has more than one line");
}

static void refuses_a_file_that_others_can_open(void **state)
{
    (void)state;
    char remedy[80];
    assert_refused_as("a", 1, 0644, "is open to every user (mode 0644)");
    snprintf(remedy, sizeof(remedy), "chmod 600 %s", path);
    assert_string_equal(err.remedy, remedy);
    assert_refused_as("a", 1, 0602, "is open to every user (mode 0602)");
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    assert_null(config_read_secret("/nonexistent", &err));
    assert_string_equal(err.message, "the password file /nonexistent can't be opened: "
                                     "No such file or directory");
    assert_null(config_read_secret("/", &err));
    assert_string_equal(err.message, "the password file / is not a regular file");
    char fifo[] = "/tmp/penstock_fifo_XXXXXX";
    assert_non_null(mkdtemp(fifo));
    char inside[64];
    snprintf(inside, sizeof(inside), "%s/f", fifo);
    assert_int_equal(mkfifo(inside, 0600), 0);
    assert_null(config_read_secret(inside, &err));
    assert_contains(err.message, "is not a regular file");
    unlink(inside);
    rmdir(fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strips_one_newline),
        cmocka_unit_test(takes_at_most_4_kib),
        cmocka_unit_test(refuses_what_is_no_password),
        cmocka_unit_test(refuses_a_file_that_others_can_open),
        cmocka_unit_test(refuses_what_is_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
