/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What TCP knows about the path to the peer. */
#ifndef H2TRACE_PATH_H
#define H2TRACE_PATH_H

#include "kernel/kernel.h"
#include "record/connection.h"

/* The states in which a FIN is among what is written (RFC 9293 3.3.2). */
static __always_inline bool has_fin(u8 state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_LAST_ACK ||
	       state == TCP_CLOSING;
}

static __always_inline void fill_path(struct tcp_path *p, struct tcp_sock *tp, u8 state)
{
	/* In this order: what comes meanwhile counts as not read. */
	u32 read = BPF_CORE_READ(tp, copied_seq);

	p->unread = BPF_CORE_READ(tp, rcv_nxt) - read;
	/* As above: what is sent meanwhile counts as sent. */
	p->unsent = BPF_CORE_READ(tp, write_seq);
	p->unsent -= BPF_CORE_READ(tp, snd_nxt);
	if (p->unsent && has_fin(state))
		p->unsent--;
	p->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	p->min_rtt_us = BPF_CORE_READ(tp, rtt_min.s[0].v);
	p->rcv_rtt_us = BPF_CORE_READ(tp, rcv_rtt_est.rtt_us) >> 3;
	p->mss = BPF_CORE_READ(tp, mss_cache);
	p->retransmits = BPF_CORE_READ(tp, total_retrans);
	p->out_of_order = BPF_CORE_READ(tp, rcv_ooopack);
	p->segs_in = BPF_CORE_READ(tp, segs_in);
	p->segs_out = BPF_CORE_READ(tp, segs_out);
}

/* The end of a connection, with its previous state. */
static __always_inline void fill_end(struct close_record *r, struct tcp_sock *tp, u8 state)
{
	r->socket = 1;
	r->state = state;
	r->sk_err = BPF_CORE_READ((struct sock *)tp, sk_err);
	fill_path(&r->path, tp, state);
}

#endif
