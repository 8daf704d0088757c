/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* State changes of the sockets of targets: connects and closes. */
#ifndef H2TRACE_TCP_H
#define H2TRACE_TCP_H

#include "sockets/sockets.h"

/*
 * In connect(2), before the SYN is sent: the current process is the one that
 * connects.
 */
static __always_inline void connect_begins(struct sock *sk)
{
	u64 key = (u64)sk;
	struct connecting c = {};

	c.tgid = bpf_get_current_pid_tgid() >> 32;
	if (!generation_of(c.tgid, &c.generation))
		return;
	c.start = bpf_ktime_get_ns();
	bpf_get_current_comm(c.comm, sizeof(c.comm));
	if (bpf_map_update_elem(&connects, &key, &c, BPF_ANY)) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
	}
}

static __always_inline void connect_succeeds(struct sock *sk)
{
	u64 key = (u64)sk;
	struct connecting *c = bpf_map_lookup_elem(&connects, &key);

	if (c)
		c->established = bpf_ktime_get_ns();
}

/* The last state change of a socket, which may have been connecting until now. */
static __always_inline void connect_forgets(struct sock *sk, int before)
{
	u64 key = (u64)sk;
	struct connecting *c = bpf_map_lookup_elem(&connects, &key);
	struct connect_record *r;

	if (!c)
		return;
	if (before == TCP_SYN_SENT) { /* also of one that has just exited */
		r = ring_record(sizeof(*r), RECORD_CONNECT, c->tgid);
		if (r) {
			r->start = c->start;
			r->generation = c->generation;
			__builtin_memcpy(r->comm, c->comm, sizeof(r->comm));
			r->sk_err = BPF_CORE_READ(sk, sk_err);
			r->family = fill_endpoints(&r->local, &r->remote, sk);
			/* The port is released before the state changes, but noted. */
			r->local.port = __builtin_bswap16(
				BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
			bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
		}
	}
	bpf_map_delete_elem(&connects, &key);
}

static __always_inline void sock_closes(struct sock *sk, int before, int state)
{
	u64 key = (u64)sk;
	struct conn_key *owner = bpf_map_lookup_elem(&socks, &key);
	struct conn_key conn_key;
	struct conn *c;

	watched_closes(sk, state);
	if (state == TCP_CLOSE)
		bpf_map_delete_elem(&kept, &key);
	if (!owner)
		return;
	/*
	 * shutdown(SHUT_WR) also comes this way, and leaves the other direction
	 * open.
	 */
	if (state != TCP_CLOSE && BPF_CORE_READ(sk, sk_shutdown) != SHUTDOWN_MASK)
		return;
	conn_key = *owner;
	c = bpf_map_lookup_elem(&conns, &conn_key);
	if (c && c->sk == key)
		report_close(c, &conn_key, before);
}

#endif
