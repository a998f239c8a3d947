/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka's path in one thread, from a seed: captures that crash at any message and begin again further back, sinks that crash
 * between any two messages; what the target keeps must be each transaction once, whole, in order. */
#include "tests/unit/sink/units_support.h"

#include <stdlib.h>

enum { SEEDS = 300, UNITS = 40, MAX_CHANGES = 30, MAX_UNIT_TEXT = 2048 };

/* The source's history: it sends the same again, whenever it is asked. */
struct history_change {
    size_t table;
    char key;
};

struct history_unit {
    size_t count;
    struct history_change changes[MAX_CHANGES];
    char text[MAX_UNIT_TEXT]; /* as the sink must see it */
};

static struct history_unit history[UNITS];

/* What the target has committed. */
struct kept {
    size_t units;
    struct recorded recorded;
    struct places places;
};

static uint32_t seed;
static struct kept kept;

static uint32_t roll(uint32_t sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % sides;
}

static void make_history(void)
{
    for (size_t i = 0; i < UNITS; i++) {
        struct history_unit *unit = &history[i];
        size_t used = 0;
        unit->count = roll(4) == 0 ? 1 + roll(MAX_CHANGES) : 1 + roll(3);
        for (size_t c = 0; c < unit->count; c++) {
            struct history_change *made = &unit->changes[c];
            *made = (struct history_change){.table = roll(TABLES), .key = (char)('0' + roll(10))};
            used += (size_t)snprintf(unit->text + used, sizeof(unit->text) - used,
                                     "I%c(%c,%zu,%zu) ", (int)('a' + made->table), made->key, i, c);
        }
        snprintf(unit->text + used, sizeof(unit->text) - used, "END ");
    }
}

/* ---- the capture ---- */

/* False: it crashed on the way. */
static bool send_unit(size_t number, bool may_crash)
{
    const struct history_unit *unit = &history[number];
    begin(100 + 10 * number);
    for (size_t c = 0; c < unit->count; c++) {
        char row[64];
        snprintf(row, sizeof(row), "%c,%zu,%zu", unit->changes[c].key, number, c);
        change(unit->changes[c].table, CHANGE_INSERT, NULL, row);
        if (may_crash && roll(60) == 0)
            return false;
    }
    end();
    if (roll(3) == 0)
        flush();
    return !may_crash || roll(40) > 0;
}

/* From some unit that the slot may stand at, to the end or a crash. Returns what was durable, at least. */
static size_t run_capture(size_t durable, bool may_crash)
{
    size_t from = durable > 0 ? roll((uint32_t)durable + 1) : 0;
    close_writer();
    open_writer();
    learn_recorded();
    position.epoch = 1;
    for (size_t i = from; i < UNITS; i++)
        if (!send_unit(i, may_crash))
            return durable;
    flush();
    return UNITS;
}

/* ---- the sink ---- */

static void keep(const char *unit_text)
{
    if (unit_text[0]) {
        assert_true(kept.units < UNITS);
        assert_string_equal(unit_text, history[kept.units].text);
        kept.units++;
    }
    recorded_assign(&kept.recorded, &recorded);
    places_clear(&kept.places);
    for (size_t i = 0; i < places.count; i++)
        places_set(&kept.places, &places.items[i]);
}

static void forget(void)
{
    recorded_release(&recorded);
    recorded_assign(&recorded, &kept.recorded);
    places_clear(&places);
    for (size_t i = 0; i < kept.places.count; i++)
        places_set(&places, &kept.places.items[i]);
}

/* Reads until there is nothing more, or a crash. */
static void run_sink(bool may_crash)
{
    struct error err;
    forget();
    open_reader(false);
    text[0] = '\0';
    for (;;) {
        const struct message *message =
            units_reader(units)->ops->read(units_reader(units), 0, &err);
        if (!message) {
            if (err.kind != ERROR_NONE)
                print_error("seed: %s\n", err.message);
            assert_int_equal(err.kind, ERROR_NONE);
            break;
        }
        take(message);
        bool is_commit = message->kind != MESSAGE_CHANGE && message->kind != MESSAGE_SHAPE;
        if (message->kind == MESSAGE_STATE)
            text[0] = '\0';
        if (is_commit) {
            keep(text);
            text[0] = '\0';
        }
        if (may_crash && roll(50) == 0)
            break;
    }
    close_reader();
}

static void live(uint32_t number)
{
    size_t durable = 0;
    seed = number;
    kept = (struct kept){0};
    make_history();
    begin_stream();
    for (int session = 0; session < 6; session++) {
        size_t done = run_capture(durable, true);
        if (done > durable)
            durable = done;
        run_sink(true);
    }
    run_capture(durable, false);
    run_sink(false);
    if (kept.units != UNITS)
        print_error("seed %u: %zu units\n", number, kept.units);
    assert_int_equal(kept.units, UNITS);
    recorded_release(&kept.recorded);
    places_release(&kept.places);
}

static void each_transaction_arrives_once_whole_and_in_order(void **state)
{
    for (uint32_t number = 1; number <= SEEDS; number++) {
        live(number);
        close_all(state);
        open_all(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        each_transaction_arrives_once_whole_and_in_order, open_all, close_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
