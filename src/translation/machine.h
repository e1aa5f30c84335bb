/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state machine of src/meta in the form in which src/consensus drives one. */
#ifndef GC_TRANSLATION_MACHINE_H
#define GC_TRANSLATION_MACHINE_H

#include "consensus/consensus.h"
#include "meta/meta.h"

/* META must outlive the consensus; a proposal's result is a struct gc_meta_result. */
struct gc_consensus_machine gc_machine(struct gc_meta *meta);

#endif
