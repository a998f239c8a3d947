/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of a replication, as each runs by itself over Kafka and both in one over the pipe. */
#ifndef PENSTOCK_CLI_HALVES_H
#define PENSTOCK_CLI_HALVES_H

#include "capture/capture.h"
#include "cli/command.h"
#include "cli/kafka.h"
#include "cli/publication_names.h"
#include "sink/sink.h"
#include "sink/target_postgres.h"

/* Options that live as long as the process. They point into one another: a half stays where it was filled. */
struct capture_half {
    struct capture_options options;
    struct publication_names publication;
    char filter_hash[FILTER_HASH_SIZE];
};

struct sink_half {
    struct sink_options options;
    struct target_postgres_options target;
    struct sink_stats stats;
    struct sink_memory memory;
};

/* Over Kafka: reads both configurations of what is connected to, and watches the end of the process. Release the two also on false. */
bool halves_ready(struct endpoints *endpoints, struct kafka_endpoint *kafka,
                  const struct config *config, struct error *err) MUST_USE;

void capture_half_set(struct capture_half *half, const struct config *config,
                      const struct endpoints *endpoints, const struct arguments *arguments);

/* `name` is the checkpoint's. */
void sink_half_set(struct sink_half *half, const char *name, const struct config *config,
                   const struct endpoints *endpoints);

#endif
