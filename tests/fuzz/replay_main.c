/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every file of the folders named on the command line through a fuzz target, without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory of exactly the input's size, so that AddressSanitizer sees the first byte read past it. */
static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return false;
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    bool is_read = size >= 0 && data && fread(data, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (is_read)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return is_read;
}

/* Returns the number of files replayed, or -1. */
static int replay_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    int replayed = count < 0 ? -1 : 0;
    if (count < 0)
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        bool is_hidden = entries[i]->d_name[0] == '.';
        free(entries[i]);
        if (is_hidden || replayed < 0)
            continue;
        bool is_replayed = replay_file(path);
        if (!is_replayed)
            fprintf(stderr, "%s: cannot be read\n", path);
        replayed = is_replayed ? replayed + 1 : -1;
    }
    free(entries);
    return replayed;
}

int main(int count, char **arguments)
{
    int replayed = 0;
    for (int i = 1; i < count; i++) {
        int in_folder = replay_folder(arguments[i]);
        if (in_folder < 0)
            return EXIT_FAILURE;
        replayed += in_folder;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%d inputs replayed\n", replayed);
    return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
