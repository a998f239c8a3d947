/* SPDX-License-Identifier: Apache-2.0 */
/* Avro to JSON, by walking schema and bytes together (Avro 1.11 specification, "Binary Encoding"). */
#include "schema/avro_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_ITEMS_WITHOUT_BYTES = 10000 };

static bool malformed(struct error *err)
{
    return error_set(err, ERROR_DATA, "malformed Avro");
}

static int64_t read_long(struct byte_reader *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = read_u8(in);
        value |= (uint64_t)(byte & 0x7f) << (shift < 64 ? shift : 63);
        if (!(byte & 0x80))
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
    in->overrun = true;
    return 0;
}

static struct bytes read_run(struct byte_reader *in)
{
    int64_t size = read_long(in);
    if (size < 0 || (uint64_t)size > byte_reader_left(in)) {
        in->overrun = true;
        return (struct bytes){0};
    }
    return read_bytes(in, (size_t)size);
}

static void write_escaped(struct byte_buffer *out, uint8_t byte)
{
    switch (byte) {
    case '"':
        write_text(out, "\\\"");
        return;
    case '\\':
        write_text(out, "\\\\");
        return;
    case '\n':
        write_text(out, "\\n");
        return;
    case '\t':
        write_text(out, "\\t");
        return;
    default:
        write_format(out, "\\u%04x", byte);
    }
}

void json_write_string(struct byte_buffer *out, struct bytes text)
{
    bool is_utf8 = bytes_are_utf8(text);
    write_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f)
            write_escaped(out, byte);
        else if (byte >= 0x80 && !is_utf8)
            write_text(out, "\xef\xbf\xbd");
        else
            write_u8(out, byte);
    }
    write_u8(out, '"');
}

static void write_hex(struct byte_buffer *out, struct bytes bytes)
{
    write_text(out, "\"\\\\x");
    for (size_t i = 0; i < bytes.size; i++)
        write_format(out, "%02x", bytes.data[i]);
    write_u8(out, '"');
}

static void write_double(struct byte_buffer *out, double value, int digits)
{
    if (isnan(value))
        write_text(out, "\"NaN\"");
    else if (isinf(value))
        write_text(out, value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    else
        write_format(out, "%.*g", digits, value);
}

static double read_double(struct byte_reader *in)
{
    uint64_t bits = __builtin_bswap64(read_u64(in));
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float read_float(struct byte_reader *in)
{
    uint32_t bits = __builtin_bswap32(read_u32(in));
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static bool write_value(const struct avro_schema *schema, struct byte_reader *in,
                        struct byte_buffer *out, struct error *err);

static bool write_record(const struct avro_schema *schema, struct byte_reader *in,
                         struct byte_buffer *out, struct error *err)
{
    write_u8(out, '{');
    for (uint32_t i = 0; i < schema->count; i++) {
        const char *name = schema->fields[i].name;
        write_text(out, i > 0 ? "," : "");
        json_write_string(out, (struct bytes){(const uint8_t *)name, strlen(name)});
        write_u8(out, ':');
        if (!write_value(schema->fields[i].schema, in, out, err))
            return false;
    }
    write_u8(out, '}');
    return true;
}

/* Arrays and maps come in blocks; a negative count is followed by the block's size. */
static bool write_items(const struct avro_schema *schema, struct byte_reader *in,
                        struct byte_buffer *out, struct error *err)
{
    bool is_map = schema->type == AVRO_TYPE_MAP;
    uint64_t written = 0;
    write_u8(out, is_map ? '{' : '[');
    for (int64_t left; (left = read_long(in)) != 0;) {
        if (left < 0) {
            left = left == INT64_MIN ? INT64_MAX : -left;
            (void)read_long(in);
        }
        for (; left > 0; left--) {
            size_t before = byte_reader_left(in);
            write_text(out, written > 0 ? "," : "");
            if (is_map) {
                json_write_string(out, read_run(in));
                write_u8(out, ':');
            }
            if (!write_value(schema->branches[0], in, out, err))
                return false;
            written++;
            if (byte_reader_left(in) == before && written > MAX_ITEMS_WITHOUT_BYTES)
                return malformed(err);
        }
    }
    write_u8(out, is_map ? '}' : ']');
    return true;
}

static bool write_chosen(const struct avro_schema *schema, struct byte_reader *in,
                         struct byte_buffer *out, struct error *err)
{
    int64_t index = read_long(in);
    if (index < 0 || index >= schema->count)
        return malformed(err);
    if (schema->type == AVRO_TYPE_UNION)
        return write_value(schema->branches[index], in, out, err);
    const char *symbol = schema->symbols[index];
    json_write_string(out, (struct bytes){(const uint8_t *)symbol, strlen(symbol)});
    return true;
}

static bool write_value(const struct avro_schema *schema, struct byte_reader *in,
                        struct byte_buffer *out, struct error *err)
{
    bool is_good = true;
    switch (schema->type) {
    case AVRO_TYPE_NULL:
        write_text(out, "null");
        break;
    case AVRO_TYPE_BOOLEAN:
        write_text(out, read_u8(in) ? "true" : "false");
        break;
    case AVRO_TYPE_INT:
    case AVRO_TYPE_LONG:
        write_format(out, "%" PRId64, read_long(in));
        break;
    case AVRO_TYPE_FLOAT:
        write_double(out, (double)read_float(in), 9);
        break;
    case AVRO_TYPE_DOUBLE:
        write_double(out, read_double(in), 17);
        break;
    case AVRO_TYPE_BYTES:
        write_hex(out, read_run(in));
        break;
    case AVRO_TYPE_FIXED:
        write_hex(out, read_bytes(in, schema->size));
        break;
    case AVRO_TYPE_STRING:
        json_write_string(out, read_run(in));
        break;
    case AVRO_TYPE_ENUM:
    case AVRO_TYPE_UNION:
        is_good = write_chosen(schema, in, out, err);
        break;
    case AVRO_TYPE_ARRAY:
    case AVRO_TYPE_MAP:
        is_good = write_items(schema, in, out, err);
        break;
    case AVRO_TYPE_RECORD:
        is_good = write_record(schema, in, out, err);
        break;
    }
    return is_good && (in->overrun || out->overrun ? malformed(err) : true);
}

bool avro_write_json(const struct avro_schema *schema, struct bytes body, struct byte_buffer *out,
                     struct error *err)
{
    struct byte_reader in = byte_reader_over(body);
    return write_value(schema, &in, out, err) &&
           (byte_reader_left(&in) == 0 ? true : malformed(err));
}
