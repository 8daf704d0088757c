/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * How far the kernel has followed the frames of HTTP/2 without TLS, by direction.
 * Who may change it is told here; how it gets on, in cleartext/follow.h.
 */
#ifndef H2TRACE_CURSOR_H
#define H2TRACE_CURSOR_H

#include "http2/frame.h"
#include "cleartext/segment.h"

/* Of a frame header: length, type and flags (RFC 9113 4.1). */
#define HEADER_NEEDED 5
/* Less is copied: a record of its own for what follows would cost more. */
#define WORTH_LEAVING 2048

/* The frame that was passed last. */
struct cursor {
	u64 next; /* where the header after it is */
	u64 cut;  /* from here up to it there is payload that is not wanted */
};

struct walk_dir {
	struct cursor at;
	u8 header[HEADER_NEEDED];
	u8 have; /* bytes at at.next, that are in header */
	u8 started;
	u8 busy; /* with a segment, on one CPU */
	/* Of that segment: */
	u64 from;     /* what is not reported yet begins here, */
	u64 left_out; /* and so much before it was left out */
};

struct walk {
	struct bpf_spin_lock lock; /* of at and busy; the busy one owns at */
	u32 sure;		   /* it is HTTP/2 */
	struct walk_dir dir[DIR_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct walk);
} walks SEC(".maps");

static __always_inline void walk_from(struct walk_dir *w, u64 offset)
{
	w->at.next = w->at.cut = offset;
	w->have = 0;
	w->started = 1;
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

/* With the lock: takes the walk if the segment leads it on, or lies before. */
static __always_inline bool claim(struct segment *s, struct walk_dir *w)
{
	if (w->busy || w->at.next + w->have < s->offset)
		return false;
	w->busy = 1;
	return true;
}

#endif
