# SPDX-License-Identifier: GPL-3.0-or-later
dist_man_MANS += %D%/man/gcommon-web.8 %D%/man/gcommon-translation.8 %D%/man/gcommon-file.8 %D%/man/gcommonctl.1
EXTRA_DIST += %D%/architecture.md %D%/benchmarks.md
