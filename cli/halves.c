/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration to the options of capture and sink. */
#include "cli/halves.h"

#include "cli/sessions.h"

static const char *synchronous_commit_text(enum config_synchronous_commit value)
{
    static const char *const texts[] = {[SYNCHRONOUS_COMMIT_OFF] = "off",
                                        [SYNCHRONOUS_COMMIT_LOCAL] = "local",
                                        [SYNCHRONOUS_COMMIT_ON] = "on"};
    return texts[value];
}

bool halves_ready(struct endpoints *endpoints, struct kafka_endpoint *kafka,
                  const struct config *config, struct error *err)
{
    return endpoints_read(endpoints, config, err) && kafka_endpoint_read(kafka, config, err) &&
           sessions_watch_the_end(err);
}

void capture_half_set(struct capture_half *half, const struct config *config,
                      const struct endpoints *endpoints, const struct arguments *arguments)
{
    publication_names_set(&half->publication, config);
    endpoints_hash_filter(config, half->filter_hash);
    half->options = (struct capture_options){.name = config->name,
                                             .slot = config->source.slot,
                                             .publication = half->publication.options,
                                             .source = endpoints->source,
                                             .is_wanted = endpoints_want_table,
                                             .is_wanted_context = config,
                                             .filter_hash = half->filter_hash,
                                             .adopts_slot = arguments->adopts_slot,
                                             .until_caught_up = arguments->until_caught_up,
                                             .copy_unit_rows = (uint32_t)config->copy.unit_rows,
                                             .max_row_bytes = config->limits.max_row_bytes,
                                             .clock = &system_clock,
                                             .stop = command_stop_flag()};
}

void sink_half_set(struct sink_half *half, const char *name, const struct config *config,
                   const struct endpoints *endpoints)
{
    half->options =
        (struct sink_options){.name = name,
                              .batch_max_bytes = config->batch.max_bytes,
                              .batch_max_rows = config->batch.max_rows,
                              .parks_rows = config->target.on_row_error == ROW_ERROR_PARK,
                              .clock = &system_clock,
                              .stop = command_stop_flag(),
                              .stats = &half->stats,
                              .memory = &half->memory,
                              .follows_epochs = config->kafka.count > 0};
    half->target = (struct target_postgres_options){
        .name = name,
        .connection = endpoints->target,
        .creates_tables = config->target.create_tables,
        .synchronous_commit = synchronous_commit_text(config->target.synchronous_commit),
        .clock = &system_clock};
}
