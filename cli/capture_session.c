/* SPDX-License-Identifier: Apache-2.0 */
/* Locks the source, opens registry and writer, and lets the capture run between them. */
#include "cli/capture_session.h"

#include "capture/format.h"
#include "transport/kafka_writer.h"

enum {
    TRANSACTION_BYTES = 32 * 1024 * 1024,
    TRANSACTION_MS = 500,
    PART_BYTES = 4 * 1024 * 1024,
    PART_MESSAGES = 10000,
};

static struct kafka_writer *open_writer(const struct capture_session *session, struct error *err)
{
    struct kafka_writer_options options = {.kafka = session->kafka->options,
                                           .max_bytes = session->config->queue.max_bytes,
                                           .transaction_bytes = TRANSACTION_BYTES,
                                           .transaction_ms = TRANSACTION_MS,
                                           .part_bytes = PART_BYTES,
                                           .part_messages = PART_MESSAGES};
    return kafka_writer_new(&options, err);
}

static bool run_between(const struct capture_session *session, struct capture *capture,
                        struct registry *registry, struct error *err)
{
    struct kafka_writer *writer = open_writer(session, err);
    if (!writer)
        return false;
    struct format_avro_options options = {.prefix = session->config->topics.prefix,
                                          .source = {.version = PENSTOCK_VERSION,
                                                     .prefix = session->config->topics.prefix,
                                                     .database = capture_database(capture)},
                                          .writes_tombstones = session->config->topics.tombstones,
                                          .registry = registry,
                                          .clock = &system_clock};
    struct change_format *format = format_avro_new(&options, kafka_writer_topics(writer));
    progress_line_watch(session->progress, capture_stats(capture));
    bool is_done = capture_run(capture, kafka_writer_messages(writer), format, err);
    progress_line_watch(session->progress, NULL);
    format->ops->free(format);
    kafka_writer_free(writer);
    return is_done;
}

/* The source is locked first: whoever holds it is the one that may write. */
bool capture_session_run(const struct capture_session *session, struct error *err)
{
    struct session_registry registry;
    struct capture *capture = capture_open(&session->half->options, err);
    if (!capture)
        return false;
    bool is_done = false;
    if (session_registry_open(&registry, session->kafka, session->config, err)) {
        is_done = run_between(session, capture, registry.registry, err);
        session_registry_close(&registry);
    }
    capture_close(capture);
    return is_done;
}
