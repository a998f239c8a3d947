/* SPDX-License-Identifier: Apache-2.0 */
/* Row partitions: each by its chain, together in the order of positions. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "sink/units_internal.h"

bool unit_text(struct bytes bytes, char *out, struct error *err)
{
    if (bytes.size == 0 || bytes.size >= KAFKA_TOPIC_SIZE || !bytes_are_utf8(bytes))
        return error_set(err, ERROR_DATA, "a name that is none");
    memcpy(out, bytes.data, bytes.size);
    out[bytes.size] = '\0';
    return true;
}

/* ---- topics and partitions ---- */

struct unit_topic *unit_topic(struct units *units, const char *name)
{
    for (size_t i = units->known_count; i-- > 0;)
        if (strcmp(units->known[i]->name, name) == 0)
            return units->known[i];
    units->known = memory_resize(units->known, units->known_count + 1, sizeof(struct unit_topic *));
    struct unit_topic *topic = memory_new(sizeof(*topic));
    topic->name = memory_copy_string(name);
    units->known[units->known_count++] = topic;
    return topic;
}

void unit_topics_free(struct units *units)
{
    for (size_t i = 0; i < units->known_count; i++) {
        free(units->known[i]->name);
        free(units->known[i]);
    }
    free(units->known);
}

static bool is_of(const struct unit_partition *partition, const struct control_count *count)
{
    const char *name = partition->topic->name;
    return partition->partition == count->partition && strlen(name) == count->topic.size &&
           memcmp(name, count->topic.data, count->topic.size) == 0;
}

static struct unit_partition *add_partition(struct units *units, const char *name, uint32_t number)
{
    struct unit_partition *partition = memory_new(sizeof(*partition));
    const struct place *place = places_find(&units->places, name, number);
    partition->topic = unit_topic(units, name);
    partition->partition = number;
    partition->is_fresh = !place;
    partition->next_offset = place ? place->next_offset : -1;
    if (place)
        partition->last = place->last;
    units->partitions = memory_resize(units->partitions, units->partition_count + 1,
                                      sizeof(struct unit_partition *));
    units->active =
        memory_resize(units->active, units->partition_count + 1, sizeof(struct unit_partition *));
    units->moved =
        memory_resize(units->moved, units->partition_count + 1, sizeof(struct unit_partition *));
    units->partitions[units->partition_count++] = partition;
    return partition;
}

struct unit_partition *unit_find_partition(struct units *units, const struct control_count *count,
                                           struct error *err)
{
    char name[KAFKA_TOPIC_SIZE];
    for (size_t i = 0; i < units->partition_count; i++) {
        struct unit_partition *found = units->partitions[i];
        if (!is_of(found, count))
            continue;
        /* Those in use come to the front. */
        units->partitions[i] = units->partitions[i / 2];
        units->partitions[i / 2] = found;
        return found;
    }
    if (!unit_text(count->topic, name, err))
        return NULL;
    return add_partition(units, name, count->partition);
}

bool unit_open_partition(struct units *units, struct unit_partition *partition, struct error *err)
{
    int64_t first;
    int64_t end;
    if (partition->is_open)
        return true;
    if (!units->topics->ops->open(units->topics, partition->topic->name, partition->partition,
                                  partition->next_offset, &partition->handle, err))
        return false;
    partition->is_open = true;
    /* Where an epoch began since, the topic may have been made anew for it: the chain decides. */
    if (partition->next_offset <= 0 || partition->last.epoch != units->recorded.position.epoch)
        return true;
    if (!units->topics->ops->bounds(units->topics, partition->handle, &first, &end, err))
        return false;
    if (end >= partition->next_offset)
        return true;
    error_stop(err, STOP_CHAIN_GAP,
               "%s/%" PRIu32 " ends at offset %" PRId64 ", but was read up to %" PRId64,
               partition->topic->name, partition->partition, end, partition->next_offset);
    return error_remedy(err, "Kafka lost records, or the topic was made anew: a new copy is "
                             "needed; see docs/stops.md, CHAIN_GAP");
}

/* ---- the chain ---- */

bool unit_poison(const struct unit_partition *partition, const struct topic_record *record,
                 struct error *err)
{
    if (err->kind != ERROR_DATA)
        return false;
    struct error reason = *err;
    error_stop(err, STOP_POISON, "record %" PRId64 " of %s/%" PRIu32 ": %s", record->offset,
               partition->topic->name, partition->partition, reason.message);
    return error_remedy(
        err, "something else wrote to the topic, or its bytes were damaged; nothing of it was "
             "applied: see docs/stops.md, POISON");
}

static bool gap(const struct unit_partition *partition, const struct topic_record *record,
                struct error *err)
{
    char last[POSITION_TEXT_SIZE];
    char previous[POSITION_TEXT_SIZE];
    error_stop(err, STOP_CHAIN_GAP,
               "records of %s/%" PRIu32 " are missing before offset %" PRId64
               ": the last one applied is %s, the next follows %s",
               partition->topic->name, partition->partition, record->offset,
               position_text(&partition->last, last),
               position_text(&record->header.previous, previous));
    return error_remedy(err, "they were removed by retention or lost by Kafka: a new copy is "
                             "needed; see docs/stops.md, CHAIN_GAP");
}

/* The first record ever read of a partition. Control may have been trimmed: then a new epoch is waited for. */
static bool check_first(struct units *units, struct unit_partition *partition,
                        const struct topic_record *record, struct error *err)
{
    const struct position *previous = &record->header.previous;
    partition->is_fresh = false;
    if (position_is_none(previous) || previous->epoch < units->entry.position.epoch)
        return true;
    if (partition == &units->control) {
        units->awaits_epoch = true;
        return true;
    }
    error_stop(err, STOP_HISTORY_TRUNCATED,
               "%s/%" PRIu32 " doesn't begin with its first record: older ones were removed",
               partition->topic->name, partition->partition);
    return error_remedy(err, "a sink that starts now needs a new copy by the capture; see "
                             "docs/stops.md, HISTORY_TRUNCATED");
}

void unit_partition_took(struct units *units, struct unit_partition *partition,
                         const struct topic_record *record)
{
    partition->next_offset = record->offset + 1;
    if (!partition->is_moved && partition != &units->control)
        units->moved[units->moved_count++] = partition;
    partition->is_moved = true;
    if (position_compare(&record->header.position, &partition->last) > 0)
        partition->last = record->header.position;
}

bool unit_check_chain(struct units *units, struct unit_partition *partition,
                      const struct topic_record *record, bool *is_new, struct error *err)
{
    const struct header *header = &record->header;
    *is_new = true;
    if (partition->is_fresh)
        return check_first(units, partition, record, err);
    if (position_compare(&header->previous, &partition->last) == 0)
        return true;
    *is_new = position_compare(&header->position, &partition->last) > 0;
    if (*is_new)
        return gap(partition, record, err);
    char position[POSITION_TEXT_SIZE];
    log_warn("record written twice, dropped", "topic=%s partition=%" PRIu32 " position=%s",
             partition->topic->name, partition->partition,
             position_text(&header->position, position));
    return true;
}

/* ---- one entry ---- */

static bool wrong_count(const struct unit_partition *partition, struct error *err)
{
    char until[POSITION_TEXT_SIZE];
    error_stop(err, STOP_CHAIN_GAP,
               "%s/%" PRIu32 " has %" PRIu64 " records up to %s, the control topic names %" PRIu64,
               partition->topic->name, partition->partition, partition->taken,
               position_text(&partition->until, until), partition->expected);
    return error_remedy(err, "see docs/stops.md, CHAIN_GAP");
}

static bool add_active(struct units *units, const struct control_count *count, struct error *err)
{
    bool is_wanted;
    struct unit_partition *partition = unit_find_partition(units, count, err);
    if (!partition ||
        !unit_is_wanted(units, unit_topic(units, partition->topic->name), &is_wanted, err))
        return false;
    if (!is_wanted)
        return true;
    if (partition->entry == units->entry_number)
        return error_set(err, ERROR_DATA, "an entry names %s/%" PRIu32 " twice",
                         partition->topic->name, partition->partition);
    partition->entry = units->entry_number;
    if (!unit_open_partition(units, partition, err))
        return false;
    if (partition->unit != units->unit_number)
        partition->taken = 0;
    partition->unit = units->unit_number;
    partition->until = count->last;
    partition->expected = count->messages;
    partition->head = NULL;
    if (partition->taken < count->messages) {
        units->active[units->active_count++] = partition;
        return true;
    }
    bool is_all = partition->taken == count->messages &&
                  position_compare(&partition->last, &count->last) == 0;
    return is_all || wrong_count(partition, err);
}

bool unit_begin_entry(struct units *units, struct error *err)
{
    struct bytes counts = units->entry.counts;
    struct control_count count;
    units->active_count = 0;
    units->entry_number++;
    while (control_next_count(units->entry.kind, &counts, &count))
        if (!add_active(units, &count, err))
            return false;
    return true;
}

static void drop_head(struct units *units, struct unit_partition *partition)
{
    unit_partition_took(units, partition, partition->head);
    units->topics->ops->take(units->topics, partition->handle);
    partition->head = NULL;
}

static bool missing(struct units *units, const struct unit_partition *partition, struct error *err)
{
    char until[POSITION_TEXT_SIZE];
    if (clock_now_ms(units->options->clock) - units->heard_ms < units->options->count_patience_ms)
        return true;
    error_stop(
        err, STOP_ROWS_MISSING, "%s/%" PRIu32 " ends before %s, which the control topic names",
        partition->topic->name, partition->partition, position_text(&partition->until, until));
    return error_remedy(
        err, "start the capture: it may heal the topic; if this comes again, Kafka has lost "
             "records: see docs/stops.md, ROWS_MISSING");
}

/* Sees to it that the partition's head is a record of this unit; it stays NULL if none came in time. */
static bool ensure_head(struct units *units, struct unit_partition *partition, int timeout_ms,
                        struct error *err)
{
    while (!partition->head) {
        enum peeked peeked;
        bool is_new;
        if (!units->topics->ops->peek(units->topics, partition->handle, timeout_ms,
                                      &partition->head, &peeked, err))
            return false;
        if (!partition->head)
            return peeked != PEEKED_END || missing(units, partition, err);
        units->heard_ms = clock_now_ms(units->options->clock);
        if (!unit_check_chain(units, partition, partition->head, &is_new, err))
            return false;
        /* What an epoch before left half done is never named by an entry. */
        bool is_old = partition->head->header.position.epoch < units->entry.position.epoch;
        if (!is_new || is_old)
            drop_head(units, partition);
    }
    return true;
}

/* The partition whose head comes first; NULL if a head isn't here yet. */
static bool first_of(struct units *units, int timeout_ms, struct unit_partition **first,
                     struct error *err)
{
    *first = NULL;
    for (size_t i = 0; i < units->active_count; i++) {
        struct unit_partition *partition = units->active[i];
        if (!ensure_head(units, partition, timeout_ms, err))
            return false;
        if (!partition->head) {
            *first = NULL;
            return true;
        }
        if (!*first || position_compare(&partition->head->header.position,
                                        &(*first)->head->header.position) < 0)
            *first = partition;
    }
    return true;
}

static void remove_active(struct units *units, const struct unit_partition *partition)
{
    size_t kept = 0;
    for (size_t i = 0; i < units->active_count; i++)
        if (units->active[i] != partition)
            units->active[kept++] = units->active[i];
    units->active_count = kept;
}

static bool is_of_unit(const struct units *units, const struct position *position)
{
    return position->epoch == units->entry.position.epoch &&
           position->commit_lsn == units->entry.position.commit_lsn;
}

bool unit_take(struct units *units, int timeout_ms, enum taken *taken, struct error *err)
{
    struct unit_partition *partition;
    *taken = TAKEN_ALL;
    if (units->active_count == 0)
        return true;
    *taken = TAKEN_NOTHING;
    if (!first_of(units, timeout_ms, &partition, err))
        return false;
    if (!partition)
        return true;
    *taken = TAKEN_ONE;
    const struct position position = partition->head->header.position;
    if (!is_of_unit(units, &position) || position_compare(&position, &partition->until) > 0)
        return wrong_count(partition, err);
    if (!unit_give_record(units, partition->head, err))
        return unit_poison(partition, partition->head, err);
    partition->taken++;
    drop_head(units, partition);
    bool is_last = position_compare(&position, &partition->until) == 0;
    if (is_last != (partition->taken == partition->expected))
        return wrong_count(partition, err);
    if (is_last)
        remove_active(units, partition);
    return true;
}
