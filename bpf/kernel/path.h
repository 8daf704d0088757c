/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What TCP knows about the path to the peer when a connection closes. */
#ifndef H2TRACE_PATH_H
#define H2TRACE_PATH_H

#include "kernel/kernel.h"
#include "record/connection.h"

static __always_inline void fill_path(struct close_record *r, struct tcp_sock *tp, u8 state)
{
	r->socket = 1;
	r->state = state;
	r->sk_err = BPF_CORE_READ((struct sock *)tp, sk_err);
	r->srtt_us = BPF_CORE_READ(tp, srtt_us) >> 3;
	r->min_rtt_us = BPF_CORE_READ(tp, rtt_min.s[0].v);
	r->rcv_rtt_us = BPF_CORE_READ(tp, rcv_rtt_est.rtt_us) >> 3;
	r->mss = BPF_CORE_READ(tp, mss_cache);
	r->unread = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);
	r->retransmits = BPF_CORE_READ(tp, total_retrans);
	r->out_of_order = BPF_CORE_READ(tp, rcv_ooopack);
	r->segs_in = BPF_CORE_READ(tp, segs_in);
	r->segs_out = BPF_CORE_READ(tp, segs_out);
}

#endif
