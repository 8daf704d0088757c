/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Follows the frames of HTTP/2 without TLS from packet to packet, so that DATA
 * payloads need not be copied. Segments come late, twice and cut elsewhere, on
 * several CPUs at a time, so what is kept is a place of the stream: where the
 * next header is. A segment that has it leads on. All others hold what came
 * before it, or what is behind it and cannot be told, and is copied.
 *
 * So that a segment which is late does not end this, one that overtook it gets a
 * guess: if a frame began there, then one begins there. It is never believed
 * before the walk arrives at its first place, or user space, which has read all
 * of it, says that a frame began there.
 */
#ifndef H2TRACE_FOLLOW_H
#define H2TRACE_FOLLOW_H

#include "frame.h"
#include "packet.h"
#include "segment.h"

/* Of a frame header: length, type and flags (RFC 9113 4.1). */
#define HEADER_NEEDED 5
/* Less is copied: a record of its own for what follows would cost more. */
#define WORTH_LEAVING 2048
/* In one segment, some at a time, and of a guess. */
#define FRAMES_SOME 8
#define FRAMES_MAX (32 * FRAMES_SOME)
#define GUESSED_MAX 32
/* Tried in a segment. */
#define GUESSES_MAX 8
#define WINDOW_UPDATE_LEN (FRAME_HEADER + 4)
/* Of DATA frames of the size that all must take (RFC 9113 6.5.2). */
#define STRIDE (FRAME_HEADER + 16384)

/* The frame that was passed last. */
struct cursor {
	u64 next; /* where the header behind it is */
	u64 cut;  /* from here up to it there is payload that is not wanted */
};

struct walk_dir {
	struct cursor at;
	u64 guess;	      /* if a frame begins here, 0: none, */
	struct cursor behind; /* then that has been passed */
	u8 header[HEADER_NEEDED];
	u8 have; /* bytes at at.next, that are in header */
	u8 started;
	u8 busy;    /* with a segment, on one CPU */
	u32 stride; /* from a long DATA frame to the next */
	u32 pad;
	/* Of that segment: */
	u64 from;     /* what is not reported yet begins here, */
	u64 left_out; /* and so much before it was left out */
};

struct walk {
	struct bpf_spin_lock lock; /* of at, the guess and busy; the busy one owns at */
	u32 sure;		   /* it is HTTP/2 */
	struct walk_dir dir[DIR_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline u8 client_dir(struct owner *owner)
{
	return owner->role == ROLE_SERVER ? DIR_RECV : DIR_SEND;
}

static __always_inline void walk_from(struct walk_dir *w, u64 offset)
{
	w->at.next = w->at.cut = offset;
	w->have = 0;
	w->started = 1;
}

/*
 * The first bytes of a stream may tell that there are frames, and where: behind
 * the preface of the client, or at the SETTINGS of a server that came first.
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

/* The header of a frame at c->next is there: passes over the frame. */
static __always_inline void pass_frame(struct cursor *c, u8 *header)
{
	u32 length = payload_length(header);
	u32 wanted = wanted_payload(header);
	u64 payload = c->next + FRAME_HEADER;

	c->next = payload + length;
	c->cut = length - wanted < WORTH_LEAVING ? c->next : payload + wanted;
}

/*
 * The walk of a segment, NULL when there is none. Functions of their own, as
 * put_span is one, find all again.
 */
static __always_inline struct walk *find_walk(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_get(&walks, sk, 0, 0) : NULL;
}

/* Puts a header together that is in more than one segment; 1 when it is there. */
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

/* Reports up to a place of the segment. */
static __always_inline void put_up_to(struct __sk_buff *skb, struct segment *s, struct walk_dir *w,
				      u64 to, u32 how)
{
	u64 offset = w->from - w->left_out;
	u32 at = s->at + (u32)(w->from - s->offset);

	put_span(skb, offset, SPAN(at, to - w->from), w->left_out, how);
	w->from = to;
	w->left_out = 0;
}

/* Leaves out what of the segment is payload that is not wanted. */
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

/* Follows some frames in a segment; 1 when there are no more to follow. */
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
		if (w->header[3] == FRAME_DATA && w->at.next - before >= WORTH_LEAVING)
			w->stride = w->at.next - before;
	}
	return 0;
}

/* Follows the frames in a segment, as far as they are there. */
static __always_inline void walk_frames(struct __sk_buff *skb, struct segment *s,
					struct walk_dir *w)
{
	u64 span = SPAN(s->at, s->len);

	if (w->have) {
		if (!gather_header(skb, s->offset, span, s->dir))
			return;
		pass_frame(&w->at, w->header);
	}
	for (u32 i = 0; i < FRAMES_MAX / FRAMES_SOME; i++) {
		if (walk_some(skb, s->offset, span, s->dir))
			break;
	}
	if (w->at.next >= s->offset && w->at.next + HEADER_NEEDED > s->offset + s->len)
		gather_header(skb, s->offset, span, s->dir);
}

/* A header of a DATA frame that is no longer than the last long one. */
static __always_inline bool looks_like_data(u8 *b, u32 stride)
{
	return b[3] == FRAME_DATA && !(b[4] & ~(FLAG_END_STREAM | FLAG_PADDED)) &&
	       payload_length(b) + FRAME_HEADER <= stride && !(b[5] & 0x80) &&
	       (b[5] | b[6] | b[7] | b[8]);
}

/*
 * A guess for a segment behind the next header: that the frames up to there are
 * DATA of the length of the last, and a few WINDOW_UPDATE. It is one if there is a
 * header like theirs, else 0.
 */
static __always_inline u64 guess_frame(struct __sk_buff *skb, struct segment *s, u64 next,
				       u32 stride)
{
	u64 end = s->offset + s->len;
	u8 b[FRAME_HEADER];

	for (u32 i = 0; i < GUESSES_MAX && next <= s->offset; i++, next += WINDOW_UPDATE_LEN) {
		u64 at = next + (s->offset - next + stride - 1) / stride * stride;

		if (at + FRAME_HEADER > end)
			continue;
		if (bpf_skb_load_bytes(skb, s->at + (u32)(at - s->offset), b, sizeof(b)))
			return 0;
		if (looks_like_data(b, stride))
			return at;
	}
	return 0;
}

/* Where the frames of a guess lead to in a segment. */
static __always_inline void follow_guess(struct __sk_buff *skb, struct segment *s, struct cursor *c)
{
	u64 end = s->offset + s->len;
	u8 header[HEADER_NEEDED];

	for (u32 i = 0; i < GUESSED_MAX; i++) {
		if (c->next < s->offset || c->next + HEADER_NEEDED > end)
			break;
		if (bpf_skb_load_bytes(skb, s->at + (u32)(c->next - s->offset), header,
				       sizeof(header)))
			break;
		pass_frame(c, header);
	}
}

/* With the lock: a guess that has come true is where the walk goes on. */
static __always_inline void resolve(struct walk_dir *w)
{
	if (!w->guess || w->at.next < w->guess)
		return;
	if (w->at.next == w->guess && !w->have)
		w->at = w->behind;
	w->guess = 0;
}

/* With the lock: takes the walk if the segment leads it on, or lies before. */
static __always_inline bool claim(struct segment *s, struct walk_dir *w)
{
	if (w->busy || w->at.next + w->have < s->offset)
		return false;
	w->busy = 1;
	return true;
}

/* For a segment that came before the next header. 1: that has come meanwhile. */
__noinline int overtake(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	struct segment segment = {
		.offset = offset, .at = span >> 32, .len = span, .dir = dir & 1
	};
	struct walk *walk = find_walk(skb);
	struct segment *s = &segment;
	struct cursor at, behind;
	u64 guess, was, was_next;
	struct walk_dir *w;
	u32 stride;
	bool mine;

	if (!walk)
		return 0;
	w = &walk->dir[dir & 1];
	bpf_spin_lock(&walk->lock);
	at = w->at;
	behind = w->behind;
	was = guess = w->guess;
	bpf_spin_unlock(&walk->lock);
	was_next = behind.next;
	stride = w->stride;
	if (at.next < s->offset && (!guess || behind.next < s->offset)) {
		guess = guess_frame(skb, s, at.next, stride ? stride : STRIDE);
		behind.next = behind.cut = guess;
	}
	if (guess)
		follow_guess(skb, s, &behind);
	bpf_spin_lock(&walk->lock);
	if (w->guess == was && w->behind.next == was_next) {
		w->guess = guess;
		w->behind = behind;
	}
	if (!w->busy)
		resolve(w);
	mine = claim(s, w);
	bpf_spin_unlock(&walk->lock);
	return mine;
}

/* Whether the direction is one to follow, with what user space says. */
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
 * Reports a segment but for payloads that are not wanted. place is where user
 * space says that a frame begins. False: there is nothing to follow, and nothing
 * is reported.
 */
static __always_inline bool walk_segment(struct __sk_buff *skb, struct bpf_sock *sk,
					 struct segment *s, u64 place)
{
	struct walk *walk = walk_of(sk, s, place);
	u64 end = s->offset + s->len, next;
	struct walk_dir *w;
	bool mine;

	if (!walk)
		return false;
	w = &walk->dir[s->dir & 1];
	bpf_spin_lock(&walk->lock);
	if (!w->busy && place && (!w->started || w->at.next < place)) {
		walk_from(w, place);
		resolve(w);
	}
	mine = claim(s, w);
	bpf_spin_unlock(&walk->lock);
	if (!mine && !overtake(skb, s->offset, SPAN(s->at, s->len), s->dir)) {
		next = w->at.next;
		s->flow->guess = w->guess;
		put_span(skb, s->offset, SPAN(s->at, s->len), 0,
			 s->dir | (next >= end ? FOLLOWED : 0));
		return true;
	}
	w->from = s->offset;
	w->left_out = 0;
	walk_frames(skb, s, w);
	if (w->from < end || w->left_out)
		put_up_to(skb, s, w, end, s->dir | (w->at.next + w->have >= end ? FOLLOWED : 0));
	bpf_spin_lock(&walk->lock);
	resolve(w);
	w->busy = 0;
	bpf_spin_unlock(&walk->lock);
	return true;
}

#endif
