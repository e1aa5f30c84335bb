/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translation node of a web_bed. */
#ifndef GC_TESTS_SUPPORT_WEB_BED_NODE_H
#define GC_TESTS_SUPPORT_WEB_BED_NODE_H

#include "tests/support/web_bed.h"

uint16_t web_bed_node_open(struct web_bed *bed); /* returns the port */
void web_bed_node_close(struct web_bed *bed);

#endif
