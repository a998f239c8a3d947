/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe: the transport inside one process, from one writing thread to one reading thread.
 * It also serves a single thread (tests, simulation), when read with a time-out of 0. */
#ifndef PENSTOCK_TRANSPORT_PIPE_H
#define PENSTOCK_TRANSPORT_PIPE_H

#include <stddef.h>

#include "transport/message.h"

struct pipe;

/* `max_bytes` bounds what waits unread; the writer may pass it by one message. */
struct pipe *pipe_new(size_t max_bytes, struct error *err) MUST_USE;
void pipe_free(struct pipe *pipe);

struct message_writer *pipe_writer(struct pipe *pipe);
struct message_reader *pipe_reader(struct pipe *pipe);

/* The capture writes no more: the reader gets what is left, then ERROR_ENDED. */
void pipe_close_writer(struct pipe *pipe);

/* The sink ends: from now on durable() and write() return this error. */
void pipe_close_reader(struct pipe *pipe, const struct error *reason);

/* The sink has read R from the target: hands it to the capture, once. */
void pipe_announce_recorded(struct pipe *pipe, const struct recorded *recorded);

#endif
