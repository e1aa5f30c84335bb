/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/list.h"

#include <string.h>

#include "base/err.h"
#include "proto/gcommon/v1/object/object.pb-c.h"

/* A page has at most 1000 names of 1024 bytes; decoding takes up to eight times its wire size. */
#define ARENA_BYTES_MAX (16u * 1024 * 1024)

typedef Gcommon__V1__Object__ListObjectsResponse Page;

void
gc_lister_init(struct gc_lister *lister, struct gc_remote *remote, const char *bucket,
               struct gc_str prefix, const char *delimiter)
{
    *lister = (struct gc_lister){
        .remote = remote, .bucket = bucket, .prefix = prefix, .delimiter = delimiter
    };
    gc_arena_init(&lister->arenas[0], ARENA_BYTES_MAX);
    gc_arena_init(&lister->arenas[1], ARENA_BYTES_MAX);
}

void
gc_lister_fini(struct gc_lister *lister)
{
    gc_arena_fini(&lister->arenas[0]);
    gc_arena_fini(&lister->arenas[1]);
}

static ProtobufCBinaryData
bytes_of(struct gc_str text)
{
    return (ProtobufCBinaryData){ .len = text.len, .data = (uint8_t *)(uintptr_t)text.data };
}

/* A page that leads to where the one before has led would be asked for again and again. */
static bool
goes_on(const Page *old, const Page *page)
{
    return old == NULL || !page->truncated ||
           strcmp(old->next_continuation, page->next_continuation) != 0;
}

/* Ask for the page after the present one, which is needed until the question has been packed. */
static bool
fetch(struct gc_lister *lister, struct gc_fault *fault)
{
    Gcommon__V1__Object__ListObjectsRequest request =
        GCOMMON__V1__OBJECT__LIST_OBJECTS_REQUEST__INIT;
    struct gc_arena *arena = &lister->arenas[lister->n_pages % 2];
    const Page *old = lister->page;
    struct gc_ask ask = {
        .path = GC_OBJECT_METHOD("ListObjects"),
        .request = &request.base,
        .answer = &gcommon__v1__object__list_objects_response__descriptor,
        .arena = arena,
    };
    void *answer;

    request.bucket = (char *)(uintptr_t)lister->bucket;
    request.prefix = bytes_of(lister->prefix);
    request.delimiter = bytes_of(gc_str_of(lister->delimiter));
    if (old != NULL) {
        request.continuation = old->next_continuation;
    }
    gc_arena_reset(arena);
    if (!gc_remote_ask(lister->remote, &ask, &answer, fault)) {
        return false;
    }
    if (!goes_on(old, answer)) {
        gc_fault_set(fault, GC_EPROTO, "listing goes round in a circle");
        return false;
    }
    lister->page = answer;
    lister->n_pages++;
    lister->at_entry = lister->at_prefix = 0;
    return true;
}

static struct gc_str
str_of(const ProtobufCBinaryData *bytes)
{
    return (struct gc_str){ (const char *)bytes->data, bytes->len };
}

/* Entries and common prefixes come as two sorted lists; take the smaller head. */
static bool
take(struct gc_lister *lister, struct gc_list_item *ret_item)
{
    const Page *page = lister->page;
    bool has_entry = lister->at_entry < page->n_entries;
    bool has_prefix = lister->at_prefix < page->n_common_prefixes;
    const Gcommon__V1__Object__ListEntry *entry =
        has_entry ? page->entries[lister->at_entry] : NULL;
    struct gc_str prefix = { 0 };

    if (has_prefix) {
        prefix = str_of(&page->common_prefixes[lister->at_prefix]);
    }
    if (has_prefix && (!has_entry || gc_str_cmp(prefix, str_of(&entry->key)) < 0)) {
        lister->at_prefix++;
        *ret_item = (struct gc_list_item){ .name = prefix, .is_prefix = true };
        return true;
    }
    if (has_entry) {
        lister->at_entry++;
        *ret_item = (struct gc_list_item){ .name = str_of(&entry->key),
                                           .length = entry->length,
                                           .etag = entry->etag,
                                           .modified_ms = entry->modified_ms };
        return true;
    }
    return false;
}

int
gc_lister_next(struct gc_lister *lister, struct gc_list_item *ret_item, struct gc_fault *fault)
{
    for (;;) {
        const Page *page = lister->page;

        if (page != NULL && take(lister, ret_item)) {
            return 1;
        }
        if (page != NULL && !page->truncated) {
            return 0;
        }
        if (page != NULL && page->next_continuation[0] == '\0') {
            gc_fault_set(fault, GC_EPROTO, "listing does not say how it goes on");
            return -1;
        }
        if (!fetch(lister, fault)) {
            return -1;
        }
    }
}
