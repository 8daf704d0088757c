/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Payload into the ring. A payload longer than one record is split into several.
 * A short one takes little room: the verifier requires reservations of constant
 * size, so there are size classes.
 */
#ifndef H2TRACE_DATA_H
#define H2TRACE_DATA_H

#include "http2/loop.h"

static __always_inline void lose(struct chunk *c, u32 reason, u64 len)
{
	c->dir->lost |= 1 << reason;
	c->dir->lost_bytes += len;
	count_lost(reason, 1, len);
}

/* Counts the whole payload as one lost record. */
static __always_inline void lose_whole(struct chunk *c, u64 len)
{
	fetch_add(&c->dir->seq, 1);
	count_seen(1, 0);
	lose(c, LOSS_RING_FULL, len);
	c->dir->from = c->dir->at;
}

/* Writes one record with room for size bytes of payload, of which len are used. */
static __always_inline void put(struct chunk *c, const u32 size, u64 from, u64 len)
{
	const u32 total = sizeof(struct data_record) + size;
	u64 seq = fetch_add(&c->dir->seq, 1);
	struct data_record *r = NULL;
	u64 backlog = ring_backlog();
	u64 flags = ring_flags(backlog, total);

	count_seen(1, 0);
	barrier_var(len);
	if (len > size)
		len = size;
	if (ring_takes(backlog, total))
		r = bpf_ringbuf_reserve(&ring, total, 0);
	if (!r) {
		lose(c, LOSS_RING_FULL, len);
		return;
	}
	/* After the reservation: so times are in the order of the records. */
	r->h.time = bpf_ktime_get_ns();
	if (bpf_probe_read_user(r->payload, len, (void *)source(c, from))) {
		bpf_ringbuf_discard(r, flags);
		lose(c, LOSS_READ_FAULT, len);
		return;
	}
	r->h.pid = c->key.tgid;
	r->h.kind = RECORD_DATA;
	r->h.dir = c->direction;
	r->h.stale = c->stale;
	r->h.peer_ended = 0;
	r->conn = c->conn;
	r->seq = seq;
	r->offset = place(c, from);
	r->len = len;
	r->lost = c->dir->lost;
	r->lost_bytes = c->dir->lost_bytes;
	if (r->lost) {
		c->dir->lost = 0;
		c->dir->lost_bytes = 0;
	}
	bpf_ringbuf_submit(r, flags);
}

/* The index, not a running sum: the verifier would follow each value of a sum. */
static long put_full(u32 i, struct chunk *c)
{
	put(c, PAYLOAD_MAX, c->dir->from + (u64)i * PAYLOAD_MAX, PAYLOAD_MAX);
	return 0;
}
LOOP_STEP(put_full)

/* Reports the bytes between dir->from and dir->at, if any. */
static __always_inline int put_all(struct chunk *c)
{
	u64 from = c->dir->from, len = c->dir->at - from;

	if (len > PAYLOAD_MAX) {
		u64 full = (len - 1) / PAYLOAD_MAX;

		if (full > LOOP_MAX) { /* no ring is that long */
			lose_whole(c, len);
			return 0;
		}
		LOOP(full, put_full, c);
		from += full * PAYLOAD_MAX;
		len -= full * PAYLOAD_MAX;
	}
	if (len <= 32)
		put(c, 32, from, len);
	else if (len <= 128)
		put(c, 128, from, len);
	else if (len <= 512)
		put(c, 512, from, len);
	else if (len <= 1024)
		put(c, 1024, from, len);
	else if (len <= 2048)
		put(c, 2048, from, len);
	else if (len <= 4096)
		put(c, 4096, from, len);
	else if (len <= 8192)
		put(c, 8192, from, len);
	else
		put(c, PAYLOAD_MAX, from, len);
	c->dir->from = c->dir->at;
	return 0;
}

#ifdef COMPAT

__noinline int report_alone(u64 ptr, u64 which)
{
	struct chunk c;

	return resume_chunk(&c, ptr, which) ? put_all(&c) : 0;
}

static __always_inline int report(struct chunk *c)
{
	return report_alone(c->key.ptr, WHICH(c));
}

#else

/*
 * A global function: the verifier checks it once, and not again for each path to
 * it. So the chunk cannot be an argument. Linux 5.13 (e5069b9c23b3) permits
 * memory as an argument, but no pointers in it.
 */
__noinline int report_alone(struct conn_dir *dir, u64 conn, u64 src, u64 offset, u64 whose)
{
	struct chunk c = {
		.dir = dir,
		.conn = conn,
		.src = src,
		.offset = offset,
		.direction = whose & 1,
		.stale = whose >> 1 & 1,
		.key.tgid = whose >> 2,
	};

	return dir ? put_all(&c) : 0;
}

static __always_inline int report(struct chunk *c)
{
	return report_alone(c->dir, c->conn, c->src, c->offset,
			    (u64)c->key.tgid << 2 | c->stale << 1 | c->direction);
}

#endif
#endif
