/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of gcommonctl in the order of its help: GC_COMMAND(name, one line of help). The
 * function gc_cmd_<name> is in cmd_<name>.c. */
GC_COMMAND(pki, "make a certificate authority and certificates, look into them")
GC_COMMAND(token, "make access tokens")
