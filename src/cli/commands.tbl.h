/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of gcommonctl in the order of its help: GC_COMMAND(name, one line of help). The
 * function gc_cmd_<name> is in cmd_<name>.c. */
GC_COMMAND(mb, "make a bucket")
GC_COMMAND(rb, "remove a bucket")
GC_COMMAND(ls, "list buckets or objects")
GC_COMMAND(put, "store files as objects")
GC_COMMAND(get, "fetch objects into files")
GC_COMMAND(rm, "remove objects")
GC_COMMAND(stat, "say what is known about an object")
GC_COMMAND(status, "say how the cluster is")
GC_COMMAND(pki, "make a certificate authority and certificates, look into them")
GC_COMMAND(token, "make access tokens")
