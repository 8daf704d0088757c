/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Witnesses for probes that have not fired yet. They sit where a trap costs more
 * and where all plaintext passes. They only count.
 */
#ifndef H2TRACE_WITNESS_H
#define H2TRACE_WITNESS_H

#include "tls/conn.h"

struct process_key {
	u32 tgid;
	u32 generation;
};

struct witnessed {
	u64 calls[DIR_COUNT]; /* that moved plaintext */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct process_key);
	__type(value, struct witnessed);
} witnesses SEC(".maps");

static __always_inline void witness(u32 direction)
{
	struct process_key key = { .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct witnessed fresh = {};
	struct witnessed *w;

	if (!generation_of(key.tgid, &key.generation))
		return;
	w = bpf_map_lookup_elem(&witnesses, &key);
	if (!w) {
		bpf_map_update_elem(&witnesses, &key, &fresh, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&witnesses, &key);
	}
	if (w)
		__sync_fetch_and_add(&w->calls[direction & 1], 1);
}

/* (*tls.Conn).Write(b []byte), its first instruction. */
SEC("uprobe/witness_write")
int witness_write(struct pt_regs *ctx)
{
	if (GO_ARG2(ctx))
		witness(DIR_SEND);
	return 0;
}

/* Any RET of (*tls.Conn).Read(b []byte) (n int, err error). */
SEC("uprobe/witness_read")
int witness_read(struct pt_regs *ctx)
{
	if ((long)GO_RESULT0(ctx) > 0)
		witness(DIR_RECV);
	return 0;
}

#endif
