/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what is published and wanted is still what R was written for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "capture/internal.h"
#include "capture/oids.h"

void capture_set_routing(const struct capture *capture, struct recorded *recorded)
{
    snprintf(recorded->routing, sizeof(recorded->routing), "%s%s", capture->format->ops->routing,
             capture->options->filter_hash);
}

static bool is_filter_same(const struct capture *capture)
{
    const char *recorded = capture->recorded.routing;
    size_t length = strlen(capture->format->ops->routing);
    return strlen(recorded) >= length &&
           strcmp(recorded + length, capture->options->filter_hash) == 0;
}

static void log_harmless(struct capture *capture, struct publication_change *change)
{
    const char *name = capture->options->publication.name;
    if (change->dropped.size > 0)
        log_warn("table dropped at the source", "publication=%s tables=%s", name,
                 byte_buffer_text(&change->dropped));
    if (change->unwanted.size > 0)
        log_warn("table no longer wanted", "publication=%s tables=%s", name,
                 byte_buffer_text(&change->unwanted));
    if (change->created.size > 0)
        log_info("table created at the source", "publication=%s tables=%s", name,
                 byte_buffer_text(&change->created));
}

bool capture_check_publication(struct capture *capture, struct error *err)
{
    const struct capture_options *options = capture->options;
    struct published published;
    struct publication_change change;
    bool is_same_filter = is_filter_same(capture);
    capture->publication_read_ms = capture_now_ms(capture);
    if (!publication_read(capture->catalog, &options->publication, options->is_wanted,
                          options->is_wanted_context, &published, err))
        return false;
    bool is_same = publication_compare(capture->catalog, &options->publication, &published,
                                       &capture->recorded, is_same_filter, &change, err);
    log_harmless(capture, &change);
    bool is_changed = change.dropped.size > 0 || change.unwanted.size > 0 ||
                      change.created.size > 0 || !is_same_filter;
    publication_change_release(&change);
    if (is_same && !is_same_filter)
        is_same = capture_check_unpublished(capture, false, err);
    if (is_same && is_changed) {
        struct recorded recorded = {0};
        recorded_assign(&recorded, &capture->recorded);
        free(recorded.tables);
        recorded.tables = publication_record(&published);
        capture_set_routing(capture, &recorded);
        is_same = capture_record(capture, &recorded, err);
        recorded_release(&recorded);
    }
    published_release(&published);
    return is_same;
}

static bool check_listed(struct capture *capture, const struct listed_tables *tables,
                         const struct published *published, bool is_same_filter, struct error *err)
{
    enum { MAX_NAMES_BYTES = 2048 };
    SCOPED_BUFFER names;
    byte_buffer_init(&names, MAX_NAMES_BYTES);
    SCOPED_OIDS published_oids = oids_of_published(published);
    SCOPED_OIDS recorded_oids = oids_of_recorded(&capture->recorded);
    for (size_t i = 0; i < tables->count; i++) {
        const struct listed_table *table = &tables->items[i];
        if (!is_same_filter && !oids_find(&recorded_oids, table->oid))
            return publication_table_added(&capture->options->publication, table->schema,
                                           table->name, err);
        if (oids_find(&published_oids, table->oid))
            continue;
        write_text(&names, names.size > 0 ? ", " : "");
        table_write_name(&names, table->schema, table->name);
    }
    if (names.size > 0)
        log_warn("tables match but are not published", "publication=%s tables=%s do=%s",
                 capture->options->publication.name, byte_buffer_text(&names),
                 "exclude them in source.exclude, or start a second pipeline for them");
    return true;
}

bool capture_check_unpublished(struct capture *capture, bool is_same_filter, struct error *err)
{
    const struct capture_options *options = capture->options;
    struct listed_tables tables;
    struct published published;
    if (!catalog_list_tables(capture->catalog, options->is_wanted, options->is_wanted_context,
                             &tables, err))
        return false;
    bool is_good = publication_read(capture->catalog, &options->publication, options->is_wanted,
                                    options->is_wanted_context, &published, err);
    if (is_good) {
        is_good = check_listed(capture, &tables, &published, is_same_filter, err);
        published_release(&published);
    }
    listed_tables_release(&tables);
    return is_good;
}
