/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Payload into the ring. A payload longer than one record becomes several
 * records, and a short one takes little room: the verifier wants reservations
 * of constant size, so there are size classes.
 */
#ifndef H2TRACE_DATA_H
#define H2TRACE_DATA_H

#include "conn.h"

struct span {
	struct conn_dir *dir;
	u64 conn;
	u64 src;
	u64 seq;
	u64 offset;
	u64 len;
	u32 tgid;
	u32 direction;
};

static __always_inline void lose(struct span *s, u32 reason, u64 records, u64 bytes)
{
	__sync_fetch_and_or(&s->dir->lost, 1 << reason);
	count_lost(reason, records, bytes);
}

/* One record of exactly size payload bytes of room, holding len of them. */
static __always_inline void put(struct span *s, const u32 size, u64 len)
{
	const u32 total = sizeof(struct data_record) + size;
	struct data_record *r = NULL;
	u32 reason = LOSS_RING_FULL;

	if (ring_takes(total))
		r = bpf_ringbuf_reserve(&ring, total, 0);
	if (!r)
		goto lost;
	barrier_var(len);
	if (len > size)
		len = size;
	/* Not before the reservation: times are to go with the order of records. */
	r->h.time = bpf_ktime_get_ns();
	if (bpf_probe_read_user(r->payload, len, (void *)s->src)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		reason = LOSS_READ_FAULT;
		goto lost;
	}
	r->h.pid = s->tgid;
	r->h.kind = RECORD_DATA;
	r->h.dir = s->direction;
	r->h.pad = 0;
	r->conn = s->conn;
	r->seq = s->seq;
	r->offset = s->offset;
	r->len = len;
	r->skipped = 0;
	r->lost = s->dir->lost;
	r->pad = 0;
	if (r->lost)
		s->dir->lost = 0;
	ring_submit(r, total);
	return;
lost:
	lose(s, reason, 1, len);
}

static long put_full(u32 i, struct span *s)
{
	put(s, PAYLOAD_MAX, PAYLOAD_MAX);
	s->src += PAYLOAD_MAX;
	s->offset += PAYLOAD_MAX;
	s->seq++;
	return 0;
}

static __always_inline void put_rest(struct span *s, u64 len)
{
	if (len <= 32)
		put(s, 32, len);
	else if (len <= 128)
		put(s, 128, len);
	else if (len <= 512)
		put(s, 512, len);
	else if (len <= 1024)
		put(s, 1024, len);
	else if (len <= 2048)
		put(s, 2048, len);
	else if (len <= 4096)
		put(s, 4096, len);
	else if (len <= 8192)
		put(s, 8192, len);
	else
		put(s, PAYLOAD_MAX, len);
}

/*
 * Reports len bytes at src. tls.Conn holds its lock while it reads, and
 * writers of one connection take turns, so claiming seq and offset first
 * keeps records in the order of the bytes.
 */
static __always_inline void report_data(struct conn *c, struct conn_key *key, u32 direction,
					u64 src, u64 len)
{
	struct conn_dir *dir = &c->dir[direction & 1];
	u64 full, records;
	struct span s = {};

	if (!len)
		return;
	full = (len - 1) / PAYLOAD_MAX;
	records = full + 1;
	s.dir = dir;
	s.conn = c->id;
	s.src = src;
	s.tgid = key->tgid;
	s.direction = direction;
	s.seq = __sync_fetch_and_add(&dir->seq, records);
	s.offset = __sync_fetch_and_add(&dir->offset, len);
	count_seen(records, len);
	if (full)
		bpf_loop(full, put_full, &s, 0);
	put_rest(&s, len - full * PAYLOAD_MAX);
}

#endif
