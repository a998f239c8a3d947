/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a control record; entries that are accepted can be walked, and are written again as they were. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static void check_lists(const struct control_entry *entry)
{
    struct bytes counts = entry->counts;
    struct bytes tables = entry->tables;
    struct control_count count;
    struct control_table table;
    uint32_t count_count = 0;
    uint32_t table_count = 0;
    while (control_next_count(entry->kind, &counts, &count))
        count_count++;
    while (control_next_table(&tables, &table))
        table_count++;
    require(count_count == entry->count_count && counts.size == 0);
    require(table_count == entry->table_count && tables.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_reader reader;
    struct control_entry entry;
    struct error err;
    struct byte_buffer again;
    uint32_t count = 0;
    byte_buffer_init(&again, SIZE_MAX);
    error_clear(&err);
    control_begin(&again);
    bool is_open = control_open(&reader, (struct bytes){data, size}, &err);
    for (; is_open && control_next(&reader, &entry, &err); count++) {
        check_lists(&entry);
        control_write_entry(&again, &entry);
    }
    control_end(&again, count);
    require(err.kind == ERROR_NONE || err.kind == ERROR_DATA || err.stop == STOP_STATE_NEWER);
    if (err.kind == ERROR_NONE)
        require(again.size == size && memcmp(again.data, data, size) == 0);
    byte_buffer_release(&again);
    return 0;
}
