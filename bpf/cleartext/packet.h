/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Offsets in a packet. */
#ifndef H2TRACE_PACKET_H
#define H2TRACE_PACKET_H

#include <linux/in.h>
#include "kernel/ring.h"

struct packet {
	struct endpoint source;
	struct endpoint dest;
	u16 family;
	u8 proto;
	u8 flags;    /* TCP */
	u32 seq;     /* TCP */
	u32 payload; /* offset */
};

static __always_inline u16 load_u16(struct __sk_buff *skb, u32 at)
{
	u16 v = 0;

	bpf_skb_load_bytes(skb, at, &v, sizeof(v));
	return __builtin_bswap16(v);
}

static __always_inline u8 load_u8(struct __sk_buff *skb, u32 at)
{
	u8 v = 0;

	bpf_skb_load_bytes(skb, at, &v, sizeof(v));
	return v;
}

/* The packet begins with its IP header (RFC 791 3.1, RFC 8200 3). */
static __always_inline bool dissect_ip(struct __sk_buff *skb, struct packet *p)
{
	u8 first = load_u8(skb, 0);

	if (first >> 4 == 4) {
		p->family = AF_INET;
		p->proto = load_u8(skb, 9);
		bpf_skb_load_bytes(skb, 12, p->source.addr, 4);
		bpf_skb_load_bytes(skb, 16, p->dest.addr, 4);
		p->payload = (first & 15) * 4;
		return true;
	}
	p->family = AF_INET6;
	p->proto = load_u8(skb, 6);
	bpf_skb_load_bytes(skb, 8, p->source.addr, 16);
	bpf_skb_load_bytes(skb, 24, p->dest.addr, 16);
	p->payload = 40;
	return first >> 4 == 6;
}

static __always_inline bool dissect(struct __sk_buff *skb, struct packet *p)
{
	u32 l4;

	if (!dissect_ip(skb, p))
		return false;
	l4 = p->payload;
	p->source.port = load_u16(skb, l4);
	p->dest.port = load_u16(skb, l4 + 2);
	if (p->proto == IPPROTO_UDP) {
		p->payload = l4 + 8;
		return true;
	}
	p->seq = (u32)load_u16(skb, l4 + 4) << 16 | load_u16(skb, l4 + 6);
	p->flags = load_u8(skb, l4 + 13);
	p->payload = l4 + (load_u8(skb, l4 + 12) >> 4) * 4;
	return p->proto == IPPROTO_TCP;
}

/* The beginning of a packet that is reported on its own. */
static __always_inline void report_packet(struct __sk_buff *skb, struct packet *p, u8 kind, u8 dir,
					  u32 tgid, u32 generation, u8 *comm)
{
	u32 len = skb->len - p->payload, copied = len;
	struct packet_record *r;
	u64 backlog;

	count_seen(1, 0);
	backlog = ring_backlog();
	/* Never at the cost of data records. */
	r = backlog > ring_size / 2 ? NULL : bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count_lost(LOSS_RING_FULL, 1, 0);
		return;
	}
	__builtin_memset(r, 0, __builtin_offsetof(struct packet_record, payload));
	r->h.time = bpf_ktime_get_ns();
	r->h.pid = tgid;
	r->h.kind = kind;
	r->h.dir = dir;
	r->socket = bpf_get_socket_cookie(skb);
	r->local = dir == DIR_SEND ? p->source : p->dest;
	r->remote = dir == DIR_SEND ? p->dest : p->source;
	r->family = p->family;
	r->tcp = p->proto == IPPROTO_TCP;
	r->seq = p->seq;
	r->generation = generation;
	r->len = len;
	__builtin_memcpy(r->comm, comm, sizeof(r->comm));
	if (copied > PACKET_MAX)
		copied = PACKET_MAX;
	/* From 1 to PACKET_MAX. */
	copied -= 1;
	apply_mask(copied, PACKET_MAX - 1);
	copied += 1;
	if (!bpf_skb_load_bytes(skb, p->payload, r->payload, copied))
		r->copied = copied;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); /* for the next bytes */
}

#endif
