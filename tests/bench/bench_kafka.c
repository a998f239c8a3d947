/* SPDX-License-Identifier: Apache-2.0 */
/* Writes rows through kafka_writer, reads them through kafka_reader, and says how fast: for script/bench and by hand. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "transport/kafka_reader.h"
#include "transport/kafka_writer.h"

enum {
    FAILED = 1,
    USAGE = 64,
    VALUE_BYTES = 250,
    ROWS_PER_UNIT = 100,
    FIRST_LSN = 0x1000000,
    WAIT_MS = 1000,
};

struct bench {
    struct kafka_options kafka;
    struct kafka_property servers;
    struct stop_flag stop;
    uint64_t rows;
    size_t max_bytes;
    struct message_writer *messages;
    struct topic_writer *topics;
    uint32_t topic;
    struct error err;
};

struct span {
    int64_t started_ms;
    double started_cpu;
};

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct span begin(void)
{
    return (struct span){.started_ms = clock_now_ms(&system_clock), .started_cpu = cpu_seconds()};
}

static void report(const char *what, const struct span *span, uint64_t rows)
{
    struct rusage usage;
    double seconds = (double)(clock_now_ms(&system_clock) - span->started_ms) / 1000;
    double cpu = cpu_seconds() - span->started_cpu;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s rows=%" PRIu64 " seconds=%.3f rows_per_second=%.0f cpu_seconds_per_million=%.2f "
           "peak_rss_kib=%ld\n",
           what, rows, seconds, (double)rows / seconds, cpu * 1e6 / (double)rows, usage.ru_maxrss);
}

/* ---- writing ---- */

static void pause_for(struct bench *bench, int timeout_ms)
{
    struct pollfd wait = {.fd = bench->messages->ops->fd(bench->messages), .events = POLLIN};
    (void)poll(&wait, 1, timeout_ms);
    bench->messages->ops->acknowledge(bench->messages);
}

static bool wait_for_room(struct bench *bench)
{
    struct durable durable;
    while (!bench->messages->ops->has_room(bench->messages)) {
        if (!bench->messages->ops->durable(bench->messages, &durable, &bench->err))
            return false;
        pause_for(bench, 10);
    }
    return true;
}

static bool learn_recorded(struct bench *bench, struct recorded *recorded)
{
    bool is_known = false;
    while (!is_known)
        if (!bench->messages->ops->recorded(bench->messages, recorded, &is_known, &bench->err))
            return false;
    return true;
}

static bool write_state(struct bench *bench)
{
    SCOPED_BUFFER body;
    struct durable durable = {0};
    struct recorded state = {.state = RECORDED_STREAMING,
                             .position = {.epoch = 1},
                             .acked_lsn = 1,
                             .slot = "penstock_bench"};
    byte_buffer_init(&body, SIZE_MAX);
    recorded_write(&body, &state);
    struct message message = {
        .kind = MESSAGE_STATE, .position = state.position, .body = {body.data, body.size}};
    if (!bench->messages->ops->write(bench->messages, &message, &bench->err) ||
        !bench->messages->ops->flush(bench->messages, &bench->err))
        return false;
    while (durable.state_count == 0)
        if (!bench->messages->ops->durable(bench->messages, &durable, &bench->err))
            return false;
    return true;
}

static bool open_topic(struct bench *bench, const char *name)
{
    while (!bench->topics->ops->open_topic(bench->topics, name, &bench->topic, &bench->err))
        if (bench->err.kind != ERROR_NONE)
            return false;
    return true;
}

static bool write_one(struct bench *bench, const struct topic_row *row)
{
    while (!bench->topics->ops->write_row(bench->topics, row, &bench->err))
        if (bench->err.kind != ERROR_NONE)
            return false;
    return true;
}

static bool write_end(struct bench *bench, const struct position *position)
{
    struct unit_end end = {.end_lsn = position->commit_lsn + 1, .count = ROWS_PER_UNIT};
    struct message message = {
        .kind = MESSAGE_END, .position = *position, .body = {(const uint8_t *)&end, sizeof(end)}};
    return bench->messages->ops->write(bench->messages, &message, &bench->err);
}

/* As compressible as rows are: words, digits, some of each at random. */
static void fill(char *value, uint64_t number, uint32_t *seed)
{
    snprintf(value, VALUE_BYTES + 1, "%020" PRIu64 " customer %08" PRIu64 " street and town ",
             number, number * 7919 % 100000000);
    for (size_t i = strlen(value); i < VALUE_BYTES; i++) {
        *seed = *seed * 1664525 + 1013904223;
        value[i] = i % 4 == 0 ? (char)('a' + (*seed >> 24) % 26) : 'x';
    }
}

static bool write_rows(struct bench *bench, pg_lsn first_lsn)
{
    char value[VALUE_BYTES + 1];
    uint32_t seed = 1;
    for (uint64_t i = 0; i < bench->rows; i++) {
        struct topic_row row = {
            .topic = bench->topic,
            .position = {1, first_lsn + i / ROWS_PER_UNIT * 16, i % ROWS_PER_UNIT + 1, 0},
            .shape = 1,
            .key = {(const uint8_t *)&i, sizeof(i)},
            .value = {(const uint8_t *)value, VALUE_BYTES}};
        fill(value, i, &seed);
        if (!write_one(bench, &row) || !wait_for_room(bench))
            return false;
        bool is_last = i % ROWS_PER_UNIT == ROWS_PER_UNIT - 1 || i == bench->rows - 1;
        row.position.ordinal++;
        if (is_last && (!write_end(bench, &row.position) || !wait_for_room(bench)))
            return false;
    }
    return true;
}

static bool wait_until_durable(struct bench *bench, pg_lsn end_lsn)
{
    struct durable durable = {0};
    while (durable.end_lsn < end_lsn)
        if (!bench->messages->ops->flush(bench->messages, &bench->err) ||
            !bench->messages->ops->durable(bench->messages, &durable, &bench->err))
            return false;
    return true;
}

static bool write_all(struct bench *bench, const char *topic)
{
    struct recorded recorded = {0};
    struct span start = begin();
    if (!learn_recorded(bench, &recorded))
        return false;
    pg_lsn first = recorded.end_lsn < FIRST_LSN ? FIRST_LSN : recorded.end_lsn + 16;
    bool is_first = recorded.state == RECORDED_NONE;
    recorded_release(&recorded);
    if ((is_first && !write_state(bench)) || !open_topic(bench, topic))
        return false;
    report("start", &start, 1);
    struct span span = begin();
    if (!write_rows(bench, first) ||
        !wait_until_durable(bench, first + (bench->rows - 1) / ROWS_PER_UNIT * 16 + 1))
        return false;
    report("write", &span, bench->rows);
    return true;
}

/* Units of one row, each flushed by itself: how long until it is durable. */
static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double now_seconds(void)
{
    return (double)clock_wall_us(&system_clock) / 1e6;
}

static bool measure_latency(struct bench *bench, int count)
{
    struct recorded recorded = {0};
    double *seconds = memory_new_array((size_t)count, sizeof(*seconds));
    if (!learn_recorded(bench, &recorded))
        return false;
    pg_lsn lsn = recorded.end_lsn + 16;
    for (int i = 0; i < count; i++, lsn += 16) {
        double started = now_seconds();
        struct topic_row row = {.topic = bench->topic,
                                .position = {1, lsn, 1, 0},
                                .value = {(const uint8_t *)"row", 3}};
        struct position end = {1, lsn, 2, 0};
        if (!write_one(bench, &row) || !write_end(bench, &end) ||
            !wait_until_durable(bench, lsn + 1))
            return false;
        seconds[i] = now_seconds() - started;
    }
    qsort(seconds, (size_t)count, sizeof(*seconds), compare);
    printf("latency transactions=%d p50_ms=%.1f p99_ms=%.1f\n", count, seconds[count / 2] * 1000,
           seconds[count * 99 / 100] * 1000);
    free(seconds);
    recorded_release(&recorded);
    return true;
}

static bool run_writer(struct bench *bench, const char *topic)
{
    struct kafka_writer_options options = {.kafka = bench->kafka,
                                           .max_bytes = bench->max_bytes,
                                           .transaction_bytes = 32 * 1024 * 1024,
                                           .transaction_ms = 500,
                                           .part_bytes = 4 * 1024 * 1024,
                                           .part_messages = 10000};
    struct kafka_writer *writer = kafka_writer_new(&options, &bench->err);
    if (!writer)
        return false;
    bench->messages = kafka_writer_messages(writer);
    bench->topics = kafka_writer_topics(writer);
    bool is_written = write_all(bench, topic) && measure_latency(bench, 200);
    kafka_writer_free(writer);
    return is_written;
}

/* ---- reading ---- */

enum { MAX_PARTITIONS = 64 };

/* The next record must follow the one before. */
static bool check_chain(struct bench *bench, const struct topic_record *record,
                        struct position *last)
{
    char text[POSITION_TEXT_SIZE];
    if (position_compare(&record->header.previous, last) != 0)
        return error_set(&bench->err, ERROR_DATA, "the chain is broken at %s",
                         position_text(&record->header.position, text));
    *last = record->header.position;
    return true;
}

static bool read_partitions(struct bench *bench, struct topic_reader *topics, const char *topic,
                            uint64_t *rows)
{
    partition_handle handles[MAX_PARTITIONS];
    struct position last[MAX_PARTITIONS] = {0};
    uint32_t count = bench->kafka.partitions;
    uint32_t ended = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!topics->ops->open(topics, topic, i, -1, &handles[i], &bench->err))
            return false;
    while (ended < count) {
        ended = 0;
        for (uint32_t i = 0; i < count; i++) {
            const struct topic_record *record;
            enum peeked peeked;
            int budget = 1000;
            do {
                if (!topics->ops->peek(topics, handles[i], 0, &record, &peeked, &bench->err))
                    return false;
                if (record && !check_chain(bench, record, &last[i]))
                    return false;
                if (record)
                    topics->ops->take(topics, handles[i]);
                *rows += record != NULL;
            } while (record && --budget > 0);
            ended += peeked == PEEKED_END;
            if (peeked == PEEKED_NOTHING &&
                !topics->ops->peek(topics, handles[i], WAIT_MS, &record, &peeked, &bench->err))
                return false;
        }
    }
    return true;
}

static bool run_reader(struct bench *bench, const char *topic)
{
    uint64_t rows = 0;
    struct kafka_reader *reader =
        kafka_reader_new(&bench->kafka, "bench", bench->max_bytes, &bench->err);
    if (!reader)
        return false;
    struct span span = begin();
    bool is_read = read_partitions(bench, kafka_reader_topics(reader), topic, &rows);
    if (is_read)
        report("read", &span, rows);
    kafka_reader_free(reader);
    return is_read;
}

int main(int argc, char **argv)
{
    uint32_t partitions = argc == 6 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    if (partitions < 1 || partitions > MAX_PARTITIONS) {
        fprintf(stderr, "usage: %s SERVERS PREFIX ROWS PARTITIONS MAX_MIB\n", argv[0]);
        return USAGE;
    }
    char topic[KAFKA_TOPIC_SIZE];
    struct bench bench = {.servers = {"bootstrap.servers", argv[1]},
                          .rows = strtoull(argv[3], NULL, 10),
                          .max_bytes = strtoull(argv[5], NULL, 10) * 1024 * 1024};
    bench.kafka = (struct kafka_options){.properties = &bench.servers,
                                         .property_count = 1,
                                         .name = "bench",
                                         .prefix = argv[2],
                                         .partitions = partitions,
                                         .replication = -1,
                                         .retention_ms = -1,
                                         .max_message_bytes = 16 << 20,
                                         .clock = &system_clock,
                                         .stop = &bench.stop};
    if (!stop_flag_open(&bench.stop) ||
        !kafka_topic_name(argv[2], "public", "rows", topic, &bench.err) ||
        !run_writer(&bench, topic) || !run_reader(&bench, topic)) {
        fprintf(stderr, "%s %s: %s (%s)\n", stop_name(bench.err.stop), argv[0], bench.err.message,
                bench.err.remedy);
        return FAILED;
    }
    return 0;
}
