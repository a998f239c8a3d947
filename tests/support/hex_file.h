/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded bytes: files of hexadecimal digits, with lines of comment that begin with #. */
#ifndef PENSTOCK_TESTS_SUPPORT_HEX_FILE_H
#define PENSTOCK_TESTS_SUPPORT_HEX_FILE_H

#include "base/bytes.h"

/* The bytes of the file in memory of exactly their size, to be released with free(); NULL if it can't be read. */
uint8_t *hex_file_read(const char *path, size_t *size);

/* The same of digits in a string, spaces allowed; aborts on anything else. */
uint8_t *hex_read(const char *text, size_t *size);

#endif
