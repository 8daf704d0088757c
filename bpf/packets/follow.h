/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * HTTP/2 without TLS: the frames of a direction (RFC 9113 4.1) are followed from its
 * first byte on, as long as its segments come in order. So DATA payloads, nearly all of
 * the traffic, need not be copied. What comes out of order is copied whole, and so is
 * what follows it.
 */
#ifndef H2TRACE_FOLLOW_H
#define H2TRACE_FOLLOW_H

#include "packets/segment.h"

/* RFC 9113 3.4, 4.1, 6.1 and 6.5. */
#define PREFACE_LEN 24
#define FRAME_HEADER 9
#define FRAME_DATA 0
#define FRAME_SETTINGS 4
#define FLAG_PADDED 0x8

/* Frames of a segment that are followed. Where there are more, they are small. */
#define FRAMES_MAX 32
/* A shorter part of a payload is copied: a record of its own would cost as much. */
#define WORTH_LEAVING_OUT 1024

/* DATA payloads are not wanted. */
const volatile bool leaves_out = true;

/* The next 8 bytes of a packet, 0 if it has fewer. The first one is the lowest. */
static __always_inline u64 bytes_at(struct __sk_buff *skb, u32 at)
{
	u64 bytes = 0;

	bpf_skb_load_bytes(skb, at, &bytes, sizeof(bytes));
	return bytes;
}

/* The header begins with its length in 24 bits, type and flags. */
static __always_inline u32 frame_length(u64 header)
{
	return (header & 0xff) << 16 | (header >> 8 & 0xff) << 8 | (header >> 16 & 0xff);
}

/* Without Pad Length, which is wanted (RFC 9113 6.1). */
static __always_inline bool is_bulk(u64 header)
{
	return (header >> 24 & 0xff) == FRAME_DATA && !(header >> 32 & FLAG_PADDED);
}

static __always_inline void take_header(struct flow_dir *flow, u64 header, u64 end)
{
	flow->walked = end;
	flow->frame = end + frame_length(header);
	flow->bulk = is_bulk(header);
}

/* Completes a header that began in the segment before, if all the rest of it is here. */
static __always_inline bool join_header(struct __sk_buff *skb, struct flow_dir *flow, u64 offset,
					u64 span)
{
	u32 split = flow->split & 15, end = FRAME_HEADER - split;
	u64 header = flow->tail;

	if (end > (u32)span)
		return false;
	header >>= 8 * (8 - split);
	if (split < 5) { /* no flags yet */
		u32 next = 0;

		bpf_skb_load_bytes(skb, span >> 32, &next, sizeof(next));
		header |= (u64)next << 8 * split;
	}
	take_header(flow, header, offset + end);
	flow->split = 0;
	return true;
}

/*
 * Passes what a SPAN has of a payload, and takes the frame header after it. Returns 0 when
 * no other one follows. A separate function, and all it knows is in the flow: the verifier
 * would follow each of its ways through all turns of the loop that calls it.
 */
__noinline int follow_frame(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	struct owner *owner = owner_of(skb);
	u32 at = span >> 32, len = span;
	u64 end = offset + len, stop;
	struct flow_dir *flow;

	if (!owner)
		return 0;
	flow = &owner->dir[dir & 1];
	if (!flow->followed) /* a record was lost */
		return 0;
	stop = flow->frame < end ? flow->frame : end;
	at -= offset;
	if (flow->bulk && stop >= flow->walked + WORTH_LEAVING_OUT) {
		u32 head = flow->walked - flow->reported;

		if (head > HEAD_MAX) {
			put_pieces(skb, flow->reported, SPAN(at + flow->reported, head), dir);
			flow->reported = flow->walked;
			head = 0;
			if (!flow->followed) /* they were lost */
				return 0;
		}
		put_piece(skb, flow->reported, SPAN(at + flow->reported, head), dir,
			  stop - flow->walked);
		flow->reported = stop;
	}
	flow->walked = stop;
	if (flow->frame >= end)
		return 0;
	if (end - stop >= FRAME_HEADER) {
		take_header(flow, bytes_at(skb, at + stop), stop + FRAME_HEADER);
		return 1;
	}
	if (len < sizeof(flow->tail)) {
		flow->followed = 0;
		return 0;
	}
	flow->split = end - stop;
	flow->tail = bytes_at(skb, at + end - sizeof(flow->tail));
	return 0;
}

/* Reports the bytes of a SPAN without DATA payloads. */
static __always_inline void follow_frames(struct __sk_buff *skb, struct flow_dir *flow, u64 offset,
					  u64 span, u32 dir)
{
	u32 at = span >> 32, len = span, done;
	int more = 1;

	flow->reported = offset;
	flow->followed = !flow->split || join_header(skb, flow, offset, span);
	if (flow->followed)
		for (int i = 0; i < FRAMES_MAX && more; i++)
			more = follow_frame(skb, offset, span, dir);
	if (more)
		flow->followed = 0;
	flow->walked = offset + len;
	done = flow->reported - offset;
	if (done < len)
		put_pieces(skb, offset + done, SPAN(at + done, len - done), dir);
}

/* At the first byte of a direction: the preface (RFC 9113 3.4), or the SETTINGS of a server. */
static __always_inline void begin_following(struct __sk_buff *skb, struct flow_dir *flow, u64 span)
{
	u32 at = span >> 32, len = span;
	u64 bytes = bytes_at(skb, at);

	if (bytes == 0x5448202a20495250 && len >= 16 && /* "PRI * HT" "TP/2.0\r\n" */
	    bytes_at(skb, at + 8) == 0x0a0d302e322f5054)
		flow->frame = PREFACE_LEN;
	else if (len < FRAME_HEADER || bytes >> 48 || frame_length(bytes) > PAYLOAD_MAX ||
		 (bytes >> 24 & 0xffff) != FRAME_SETTINGS)
		return;
	flow->followed = 1;
}

/* Reports whether a segment comes next in a direction that is followed, or first. */
static __always_inline bool is_next(struct owner *owner, struct flow_dir *flow, u64 offset)
{
	u64 walked = *(volatile u64 *)&flow->walked;

	return walked == offset && (flow->followed || (!walked && owner->from_start));
}

/*
 * Reports a SPAN without DATA payloads, and returns 1, if it comes next and is followed. Two
 * CPUs may handle segments of one direction at a time: then neither follows. A separate
 * function, which the verifier checks once.
 */
__noinline int follow(struct __sk_buff *skb, u64 offset, u64 span, u32 dir)
{
	struct owner *owner = owner_of(skb);
	struct flow_dir *flow;
	int alone = 0;

	if (!owner)
		return 0;
	flow = &owner->dir[dir & 1];
	if (!is_next(owner, flow, offset))
		return 0;
	__sync_fetch_and_add(&flow->followers, 1);
	if (*(volatile u32 *)&flow->followers == 1 && is_next(owner, flow, offset)) {
		if (!flow->followed)
			begin_following(skb, flow, span);
		if (flow->followed) {
			follow_frames(skb, flow, offset, span, dir);
			alone = 1;
		}
	}
	__sync_fetch_and_add(&flow->followers, -1);
	return alone;
}

#endif
