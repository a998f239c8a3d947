/* SPDX-License-Identifier: Apache-2.0 */
/* Random transactions of a simulated source, and the rows behind each. */
#ifndef PENSTOCK_TESTS_SUPPORT_SIMULATED_HISTORY_H
#define PENSTOCK_TESTS_SUPPORT_SIMULATED_HISTORY_H

#include "tests/support/simulated_source.h"

void simulated_history_make(struct simulated_source *source, size_t count, uint32_t most);

#endif
