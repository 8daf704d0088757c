/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* TCP segments: their offset in the stream, and their way into the ring. */
#ifndef H2TRACE_SEGMENT_H
#define H2TRACE_SEGMENT_H

#include "packets/owner.h"

/* A segment further ahead does not belong to this stream. */
#define WINDOW_MAX (1 << 30)
/* Bytes of the longest record: a packet of GSO or GRO, and whole records of TLS in it. */
#define PIECE_MAX (4 * PAYLOAD_MAX)
/* Bytes of the shortest record. */
#define HEAD_MAX 128
/* Records that a packet may become: at least 512 KiB, as in IPv6 jumbograms. */
#define SLICES_MAX 32

/* What user space wants of a connection, by the cookie of its socket. */
struct flow_want {
	struct bpf_spin_lock lock;
	u32 nothing;
	u64 until[DIR_COUNT]; /* segments that end before this offset are not wanted */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct flow_want);
} flow_wants SEC(".maps");

/* A segment with payload. */
struct segment {
	struct owner *owner;
	struct flow_dir *flow;
	u64 socket;
	u64 offset;
	u32 at; /* of the payload in the packet */
	u32 len;
	u32 left_out; /* bytes after these that are not reported */
	u8 dir;
	u8 peer_ended; /* the process sends this after the FIN of its peer */
};

/* Determines where the stream begins. */
static __always_inline void begin_flow(struct bpf_sock *sk, struct segment *s, u32 seq)
{
	struct bpf_tcp_sock *tp;

	s->flow->begun = 1;
	s->flow->first = seq;
	/* Sent segments are in order; received ones need not be. */
	if (s->dir == DIR_SEND || !s->owner->from_start)
		return;
	tp = bpf_tcp_sock(sk);
	if (tp)
		s->flow->first = tp->rcv_nxt - (u32)tp->bytes_received;
}

/*
 * Returns the offset of the segment in the stream, which may be longer than
 * sequence numbers reach.
 */
static __always_inline bool place(struct segment *s, u32 seq)
{
	u64 end = s->flow->end;
	__s64 ahead = (__s32)(seq - s->flow->first - (u32)end);

	if (ahead > WINDOW_MAX || (__s64)end + ahead < 0)
		return false;
	s->offset = end + ahead;
	return true;
}

/* User space writes under the lock, so that the values read belong together. */
static __always_inline void read_want(struct segment *s, struct flow_want *want)
{
	struct flow_want *found = bpf_map_lookup_elem(&flow_wants, &s->socket);

	if (!found)
		return;
	bpf_spin_lock(&found->lock);
	want->nothing = found->nothing;
	want->until[0] = found->until[0];
	want->until[1] = found->until[1];
	bpf_spin_unlock(&found->lock);
}

/*
 * Two CPUs can handle segments of one direction at a time, and put records into
 * the ring in another order than their numbers. So a loss is counted, and not
 * inferred from a missing number. After one, user space has to find the frames by
 * itself, and needs all bytes for that: they are not followed any more.
 */
static __always_inline void lose_slice(struct flow_dir *flow, u32 reason, u32 len)
{
	flow->followed = 0;
	flow->lost |= 1 << reason;
	__sync_fetch_and_add(&flow->lost_bytes, len);
	__sync_fetch_and_add(&flow->lost_records, 1);
	count_lost(reason, 1, len);
}

/*
 * Writes one record with room for size bytes, a power of two, that holds len of
 * them.
 */
static __always_inline void put_slice(struct __sk_buff *skb, struct segment *s, const u32 size)
{
	const u32 total = sizeof(struct segment_record) + size;
	struct flow_dir *flow = s->flow;
	struct segment_record *r = NULL;
	u64 backlog = ring_backlog();
	u64 seq = flow->records++;

	count_seen(1, s->len + s->left_out);
	if (ring_takes(backlog, total))
		r = bpf_ringbuf_reserve(&ring, total, 0);
	if (!r) {
		lose_slice(flow, LOSS_RING_FULL, s->len + s->left_out);
		return;
	}
	if (!load_some(skb, s->at, r->payload, size)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		lose_slice(flow, LOSS_READ_FAULT, s->len + s->left_out);
		return;
	}
	fill_header(&r->h, RECORD_SEGMENT, s->dir, s->owner->tgid);
	r->h.time = flow->time;
	r->h.peer_ended = s->peer_ended;
	r->h.stale = *(volatile u32 *)&s->owner->dir[~s->dir & 1].lost != 0;
	r->conn = conn_number(s->owner, s->socket);
	r->seq = seq;
	r->offset = s->offset;
	r->lost_records = *(volatile u32 *)&flow->lost_records;
	r->lost_bytes = flow->lost_bytes; /* after these bytes, see lose_slice */
	r->lost = flow->lost;
	r->len = s->len;
	r->first = flow->first;
	r->left_out = s->left_out;
	r->pad = 0;
	flow->lost = 0;
	bpf_ringbuf_submit(r, ring_flags(backlog, total));
}

/* Arguments of put_piece: a number of bytes at an offset in the packet, */
#define SPAN(at, len) ((u64)(at) << 32 | (u32)(len))
#define PEER_ENDED 2 /* and this next to the direction */

/*
 * Reports the bytes of a SPAN, at most PIECE_MAX, at an offset in the stream, and how many
 * after them are left out. A separate function, which the verifier checks once.
 */
__noinline int put_piece(struct __sk_buff *skb, u64 offset, u64 span, u32 dir, u32 left_out)
{
	struct segment s = {
		.offset = offset,
		.at = span >> 32,
		.len = span,
		.left_out = left_out,
		.dir = dir & 1,
		.peer_ended = (dir & PEER_ENDED) != 0,
	};

	s.owner = owner_of(skb);
	if (!s.owner)
		return 0;
	s.flow = &s.owner->dir[dir & 1];
	s.socket = bpf_get_socket_cookie(skb);
	if (s.len <= HEAD_MAX)
		put_slice(skb, &s, HEAD_MAX);
	else if (s.len <= 512)
		put_slice(skb, &s, 512);
	else if (s.len <= 2048)
		put_slice(skb, &s, 2048);
	else if (s.len <= 8192)
		put_slice(skb, &s, 8192);
	else if (s.len <= PAYLOAD_MAX)
		put_slice(skb, &s, PAYLOAD_MAX);
	else if (s.len <= 2 * PAYLOAD_MAX)
		put_slice(skb, &s, 2 * PAYLOAD_MAX);
	else
		put_slice(skb, &s, PIECE_MAX);
	return 0;
}

/*
 * How many bytes the next piece takes, with so many left: no record of more than
 * 16 KiB is empty by more than a quarter. A separate function: the verifier of Linux
 * 5.10 would follow each of its ways through all turns of the loop that calls it.
 */
__noinline u32 piece_len(u32 left)
{
	u32 len = PAYLOAD_MAX;

	/* No more than a sixteenth of the ring. */
	if (ring_size >= 16 * PIECE_MAX && left > PIECE_MAX / 4 * 3)
		len = PIECE_MAX;
	else if (ring_size >= 16 * PIECE_MAX && left > PIECE_MAX / 8 * 3)
		len = PIECE_MAX / 2;
	return left < len ? left : len;
}

/*
 * Reports a SPAN in pieces if it is long, and returns how many bytes it reported.
 * As put_piece, the verifier checks it once.
 */
__noinline u32 put_pieces(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	u32 at = span >> 32, len = span, done = 0;

	for (int i = 0; i < SLICES_MAX && done < len; i++) {
		u32 piece = piece_len(len - done);

		put_piece(skb, offset + done, SPAN(at + done, piece), dir, 0);
		done += piece;
	}
	return done;
}

/* The direction of a segment, and whether its peer has ended. */
static __always_inline u32 way_of(struct segment *s)
{
	return s->dir | (s->peer_ended ? PEER_ENDED : 0);
}

/* Reports a segment. */
static __always_inline void put_segment(struct __sk_buff *skb, struct segment *s)
{
	u32 done = put_pieces(skb, s->offset, SPAN(s->at, s->len), way_of(s));

	if (done < s->len) {
		count_seen(1, s->len - done);
		lose_slice(s->flow, LOSS_READ_FAULT, s->len - done);
	}
}

#endif
