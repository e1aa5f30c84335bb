# SPDX-License-Identifier: GPL-3.0-or-later
# Made by `--print-config` of each daemon; tests/lint/etc.sh compares them with the tables.
gcconfdir = $(sysconfdir)/gcommon
dist_gcconf_DATA = %D%/file.conf %D%/translation.conf %D%/web.conf

# After a change of a table.
update-etc: all
	for role in file translation web; do \
	    f=$(top_srcdir)/%D%/$$role.conf; \
	    { head -n 3 $$f; src/$$role/gcommon-$$role --print-config; } >$$role.conf.new && mv $$role.conf.new $$f; \
	done
