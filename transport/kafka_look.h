/* SPDX-License-Identifier: Apache-2.0 */
/* What a capture has left in Kafka, read without writing anything: for the commands that tell how things stand. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_LOOK_H
#define PENSTOCK_TRANSPORT_KAFKA_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka.h"
#include "transport/recorded.h"

/* A row topic that the capture has written to. */
struct kafka_look_topic {
    char *name;
    uint32_t partitions; /* as they were when the capture made or found it */
};

struct kafka_look {
    char name[RECORDED_NAME_SIZE]; /* of the pipeline that writes; "" if R isn't there */
    struct recorded recorded;      /* R; RECORDED_NONE if it isn't there */
    int64_t recorded_ms;           /* when R was written, since 1970 UTC; 0 if that isn't known */
    struct kafka_look_topic *topics;
    size_t topic_count;
    bool has_control;
    int64_t control_first; /* log start of the control topic */
    int64_t control_end;   /* its last stable offset */
};

/* Reads the offsets topic to its end. Topics that aren't there are no error. Gives up after `patience_ms` with ERROR_RETRY, and
 * with ERROR_ENDED soon after the stop flag is set; POISON, STATE_NEWER, AUTHENTICATION_FAILED, PERMISSION_DENIED. What was
 * read is released by the caller in any case. */
bool kafka_look(const struct kafka_options *options, int patience_ms, struct kafka_look *look,
                struct error *err) MUST_USE;
void kafka_look_release(struct kafka_look *look);

#endif
