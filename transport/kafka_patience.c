/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting that ends: when it took too long, when we are asked to end, when brokers refuse us. */
#include "transport/kafka_patience.h"

struct kafka_patience kafka_patience_of(const struct kafka_options *options, int patience_ms)
{
    return (struct kafka_patience){.options = options,
                                   .deadline_ms = clock_now_ms(options->clock) + patience_ms};
}

bool kafka_patience_again(const struct kafka_patience *patience, struct kafka_client *client,
                          struct error *err)
{
    if (err->kind != ERROR_NONE)
        return false;
    kafka_client_poll(client, 0);
    if (!kafka_client_goes_on(client, INT64_MAX, err))
        return false;
    if (stop_flag_is_set(patience->options->stop))
        return error_set(err, ERROR_ENDED, "ended on request");
    if (clock_now_ms(patience->options->clock) < patience->deadline_ms)
        return true;
    if (!kafka_client_goes_on(client, 0, err))
        return false;
    return error_set(err, ERROR_RETRY, "Kafka doesn't answer in time");
}
