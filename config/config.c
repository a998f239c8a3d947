/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a configuration: the file, then what is laid over it, then the defaults. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/memory.h"
#include "config/loading.h"
#include "config/properties.h"

enum { ARENA_BLOCK_BYTES = 16 * 1024 };

/* A text to load; all zeros if there is none. */
struct source_file {
    struct bytes text;
    const char *name;
    unsigned mode; /* its permissions; 0 if they don't matter */
};

static bool take_all(struct loading *loading, const struct source_file *file)
{
    if (file->name) {
        loading->root = document_parse(file->text, file->name, loading->store.memory, loading->err);
        if (!loading->root || !loading_take_file(loading))
            return false;
    }
    return loading_take_overrides(loading) && loading_complete(loading);
}

static struct config *load(const struct source_file *file, const struct config_overrides *overrides,
                           const struct config_needs *needs, struct error *err)
{
    struct config *config = memory_new(sizeof(*config));
    config->memory = arena_new(ARENA_BLOCK_BYTES);
    bool *is_given = memory_new_array(setting_count, sizeof(*is_given));
    struct given_property *properties = memory_new_array(PROPERTY_MAX_COUNT, sizeof(*properties));
    struct loading loading = {
        .store = {.base = config, .memory = config->memory},
        .file_name = file->name,
        .file_mode = file->mode,
        .overrides = overrides ? overrides : &(struct config_overrides){0},
        .needs = needs,
        .is_given = is_given,
        .properties = properties,
        .err = err,
    };
    bool is_loaded = take_all(&loading, file);
    free(properties);
    free(is_given);
    if (is_loaded)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_parse(struct bytes text, const char *file_name,
                            const struct config_overrides *overrides,
                            const struct config_needs *needs, struct error *err)
{
    return load(&(struct source_file){.text = text, .name = file_name}, overrides, needs, err);
}

static void close_file(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool refuse_file(const char *path, int code, struct error *err)
{
    error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(code));
    return error_remedy(err, "check the path; config/examples/penstock.yml is one to start from");
}

/* Reads until the end, or one byte more than a document may have. */
static bool read_all(int fd, struct byte_buffer *buffer)
{
    while (buffer->size < buffer->max_size) {
        size_t wanted = buffer->max_size - buffer->size;
        wanted = wanted < 16384 ? wanted : 16384;
        uint8_t *end = byte_buffer_reserve(buffer, wanted);
        ssize_t count = end ? read(fd, end, wanted) : -1;
        if (count == 0)
            return true;
        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0)
            buffer->size += (size_t)count;
    }
    return true;
}

static bool read_file(const char *path, struct byte_buffer *buffer, unsigned *mode,
                      struct error *err)
{
    CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !read_all(fd, buffer))
        return refuse_file(path, errno, err);
    *mode = status.st_mode & 07777;
    return true;
}

struct config *config_load(const char *path, const struct config_overrides *overrides,
                           const struct config_needs *needs, struct error *err)
{
    if (!path)
        return load(&(struct source_file){0}, overrides, needs, err);
    SCOPED_BUFFER buffer;
    byte_buffer_init(&buffer, DOCUMENT_MAX_BYTES + 1);
    unsigned mode = 0;
    if (!read_file(path, &buffer, &mode, err))
        return NULL;
    struct bytes text = {(const uint8_t *)byte_buffer_text(&buffer), buffer.size};
    return load(&(struct source_file){.text = text, .name = path, .mode = mode}, overrides, needs,
                err);
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->kafka.count; i++)
        if (config->kafka.properties[i].is_secret)
            explicit_bzero(config->kafka.properties[i].value,
                           strlen(config->kafka.properties[i].value));
    arena_free(config->memory);
    free(config);
}

void config_release(struct config **config)
{
    config_free(*config);
    *config = NULL;
}
