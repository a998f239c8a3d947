/* SPDX-License-Identifier: Apache-2.0 */
/* Which schemas are the same text but for insignificant space. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/avro_schema.h"

enum { SHA256_SIZE = 32 };

static bool hash(const char *text, size_t size, uint8_t digest[SHA256_SIZE])
{
    unsigned written = 0;
    return EVP_Digest(text, size, digest, &written, EVP_sha256(), NULL) == 1 &&
           written == SHA256_SIZE;
}

/* Members keep their order: Avro's parsers give it no meaning, but whoever writes a schema anew in another order has touched it, and
 * all that follows from a difference is one more id. */
bool avro_schema_fingerprint(struct bytes text, char fingerprint[65], struct error *err)
{
    json_error_t cause;
    json_t *json = NULL;
    if (text.size <= AVRO_MAX_TEXT)
        json = json_loadb((const char *)text.data, text.size,
                          JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &cause);
    if (!json)
        return error_set(err, ERROR_DATA, "Avro schema: not JSON, or too long");
    size_t size = json_dumpb(json, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
    char *compact = malloc(size + 1);
    bool is_hashed = false;
    uint8_t digest[SHA256_SIZE];
    if (compact && size > 0 &&
        json_dumpb(json, compact, size, JSON_COMPACT | JSON_ENCODE_ANY) == size)
        is_hashed = hash(compact, size, digest);
    free(compact);
    json_decref(json);
    if (!is_hashed)
        return error_set(err, ERROR_DATA, "Avro schema: cannot be written again as JSON");
    for (int i = 0; i < SHA256_SIZE; i++)
        snprintf(fingerprint + 2 * i, 3, "%02x", digest[i]);
    return true;
}
