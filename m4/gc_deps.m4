# SPDX-License-Identifier: GPL-3.0-or-later
# The libraries we stand on, each with the floor that has the features and the fixes we need.

# GC_DEP(VARIABLE, MODULE): find MODULE; its flags go to the sums all programs use.
AC_DEFUN([GC_DEP], [
    PKG_CHECK_MODULES([$1], [$2])
    GC_CPPFLAGS="$GC_CPPFLAGS $$1_CFLAGS"
])

# GC_FIXED(PACKAGE, VERSION, WHY): distributions mend old versions, so where the package manager can
# tell that the installed PACKAGE lacks the mend of VERSION, refuse it.
AC_DEFUN([GC_FIXED], [
    AC_MSG_CHECKING([for the fixes of $1 $2])
    gc_have=
    AS_IF([command -v dpkg-query >/dev/null 2>&1],
        [gc_have=`dpkg-query -W -f='${Version}\n' $1 2>/dev/null | head -n 1`])
    AS_IF([test -z "$gc_have"], [AC_MSG_RESULT([cannot tell])],
        [dpkg --compare-versions "$gc_have" ge "$2"], [AC_MSG_RESULT([$gc_have])],
        [AC_MSG_RESULT([no, $gc_have])
         AC_MSG_ERROR([$1 $gc_have lacks security fixes ($3); upgrade it to $2 or later])])
])

AC_DEFUN([GC_DEPS], [
    GC_DEP([UV], [libuv >= 1.44])
    GC_DEP([NGHTTP2], [libnghttp2 >= 1.52])
    GC_DEP([WOLFSSL], [wolfssl >= 5.5.4])
    GC_DEP([PROTOBUF_C], [libprotobuf-c >= 1.4])
    GC_DEP([LMDB], [lmdb >= 0.9.24])
    GC_DEP([GCRYPT], [libgcrypt >= 1.10])
    GC_DEP([ISAL], [libisal >= 2.30])
    GC_DEP([CARES], [libcares >= 1.18])
    GC_DEP([INIH], [inih])
    GC_DEP([EXPAT], [expat >= 2.5])
    GC_DEP([SECCOMP], [libseccomp >= 2.5])
    GC_DEP([SYSTEMD], [libsystemd >= 252])
    GC_DEP([CMOCKA], [cmocka >= 1.1.5])
    GC_FIXED([libnghttp2-14], [1.52.0-1+deb12u3], [CVE-2023-44487, CVE-2024-28182])
    GC_FIXED([libwolfssl35], [5.5.4-2+deb12u3], [certificate verification])
])
