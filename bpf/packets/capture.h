/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Copies of whole packets, with their headers. They have a ring buffer of their own, so
 * that events never suffer.
 */
#ifndef H2TRACE_CAPTURE_H
#define H2TRACE_CAPTURE_H

#include "packets/owner.h"
#include "packets/packet.h"
#include "record/capture.h"

/* Records that a packet may become: 512 KiB, as jumbograms of IPv6 have. */
#define CAPTURE_PIECES 8

/* Returns the owner of a listening socket that is one of listeners. */
static __always_inline struct owner *owner_of_listener(struct bpf_sock *sk)
{
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	struct listener key = {};
	u32 ip;

	if (!full)
		return NULL;
	key.netns = BPF_CORE_READ(full, __sk_common.skc_net.net, ns.inum);
	key.port = BPF_CORE_READ(full, __sk_common.skc_num);
	if (BPF_CORE_READ(full, __sk_common.skc_family) != AF_INET) {
		BPF_CORE_READ_INTO(&key.addr, full, __sk_common.skc_v6_rcv_saddr);
	} else {
		ip = BPF_CORE_READ(full, __sk_common.skc_rcv_saddr);
		if (ip) {
			key.addr[10] = key.addr[11] = 0xff;
			__builtin_memcpy(key.addr + 12, &ip, sizeof(ip));
		}
	}
	return bpf_map_lookup_elem(&listeners, &key);
}

/* Returns the owner of the socket of a packet, also where that listens; NULL without one. */
static __always_inline struct owner *captured_owner(struct __sk_buff *skb)
{
	struct owner *owner = owner_of(skb);
	struct bpf_sock *sk = skb->sk;

	if (owner || !sk)
		return owner;
	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->state != TCP_LISTEN)
		return NULL;
	return owner_of_listener(sk);
}

union captured_record {
	struct capture_record capture;
	struct capture_loss loss;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024); /* set by user space before loading */
	__type(value, union captured_record);
} captured SEC(".maps");

/* Packets that were lost, by process; those of a process that found no room are under 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct capture_loss);
} uncaptured SEC(".maps");

static __always_inline struct capture_loss *loss_of(u32 pid)
{
	struct capture_loss none = {};

	bpf_map_update_elem(&uncaptured, &pid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&uncaptured, &pid);
}

static __always_inline void lose_packet(u32 pid, u32 len)
{
	struct capture_loss *loss = loss_of(pid);

	if (!loss)
		loss = loss_of(0);
	if (!loss)
		return;
	count(&loss->packets, 1);
	count(&loss->bytes, len);
}

/* Each eighth of the ring wakes the reader, which looks at it from time to time. */
static __always_inline u64 captured_flags(u64 size)
{
	u64 backlog = bpf_ringbuf_query(&captured, BPF_RB_AVAIL_DATA);

	if (backlog >> wakeup_shift != (backlog + size) >> wakeup_shift)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* Copies bytes into a record with room for size of them, a power of two. */
static __always_inline bool capture_slice(struct __sk_buff *skb, struct owner *owner, u64 time,
					  u64 span, u8 dir, const u32 size)
{
	const u32 total = sizeof(struct capture_record) + size;
	u32 at = span >> 32;
	struct capture_record *r = bpf_ringbuf_reserve(&captured, total, 0);

	if (!r)
		return false;
	if (!load_some(skb, at, r->bytes, size)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return false;
	}
	r->time = time;
	r->socket = bpf_get_socket_cookie(skb);
	r->pid = owner->tgid;
	r->generation = owner->generation;
	r->whole = skb->len;
	r->at = at;
	r->len = span;
	r->segment = skb->gso_size;
	r->dir = dir;
	__builtin_memset(r->pad, 0, sizeof(r->pad));
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, captured_flags(total));
	return true;
}

/* Copies the bytes of a SPAN, at most CAPTURE_MAX. Returns false when there is no room. */
static __always_inline bool capture_span(struct __sk_buff *skb, struct owner *owner, u64 time,
					 u64 span, u8 dir)
{
	u32 len = span;

	if (len <= 128)
		return capture_slice(skb, owner, time, span, dir, 128);
	if (len <= 512)
		return capture_slice(skb, owner, time, span, dir, 512);
	if (len <= 2048)
		return capture_slice(skb, owner, time, span, dir, 2048);
	if (len <= 8192)
		return capture_slice(skb, owner, time, span, dir, 8192);
	if (len <= 16384)
		return capture_slice(skb, owner, time, span, dir, 16384);
	if (len <= 32768)
		return capture_slice(skb, owner, time, span, dir, 32768);
	return capture_slice(skb, owner, time, span, dir, CAPTURE_MAX);
}

/* The same for a piece of a long packet. A separate function, which the verifier checks once. */
__noinline u32 capture_piece(struct __sk_buff *skb, u64 time, u64 span, u32 dir)
{
	struct owner *owner = captured_owner(skb);

	return owner && skb->len > span >> 32 && capture_span(skb, owner, time, span, dir);
}

/* When the packet was sent or came. Packets without payload may have the same number. */
static __always_inline u64 capture_time(struct __sk_buff *skb, struct owner *owner, u8 dir)
{
	struct packet p = {};

	if (!dissect(skb, &p) || skb->len <= p.payload)
		return bpf_ktime_get_ns();
	return packet_time(owner, dir, packet_id(skb, &p), BY_CAPTURE);
}

/* Copies a packet whole. */
static __always_inline void capture_packet(struct __sk_buff *skb, struct owner *owner, u8 dir)
{
	u64 time = capture_time(skb, owner, dir);
	u32 done = 0;

	if (skb->len <= CAPTURE_MAX) {
		if (!capture_span(skb, owner, time, skb->len, dir))
			lose_packet(owner->tgid, skb->len);
		return;
	}
	for (int i = 0; i < CAPTURE_PIECES && done < skb->len; i++) {
		u32 left = skb->len - done, len = left < CAPTURE_MAX ? left : CAPTURE_MAX;

		if (!capture_piece(skb, time, (u64)done << 32 | len, dir))
			break;
		done += len;
	}
	if (done < skb->len)
		lose_packet(owner->tgid, skb->len);
}

#endif
