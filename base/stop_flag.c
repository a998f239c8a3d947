/* SPDX-License-Identifier: Apache-2.0 */
/* The stop flag: an atomic beside an eventfd. */
#include "base/stop_flag.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool stop_flag_open(struct stop_flag *flag)
{
    atomic_init(&flag->is_set, false);
    flag->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return flag->fd >= 0;
}

void stop_flag_close(struct stop_flag *flag)
{
    if (flag->fd >= 0)
        close(flag->fd);
    flag->fd = -1;
}

void stop_flag_set(struct stop_flag *flag)
{
    atomic_store_explicit(&flag->is_set, true, memory_order_release);
    eventfd_write(flag->fd, 1);
}

bool stop_flag_wait(struct stop_flag *flag, int timeout_ms)
{
    struct pollfd wait = {.fd = flag->fd, .events = POLLIN};
    if (!stop_flag_is_set(flag))
        (void)poll(&wait, 1, timeout_ms);
    return stop_flag_is_set(flag);
}
