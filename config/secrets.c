/* SPDX-License-Identifier: Apache-2.0 */
/* Reads password files. */
#include "config/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { MAX_SECRET = 4096 };

static void close_file(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool check_file(int fd, const char *path, struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        error_set(err, ERROR_CONFIG, "the password file %s is not a regular file", path);
        return error_remedy(err, "name a file that holds only the password");
    }
    if (status.st_mode & S_IRWXO) {
        error_set(err, ERROR_CONFIG, "the password file %s is open to every user (mode %04o)", path,
                  status.st_mode & 07777U);
        return error_remedy(err, "chmod 600 %s", path);
    }
    return true;
}

/* Reads at most MAX_SECRET + 2 bytes: one more than a secret and its newline. */
static bool read_file(int fd, const char *path, char *text, size_t *size, struct error *err)
{
    *size = 0;
    while (*size < MAX_SECRET + 2) {
        ssize_t count = read(fd, text + *size, MAX_SECRET + 2 - *size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            error_set(err, ERROR_CONFIG, "the password file %s can't be read: %s", path,
                      strerror(errno));
            return error_remedy(err, "check the file system, or name another file");
        }
        if (count == 0)
            break;
        *size += (size_t)count;
    }
    return true;
}

/* What is wrong with the secret, or NULL. */
static const char *secret_problem(const char *secret, size_t size)
{
    if (size == 0)
        return "is empty";
    if (size > MAX_SECRET)
        return "is longer than 4 KiB";
    if (memchr(secret, '\0', size))
        return "contains a NUL byte";
    return memchr(secret, '\n', size) || memchr(secret, '\r', size) ? "has more than one line"
                                                                    : NULL;
}

static bool read_secret(const char *path, char *secret, struct error *err)
{
    CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        error_set(err, ERROR_CONFIG, "the password file %s can't be opened: %s", path,
                  strerror(errno));
        return error_remedy(err, "check the path and who owns the file");
    }
    size_t size;
    if (!check_file(fd, path, err) || !read_file(fd, path, secret, &size, err))
        return false;
    if (size > 0 && secret[size - 1] == '\n')
        size--;
    const char *problem = secret_problem(secret, size);
    if (problem) {
        error_set(err, ERROR_CONFIG, "the password file %s %s", path, problem);
        return error_remedy(err, "put only the password into it, on one line");
    }
    secret[size] = '\0';
    return true;
}

char *config_read_secret(const char *path, struct error *err)
{
    char *secret = memory_new(MAX_SECRET + 3);
    if (read_secret(path, secret, err))
        return secret;
    explicit_bzero(secret, MAX_SECRET + 2);
    config_secret_free(secret);
    return NULL;
}

void config_secret_free(char *secret)
{
    if (!secret)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}
