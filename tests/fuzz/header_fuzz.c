/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a message's header; one that is accepted can be walked, and says the same when it is written again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "transport/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_met)
{
    if (!is_met)
        abort();
}

static void check_exact(struct header_sections *sections)
{
    struct exact_value value;
    uint16_t count = 0;
    while (header_next_exact(&sections->exact, &value)) {
        require(value.part <= HEADER_KEY);
        count++;
    }
    require(count == sections->exact_count && sections->exact.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header header;
    struct header_sections sections;
    struct error err;
    uint8_t fixed[HEADER_FIXED_SIZE];
    error_clear(&err);
    if (!header_read((struct bytes){data, size}, &header, &err)) {
        require(err.kind == ERROR_DATA);
        return 0;
    }
    header_write_fixed(fixed, &header);
    require(memcmp(fixed, data, sizeof(fixed)) == 0);
    require(header.sections.size == size - sizeof(fixed));
    header_sections(&header, &sections);
    require(sections.unchanged.size % 2 == 0);
    check_exact(&sections);
    return 0;
}
