/* SPDX-License-Identifier: Apache-2.0 */
/* R: copying, names of states, bytes. */
#include "transport/recorded.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void recorded_release(struct recorded *recorded)
{
    free(recorded->tables);
    *recorded = (struct recorded){0};
}

void recorded_assign(struct recorded *to, const struct recorded *from)
{
    if (to == from)
        return;
    char *old_tables = to->tables;
    *to = *from;
    to->tables = memory_copy_string(from->tables ? from->tables : "");
    free(old_tables);
}

static pg_lsn later(pg_lsn left, pg_lsn right)
{
    return left > right ? left : right;
}

void recorded_advance(struct recorded *recorded, const struct recorded *state)
{
    struct recorded before = *recorded;
    before.tables = NULL;
    recorded_assign(recorded, state);
    if (before.state == RECORDED_NONE || before.position.epoch != state->position.epoch)
        return;
    if (position_compare(&before.position, &recorded->position) > 0)
        recorded->position = before.position;
    recorded->end_lsn = later(before.end_lsn, recorded->end_lsn);
    recorded->acked_lsn = later(before.acked_lsn, recorded->acked_lsn);
    recorded->commit_time_us = before.commit_time_us;
}

static const char *const state_names[] = {[RECORDED_NONE] = "none",
                                          [RECORDED_CREATING] = "creating",
                                          [RECORDED_COPYING] = "copying",
                                          [RECORDED_STREAMING] = "streaming"};

const char *recorded_state_text(enum recorded_state state)
{
    return state_names[state];
}

bool recorded_state_parse(const char *text, enum recorded_state *state)
{
    for (int i = RECORDED_CREATING; i <= RECORDED_STREAMING; i++) {
        if (strcmp(text, state_names[i]) == 0) {
            *state = (enum recorded_state)i;
            return true;
        }
    }
    return false;
}

pg_lsn recorded_confirmable(const struct recorded *recorded)
{
    return later(recorded->end_lsn, recorded->acked_lsn);
}

void recorded_write_table(struct byte_buffer *lines, uint32_t oid, const char *fingerprint,
                          const char *name)
{
    write_format(lines, "%" PRIu32 " %s ", oid, fingerprint);
    for (const char *p = name; *p; p++) {
        if (*p == '\n' || *p == '\\')
            write_u8(lines, '\\');
        write_u8(lines, *p == '\n' ? 'n' : (uint8_t)*p);
    }
    write_u8(lines, '\n');
}

/* The name up to the line's end, its escapes undone. Returns where it ends. */
static const char *read_name(const char *from, char *name)
{
    size_t length = 0;
    for (; *from && *from != '\n'; from++) {
        bool is_escape = *from == '\\' && from[1] != '\0';
        from += is_escape;
        if (length + 1 < RECORDED_TABLE_NAME_SIZE)
            name[length++] = is_escape && *from == 'n' ? '\n' : *from;
    }
    name[length] = '\0';
    return from;
}

bool recorded_next_table(const char **at, struct recorded_table *table)
{
    *table = (struct recorded_table){0};
    if (!*at || **at == '\0')
        return false;
    char *after_oid = NULL;
    table->oid = (uint32_t)strtoul(*at, &after_oid, 10);
    after_oid += *after_oid == ' ';
    size_t size = strcspn(after_oid, " \n");
    snprintf(table->fingerprint, sizeof(table->fingerprint), "%.*s", (int)size, after_oid);
    after_oid += size + (after_oid[size] == ' ');
    const char *end = read_name(after_oid, table->name);
    *at = *end == '\n' ? end + 1 : end;
    return true;
}

void recorded_write(struct byte_buffer *buffer, const struct recorded *recorded)
{
    write_u32(buffer, RECORDED_VERSION);
    write_u32(buffer, (uint32_t)recorded->state);
    write_u32(buffer, recorded->position.epoch);
    write_u64(buffer, recorded->position.commit_lsn);
    write_u64(buffer, recorded->position.ordinal);
    write_u32(buffer, recorded->position.step);
    write_u64(buffer, recorded->end_lsn);
    write_u64(buffer, recorded->acked_lsn);
    write_u64(buffer, recorded->system_id);
    write_u32(buffer, recorded->timeline);
    write_u64(buffer, (uint64_t)recorded->commit_time_us);
    write_string(buffer, recorded->slot);
    write_string(buffer, recorded->publication);
    write_string(buffer, recorded->routing);
    write_string(buffer, recorded->tables ? recorded->tables : "");
}

static void read_text(struct byte_reader *reader, char *out, size_t size)
{
    const char *text = read_string(reader);
    if (strlen(text) >= size)
        reader->overrun = true;
    snprintf(out, size, "%s", text);
}

bool recorded_read(struct bytes bytes, struct recorded *recorded, struct error *err)
{
    struct byte_reader reader = byte_reader_over(bytes);
    uint32_t version = read_u32(&reader);
    if (version > RECORDED_VERSION) {
        error_stop(err, STOP_STATE_NEWER,
                   "the recorded state has version %u, this program knows %d", version,
                   RECORDED_VERSION);
        return error_remedy(err, "run the newer version of penstock that wrote it");
    }
    struct recorded found = {0};
    found.state = (enum recorded_state)read_u32(&reader);
    found.position.epoch = read_u32(&reader);
    found.position.commit_lsn = read_u64(&reader);
    found.position.ordinal = read_u64(&reader);
    found.position.step = read_u32(&reader);
    found.end_lsn = read_u64(&reader);
    found.acked_lsn = read_u64(&reader);
    found.system_id = read_u64(&reader);
    found.timeline = read_u32(&reader);
    found.commit_time_us = (int64_t)read_u64(&reader);
    read_text(&reader, found.slot, sizeof(found.slot));
    read_text(&reader, found.publication, sizeof(found.publication));
    read_text(&reader, found.routing, sizeof(found.routing));
    const char *tables = read_string(&reader);
    if (reader.overrun || byte_reader_left(&reader) > 0 || found.state > RECORDED_STREAMING)
        return error_set(err, ERROR_FATAL, "the recorded state is malformed");
    found.tables = (char *)(uintptr_t)tables;
    recorded_assign(recorded, &found);
    return true;
}
