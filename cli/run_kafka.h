/* SPDX-License-Identifier: Apache-2.0 */
/* `penstock run` where the configuration names a Kafka cluster. */
#ifndef PENSTOCK_CLI_RUN_KAFKA_H
#define PENSTOCK_CLI_RUN_KAFKA_H

#include "cli/command.h"

enum exit_code run_through_kafka(const struct arguments *arguments, const struct config *config);

#endif
