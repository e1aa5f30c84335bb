/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/web.h"

const struct gc_rpc_method gc_web_grpc_methods[] = {
    { 0 },
};
