/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Packets that are reported on their own: of DNS, of QUIC, and with a ClientHello. */
#ifndef H2TRACE_REPORT_H
#define H2TRACE_REPORT_H

#include "packets/owner.h"
#include "packets/packet.h"

/* Reports whether user space is to see the packet; seq becomes what the record has. */
static __always_inline bool is_reported(struct __sk_buff *skb, struct owner *owner,
					struct packet *p, u32 kind, u32 dir)
{
	u32 generation;

	if (!generation_of(owner->tgid, &generation) || skb->len <= p->payload)
		return false;
	if (kind == RECORD_DNS)
		return ((dir & 1) == DIR_SEND ? p->dest : p->source) == DNS_PORT;
	if (kind == RECORD_QUIC)
		p->seq = skb->gso_size;
	return generation == owner->generation;
}

/*
 * Reports the beginning of a packet without its first skip bytes of payload. seq is the
 * offset in the stream of a ClientHello. A separate function, which the verifier checks
 * once.
 */
__noinline int report_packet(struct __sk_buff *skb, u32 kind, u32 dir, u32 skip, u32 seq)
{
	struct owner *owner = owner_of(skb);
	struct packet p = {};
	struct packet_record *r;
	u64 backlog;

	if (!owner || !dissect(skb, &p))
		return 0;
	if (kind == RECORD_HELLO)
		p.seq = seq;
	p.payload += skip;
	if (!is_reported(skb, owner, &p, kind, dir))
		return 0;
	count_seen(1, 0);
	backlog = ring_backlog();
	/* Never at the cost of data records. */
	r = backlog > ring_size / 2 ? NULL : bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count_lost(LOSS_RING_FULL, 1, 0);
		return 0;
	}
	__builtin_memset(r, 0, __builtin_offsetof(struct packet_record, payload));
	fill_header(&r->h, kind, dir & 1, owner->tgid);
	r->h.time = owner->dir[dir & 1].time;
	r->socket = bpf_get_socket_cookie(skb);
	load_endpoints(skb, &p, dir & 1, &r->local, &r->remote);
	r->family = p.family;
	r->tcp = p.proto == IPPROTO_TCP;
	r->seq = p.seq;
	r->generation = owner->generation;
	r->len = skb->len - p.payload;
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	if (load_some(skb, p.payload, r->payload, PACKET_MAX))
		r->copied = r->len < PACKET_MAX ? r->len : PACKET_MAX;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); /* for the next bytes */
	return 0;
}

#endif
