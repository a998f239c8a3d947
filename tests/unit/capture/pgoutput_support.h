/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of pgoutput share: golden frames, decoded. */
#ifndef PENSTOCK_TESTS_UNIT_CAPTURE_PGOUTPUT_SUPPORT_H
#define PENSTOCK_TESTS_UNIT_CAPTURE_PGOUTPUT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/pgoutput.h"
#include "tests/support/hex_file.h"
#include "tests/support/scene.h"

/* Each frame of tests/data/pgoutput. */
static const char *const golden_names[] = {
    "begin",           "begin_origin",     "commit",
    "delete_full",     "delete_key",       "insert",
    "insert_empty",    "insert_nan",       "message",
    "message_at_once", "origin",           "relation",
    "relation_empty",  "relation_full",    "relation_index",
    "relation_quoted", "relation_typed",   "truncate",
    "type_domain",     "type_enum",        "truncate_cascade_restart",
    "update",          "update_index",     "update_full_unchanged",
    "update_key",      "update_unchanged", "update_key_unchanged",
};

enum { GOLDEN_COUNT = sizeof(golden_names) / sizeof(golden_names[0]) };

static struct pgoutput_decoder decoder;

/* A frame and what it says; what is decoded stays valid until the next frame is. */
struct frame_read {
    uint8_t *data;
    size_t size;
    struct pgoutput_message message;
    struct error err;
    bool is_decoded;
};

static void release_frame(struct frame_read *frame)
{
    free(frame->data);
}

#define SCOPED_FRAME CLEANUP(release_frame) struct frame_read

static void decode_frame(struct frame_read *frame)
{
    error_clear(&frame->err);
    frame->is_decoded = pgoutput_decode(&decoder, (struct bytes){frame->data, frame->size},
                                        &frame->message, &frame->err);
}

static inline struct frame_read read_golden(const char *name)
{
    char path[256];
    struct frame_read frame = {0};
    snprintf(path, sizeof(path), "tests/data/pgoutput/%s.hex", name);
    frame.data = hex_file_read(path, &frame.size);
    assert_non_null(frame.data);
    decode_frame(&frame);
    return frame;
}

static inline struct frame_read read_hex(const char *text)
{
    struct frame_read frame = {0};
    frame.data = hex_read(text, &frame.size);
    decode_frame(&frame);
    return frame;
}

#endif
