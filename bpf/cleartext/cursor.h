/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * How far the kernel has followed the frames of HTTP/2 without TLS, by direction.
 * This header says who may change it; cleartext/follow.h advances it.
 */
#ifndef H2TRACE_CURSOR_H
#define H2TRACE_CURSOR_H

#include "http2/frame.h"
#include "cleartext/segment.h"

/* Length, type and flags of a frame header (RFC 9113 4.1). */
#define HEADER_NEEDED 5
/* A shorter payload is copied: a separate record for the next bytes would cost more. */
#define WORTH_LEAVING 2048

/* The last frame passed. */
struct cursor {
	u64 next; /* offset of the header after it */
	u64 cut;  /* from here to there lies payload that is not wanted */
};

struct walk_dir {
	struct cursor at;
	u8 header[HEADER_NEEDED];
	u8 have; /* bytes at at.next, kept in header */
	u8 started;
	u8 busy; /* one CPU works on a segment */
	/* That segment: */
	u64 from;     /* unreported bytes begin here, */
	u64 left_out; /* and these were skipped before */
};

struct walk {
	struct bpf_spin_lock lock; /* guards at and busy; whoever sets busy owns at */
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

/* The frame header at c->next is complete: passes over the frame. */
static __always_inline void pass_frame(struct cursor *c, u8 *header)
{
	u32 length = payload_length(header);
	u32 wanted = wanted_payload(header);
	u64 payload = c->next + FRAME_HEADER;

	c->next = payload + length;
	c->cut = length - wanted < WORTH_LEAVING ? c->next : payload + wanted;
}

/*
 * Returns the walk of a segment, NULL when there is none. Separate functions,
 * such as put_span, look everything up again.
 */
static __always_inline struct walk *find_walk(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_get(&walks, sk, 0, 0) : NULL;
}

/* Under the lock: claims the walk if the segment advances it, or lies before it. */
static __always_inline bool claim(struct segment *s, struct walk_dir *w)
{
	if (w->busy || w->at.next + w->have < s->offset)
		return false;
	w->busy = 1;
	return true;
}

#endif
