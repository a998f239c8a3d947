/* SPDX-License-Identifier: Apache-2.0 */
/* The registry over HTTP: two calls of the Confluent-compatible API, and what is known already. */
#include "schema/registry.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "schema/avro_schema.h"
#include "schema/http.h"
#include "schema/json_text.h"
#include "schema/schema_texts.h"

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

enum {
    DIGEST_SIZE = 32,
    MAX_URL = 8192,
    /* A schema's text with all its quotation marks escaped, and what stands around it. */
    MAX_REPLY = 2 * AVRO_MAX_TEXT + 65536,
};

/* A schema that the registry has given an id under this subject. */
struct known {
    char *subject;
    uint8_t digest[DIGEST_SIZE]; /* SHA-256 of the text that was sent */
    uint32_t id;
};

struct registry_http {
    struct registry registry;
    struct http *http;
    char *url; /* without a slash at its end */
    struct known *known;
    size_t known_count;
    size_t known_capacity;
    struct schema_texts texts;
};

static struct registry_http *of_registry(struct registry *registry)
{
    return (struct registry_http *)((char *)registry - offsetof(struct registry_http, registry));
}

static void write_escaped(struct byte_buffer *out, const char *segment)
{
    for (const char *c = segment; *c; c++) {
        bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || strchr("-._~", *c);
        if (is_plain)
            write_u8(out, (uint8_t)*c);
        else
            write_format(out, "%%%02X", (unsigned char)*c);
    }
}

/* The registry's own words, or what stands for them; never more than an error's message takes. */
static struct bytes words_of(const json_t *answer)
{
    struct bytes words = json_text_string(answer, "message");
    if (!words.data)
        words = (struct bytes){.data = (const uint8_t *)"no reason given", .size = 15};
    if (words.size > 700)
        words.size = 700;
    return words;
}

static bool rejected(const struct registry_http *self, long status, struct bytes words,
                     struct error *err)
{
    error_stop(err, STOP_SCHEMA_REJECTED, "the registry refuses the schema (%ld): %.*s", status,
               (int)words.size, (const char *)words.data);
    if (status != 409)
        return false;
    return error_remedy(err,
                        "allow the change for this subject, then start again: curl -X PUT -H "
                        "'Content-Type: " CONTENT_TYPE "' -d '{\"compatibility\": \"NONE\"}' "
                        "%s/config/<subject>",
                        self->url);
}

/* What an answer of another status than 2xx means. */
static bool refused(const struct registry_http *self, long status, const json_t *answer,
                    struct error *err)
{
    struct bytes words = words_of(answer);
    if (status == 409 || status == 413 || status == 422)
        return rejected(self, status, words, err);
    if (status >= 500 || status == 408 || status == 429)
        return error_set(err, ERROR_RETRY, "the registry answers %ld: %.*s", status,
                         (int)words.size, (const char *)words.data);
    if (status == 401 || status == 403) {
        error_stop(err, STOP_PERMISSION_DENIED, "the registry answers %ld: %.*s", status,
                   (int)words.size, (const char *)words.data);
        return error_remedy(err, "check registry.user and its password, and the user's rights");
    }
    /* Only a registry has error codes: without one, the path leads elsewhere. */
    if (status == 404 && json_is_integer(json_object_get(answer, "error_code")))
        return error_stop(err, STOP_SCHEMA_UNKNOWN, "the registry has no such schema: %.*s",
                          (int)words.size, (const char *)words.data);
    error_stop(err, STOP_REGISTRY_UNSUITABLE, "%s answers %ld, as no schema registry does",
               self->url, status);
    return error_remedy(err, "correct registry.url; its path is the registry's own, such as "
                             "/apis/ccompat/v7");
}

/* The answer to a request as JSON, NULL on failure. */
static json_t *call(struct registry_http *self, const char *method, const char *url,
                    struct bytes body, struct error *err)
{
    struct http_reply reply;
    if (!http_request(self->http, method, url, CONTENT_TYPE, body, &reply, err)) {
        if (err->kind == ERROR_DATA) {
            err->kind = ERROR_STOP;
            err->stop = STOP_REGISTRY_UNSUITABLE;
        }
        if (err->kind == ERROR_RETRY)
            error_remedy(err, "see that the registry runs, and that registry.url is its address");
        return NULL;
    }
    struct bytes text = {.data = reply.body.data, .size = reply.body.size};
    struct error not_json;
    json_t *answer = json_text_read(text, &not_json);
    byte_buffer_release(&reply.body);
    if (reply.status < 200 || reply.status > 299) {
        refused(self, reply.status, answer, err);
        json_decref(answer);
        return NULL;
    }
    if (!answer)
        error_stop(err, STOP_REGISTRY_UNSUITABLE, "the registry's answer is %s", not_json.message);
    return answer;
}

/* The body {"schema": "…"}, for free(). */
static char *request_text(struct bytes schema, struct error *err)
{
    json_auto_t *request = json_pack("{s:s%}", "schema", (const char *)schema.data, schema.size);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    if (!text)
        error_set(err, ERROR_FATAL, "the schema is no UTF-8 text");
    return text;
}

static bool post_schema(struct registry_http *self, const char *subject, struct bytes schema,
                        uint32_t *id, struct error *err)
{
    SCOPED_BUFFER url;
    byte_buffer_init(&url, MAX_URL);
    write_format(&url, "%s/subjects/", self->url);
    write_escaped(&url, subject);
    write_text(&url, "/versions");
    char *text = request_text(schema, err);
    if (!text)
        return false;
    struct bytes body = {.data = (const uint8_t *)text, .size = strlen(text)};
    json_auto_t *answer = call(self, "POST", byte_buffer_text(&url), body, err);
    free(text);
    if (!answer)
        return false;
    json_int_t given = json_integer_value(json_object_get(answer, "id"));
    if (given <= 0 || given > INT32_MAX)
        return error_stop(err, STOP_REGISTRY_UNSUITABLE, "the registry's answer has no valid id");
    *id = (uint32_t)given;
    return true;
}

static bool digest_of(struct bytes schema, uint8_t *digest, struct error *err)
{
    if (EVP_Digest(schema.data, schema.size, digest, NULL, EVP_sha256(), NULL) != 1)
        return error_set(err, ERROR_FATAL, "libcrypto has no SHA-256");
    return true;
}

static const struct known *find_known(const struct registry_http *self, const char *subject,
                                      const uint8_t *digest)
{
    for (size_t i = 0; i < self->known_count; i++) {
        if (memcmp(self->known[i].digest, digest, DIGEST_SIZE) == 0 &&
            strcmp(self->known[i].subject, subject) == 0)
            return &self->known[i];
    }
    return NULL;
}

static void remember(struct registry_http *self, const char *subject, const uint8_t *digest,
                     uint32_t id)
{
    if (self->known_count == self->known_capacity) {
        self->known_capacity = self->known_capacity ? 2 * self->known_capacity : 64;
        self->known = memory_resize(self->known, self->known_capacity, sizeof(*self->known));
    }
    struct known *known = &self->known[self->known_count++];
    known->subject = memory_copy_string(subject);
    memcpy(known->digest, digest, DIGEST_SIZE);
    known->id = id;
}

static bool http_id(struct registry *registry, const char *subject, struct bytes schema,
                    uint32_t *id, struct error *err)
{
    struct registry_http *self = of_registry(registry);
    uint8_t digest[DIGEST_SIZE];
    if (!digest_of(schema, digest, err))
        return false;
    const struct known *known = find_known(self, subject, digest);
    if (known) {
        *id = known->id;
        return true;
    }
    if (!post_schema(self, subject, schema, id, err))
        return error_add(err, "subject %s", subject);
    remember(self, subject, digest, *id);
    return true;
}

static bool get_schema(struct registry_http *self, uint32_t id, struct bytes *schema,
                       struct error *err)
{
    SCOPED_BUFFER url;
    byte_buffer_init(&url, MAX_URL);
    write_format(&url, "%s/schemas/ids/%u", self->url, id);
    json_auto_t *answer = call(self, "GET", byte_buffer_text(&url), (struct bytes){0}, err);
    if (!answer)
        return false;
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    if (type && strcmp(type, "AVRO") != 0)
        return error_stop(err, STOP_SCHEMA_UNKNOWN, "it is no Avro schema: the registry says %.20s",
                          type);
    struct bytes text = json_text_string(answer, "schema");
    if (!text.data)
        return error_stop(err, STOP_REGISTRY_UNSUITABLE, "the registry's answer has no schema");
    *schema = schema_texts_add(&self->texts, id, text);
    return true;
}

static bool http_schema(struct registry *registry, uint32_t id, struct bytes *schema,
                        struct error *err)
{
    struct registry_http *self = of_registry(registry);
    const struct schema_text *found = schema_texts_find(&self->texts, id);
    if (!found)
        return get_schema(self, id, schema, err) || error_add(err, "schema id %u", id);
    *schema = found->text;
    return true;
}

static void http_registry_free(struct registry *registry)
{
    if (!registry)
        return;
    struct registry_http *self = of_registry(registry);
    for (size_t i = 0; i < self->known_count; i++)
        free(self->known[i].subject);
    free(self->known);
    schema_texts_release(&self->texts);
    http_free(self->http);
    free(self->url);
    free(self);
}

struct registry *registry_http_new(const struct registry_http_options *options, struct error *err)
{
    static const struct registry_ops ops = {http_id, http_schema, http_registry_free};
    struct registry_http *self = memory_new(sizeof(*self));
    self->registry.ops = &ops;
    self->url = memory_copy_string(options->url);
    for (size_t end = strlen(self->url); end > 0 && self->url[end - 1] == '/'; end--)
        self->url[end - 1] = '\0';
    self->http = http_new(&(struct http_options){.user = options->user,
                                                 .password = options->password,
                                                 .ca_file = options->ca_file,
                                                 .timeout_ms = options->timeout_ms,
                                                 .max_reply_bytes = MAX_REPLY,
                                                 .allows_insecure = options->allows_insecure},
                          err);
    if (!self->http || !http_check_url(self->http, self->url, err)) {
        error_add(err, "registry.url");
        http_registry_free(&self->registry);
        return NULL;
    }
    return &self->registry;
}
