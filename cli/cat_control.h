/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the control topic as JSON, for penstock cat. */
#ifndef PENSTOCK_CLI_CAT_CONTROL_H
#define PENSTOCK_CLI_CAT_CONTROL_H

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"

/* Appends `,"entries":[…]`. */
bool cat_write_control(struct bytes record, struct byte_buffer *out, struct error *err) MUST_USE;

#endif
