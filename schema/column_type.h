/* SPDX-License-Identifier: Apache-2.0 */
/* A column's type at the source, domains resolved to what they are made of. */
#ifndef PENSTOCK_SCHEMA_COLUMN_TYPE_H
#define PENSTOCK_SCHEMA_COLUMN_TYPE_H

#include "schema/debezium.h"
#include "schema/table.h"

struct column_type {
    struct column_form form;
    const struct type_definition *enum_type; /* FORM_ENUM; NULL else */
};

struct column_type column_type_of(const struct table *table, const struct column *column);

#endif
