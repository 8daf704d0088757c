/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The frame walker: follows HTTP/2 frame headers (RFC 9113 4.1) through the bytes
 * of a direction. So DATA payloads, nearly all of the traffic, need not be
 * copied. Skipped bytes show as a jump of the offset between two records with
 * consecutive seq; so do bodies of HTTP/1.x.
 */
#ifndef H2TRACE_WALK_H
#define H2TRACE_WALK_H

#include "http2/data.h"
#include "http2/frame.h"

/* Bytes of each DATA payload that are copied. */
const volatile u32 body_bytes = 0;

/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113 3.4), as little-endian words. */
static __always_inline bool is_preface(u64 *p)
{
	return p[0] == 0x5448202a20495250 && p[1] == 0x0a0d302e322f5054 &&
	       p[2] == 0x0a0d0a0d4d530a0d;
}

static __always_inline u32 payload_length(u8 *header)
{
	return header[0] << 16 | header[1] << 8 | header[2];
}

/* Returns how much of the payload after a header is wanted, from its beginning. */
static __always_inline u32 wanted_payload(u8 *header)
{
	u32 length = payload_length(header);
	u32 wanted = body_bytes;

	if (header[3] != FRAME_DATA)
		return length;
	if (header[4] & FLAG_PADDED)
		wanted++; /* Pad Length */
	return wanted < length ? wanted : length;
}

static __always_inline bool begins_with_preface(u64 src)
{
	u64 p[PREFACE_LEN / sizeof(u64)];

	return !bpf_probe_read_user(p, sizeof(p), (void *)src) && is_preface(p);
}

/* The header in dir->header is complete: finds how much of the payload is wanted. */
static __always_inline void begin_frame(struct conn_dir *dir)
{
	u32 length = payload_length(dir->header);
	u32 wanted = wanted_payload(dir->header);

	dir->have = 0;
	dir->copy = wanted;
	dir->skip = length - wanted;
}

/* Skips as much of a DATA payload as the chunk holds. */
static __always_inline void skip_payload(struct chunk *c, u64 left)
{
	struct conn_dir *dir = c->dir;
	u32 n = dir->skip < left ? dir->skip : left;

	if (!c->keep && dir->at > dir->from)
		report(c);
	dir->at += n;
	dir->skip -= n;
	if (c->keep)
		return;
	dir->from = dir->at;
	if (!dir->skip && dir->at == c->len)
		report(c); /* empty: gives the time at which the frame was complete */
}

/* One step through the chunk; 1 ends the walk. */
static long walk_step(u32 i, struct chunk *c)
{
	struct conn_dir *dir = c->dir;
	u64 left = c->len - dir->at;
	u32 n, have = dir->have;

	if (!left)
		return 1;
	if (dir->copy) {
		n = dir->copy < left ? dir->copy : left;
		dir->copy -= n;
		dir->at += n;
		return 0;
	}
	if (dir->skip) {
		skip_payload(c, left);
		return 0;
	}
	if (have >= FRAME_HEADER)
		return 1;
	n = FRAME_HEADER - have;
	if (n > left)
		n = left;
	barrier_var(n);
	if (n > FRAME_HEADER)
		return 1;
	if (bpf_probe_read_user(&dir->header[have], n, (void *)source(c, dir->at)))
		return 1;
	dir->at += n;
	dir->have = have + n;
	if (dir->have == FRAME_HEADER)
		begin_frame(dir);
	return 0;
}
LOOP_STEP(walk_step)

/*
 * The first bytes of the client decide whether there are frames to follow. Not
 * inline: its stack is free again when the frames are followed.
 */
static __noinline int decide_framing(struct conn *conn, u32 direction, u64 offset, u64 src, u64 len)
{
	u32 client_sends = conn->role == ROLE_CLIENT ? DIR_SEND : DIR_RECV;

	if (!conn->handshake) {
		conn->framing = FRAMING_NONE;
	} else if (direction == client_sends && !offset) {
		conn->framing = FRAMING_NONE;
		if (len >= PREFACE_LEN && begins_with_preface(src)) {
			conn->framing = FRAMING_HTTP2;
			conn->dir[direction & 1].copy = PREFACE_LEN;
		}
	}
	return 0;
}

/*
 * The end of a body of HTTP/1.x to skip, as user space determined it, by
 * connection id.
 */
struct body {
	u64 until[DIR_COUNT]; /* offsets */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct body);
} bodies SEC(".maps");

/* Returns how much of the chunk lies within such a body. */
static __always_inline u64 body_left(struct chunk *c)
{
	struct body *body = bpf_map_lookup_elem(&bodies, &c->conn);
	u64 until = body ? body->until[c->direction & 1] : 0;

	return until > c->offset ? until - c->offset : 0;
}

/*
 * Reports len bytes at src. tls.Conn holds its lock while it reads, and writers
 * of one connection take turns. So the state of a direction has one user at a
 * time.
 */
static __always_inline void report_data(struct conn *conn, struct conn_key *key, u32 direction,
					u64 src, u64 len)
{
	struct conn_dir *dir = &conn->dir[direction & 1];
	struct chunk c = {};
	u64 left = 0;

	if (!len)
		return;
	c.dir = dir;
	c.key = *key;
	c.conn = conn->id;
	c.src = src;
	c.len = len;
	c.direction = direction;
	c.stale = lost_untold(conn, ~direction);
	c.offset = fetch_add(&dir->offset, len);
	dir->at = dir->from = 0;
	save_chunk(&c);
	count_seen(0, len);
	if (conn->framing == FRAMING_UNDECIDED)
		decide_framing(conn, direction, c.offset, src, len);
	c.keep = conn->framing != FRAMING_HTTP2;
	if (conn->framing != FRAMING_NONE) {
		if (!c.keep && !dir->copy && dir->skip > len) {
			dir->skip -= len;
			return;
		}
		LOOP(LOOP_MAX, walk_step, &c);
		if (dir->at < len) /* unreadable memory: the walker is out of step */
			conn->framing = FRAMING_NONE;
	} else {
		left = body_left(&c);
		if (left > len)
			return;
		dir->from = left;
	}
	dir->at = len;
	if (dir->at > dir->from || left) /* empty: gives the time at which a body was complete */
		report(&c);
}

#endif
