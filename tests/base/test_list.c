/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/list.h"
#include "base/macros.h"

struct item {
    int value;
    struct gc_list node;
};

static int
value_of(struct gc_list *node)
{
    return gc_container_of(node, struct item, node)->value;
}

static void
items_leave_in_the_order_they_came(void **state)
{
    struct gc_list head;
    struct item items[3] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
    (void)state;
    gc_list_init(&head);
    assert_true(gc_list_empty(&head));
    for (size_t i = 0; i < 3; i++) {
        gc_list_push(&head, &items[i].node);
    }
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(value_of(gc_list_pop(&head)), i);
    }
    assert_null(gc_list_pop(&head));
}

static void
removing_is_harmless_off_the_list(void **state)
{
    struct gc_list head;
    struct item items[2] = { { .value = 1 }, { .value = 2 } };
    (void)state;
    gc_list_init(&head);
    gc_list_push(&head, &items[0].node);
    gc_list_push(&head, &items[1].node);
    gc_list_remove(&items[0].node);
    gc_list_remove(&items[0].node);
    assert_int_equal(value_of(head.next), 2);
    assert_ptr_equal(head.next, head.prev);
}

static void
a_safe_walk_may_remove(void **state)
{
    struct gc_list head;
    struct gc_list *node;
    struct gc_list *tmp;
    struct item items[4];
    int sum = 0;
    (void)state;
    gc_list_init(&head);
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        gc_list_push(&head, &items[i].node);
    }
    gc_list_foreach_safe(node, tmp, &head) {
        if (value_of(node) % 2 == 0) {
            gc_list_remove(node);
        }
    }
    gc_list_foreach(node, &head) {
        sum += value_of(node);
    }
    assert_int_equal(sum, 4);
}

static void
integers_are_stored_big_end_first(void **state)
{
    uint8_t bytes[8];
    (void)state;
    gc_put_be16(bytes, 0x0102);
    assert_memory_equal(bytes, "\x01\x02", 2);
    assert_int_equal(gc_get_be16(bytes), 0x0102);
    gc_put_be32(bytes, 0x01020304);
    assert_memory_equal(bytes, "\x01\x02\x03\x04", 4);
    assert_int_equal(gc_get_be32(bytes), 0x01020304);
    gc_put_be64(bytes, 0x0102030405060708);
    assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_int_equal(gc_get_be64(bytes), 0x0102030405060708);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_they_came),
        cmocka_unit_test(removing_is_harmless_off_the_list),
        cmocka_unit_test(a_safe_walk_may_remove),
        cmocka_unit_test(integers_are_stored_big_end_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
