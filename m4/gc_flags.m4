# SPDX-License-Identifier: GPL-3.0-or-later
# Everything that decides how the project is compiled: switches, warnings, hardening.
# What we add goes to GC_CPPFLAGS, GC_CFLAGS and GC_LDFLAGS; CFLAGS and LDFLAGS stay the user's.

# GC_CFLAG(FLAGS): append FLAGS to GC_CFLAGS if the compiler takes them without a word.
AC_DEFUN([GC_CFLAG], [
    AC_MSG_CHECKING([whether $CC accepts $1])
    gc_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS $GC_CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[]])],
        [AC_MSG_RESULT([yes]); GC_CFLAGS="$GC_CFLAGS $1"], [AC_MSG_RESULT([no])])
    CFLAGS=$gc_save_CFLAGS
])

# GC_LDFLAG(FLAGS): the same for the linker.
AC_DEFUN([GC_LDFLAG], [
    AC_MSG_CHECKING([whether the linker accepts $1])
    gc_save_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -Werror $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); GC_LDFLAGS="$GC_LDFLAGS $1"], [AC_MSG_RESULT([no])])
    LDFLAGS=$gc_save_LDFLAGS
])

AC_DEFUN([GC_SWITCHES], [
    AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors (developers, CI)])])
    AC_ARG_ENABLE([sanitize], [AS_HELP_STRING([--enable-sanitize@<:@=LIST@:>@],
        [address,undefined (default of the switch) or thread])])
    AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [count executed lines; see make coverage])])
    AC_ARG_ENABLE([fuzz], [AS_HELP_STRING([--enable-fuzz], [build fuzz targets with libFuzzer (needs CC=clang)])])
    AS_IF([test "x$enable_sanitize" = xyes], [enable_sanitize=address,undefined])
    AS_IF([test "x$enable_fuzz" = xyes && test "x${enable_sanitize:-no}" = xno], [enable_sanitize=address,undefined])
    AS_IF([test "x$enable_sanitize" = xno], [enable_sanitize=])
    AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
    AM_CONDITIONAL([ENABLE_COVERAGE], [test "x$enable_coverage" = xyes])
])

AC_DEFUN([GC_WARNINGS], [
    m4_foreach_w([gc_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2
        -Wimplicit-fallthrough -Wdouble-promotion -Wlogical-op -Wduplicated-cond
        -Wno-missing-field-initializers -Werror=format-security -Werror=implicit-function-declaration
        -Werror=return-type -Werror=incompatible-pointer-types -Werror=int-conversion],
        [GC_CFLAG(gc_flag)])
])

# specs: measured list of the hardening every binary carries. FORTIFY does not go with sanitizers,
# and glibc warns about it when the user asks for -O0.
AC_DEFUN([GC_HARDENING], [
    m4_foreach_w([gc_flag], [-fno-strict-overflow -fstack-protector-strong -fstack-clash-protection
        -fcf-protection=full -ftrivial-auto-var-init=zero -fPIE], [GC_CFLAG(gc_flag)])
    AS_IF([test -z "$enable_sanitize"], [GC_CFLAG([-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3])])
    GC_LDFLAG([-pie])
    m4_foreach_w([gc_flag], [relro now noexecstack separate-code], [GC_LDFLAG([-Wl,-z,]gc_flag)])
    GC_LDFLAG([-Wl,--as-needed])
])

AC_DEFUN([GC_INSTRUMENT], [
    AS_IF([test -n "$enable_sanitize"], [
        gc_san="-fsanitize=$enable_sanitize -fno-sanitize-recover=all"
        GC_CFLAGS="$GC_CFLAGS $gc_san -fno-omit-frame-pointer"
        GC_LDFLAGS="$GC_LDFLAGS $gc_san"
    ])
    AS_IF([test "x$enable_coverage" = xyes], [
        GC_CFLAGS="$GC_CFLAGS --coverage"
        GC_LDFLAGS="$GC_LDFLAGS --coverage"
    ])
    # libFuzzer as a plain archive: only a program without a main of its own takes its main.
    AS_IF([test "x$enable_fuzz" = xyes], [
        GC_CFLAG([-fsanitize=fuzzer-no-link])
        GC_FUZZER=`$CC -print-file-name=libclang_rt.fuzzer-$host_cpu.a`
        AS_IF([test -f "$GC_FUZZER"], [GC_FUZZER="$GC_FUZZER -lstdc++ -lm"],
            [AC_MSG_ERROR([--enable-fuzz needs CC=clang with libFuzzer])])
    ])
])

AC_DEFUN([GC_FLAGS], [
    AC_REQUIRE([AC_CANONICAL_HOST])
    GC_SWITCHES
    GC_CPPFLAGS="-D_GNU_SOURCE"
    GC_CFLAGS="-std=gnu11 -pthread"
    GC_LDFLAGS="-pthread"
    GC_WARNINGS
    GC_HARDENING
    GC_INSTRUMENT
    AS_IF([test "x$enable_werror" = xyes], [GC_CFLAGS="$GC_CFLAGS -Werror"])
    AC_SUBST([GC_CPPFLAGS])
    AC_SUBST([GC_CFLAGS])
    AC_SUBST([GC_LDFLAGS])
    AC_SUBST([GC_FUZZER])
])
