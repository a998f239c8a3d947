/* SPDX-License-Identifier: Apache-2.0 */
/* The topic `_schemas` in memory: several writers to it, of whom the last to become one fences the others. */
#ifndef PENSTOCK_TESTS_SUPPORT_MEMORY_LOG_H
#define PENSTOCK_TESTS_SUPPORT_MEMORY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/registry.h"

enum { MEMORY_LOG_MAX_RECORDS = 256 };

struct memory_record {
    char *key;
    char *value; /* NULL: a tombstone */
};

struct memory_log {
    struct memory_record records[MEMORY_LOG_MAX_RECORDS];
    size_t count;
    int epoch; /* of the last to become the writer */
};

enum memory_fault {
    MEMORY_FAULT_NONE,
    MEMORY_FAULT_REFUSED, /* append() fails, the record is not there */
    MEMORY_FAULT_UNKNOWN, /* append() fails, the record is there */
};

/* One process's access to the log. */
struct memory_client {
    struct schema_log schema_log; /* what a registry borrows */
    struct memory_log *log;
    size_t next;
    int epoch;
    bool is_away;            /* every call fails */
    enum memory_fault fault; /* of the next append() */
    void (*before_append)(
        struct memory_client *client); /* NULL, or what comes between: called once */
    int reads;
    int fences; /* how often it became the writer */
};

void memory_log_release(struct memory_log *log);

/* `value` may be NULL. Copies both. */
void memory_log_add(struct memory_log *log, const char *key, const char *value);

void memory_client_init(struct memory_client *client, struct memory_log *log);

#endif
