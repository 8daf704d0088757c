/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Which connections want header tables from the memory of their process. */
#ifndef H2TRACE_WANTS_H
#define H2TRACE_WANTS_H

#include "kernel/kernel.h"
#include "record/record.h"

#define FIRST_TABLES 8 /* tables wanted for a connection joined in the middle */

/* How many more tables a connection wants, by its id. */
struct want {
	u32 left[DIR_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct want);
} wants SEC(".maps");

/* User space replaces the number once it knows better. */
static __always_inline void want_first(u64 conn)
{
	struct want want = { .left = { FIRST_TABLES, FIRST_TABLES } };

	bpf_map_update_elem(&wants, &conn, &want, BPF_ANY);
}

#endif
