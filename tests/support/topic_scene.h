/* SPDX-License-Identifier: Apache-2.0 */
/* A writer over Kafka's twin, short words for what it writes, and a look at what lies in the topics. For cmocka's tests. */
#ifndef PENSTOCK_TESTS_SUPPORT_TOPIC_SCENE_H
#define PENSTOCK_TESTS_SUPPORT_TOPIC_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/memory_topics.h"
#include "transport/control.h"
#include "transport/topic_chain.h"

#define CONTROL "__penstock.shop.control"
#define OFFSETS "__penstock.shop.offsets"
#define ORDERS  "shop.public.orders"

/* Two partitions for each topic, a PART after three messages. */
extern const struct memory_writer_options topic_scene_options;

struct topic_scene {
    struct memory_topics *topics;
    struct memory_writer *writer;
    struct message_writer *messages;
    struct topic_writer *rows;
    struct recorded recorded;
    uint32_t orders;
    struct error err;
};

void topic_scene_start_writer_with(struct topic_scene *scene,
                                   const struct memory_writer_options *with);
bool topic_scene_try_start(struct topic_scene *scene);
void topic_scene_start(struct topic_scene *scene);
void topic_scene_write_message(struct topic_scene *scene, enum message_kind kind,
                               const struct position *position, const void *body, size_t size);
void topic_scene_flush(struct topic_scene *scene);
void topic_scene_write_state(struct topic_scene *scene, enum recorded_state kind, uint32_t epoch);
uint32_t topic_scene_open_topic(struct topic_scene *scene, const char *name);
struct topic_row topic_scene_row_at(const struct topic_scene *scene, pg_lsn commit_lsn,
                                    uint64_t ordinal, const char *key);
bool topic_scene_try_row(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal,
                         const char *key);
void topic_scene_write_row(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal,
                           const char *key);
void topic_scene_write_end(struct topic_scene *scene, pg_lsn commit_lsn, uint64_t ordinal);
void topic_scene_write_unit(struct topic_scene *scene, pg_lsn commit_lsn);
int topic_scene_set_up(void **state);
int topic_scene_tear_down(void **state);
struct header topic_scene_header_of(const struct topic_scene *scene, const char *topic,
                                    uint32_t partition, size_t index, struct byte_buffer *value);
struct control_entry topic_scene_entry_of(const struct topic_scene *scene, size_t index,
                                          struct byte_buffer *value);
size_t topic_scene_entries(const struct topic_scene *scene);
void topic_scene_assert_position(const struct position *position, uint32_t epoch, pg_lsn commit_lsn,
                                 uint64_t ordinal, uint32_t step);

#endif
