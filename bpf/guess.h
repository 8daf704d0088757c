/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Segments of HTTP/2 without TLS that come before the one that has the next
 * header. So that one which is late does not end the walk, one that overtook it
 * gets a guess: if a frame began there, then one begins there. It is never
 * believed before the walk arrives at its first place, or user space, which has
 * read all of it, says that a frame began there.
 */
#ifndef H2TRACE_GUESS_H
#define H2TRACE_GUESS_H

#include "cursor.h"

/* Frames of a guess in a segment, */
#define GUESSED_MAX 32
/* and places that are tried there. */
#define GUESSES_MAX 8
#define WINDOW_UPDATE_LEN (FRAME_HEADER + 4)
/* Of DATA frames of the size that all must take (RFC 9113 6.5.2). */
#define STRIDE (FRAME_HEADER + 16384)

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

#endif
