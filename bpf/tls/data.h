/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The plaintext of a call into the ring. What is longer than one record is split into
 * several. What is short takes little room: the verifier requires reservations of
 * constant size, so there are size classes.
 */
#ifndef H2TRACE_DATA_H
#define H2TRACE_DATA_H

#include "tls/conn.h"

/*
 * The bytes that the target passes in one call. They are on the stack alone: two
 * threads may write to one connection at a time.
 */
struct chunk {
	struct conn *conn;
	u64 src;    /* address in the target */
	u64 offset; /* of its first byte in the direction */
	u32 direction;
#ifdef COMPAT
	u64 ptr;   /* the key of conn, */
	u64 which; /* see conn_at */
#endif
};

/*
 * Reports whether a direction has lost records, and no record delivered since
 * reports them.
 */
static __always_inline bool lost_untold(struct conn *conn, u32 direction)
{
	return *(volatile u32 *)&conn->dir[direction & 1].lost != 0;
}

static __always_inline void lose(struct conn_dir *dir, u32 reason, u64 len)
{
	dir->lost |= 1 << reason;
	dir->lost_bytes += len;
	count_lost(reason, 1, len);
}

/* Writes one record with room for size bytes, of which it uses len, from at on. */
static __always_inline void put(struct chunk *c, const u32 size, u64 at, u64 len)
{
	const u32 total = sizeof(struct data_record) + size;
	struct conn_dir *dir = &c->conn->dir[c->direction & 1];
	u64 seq = fetch_add(&dir->seq, 1);
	struct data_record *r = NULL;
	u64 backlog = ring_backlog();
	u64 flags = ring_flags(backlog, total);

	count_seen(1, len);
	barrier_var(len);
	if (len > size)
		len = size;
	if (ring_takes(backlog, total))
		r = bpf_ringbuf_reserve(&ring, total, 0);
	if (!r) {
		lose(dir, LOSS_RING_FULL, len);
		return;
	}
	/* After the reservation: so times are in the order of the records. */
	fill_header(&r->h, RECORD_DATA, c->direction, bpf_get_current_pid_tgid() >> 32);
	if (bpf_probe_read_user(r->payload, len, (void *)(c->src + at))) {
		bpf_ringbuf_discard(r, flags);
		lose(dir, LOSS_READ_FAULT, len);
		return;
	}
	r->h.stale = lost_untold(c->conn, ~c->direction);
	r->conn = c->conn->id;
	r->seq = seq;
	r->offset = c->offset + at;
	r->len = len;
	r->lost = dir->lost;
	r->lost_bytes = dir->lost_bytes;
	if (r->lost) {
		dir->lost = 0;
		dir->lost_bytes = 0;
	}
	bpf_ringbuf_submit(r, flags);
}

#ifdef COMPAT

/*
 * The verifier follows a bounded loop through each iteration, so iterations must be
 * cheap for it. A record is written in a global function, which the verifier checks
 * only once. Before Linux 5.12 (e5069b9c23b3) its arguments can only be numbers, so
 * it finds the connection by its key. The verifier limits pending branches to 8192,
 * hence two loops.
 */
#define LOOP_FAN 256
#define FULL_MAX (LOOP_FAN * LOOP_FAN)

/* The rest of a key, and a direction. */
#define WHICH(key, direction) ((u64)(key)->generation << 32 | (key)->round << 1 | (direction))

static __always_inline struct conn *conn_at(u64 ptr, u64 which)
{
	struct conn_key key = {
		.ptr = ptr,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.generation = which >> 32,
		.round = (u32)which >> 1,
	};

	return bpf_map_lookup_elem(&conns, &key);
}

__noinline int put_full(u64 ptr, u64 which, u64 src, u64 offset)
{
	struct chunk c = { .src = src, .offset = offset, .direction = which & 1 };

	c.conn = conn_at(ptr, which);
	if (c.conn)
		put(&c, PAYLOAD_MAX, 0, PAYLOAD_MAX);
	return 0;
}

/* Writes the first LOOP_FAN of n full records. */
__noinline int put_some(u64 ptr, u64 which, u64 src, u64 offset, u64 n)
{
	for (u32 i = 0; i < LOOP_FAN; i++) {
		u64 at = (u64)i * PAYLOAD_MAX;

		if (i >= n)
			break;
		put_full(ptr, which, src + at, offset + at);
	}
	return 0;
}

static __always_inline void put_many(struct chunk *c, u64 n)
{
	for (u32 i = 0; i < LOOP_FAN; i++) {
		u64 before = (u64)i * LOOP_FAN, at = before * PAYLOAD_MAX;

		if (before >= n)
			break;
		put_some(c->ptr, c->which, c->src + at, c->offset + at, n - before);
	}
}

#else

#define FULL_MAX (1 << 23) /* BPF_MAX_LOOPS */

/* The index, not a running sum: the verifier would follow each value of a sum. */
static long put_full(u32 i, struct chunk *c)
{
	put(c, PAYLOAD_MAX, (u64)i * PAYLOAD_MAX, PAYLOAD_MAX);
	return 0;
}

/* Writes n full records. */
static __always_inline void put_many(struct chunk *c, u64 n)
{
	bpf_loop(n, put_full, c, 0);
}

#endif

static __always_inline int put_all(struct chunk *c, u64 len)
{
	struct conn_dir *dir = &c->conn->dir[c->direction & 1];
	u64 at = 0;

	c->offset = fetch_add(&dir->offset, len);
	if (len > PAYLOAD_MAX) {
		u64 full = (len - 1) / PAYLOAD_MAX;

		if (full > FULL_MAX) { /* no ring is that long: one lost record */
			fetch_add(&dir->seq, 1);
			count_seen(1, len);
			lose(dir, LOSS_RING_FULL, len);
			return 0;
		}
		put_many(c, full);
		at = full * PAYLOAD_MAX;
		len -= at;
	}
	if (len <= 32)
		put(c, 32, at, len);
	else if (len <= 128)
		put(c, 128, at, len);
	else if (len <= 512)
		put(c, 512, at, len);
	else if (len <= 1024)
		put(c, 1024, at, len);
	else if (len <= 2048)
		put(c, 2048, at, len);
	else if (len <= 4096)
		put(c, 4096, at, len);
	else if (len <= 8192)
		put(c, 8192, at, len);
	else
		put(c, PAYLOAD_MAX, at, len);
	return 0;
}

/*
 * A global function: the verifier checks it once, and not again for each path to it.
 * So the chunk, which holds a pointer, cannot be an argument.
 */
#ifdef COMPAT

__noinline int report_alone(u64 ptr, u64 which, u64 src, u64 len)
{
	struct chunk c = { .src = src, .direction = which & 1, .ptr = ptr, .which = which };

	c.conn = conn_at(ptr, which);
	return c.conn ? put_all(&c, len) : 0;
}

#define report(conn, key, direction, src, len) \
	report_alone((key)->ptr, WHICH(key, direction), src, len)

#else

__noinline int report_alone(struct conn *conn, u64 direction, u64 src, u64 len)
{
	struct chunk c = { .conn = conn, .src = src, .direction = direction };

	return conn ? put_all(&c, len) : 0;
}

#define report(conn, key, direction, src, len) report_alone(conn, direction, src, len)

#endif

/* Reports len bytes at src. */
static __always_inline void report_data(struct conn *conn, struct conn_key *key, u32 direction,
					u64 src, u64 len)
{
	if (len)
		report(conn, key, direction, src, len);
}

#endif
