/* SPDX-License-Identifier: MIT */
#ifndef GC_BASE_VERSION_H
#define GC_BASE_VERSION_H

/* The version of this build, as configure.ac names it ("0.1.0"). Static, never NULL. */
const char *gc_version(void);

#endif
