/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Follows the frames of HTTP/2 without TLS from packet to packet, so that DATA
 * payloads need not be copied. Segments are late, repeated or cut elsewhere, on
 * several CPUs at a time. So the state is an offset in the stream: that of the
 * next frame header. The segment that contains this header advances it. Every
 * other segment lies before it, or lies after it and is copied, because its frame
 * boundaries are unknown. If a header is in such a segment, the walk stops until
 * user space gives its offset.
 */
#ifndef H2TRACE_FOLLOW_H
#define H2TRACE_FOLLOW_H

#include "cleartext/cursor.h"
#include "cleartext/packet.h"

/*
 * A function of its own follows 8 frames, and the verifier checks it once. One
 * segment holds as many as fit into 64 KiB if they are empty.
 */
#define FRAMES_SOME 8
#define SOME_MORE 32
#define MORE_MAX 32
#define FRAMES_MAX (FRAMES_SOME * SOME_MORE * MORE_MAX)
_Static_assert(FRAMES_MAX >= 65536 / FRAME_HEADER, "as many as a segment holds");

static __always_inline u8 client_dir(struct owner *owner)
{
	return owner->role == ROLE_SERVER ? DIR_RECV : DIR_SEND;
}

/*
 * The first bytes of a stream show whether and where there are frames: after the
 * preface of the client, or at the SETTINGS of a server that sends first.
 */
static __always_inline void begin_walk(struct __sk_buff *skb, struct bpf_sock *sk,
				       struct segment *s)
{
	bool client = s->dir == client_dir(s->owner);
	u64 b[PREFACE_LEN / sizeof(u64)];
	struct walk *walk;

	if (s->len < PREFACE_LEN || bpf_skb_load_bytes(skb, s->at, b, sizeof(b)))
		return;
	if (client ? !is_preface(b) : ((u8 *)b)[3] != FRAME_SETTINGS || ((u8 *)b)[0])
		return;
	walk = bpf_sk_storage_get(&walks, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!walk)
		return;
	bpf_spin_lock(&walk->lock);
	if (!walk->dir[s->dir & 1].started)
		walk_from(&walk->dir[s->dir & 1], client ? PREFACE_LEN : 0);
	if (client) {
		if (!walk->dir[~s->dir & 1].started)
			walk_from(&walk->dir[~s->dir & 1], 0);
		walk->sure = 1;
	}
	bpf_spin_unlock(&walk->lock);
	s->owner->framed = 1;
}

/* Assembles a header from more than one segment; returns 1 when it is complete. */
__noinline int gather_header(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	u64 end = offset + (u32)span;
	struct walk *walk = find_walk(skb);
	u32 payload = span >> 32;
	struct walk_dir *w;

	if (!walk)
		return 0;
	w = &walk->dir[dir & 1];
	for (u32 i = 0; i < HEADER_NEEDED; i++) {
		u64 at = w->at.next + i;

		if (at < offset)
			continue; /* it is there, or the walk would not be claimed */
		if (at >= end) {
			if (w->have < i)
				w->have = i;
			return 0;
		}
		w->header[i] = load_u8(skb, payload + (u32)(at - offset));
	}
	w->have = 0;
	return 1;
}

/* Reports up to an offset in the segment. */
static __always_inline void put_up_to(struct __sk_buff *skb, struct segment *s, struct walk_dir *w,
				      u64 to, u32 how)
{
	u64 offset = w->from - w->left_out;
	u32 at = s->at + (u32)(w->from - s->offset);

	put_span(skb, offset, SPAN(at, to - w->from), w->left_out, how);
	w->from = to;
	w->left_out = 0;
}

/* Skips the unwanted payload in the segment. */
static __always_inline void leave_out(struct __sk_buff *skb, struct segment *s, struct walk_dir *w)
{
	u64 end = s->offset + s->len;
	u64 from = w->at.cut > w->from ? w->at.cut : w->from;
	u64 to = w->at.next < end ? w->at.next : end;

	if (to <= from)
		return;
	if (from > w->from) {
		if (to - from < WORTH_LEAVING)
			return;
		put_up_to(skb, s, w, from, FOLLOWED | s->dir);
	}
	w->left_out += to - from;
	w->from = to;
}

/* Follows some frames in a segment; returns 1 when no more are left. */
__noinline int walk_some(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	struct segment s = { .offset = offset, .at = span >> 32, .len = span, .dir = dir & 1 };
	struct walk *walk = find_walk(skb);
	u64 end = offset + s.len;
	struct walk_dir *w;

	if (!walk)
		return 1;
	w = &walk->dir[dir & 1];
	for (u32 i = 0; i < FRAMES_SOME; i++) {
		u64 before = w->at.next;

		if (walk->sure)
			leave_out(skb, &s, w);
		if (before < offset || before + HEADER_NEEDED > end)
			return 1;
		if (bpf_skb_load_bytes(skb, s.at + (u32)(before - offset), w->header,
				       HEADER_NEEDED))
			return 1;
		pass_frame(&w->at, w->header);
	}
	return 0;
}

/* Follows more frames; returns 1 when no more are left. */
__noinline int walk_more(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	for (u32 i = 0; i < SOME_MORE; i++) {
		if (walk_some(skb, offset, span, dir))
			return 1;
	}
	return 0;
}

/* Follows the frames in a segment, as far as the segment reaches. */
static __always_inline void walk_frames(struct __sk_buff *skb, struct segment *s,
					struct walk_dir *w)
{
	u64 span = SPAN(s->at, s->len);

	if (w->have) {
		if (!gather_header(skb, s->offset, span, s->dir))
			return;
		pass_frame(&w->at, w->header);
	}
	for (u32 i = 0; i < MORE_MAX; i++) {
		if (walk_more(skb, s->offset, span, s->dir))
			break;
	}
	if (w->at.next >= s->offset && w->at.next + HEADER_NEEDED > s->offset + s->len)
		gather_header(skb, s->offset, span, s->dir);
}

/* Reports whether to follow the direction, given what user space knows. */
static __always_inline struct walk *walk_of(struct bpf_sock *sk, struct segment *s, u64 place)
{
	struct walk *walk;

	if (!s->owner->framed && !place)
		return NULL;
	walk = bpf_sk_storage_get(&walks, sk, 0, place ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!walk)
		return NULL;
	if (place) {
		walk->sure = 1;
		s->owner->framed = 1;
	} else if (!walk->dir[s->dir & 1].started) {
		return NULL;
	}
	return walk;
}

/*
 * Reports a segment without its unwanted payloads. place is the offset at which a
 * frame begins, as user space knows. Returns false when there is nothing to
 * follow; then it reports nothing.
 */
static __always_inline bool walk_segment(struct __sk_buff *skb, struct bpf_sock *sk,
					 struct segment *s, u64 place)
{
	struct walk *walk = walk_of(sk, s, place);
	u64 end = s->offset + s->len;
	struct walk_dir *w;
	bool mine;

	if (!walk)
		return false;
	w = &walk->dir[s->dir & 1];
	bpf_spin_lock(&walk->lock);
	if (!w->busy && place && (!w->started || w->at.next < place))
		walk_from(w, place);
	mine = claim(s, w);
	bpf_spin_unlock(&walk->lock);
	if (!mine) {
		put_span(skb, s->offset, SPAN(s->at, s->len), 0,
			 s->dir | (w->at.next >= end ? FOLLOWED : 0));
		return true;
	}
	w->from = s->offset;
	w->left_out = 0;
	walk_frames(skb, s, w);
	if (w->from < end || w->left_out)
		put_up_to(skb, s, w, end, s->dir | (w->at.next + w->have >= end ? FOLLOWED : 0));
	bpf_spin_lock(&walk->lock);
	w->busy = 0;
	bpf_spin_unlock(&walk->lock);
	return true;
}

#endif
