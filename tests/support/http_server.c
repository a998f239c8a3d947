/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted HTTP server, over libmicrohttpd. */
#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct http_server {
    struct MHD_Daemon *daemon;
    char url[64];
    struct http_server_reply replies[HTTP_SERVER_MAX_REPLIES];
    int reply_count;
    struct http_server_request request;
    atomic_int requests;
    atomic_int connections;
    pthread_mutex_t mutex; /* guards `is_stopping` */
    pthread_cond_t stopping;
    bool is_stopping;
};

static void copy_header(struct MHD_Connection *connection, const char *name, char *out, size_t size)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    snprintf(out, size, "%s", value ? value : "");
}

static enum MHD_Result send_reply(struct MHD_Connection *connection,
                                  const struct http_server_reply *reply)
{
    size_t size = strlen(reply->body);
    char *body = memory_new(size + reply->padding + 1);
    memcpy(body, reply->body, size);
    memset(body + size, ' ', reply->padding);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size + reply->padding, body, MHD_RESPMEM_MUST_FREE);
    if (reply->location)
        MHD_add_response_header(response, "Location", reply->location);
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Holds the connection until the server is stopped. */
static void withhold(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    while (!server->is_stopping)
        pthread_cond_wait(&server->stopping, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
}

/* Called once for the headers, then for each piece of the body, then for the end. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **request_state)
{
    struct http_server *server = context;
    struct http_server_request *request = &server->request;
    (void)version;
    if (!*request_state) {
        *request = (struct http_server_request){0};
        *request_state = request;
        snprintf(request->method, sizeof(request->method), "%s", method);
        snprintf(request->url, sizeof(request->url), "%s", url);
        copy_header(connection, "Authorization", request->authorization,
                    sizeof(request->authorization));
        copy_header(connection, "Content-Type", request->content_type,
                    sizeof(request->content_type));
        return MHD_YES;
    }
    if (*size > 0) {
        strncat(request->body, data, *size);
        *size = 0;
        return MHD_YES;
    }
    int number = atomic_fetch_add(&server->requests, 1);
    static const struct http_server_reply beyond = {.status = 599, .body = "beyond the script"};
    const struct http_server_reply *reply =
        number < server->reply_count ? &server->replies[number] : &beyond;
    if (reply->is_withheld)
        withhold(server);
    return send_reply(connection, reply);
}

static void count_connection(void *context, struct MHD_Connection *connection, void **state,
                             enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = context;
    (void)connection;
    (void)state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        atomic_fetch_add(&server->connections, 1);
}

/* The URL as it was sent, not decoded: the tests look at its escapes. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

struct http_server *http_server_start(void)
{
    struct http_server *server = memory_new(sizeof(*server));
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->stopping, NULL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL, answer,
        server, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_CONNECTION, count_connection,
        server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    assert(server->daemon);
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", info->port);
    return server;
}

void http_server_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->is_stopping = true;
    pthread_cond_broadcast(&server->stopping);
    pthread_mutex_unlock(&server->mutex);
    MHD_stop_daemon(server->daemon);
    pthread_cond_destroy(&server->stopping);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

const char *http_server_url(const struct http_server *server)
{
    return server->url;
}

void http_server_add(struct http_server *server, struct http_server_reply reply)
{
    assert(server->reply_count < HTTP_SERVER_MAX_REPLIES);
    server->replies[server->reply_count++] = reply;
}

const struct http_server_request *http_server_request(const struct http_server *server)
{
    return &server->request;
}

int http_server_requests(const struct http_server *server)
{
    return atomic_load(&server->requests);
}

int http_server_connections(const struct http_server *server)
{
    return atomic_load(&server->connections);
}
