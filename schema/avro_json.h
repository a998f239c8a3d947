/* SPDX-License-Identifier: Apache-2.0 */
/* Any Avro value as JSON, for people: unions without their branch's name, bytes and decimals as text. */
#ifndef PENSTOCK_SCHEMA_AVRO_JSON_H
#define PENSTOCK_SCHEMA_AVRO_JSON_H

#include <stdbool.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "schema/avro_schema.h"

/* Appends the value at the front of `body`, all of which it must be. Bytes are written as "\x…"; NaN and infinities as strings.
 * ERROR_DATA: malformed, cut off, or bytes left over. */
bool avro_write_json(const struct avro_schema *schema, struct bytes body, struct byte_buffer *out,
                     struct error *err) MUST_USE;

/* Appends the text as a JSON string; bytes that are no UTF-8 become U+FFFD. */
void json_write_string(struct byte_buffer *out, struct bytes text);

#endif
