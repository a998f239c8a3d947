/* SPDX-License-Identifier: Apache-2.0 */
/* Locks the target, reads its checkpoint, and lets units and sink run from there. */
#include "cli/sink_session.h"

#include "sink/units.h"
#include "transport/kafka_reader.h"

enum { PART_PATIENCE_MS = 30000, COUNT_PATIENCE_MS = 60000 };

struct opened {
    struct target *target;
    struct recorded recorded;
    struct places places;
    struct session_registry registry;
    struct kafka_reader *reader;
};

static bool open_all(struct sink_session *session, struct opened *opened, struct error *err)
{
    const struct config *config = session->config;
    opened->target = target_postgres_new(&session->half->target);
    if (!sink_take_over(opened->target, &opened->recorded, err) ||
        !opened->target->ops->read_places(opened->target, &opened->places, err) ||
        !session_registry_open(&opened->registry, session->kafka, config, err))
        return false;
    opened->reader = kafka_reader_new(&session->kafka->options, session->half->options.name,
                                      config->queue.max_bytes, err);
    return opened->reader != NULL;
}

static bool run_between(struct sink_session *session, struct opened *opened, struct error *err)
{
    struct units_options options = {.prefix = session->config->topics.prefix,
                                    .is_wanted = endpoints_sink_wants_table,
                                    .is_wanted_context = session->config,
                                    .clock = &system_clock,
                                    .stop = command_stop_flag(),
                                    .stalled = &session->stalled,
                                    .until_end = session->until_end,
                                    .part_patience_ms = PART_PATIENCE_MS,
                                    .count_patience_ms = COUNT_PATIENCE_MS};
    struct units *units =
        units_new(&options, kafka_reader_topics(opened->reader), opened->registry.registry,
                  &opened->recorded, &opened->places, err);
    if (!units)
        return false;
    struct sink *sink =
        sink_new(&session->half->options, units_reader(units), opened->target, &opened->recorded);
    bool is_done = sink_run(sink, err);
    sink_free(sink);
    units_free(units);
    return is_done;
}

bool sink_session_run(struct sink_session *session, struct error *err)
{
    struct opened opened = {0};
    bool is_done = open_all(session, &opened, err) && run_between(session, &opened, err);
    kafka_reader_free(opened.reader);
    session_registry_close(&opened.registry);
    opened.target->ops->free(opened.target);
    places_release(&opened.places);
    recorded_release(&opened.recorded);
    return is_done;
}
