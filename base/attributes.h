/* SPDX-License-Identifier: Apache-2.0 */
/* The three compiler attributes that the house style uses. */
#ifndef PENSTOCK_BASE_ATTRIBUTES_H
#define PENSTOCK_BASE_ATTRIBUTES_H

/* The result says whether it worked: ignoring it is a bug. */
#define MUST_USE __attribute__((warn_unused_result))

/* Lets the compiler check a format string against its arguments; both are counted from 1. */
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))

/* Calls `function(&variable)` when the variable leaves its scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

#endif
