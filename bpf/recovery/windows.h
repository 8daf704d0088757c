/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Flow-control windows from the target's memory. When the goroutine that reads
 * the frames of a client connection asks for the next one, it has handled all
 * previous ones. When nobody holds the lock for writing and nothing is buffered,
 * everything sent is on its way. A probe looks for a moment at which both hold.
 */
#ifndef H2TRACE_WINDOWS_H
#define H2TRACE_WINDOWS_H

#include "recovery/encode.h"

/* Field offsets that hold in every Go release from 1.18 to 1.27. */
#define BUFIO_N 40   /* bufio.Writer.n */
#define BUFIO_WR 56  /* the pointer in bufio.Writer.wr, an io.Writer */
#define COND_L 8     /* the pointer in sync.Cond.L, a sync.Locker */
#define MUTEX_FREE 0 /* sync.Mutex.state: nobody holds it, nobody waits */

/*
 * Offsets of fields in golang.org/x/net/http2: see layout.Client, and
 * layout.Server for those of the last line.
 */
struct http2_layout {
	u16 size;
	u16 mu, cond, write_mu, write_err, framer;
	u16 sticky_conn, sticky_err;
	u16 framer_w;
	u16 stream_conn, stream_id, stream_flow, stream_end;
	u16 writing, streams, upload;
};

_Static_assert(sizeof(struct http2_layout) == 32, "http2_layout");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct http2_layout);
} layouts SEC(".maps");

/* Which windows of a connection are wanted, by its id. User space replaces it. */
struct window_want {
	u32 left;
	u32 count;	/* of streams */
	u64 not_before; /* kernel time */
	u64 interval;
	u64 frame_end;		  /* server: the end of the frame that it last worked on */
	u64 streams[STREAMS_MAX]; /* http2.clientStream or stream */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct window_want);
} window_wants SEC(".maps");

/* From the framer to its connection: by what it reads from, and writes to. */
static __always_inline bool find_client(struct conn_place *p, const struct http2_layout *l,
					const struct behind *b)
{
	u64 at[2], sticky;

	p->reader = read_user_u64(p->framer + FRAMER_R);
	p->writer = read_user_u64(p->framer + l->framer_w);
	if (bpf_probe_read_user(at, sizeof(at), (void *)(p->reader + BUFIO_R)) || at[1] < at[0])
		return false;
	p->offset[DIR_RECV] = handled_to(b, at[1] - at[0]);
	p->offset[DIR_SEND] = sent_to(b);
	sticky = read_user_u64(p->writer + BUFIO_WR);
	p->sticky = read_user_u64(sticky + l->sticky_conn);
	p->owner = read_user_u64(sticky + l->sticky_err) - l->write_err;
	return read_user_u64(p->owner + l->framer) == p->framer;
}

/* Reports whether everything sent on a connection is written, up to the offset. */
static __always_inline bool all_written(const struct conn_place *p, const struct http2_layout *l,
					const struct behind *b)
{
	u32 mu = 1, write_mu = 1;

	if (bpf_probe_read_user(&mu, sizeof(mu), (void *)(p->owner + l->mu)) ||
	    bpf_probe_read_user(&write_mu, sizeof(write_mu), (void *)(p->owner + l->write_mu)))
		return false;
	return mu == MUTEX_FREE && write_mu == MUTEX_FREE && !read_user_u64(p->writer + BUFIO_N) &&
	       sent_to(b) == p->offset[DIR_SEND];
}

static __always_inline bool copy_owner(struct windows_record *r, const struct http2_layout *l)
{
	u32 size = l->size;

	barrier_var(size);
	return size <= OWNER_MAX && !bpf_probe_read_user(r->image, size, (void *)r->place.owner);
}

struct streams_copy {
	struct windows_record *r;
	const struct http2_layout *l;
	const struct window_want *w;
};

STEP copy_stream(u32 i, struct streams_copy *c)
{
	const struct http2_layout *l = c->l;
	struct stream_state *s;
	u64 stream;

	if (i >= STREAMS_MAX)
		return 1;
	s = &c->r->streams[i];
	stream = c->w->streams[i];
	s->id = s->pad = s->behind_id = 0;
	s->conn = read_user_u64(stream + l->stream_conn);
	if (bpf_probe_read_user(s->flows, sizeof(s->flows), (void *)(stream + l->stream_flow)) ||
	    bpf_probe_read_user(s->ends, sizeof(s->ends), (void *)(stream + l->stream_end)))
		s->conn = 0;
	bpf_probe_read_user(&s->id, sizeof(s->id), (void *)(stream + l->stream_id));
	s->behind_id = read_user_u64(stream + l->stream_id + sizeof(u64));
	return 0;
}

static __always_inline void copy_streams(struct windows_record *r, const struct http2_layout *l,
					 const struct window_want *w)
{
	struct streams_copy copy = { .r = r, .l = l, .w = w };
	u32 count = w->count;

	if (count > STREAMS_MAX)
		count = STREAMS_MAX;
	r->count = count;
	EACH(count, STREAMS_MAX, copy_stream, &copy);
}

static __always_inline struct windows_record *windows_reserve(u64 conn, u32 tgid)
{
	struct windows_record *r = ring_spare(sizeof(*r), RECORD_WINDOWS, 0, tgid);

	if (!r)
		return NULL;
	r->conn = conn;
	r->beyond[0] = r->beyond[1] = 0;
	return r;
}

/* Reports whether the windows were taken. Without room they are skipped, not lost. */
static __always_inline bool take_client(const struct conn_place *p, u32 index, u32 tgid,
					const struct behind *b, const struct window_want *w)
{
	struct http2_layout *l = bpf_map_lookup_elem(&layouts, &index);
	struct windows_record *r;

	if (!l || !all_written(p, l, b))
		return false;
	r = windows_reserve(b->id, tgid);
	if (!r)
		return false;
	r->place = *p;
	r->layout = index;
	r->beyond[0] = read_user_u64(read_user_u64(p->owner + l->cond) + COND_L);
	if (copy_owner(r, l)) {
		copy_streams(r, l, w);
		if (all_written(p, l, b)) {
			ring_submit_spare(r, sizeof(*r));
			return true;
		}
	}
	bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return false;
}

/* (*http2.Framer).ReadFrame() */
SEC("uprobe/read_frame")
int read_frame(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct conn_place p = {};
	u64 ptrs[FRAMER_PTRS];
	struct http2_layout *l;
	struct window_want *w;
	struct goroutine key;
	struct behind b;
	u32 index;

	if (!site || !hit(ctx, &key))
		return 0;
	p.framer = GO_ARG0(ctx);
	if (!find_behind(&b, ptrs, p.framer, &key, site))
		return 0;
	if (!b.c)
		note_frame(&key, &b);
	else if (b.c->role == ROLE_SERVER)
		return 0;
	w = bpf_map_lookup_elem(&window_wants, &b.id);
	if (!w || !w->left || bpf_ktime_get_ns() < w->not_before)
		return 0;
	index = site->layout - 1;
	l = bpf_map_lookup_elem(&layouts, &index);
	if (!l || !find_client(&p, l, &b))
		return 0;
	if (take_client(&p, index, key.tgid, &b, w)) {
		w->not_before = bpf_ktime_get_ns() + w->interval;
		w->left--;
	}
	return 0;
}

#endif
