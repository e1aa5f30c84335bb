# SPDX-License-Identifier: GPL-3.0-or-later
# Made by `--print-config` of each daemon; tests/lint/etc.sh compares them with the tables.
gcconfdir = $(sysconfdir)/gcommon
dist_gcconf_DATA = %D%/file.conf %D%/translation.conf %D%/web.conf
