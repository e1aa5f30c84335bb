/* SPDX-License-Identifier: MIT */
/* What connections count: GC_METRIC(member, name, labels, help). Each limit and each timer that
 * ends something has its row. */
GC_METRIC(head_limit, "gc_http_head_limit_total", NULL,
          "Heads refused because they were too large.")
GC_METRIC(malformed, "gc_http_malformed_total", NULL,
          "HTTP/1.1 requests with a framing that was refused.")
GC_METRIC(stream_limit, "gc_http_stream_limit_total", NULL,
          "HTTP/2 streams refused beyond the limit of a connection.")
GC_METRIC(flood, "gc_http_floods_total", NULL,
          "HTTP/2 connections ended because of a flood of frames.")
GC_METRIC(queue_full, "gc_http_queue_full_total", NULL,
          "Writes refused because a stream's queue was full.")
GC_METRIC(timeout_setup, "gc_http_timeouts_total", "timer=\"setup\"", "What a timer gave up.")
GC_METRIC(timeout_head, "gc_http_timeouts_total", "timer=\"head\"", "What a timer gave up.")
GC_METRIC(timeout_body, "gc_http_timeouts_total", "timer=\"body\"", "What a timer gave up.")
GC_METRIC(timeout_write, "gc_http_timeouts_total", "timer=\"write\"", "What a timer gave up.")
GC_METRIC(timeout_idle, "gc_http_timeouts_total", "timer=\"idle\"", "What a timer gave up.")
