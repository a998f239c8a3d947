/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP over one libcurl handle, which keeps its connection from request to request. */
#include "schema/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct http {
    CURL *easy;
    size_t max_reply_bytes;
    bool allows_insecure;
    char reason[CURL_ERROR_SIZE]; /* libcurl's words for the last failure */
};

/* libcurl's callback. Less than it was given ends the request with CURLE_WRITE_ERROR. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct byte_buffer *body = context;
    write_bytes(body, data, size * count);
    return body->overrun ? 0 : size * count;
}

static bool set_security(CURL *easy, const struct http_options *options)
{
    bool is_set = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (options->ca_file)
        is_set &= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK;
    if (options->user) {
        is_set &= curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK;
        is_set &= curl_easy_setopt(easy, CURLOPT_USERNAME, options->user) == CURLE_OK;
    }
    if (options->user && options->password)
        is_set &= curl_easy_setopt(easy, CURLOPT_PASSWORD, options->password) == CURLE_OK;
    return is_set;
}

static bool set_behaviour(struct http *http, int timeout_ms)
{
    CURL *easy = http->easy;
    /* Without it a slow name server is answered by SIGALRM. */
    bool is_set = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->reason) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_USERAGENT, "penstock") == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    return is_set;
}

struct http *http_new(const struct http_options *options, struct error *err)
{
    /* Counted by libcurl: each http_new() has its http_free(). */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(err, ERROR_FATAL, "libcurl can't be initialised");
        return NULL;
    }
    struct http *http = memory_new(sizeof(*http));
    http->max_reply_bytes =
        options->max_reply_bytes ? options->max_reply_bytes : HTTP_DEFAULT_REPLY_BYTES;
    http->allows_insecure = options->allows_insecure;
    http->easy = curl_easy_init();
    if (!http->easy || !set_security(http->easy, options) ||
        !set_behaviour(http, options->timeout_ms)) {
        error_set(err, ERROR_FATAL, "libcurl %s doesn't take our options", LIBCURL_VERSION);
        http_free(http);
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_global_cleanup();
    free(http);
}

/* Numeric addresses by their value, so that 127.example.com isn't one. */
static bool is_this_host(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static bool check_parts(const struct http *http, CURLU *parts, struct error *err)
{
    char *part = NULL;
    bool has_secret = curl_url_get(parts, CURLUPART_USER, &part, 0) == CURLUE_OK;
    curl_free(part);
    part = NULL;
    has_secret |= curl_url_get(parts, CURLUPART_PASSWORD, &part, 0) == CURLUE_OK;
    curl_free(part);
    if (has_secret)
        return error_set(
            err, ERROR_CONFIG,
            "a URL must not hold a user or a password: they have settings of their own");

    char *scheme = NULL;
    char *host = NULL;
    bool is_read = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                   curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool is_plain = is_read && strcmp(scheme, "http") == 0;
    if (!is_read || (!is_plain && strcmp(scheme, "https") != 0))
        error_set(err, ERROR_CONFIG, "a URL must begin with https:// or http://");
    else if (is_plain && !http->allows_insecure && !is_this_host(host))
        error_set(err, ERROR_CONFIG, "%s is another host: http:// would show all to the network",
                  host);
    else
        error_clear(err);
    curl_free(scheme);
    curl_free(host);
    return err->kind == ERROR_NONE;
}

bool http_check_url(const struct http *http, const char *url, struct error *err)
{
    CURLU *parts = curl_url();
    bool is_good = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK;
    if (!is_good)
        error_set(err, ERROR_CONFIG, "this is no URL of the form https://host:port/path");
    else
        is_good = check_parts(http, parts, err);
    curl_url_cleanup(parts);
    return is_good;
}

static bool set_request(struct http *http, const char *method, const char *url, struct bytes body)
{
    CURL *easy = http->easy;
    bool is_set = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    is_set &= curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    if (body.data) {
        is_set &= curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
        is_set &=
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size) == CURLE_OK;
        is_set &= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data) == CURLE_OK;
    }
    return is_set & (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK);
}

/* NULL without memory. An empty Expect keeps libcurl from waiting for "100 Continue" before a large body. */
static struct curl_slist *headers_new(const char *content_type)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (!headers || !content_type)
        return headers;
    char line[256];
    snprintf(line, sizeof(line), "Content-Type: %s", content_type);
    struct curl_slist *both = curl_slist_append(headers, line);
    if (!both)
        curl_slist_free_all(headers);
    return both;
}

/* What only a person can mend; all else may pass. */
static bool is_configuration(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR ||
           code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

static bool failed(const struct http *http, CURLcode code, const struct byte_buffer *body,
                   struct error *err)
{
    if (body->overrun)
        return error_set(err, ERROR_DATA, "the reply is longer than %zu bytes",
                         http->max_reply_bytes);
    return error_set(err, is_configuration(code) ? ERROR_CONFIG : ERROR_RETRY, "%s",
                     http->reason[0] ? http->reason : curl_easy_strerror(code));
}

bool http_request(struct http *http, const char *method, const char *url, const char *content_type,
                  struct bytes body, struct http_reply *reply, struct error *err)
{
    if (!http_check_url(http, url, err))
        return false;
    struct byte_buffer received;
    byte_buffer_init(&received, http->max_reply_bytes);
    struct curl_slist *headers = headers_new(content_type);
    bool is_set = headers && set_request(http, method, url, body);
    is_set = is_set && curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    is_set = is_set && curl_easy_setopt(http->easy, CURLOPT_WRITEDATA, &received) == CURLE_OK;
    http->reason[0] = '\0';
    CURLcode code = is_set ? curl_easy_perform(http->easy) : CURLE_OUT_OF_MEMORY;
    /* The handle must not keep what goes out of scope. */
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        failed(http, code, &received, err);
        byte_buffer_release(&received);
        return error_add(err, "%s %s", method, url);
    }
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &reply->status);
    reply->body = received;
    return true;
}
