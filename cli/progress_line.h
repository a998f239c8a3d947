/* SPDX-License-Identifier: Apache-2.0 */
/* A log line now and then that says how fast it goes and how far behind it is. */
#ifndef PENSTOCK_CLI_PROGRESS_LINE_H
#define PENSTOCK_CLI_PROGRESS_LINE_H

#include <stddef.h>

#include "base/attributes.h"
#include "capture/capture.h"
#include "sink/applier.h"

struct progress_line;

/* Logs every `seconds`, while there is progress, from a thread of its own; 0: never. `sink` is NULL where none runs here. */
struct progress_line *progress_line_start(size_t seconds, struct sink_stats *sink) MUST_USE;

/* The capture whose numbers to show from now on; NULL between sessions. */
void progress_line_watch(struct progress_line *line, const struct capture_stats *capture);

void progress_line_stop(struct progress_line *line);

#endif
