/* SPDX-License-Identifier: Apache-2.0 */
/* Printing findings, counting them, and the exit code. */
#include "cli/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/page.h"

static char *format_text(const char *format, va_list arguments)
{
    char *text = NULL;
    return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

void finding(struct findings *findings, enum finding_kind kind, const char *what,
             const char *format, ...)
{
    static const char *const words[] = {
        [FINDING_OK] = "ok  ", [FINDING_WARN] = "warn", [FINDING_FAIL] = "FAIL"};
    va_list arguments;
    va_start(arguments, format);
    char *detail = format_text(format, arguments);
    va_end(arguments);
    findings->counts[kind]++;
    page_line("%s  %s: %s", words[kind], what, detail ? detail : "");
    free(detail);
}

void finding_do(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *remedy = format_text(format, arguments);
    va_end(arguments);
    page_line("      do: %s", remedy ? remedy : "");
    free(remedy);
}

void finding_error(struct findings *findings, const char *what, const struct error *err)
{
    findings->is_unavailable |= err->kind == ERROR_RETRY;
    findings->is_misconfigured |= err->kind == ERROR_CONFIG;
    findings->is_interrupted |= err->kind == ERROR_ENDED;
    const char *name = err->stop != STOP_NONE ? stop_name(err->stop) : "";
    finding(findings, FINDING_FAIL, what, "%s%s%s", name, *name ? ": " : "", err->message);
    if (*err->remedy)
        finding_do("%s", err->remedy);
}

enum exit_code findings_close(const struct findings *findings)
{
    const int *counts = findings->counts;
    printf("%d ok, %d warnings, %d failures\n", counts[FINDING_OK], counts[FINDING_WARN],
           counts[FINDING_FAIL]);
    if (findings->is_interrupted)
        return EXIT_TRY_AGAIN;
    if (findings->is_misconfigured)
        return EXIT_CONFIGURATION;
    if (findings->is_unavailable)
        return EXIT_UNAVAILABLE;
    return counts[FINDING_FAIL] > 0 ? EXIT_PERSON : EXIT_OK;
}
