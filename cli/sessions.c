/* SPDX-License-Identifier: Apache-2.0 */
/* When to begin again, and when to end. */
#include "cli/sessions.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/command.h"

enum {
    MAX_AUTHENTICATION_TRIES = 3, /* then a person is needed: accounts may get locked */
    STEADY_MS = 60000,            /* a session that lasted so long starts the back-off anew */
};

/* A server that has frozen can hold up a cancel or a disconnect. The process ends all the same: what it had open is
 * rolled back by the server once that notices. */
static void *end_in_time(void *context)
{
    enum { MOST_MS = 9500 };
    (void)context;
    while (!stop_flag_wait(command_stop_flag(), -1))
        ;
    struct timespec most = {.tv_sec = MOST_MS / 1000, .tv_nsec = (MOST_MS % 1000) * 1000000L};
    nanosleep(&most, NULL);
    log_info("ended", "reason=%s", "signal; a server did not answer");
    _exit(EXIT_OK);
}

bool sessions_watch_the_end(struct error *err)
{
    pthread_t watching;
    if (pthread_create(&watching, NULL, end_in_time, NULL) != 0)
        return error_set(err, ERROR_RETRY, "can't start a thread");
    pthread_detach(watching);
    return true;
}

struct retries {
    unsigned attempt;
    unsigned authentication_tries;
    int64_t first_failure_ms; /* of the failures in a row; 0: none */
    uint32_t random;
};

/* Whether another session may help; else the error stands. */
static bool may_retry(const struct sessions *sessions, struct retries *retries, int64_t lasted_ms,
                      const struct error *err)
{
    int64_t now = clock_now_ms(&system_clock);
    if (lasted_ms >= STEADY_MS)
        *retries = (struct retries){.random = retries->random};
    if (err->stop == STOP_ALREADY_RUNNING && sessions->is_standby)
        return true;
    if (retries->first_failure_ms == 0)
        retries->first_failure_ms = now;
    if (err->stop == STOP_AUTHENTICATION_FAILED)
        return ++retries->authentication_tries < MAX_AUTHENTICATION_TRIES;
    if (err->kind != ERROR_RETRY)
        return false;
    return !sessions->gives_up || now - retries->first_failure_ms < COMMAND_PATIENCE_MS;
}

enum exit_code sessions_run(const struct sessions *sessions)
{
    struct retries retries = {.random = (uint32_t)clock_wall_us(&system_clock)};
    for (;;) {
        struct error err;
        error_clear(&err);
        int64_t started_ms = clock_now_ms(&system_clock);
        bool is_done = sessions->run(sessions->context, &err);
        bool is_ended = stop_flag_is_set(command_stop_flag()) && err.kind != ERROR_STOP;
        if (is_done || is_ended) {
            log_info("ended", "reason=%s", is_ended ? "signal" : "caught up");
            return EXIT_OK;
        }
        if (!may_retry(sessions, &retries, clock_now_ms(&system_clock) - started_ms, &err))
            return command_stopped(&err);
        retries.random = retries.random * 1103515245u + 12345u;
        int pause_ms = backoff_ms(retries.attempt++, retries.random >> 8);
        log_failure(LOG_WARN, "trying again", &err);
        stop_flag_wait(command_stop_flag(), pause_ms);
    }
}
