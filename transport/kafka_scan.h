/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions read from given offsets to where a read_committed reader can come now. */
#ifndef PENSTOCK_TRANSPORT_KAFKA_SCAN_H
#define PENSTOCK_TRANSPORT_KAFKA_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "transport/kafka_client.h"

struct kafka_scan;

/* Takes one record, found in the partition that was added as number `index`; false ends the scan with `err`. */
typedef bool (*kafka_scan_take)(void *taker, size_t index, const rd_kafka_message_t *message,
                                struct error *err);

struct kafka_scan *kafka_scan_new(const struct kafka_options *options, struct error *err) MUST_USE;
void kafka_scan_free(struct kafka_scan *scan);

/* For kafka_topics.h. */
struct kafka_client *kafka_scan_client(struct kafka_scan *scan);

/* A partition to read, at `offset`, or from log start if that is later. Returns its index, from 0. Before the first run only. */
size_t kafka_scan_add(struct kafka_scan *scan, const char *topic, uint32_t partition,
                      int64_t offset);

/* Reads on for at most KAFKA_SLICE_MS. False with ERROR_NONE: not at all ends yet, call again. */
bool kafka_scan_run(struct kafka_scan *scan, kafka_scan_take take, void *taker,
                    struct error *err) MUST_USE;

/* The log's start and end (LSO) as they were found when the scan began; valid once it has run to the end. */
void kafka_scan_bounds(const struct kafka_scan *scan, size_t index, int64_t *first, int64_t *end);

#endif
