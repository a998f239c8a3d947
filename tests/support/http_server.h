/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on loopback that answers by a script, one reply after the other, and remembers the last request. */
#ifndef PENSTOCK_TESTS_SUPPORT_HTTP_SERVER_H
#define PENSTOCK_TESTS_SUPPORT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_SERVER_MAX_REPLIES = 16 };

struct http_server_reply {
    unsigned status;
    const char *body;
    const char *location; /* of a redirect; NULL: none */
    size_t padding;       /* spaces behind the body */
    bool is_withheld;     /* never sent */
};

struct http_server;

struct http_server *http_server_start(void);
void http_server_stop(struct http_server *server);

/* "http://127.0.0.1:PORT", as long as the server lives. */
const char *http_server_url(const struct http_server *server);

/* Appends a reply to the script. A request beyond the script is answered by 599. */
void http_server_add(struct http_server *server, struct http_server_reply reply);

/* Of the last request; "" where there was nothing. Valid until the next one. */
struct http_server_request {
    char method[16];
    char url[512];
    char body[4096];
    char authorization[256];
    char content_type[128];
};
const struct http_server_request *http_server_request(const struct http_server *server);

/* How many requests came, and over how many connections. */
int http_server_requests(const struct http_server *server);
int http_server_connections(const struct http_server *server);

#endif
