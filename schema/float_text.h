/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point numbers as PostgreSQL writes them since version 12: the shortest decimal that reads back the same. */
#ifndef PENSTOCK_SCHEMA_FLOAT_TEXT_H
#define PENSTOCK_SCHEMA_FLOAT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bytes.h"

enum { FLOAT_TEXT_SIZE = 32 }; /* at most */

/* What float8out() and float4out() write; returns the end. */
uint8_t *double_put_text(uint8_t *out, double value);
uint8_t *float_put_text(uint8_t *out, float value);

/* Reads such a text. False if it is none, or not finite. In rare cases the result is a neighbour of the nearest number: who
 * must be sure writes it again and compares. */
bool double_parse_text(struct bytes text, double *value) MUST_USE;

#endif
