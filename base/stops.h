/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which Penstock stops by name. docs/stops.md explains each; a lint test compares the two. */
#ifndef PENSTOCK_BASE_STOPS_H
#define PENSTOCK_BASE_STOPS_H

enum exit_code {
    EXIT_OK = 0,
    EXIT_DIFFERENT = 1,      /* verify found differences */
    EXIT_USAGE = 64,         /* the command line is wrong */
    EXIT_PERSON = 65,        /* a named stop: a person has to decide */
    EXIT_UNAVAILABLE = 69,   /* a server can't be reached */
    EXIT_BUG = 70,           /* an invariant of ours is broken */
    EXIT_TRY_AGAIN = 75,     /* starting again may heal it */
    EXIT_CONFIGURATION = 78, /* the configuration is wrong */
};

/* X(name, exit code) */
#define STOPS(X)                                                                                   \
    X(ALREADY_RUNNING, EXIT_TRY_AGAIN)                                                             \
    X(FENCED, EXIT_TRY_AGAIN)                                                                      \
    X(SLOT_MISSING, EXIT_PERSON)                                                                   \
    X(SLOT_LOST, EXIT_PERSON)                                                                      \
    X(SLOT_AHEAD, EXIT_PERSON)                                                                     \
    X(SLOT_FOREIGN, EXIT_PERSON)                                                                   \
    X(SLOT_UNSUITABLE, EXIT_PERSON)                                                                \
    X(PUBLICATION_MISSING, EXIT_PERSON)                                                            \
    X(PUBLICATION_CHANGED, EXIT_PERSON)                                                            \
    X(TABLE_ADDED, EXIT_PERSON)                                                                    \
    X(ROUTING_CHANGED, EXIT_PERSON)                                                                \
    X(TIMELINE_DIVERGED, EXIT_PERSON)                                                              \
    X(SYSID_CHANGED, EXIT_PERSON)                                                                  \
    X(STATE_NEWER, EXIT_PERSON)                                                                    \
    X(TARGET_NOT_EMPTY, EXIT_PERSON)                                                               \
    X(TABLE_MISSING, EXIT_PERSON)                                                                  \
    X(COLUMN_MISSING, EXIT_PERSON)                                                                 \
    X(TYPE_MISSING, EXIT_PERSON)                                                                   \
    X(KEY_MISSING, EXIT_PERSON)                                                                    \
    X(ROW_MISSING, EXIT_PERSON)                                                                    \
    X(ROW_REFUSED, EXIT_PERSON)                                                                    \
    X(ROW_TOO_LONG, EXIT_PERSON)                                                                   \
    X(VALUE_UNKNOWN, EXIT_PERSON)                                                                  \
    X(CHAIN_GAP, EXIT_PERSON)                                                                      \
    X(HISTORY_TRUNCATED, EXIT_PERSON)                                                              \
    X(POISON, EXIT_PERSON)                                                                         \
    X(ROWS_MISSING, EXIT_TRY_AGAIN)                                                                \
    X(SCHEMA_CHANGED, EXIT_PERSON)                                                                 \
    X(SCHEMA_REJECTED, EXIT_PERSON)                                                                \
    X(SCHEMA_UNKNOWN, EXIT_PERSON)                                                                 \
    X(REGISTRY_UNSUITABLE, EXIT_PERSON)                                                            \
    X(POSITION_MISMATCH, EXIT_PERSON)                                                              \
    X(TOPIC_NOT_EMPTY, EXIT_PERSON)                                                                \
    X(TOPIC_CHANGED, EXIT_PERSON)                                                                  \
    X(TOPIC_UNSUITABLE, EXIT_PERSON)                                                               \
    X(TOPICS_FOREIGN, EXIT_PERSON)                                                                 \
    X(PERMISSION_DENIED, EXIT_PERSON)                                                              \
    X(AUTHENTICATION_FAILED, EXIT_PERSON)                                                          \
    X(SERVER_UNSUITABLE, EXIT_PERSON)                                                              \
    X(SERVER_REFUSED, EXIT_PERSON)                                                                 \
    X(PROTOCOL_ERROR, EXIT_PERSON)

#define STOP_ENUM(name, code) STOP_##name,
enum stop { STOP_NONE, STOPS(STOP_ENUM) STOP_COUNT };
#undef STOP_ENUM

/* The name as it is printed: "SLOT_MISSING". */
const char *stop_name(enum stop stop);

enum exit_code stop_exit_code(enum stop stop);

#endif
