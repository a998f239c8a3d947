/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a Kafka transaction: its control record, R, and the records of what it touched. */
#include "transport/topic_chain_internal.h"

bool topic_chain_has_pending(const struct topic_chain *chain)
{
    return chain->is_changed || chain->pending_count > 0;
}

void topic_chain_acked(struct topic_chain *chain, uint32_t topic, uint32_t partition,
                       int64_t offset)
{
    struct chain_partition *at = chain_partition(chain, topic, partition);
    if (offset > at->acked_offset)
        at->acked_offset = offset;
}

static bool send_control(struct topic_chain *chain, topic_chain_send send, void *sender,
                         struct error *err)
{
    struct chain_partition *control = chain_partition(chain, TOPIC_CHAIN_CONTROL, 0);
    struct header header = {.position = chain->last_entry, .previous = control->last};
    uint8_t fixed[HEADER_FIXED_SIZE];
    if (chain->entry_count == 0)
        return true;
    if (chain->entries.overrun)
        return error_set(err, ERROR_FATAL, "a control record is too large");
    control_end(&chain->entries, chain->entry_count);
    header_write_fixed(fixed, &header);
    struct topic_chain_record record = {.topic = TOPIC_CHAIN_CONTROL,
                                        .value = chain_view(&chain->entries),
                                        .header = {fixed, sizeof(fixed)}};
    control->last = chain->last_entry;
    if (!control->is_touched)
        chain_list_add(&chain->touched, chain->topics[TOPIC_CHAIN_CONTROL].first);
    control->is_touched = true;
    chain->entry_count = 0;
    return send(sender, &record, err);
}

bool topic_chain_send_control(struct topic_chain *chain, topic_chain_send send, void *sender,
                              struct error *err)
{
    return chain->entry_count == 0 || chain->entries.size < TOPIC_CHAIN_CONTROL_BYTES ||
           send_control(chain, send, sender, err);
}

/* chain->key and chain->value to the offsets topic. */
static bool send_offsets(struct topic_chain *chain, topic_chain_send send, void *sender,
                         struct error *err)
{
    struct topic_chain_record record = {.topic = TOPIC_CHAIN_OFFSETS,
                                        .key = chain_view(&chain->key),
                                        .value = chain_view(&chain->value)};
    if (chain->value.overrun)
        return error_set(err, ERROR_FATAL, "a record of the offsets topic is too large");
    return send(sender, &record, err);
}

static bool send_pending(struct topic_chain *chain, topic_chain_send send, void *sender,
                         struct error *err)
{
    for (size_t i = 0; i < chain->pending_count; i++) {
        struct topic_chain_record record = {.topic = TOPIC_CHAIN_OFFSETS,
                                            .key = chain_view(&chain->pending[i].key),
                                            .value = chain_view(&chain->pending[i].value)};
        if (!send(sender, &record, err))
            return false;
    }
    chain_clear_pending(chain);
    return true;
}

static bool send_recorded(struct topic_chain *chain, topic_chain_send send, void *sender,
                          struct error *err)
{
    if (chain->is_tables_changed) {
        offsets_write_tables(&chain->key, &chain->value, chain->recorded.tables);
        if (!send_offsets(chain, send, sender, err))
            return false;
    }
    chain->is_tables_changed = false;
    offsets_write_recorded(&chain->key, &chain->value, chain->options.name, &chain->recorded);
    return send_offsets(chain, send, sender, err);
}

static bool send_partitions(struct topic_chain *chain, topic_chain_send send, void *sender,
                            struct error *err)
{
    for (uint32_t i = 0; i < chain->touched.count; i++) {
        struct chain_partition *partition = &chain->partitions[chain->touched.items[i]];
        offsets_write_partition(&chain->key, &chain->value, chain->topics[partition->topic].name,
                                partition->number, &partition->last, partition->acked_offset);
        partition->is_touched = false;
        if (!send_offsets(chain, send, sender, err))
            return false;
    }
    chain->touched.count = 0;
    return true;
}

bool topic_chain_close(struct topic_chain *chain, topic_chain_send send, void *sender,
                       struct error *err)
{
    const struct recorded *recorded = &chain->recorded;
    chain->closed = (struct durable){.state = recorded->state,
                                     .position = recorded->position,
                                     .end_lsn = recorded->end_lsn,
                                     .acked_lsn = recorded->acked_lsn,
                                     .state_count = chain->state_count};
    chain->is_changed = false;
    return send_control(chain, send, sender, err) && send_pending(chain, send, sender, err) &&
           send_recorded(chain, send, sender, err) && send_partitions(chain, send, sender, err);
}

void topic_chain_committed(struct topic_chain *chain)
{
    chain->durable = chain->closed;
}

const struct durable *topic_chain_durable(const struct topic_chain *chain)
{
    return &chain->durable;
}
