/* SPDX-License-Identifier: MIT */
/* Object identifiers as the bytes inside their DER element. GC_OID_INIT_x initialises a table row,
 * GC_OID_x is a value. */
#ifndef GC_CRYPTO_OID_H
#define GC_CRYPTO_OID_H

#include "base/str.h"

#define GC_OID_BYTES(literal)          \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

#define GC_OID_INIT_EC_PUBLIC_KEY \
    GC_OID_BYTES("\x2a\x86\x48\xce\x3d\x02\x01") /* 1.2.840.10045.2.1 */
#define GC_OID_INIT_P256                                                    \
    GC_OID_BYTES("\x2a\x86\x48\xce\x3d\x03\x01\x07") /* 1.2.840.10045.3.1.7 \
                                                      */
#define GC_OID_INIT_ECDSA_SHA256 \
    GC_OID_BYTES("\x2a\x86\x48\xce\x3d\x04\x03\x02")                   /* 1.2.840.10045.4.3.2 */
#define GC_OID_INIT_ED25519           GC_OID_BYTES("\x2b\x65\x70")     /* 1.3.101.112 */
#define GC_OID_INIT_COMMON_NAME       GC_OID_BYTES("\x55\x04\x03")     /* 2.5.4.3 */
#define GC_OID_INIT_COUNTRY           GC_OID_BYTES("\x55\x04\x06")     /* 2.5.4.6 */
#define GC_OID_INIT_ORGANIZATION      GC_OID_BYTES("\x55\x04\x0a")     /* 2.5.4.10 */
#define GC_OID_INIT_ORG_UNIT          GC_OID_BYTES("\x55\x04\x0b")     /* 2.5.4.11 */
#define GC_OID_INIT_SUBJECT_KEY_ID    GC_OID_BYTES("\x55\x1d\x0e")     /* 2.5.29.14 */
#define GC_OID_INIT_KEY_USAGE         GC_OID_BYTES("\x55\x1d\x0f")     /* 2.5.29.15 */
#define GC_OID_INIT_SUBJECT_ALT_NAME  GC_OID_BYTES("\x55\x1d\x11")     /* 2.5.29.17 */
#define GC_OID_INIT_BASIC_CONSTRAINTS GC_OID_BYTES("\x55\x1d\x13")     /* 2.5.29.19 */
#define GC_OID_INIT_AUTHORITY_KEY_ID  GC_OID_BYTES("\x55\x1d\x23")     /* 2.5.29.35 */
#define GC_OID_INIT_EXT_KEY_USAGE     GC_OID_BYTES("\x55\x1d\x25")     /* 2.5.29.37 */
#define GC_OID_INIT_ANY_EKU           GC_OID_BYTES("\x55\x1d\x25\x00") /* 2.5.29.37.0 */
#define GC_OID_INIT_SERVER_AUTH \
    GC_OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x01") /* 1.3.6.1.5.5.7.3.1 */
#define GC_OID_INIT_CLIENT_AUTH \
    GC_OID_BYTES("\x2b\x06\x01\x05\x05\x07\x03\x02") /* 1.3.6.1.5.5.7.3.2 */

#define GC_OID_EC_PUBLIC_KEY     ((struct gc_str)GC_OID_INIT_EC_PUBLIC_KEY)
#define GC_OID_P256              ((struct gc_str)GC_OID_INIT_P256)
#define GC_OID_ECDSA_SHA256      ((struct gc_str)GC_OID_INIT_ECDSA_SHA256)
#define GC_OID_ED25519           ((struct gc_str)GC_OID_INIT_ED25519)
#define GC_OID_COMMON_NAME       ((struct gc_str)GC_OID_INIT_COMMON_NAME)
#define GC_OID_SUBJECT_KEY_ID    ((struct gc_str)GC_OID_INIT_SUBJECT_KEY_ID)
#define GC_OID_KEY_USAGE         ((struct gc_str)GC_OID_INIT_KEY_USAGE)
#define GC_OID_SUBJECT_ALT_NAME  ((struct gc_str)GC_OID_INIT_SUBJECT_ALT_NAME)
#define GC_OID_BASIC_CONSTRAINTS ((struct gc_str)GC_OID_INIT_BASIC_CONSTRAINTS)
#define GC_OID_AUTHORITY_KEY_ID  ((struct gc_str)GC_OID_INIT_AUTHORITY_KEY_ID)
#define GC_OID_EXT_KEY_USAGE     ((struct gc_str)GC_OID_INIT_EXT_KEY_USAGE)
#define GC_OID_ANY_EKU           ((struct gc_str)GC_OID_INIT_ANY_EKU)
#define GC_OID_SERVER_AUTH       ((struct gc_str)GC_OID_INIT_SERVER_AUTH)
#define GC_OID_CLIENT_AUTH       ((struct gc_str)GC_OID_INIT_CLIENT_AUTH)

#endif
