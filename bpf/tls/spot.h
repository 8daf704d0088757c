/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where a process has the *tls.Conn of a connection that was open before: user
 * space reads its keys there.
 */
#ifndef H2TRACE_SPOT_H
#define H2TRACE_SPOT_H

#include "kernel/compat.h"
#include "kernel/ring.h"
#include "tls/conn.h"
#include "tls/goabi.h"
#include "tls/sought.h"

static __always_inline void spot(u64 ptr, struct site *site)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, generation;
	struct spot_record *r;
	struct sock *sk;
	u64 cookie;
	u8 *found;

	if (!generation_of(tgid, &generation))
		return;
	sk = sock_of_conn(ptr, site);
	if (!sk)
		return;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	found = bpf_map_lookup_elem(&sought, &cookie);
	if (!found || *found)
		return;
	r = ring_record(sizeof(*r), RECORD_SPOT, tgid);
	if (!r)
		return;
	*found = 1;
	r->conn = TLS_CONN | cookie;
	r->ptr = ptr;
	r->generation = generation;
	r->layout = site->layout;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* (*tls.Conn).Read and Write, at the entry or after the stack check. */
SEC("uprobe/spot_args")
int spot_args(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);

	if (site && !(site->stack_check && GO_STACK_GROWS(ctx)))
		spot(GO_ARG0(ctx), site);
	return 0;
}

/* Inside (*tls.Conn).Read, as read_memmove. */
SEC("uprobe/spot_slot")
int spot_slot(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);

	if (site)
		spot(read_user_u64(GO_SP(ctx) + site->conn_slot), site);
	return 0;
}

#endif
