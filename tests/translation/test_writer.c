/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "translation/writer.h"

static void
ids_rise_within_the_epoch_and_never_repeat(void **state)
{
    struct gc_writer writer;
    struct gc_writer_id ids[3];
    (void)state;
    gc_writer_init(&writer, 7);
    for (size_t i = 0; i < 3; i++) {
        gc_writer_take(&writer, &ids[i]);
        assert_int_equal(ids[i].id.epoch, 7);
        assert_true(i == 0 || ids[i].id.counter > ids[i - 1].id.counter);
    }
    for (size_t i = 0; i < 3; i++) {
        gc_writer_decided(&writer, &ids[i]);
    }
    gc_writer_fini(&writer);
}

static void
the_watermark_stops_at_the_oldest_undecided_id(void **state)
{
    struct gc_writer writer;
    struct gc_writer_id a, b, c;
    (void)state;
    gc_writer_init(&writer, 1);
    assert_int_equal(gc_writer_watermark(&writer), 1);
    gc_writer_take(&writer, &a);
    gc_writer_take(&writer, &b);
    gc_writer_take(&writer, &c);
    assert_int_equal(gc_writer_watermark(&writer), a.id.counter);
    gc_writer_decided(&writer, &b); /* in the middle: nothing moves */
    assert_int_equal(gc_writer_watermark(&writer), a.id.counter);
    gc_writer_decided(&writer, &a);
    assert_int_equal(gc_writer_watermark(&writer), c.id.counter);
    gc_writer_decided(&writer, &c);
    assert_int_equal(gc_writer_watermark(&writer), c.id.counter + 1);
    gc_writer_fini(&writer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_within_the_epoch_and_never_repeat),
        cmocka_unit_test(the_watermark_stops_at_the_oldest_undecided_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
