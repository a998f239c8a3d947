/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the passwords in connection strings, and what is wrong with their form. */
#include "config/url.h"

#include <string.h>

#include "config/expand.h"

#define MASK        "***"
#define WHITE_SPACE " \t\n\r\f\v"
#define LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { MAX_KEYWORD = 64, MAX_URL = 1 << 20 };

/* What a walk over a connection string leaves behind. */
struct masking {
    struct byte_buffer *out;
    bool has_password;
};

static void keep(struct masking *masking, const char *from, const char *to)
{
    write_bytes(masking->out, from, (size_t)(to - from));
}

static void hide_password(struct masking *masking, const char *from, const char *to)
{
    for (const char *at = from; at < to; at++)
        masking->has_password |= *at != EXPAND_PLACEHOLDER && *at != '\'';
    write_text(masking->out, from < to ? MASK : "");
}

/* Whether the parameter `name`, in lower case, is a secret: password, sslpassword, and what may come. */
static bool is_secret(const char *name)
{
    return strstr(name, "password") || strstr(name, "secret") || strstr(name, "token");
}

/* Where the scheme ends ("postgres://"), or NULL if the text is no URI. */
static const char *behind_scheme(const char *url)
{
    size_t size = strspn(url, LETTERS "+");
    return size > 0 && !strncmp(url + size, "://", 3) ? url + size + 3 : NULL;
}

/* The last `c` between `from` and `to`, or NULL. */
static const char *last_of(const char *from, const char *to, char c)
{
    return memrchr(from, c, (size_t)(to - from));
}

/* The end of the user and password that begin at `start`, at their "@"; NULL if there are none. libpq takes the
 * first "@" before the first "/". A password may hold both by mistake, so the last "@" counts here; one behind a
 * "/" counts if what is in front looks like "user:password". */
static const char *user_end(const char *start)
{
    const char *authority_end = start + strcspn(start, "/");
    const char *at = last_of(start, authority_end, '@');
    if (at)
        return at;
    const char *colon = memchr(start, ':', (size_t)(authority_end - start));
    if (!colon || *start == '[')
        return NULL;
    const char *path_end = authority_end + strcspn(authority_end, "?");
    bool is_port = colon + 1 + strspn(colon + 1, "0123456789") == authority_end;
    return last_of(authority_end, is_port ? path_end : start + strlen(start), '@');
}

static char lower_case(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static int hex_digit(char c)
{
    c = lower_case(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies a keyword in lower case, percent-decoded as libpq does it, cut off at MAX_KEYWORD. */
static void copy_keyword(const char *from, const char *to, char *out)
{
    size_t size = 0;
    for (; from < to && size + 1 < MAX_KEYWORD; from++) {
        char c = *from;
        if (c == '%' && to - from > 2 && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
            c = (char)(hex_digit(from[1]) * 16 + hex_digit(from[2]));
            from += 2;
        }
        out[size++] = lower_case(c);
    }
    out[size] = '\0';
}

/* One "keyword=value" of a URI's query. */
static void mask_parameter(struct masking *masking, const char *from, const char *to)
{
    const char *equals = memchr(from, '=', (size_t)(to - from));
    if (!equals) {
        keep(masking, from, to);
        return;
    }
    char keyword[MAX_KEYWORD];
    copy_keyword(from, equals, keyword);
    keep(masking, from, equals + 1);
    if (is_secret(keyword))
        hide_password(masking, equals + 1, to);
    else
        keep(masking, equals + 1, to);
}

static void mask_uri(struct masking *masking, const char *url, const char *start)
{
    const char *at = user_end(start);
    const char *colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
    keep(masking, url, colon ? colon + 1 : start);
    if (colon) {
        hide_password(masking, colon + 1, at);
        start = at;
    }
    const char *query = start + strcspn(start, "?");
    keep(masking, start, query);
    while (*query) {
        const char *end = query + 1 + strcspn(query + 1, "&");
        keep(masking, query, query + 1);
        mask_parameter(masking, query + 1, end);
        query = end;
    }
}

/* The end of a value, quoted or not, of libpq's keyword form; NULL if a quote is not closed. */
static const char *value_end(const char *at)
{
    bool is_quoted = *at == '\'';
    for (at += is_quoted; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (is_quoted && *at == '\'')
            return at + 1;
        else if (!is_quoted && strchr(WHITE_SPACE, *at))
            return at;
    }
    return is_quoted ? NULL : at;
}

/* One "keyword = value"; returns its end, or NULL if it isn't one. A dbname may be a connection string itself. */
static const char *mask_pair(struct masking *masking, const char *at)
{
    const char *end = at + strspn(at, LETTERS "_");
    const char *value = end + strspn(end, WHITE_SPACE);
    if (end == at || *value != '=')
        return NULL;
    value += 1 + strspn(value + 1, WHITE_SPACE);
    const char *next = value_end(value);
    char keyword[MAX_KEYWORD];
    copy_keyword(at, end, keyword);
    keep(masking, at, value);
    if (!next)
        return NULL;
    bool is_string = !strcmp(keyword, "dbname") && memchr(value, '=', (size_t)(next - value));
    bool is_uri = !strcmp(keyword, "dbname") && memmem(value, (size_t)(next - value), "://", 3);
    if (is_secret(keyword) || is_string || is_uri)
        hide_password(masking, value, next);
    else
        keep(masking, value, next);
    return next;
}

/* False if it can't be parsed to its end; the rest is hidden then. */
static bool mask_pairs(struct masking *masking, const char *at)
{
    for (;;) {
        const char *next = at + strspn(at, WHITE_SPACE);
        keep(masking, at, next);
        if (!*next)
            return true;
        at = mask_pair(masking, next);
        if (!at) {
            write_text(masking->out, MASK);
            return false;
        }
    }
}

static bool is_blank(const char *url)
{
    return !url[strspn(url, WHITE_SPACE)];
}

const char *url_problem(const char *url)
{
    if (!strncmp(url, "postgres://", 11) || !strncmp(url, "postgresql://", 13))
        return NULL;
    SCOPED_BUFFER scratch;
    byte_buffer_init(&scratch, MAX_URL);
    struct masking masking = {.out = &scratch};
    if (behind_scheme(url) || is_blank(url) || !mask_pairs(&masking, url))
        return "is not a connection string of PostgreSQL";
    return NULL;
}

const char *url_http_problem(const char *url)
{
    const char *host = behind_scheme(url);
    if (!host || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return "begins with neither http:// nor https://";
    if (strchr(host, '@'))
        return "has a user or password in it";
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c > '~')
            return "has a character that no URL has";
    if (strpbrk(host, "?#"))
        return "goes on behind its path";
    return *host == '\0' || *host == '/' || *host == ':' ? "has no host" : NULL;
}

static bool mask(const char *url, struct byte_buffer *out)
{
    struct masking masking = {.out = out};
    const char *start = behind_scheme(url);
    if (start)
        mask_uri(&masking, url, start);
    else
        mask_pairs(&masking, url);
    return masking.has_password;
}

void url_mask(const char *url, struct byte_buffer *out)
{
    mask(url, out);
}

bool url_has_password(const char *url)
{
    SCOPED_BUFFER scratch;
    byte_buffer_init(&scratch, MAX_URL);
    return mask(url, &scratch);
}
