/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * HPACK tables from the target's memory. Whoever joins a connection in the
 * middle has not seen what its tables were built from; golang.org/x/net's hpack
 * has them. Each is copied while the goroutine that owns it stands in a probe,
 * together with what tells which field block is about to be worked on.
 */
#ifndef H2TRACE_HPACK_H
#define H2TRACE_HPACK_H

#include "conn.h"

/* Field offsets that hold in every Go release from 1.18 to 1.27. */
#define FRAMER_R 8	      /* the pointer in http2.Framer.r, an io.Reader */
#define BUFIO_RD 32	      /* the pointer in bufio.Reader.rd, an io.Reader */
#define WRAPPED 8	      /* the pointer of an interface that is a first field */
#define HEADERS_PARAM 8	      /* http2.HeadersFrameParam, from SP */
#define UNBOUND_TABLES_MAX 16 /* of an encoder whose connection is not known */

/* How often they were hit. */
u64 recovery_hits = 0;
u64 last_block_id = 0;

struct goroutine {
	u64 g;
	u32 tgid;
	u32 pad;
};

/* What a goroutine read last, and how many fragments it has decoded since. */
struct reader {
	u64 conn;
	u64 end; /* offset in the direction */
	u32 read;
	u32 fragments;
};

/* The field block that a goroutine encodes. */
struct encoding {
	u64 encoder;
	u64 id; /* of its table record, 0 when there is none */
	u64 size;
	u32 fields;
	u32 pseudo; /* the last field was a pseudo-header field */
};

struct encoder_key {
	u64 ptr;
	u32 tgid;
	u32 pad;
};

struct encoder {
	u64 conn; /* 0: not known */
	u32 tables;
	u32 pad;
};

/* These may forget: that costs a table, which is then taken a block later. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct goroutine);
	__type(value, struct reader);
} readers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct goroutine);
	__type(value, struct encoding);
} encodings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct encoder_key);
	__type(value, struct encoder);
} encoders SEC(".maps");

static __always_inline struct want *want_of(u64 conn, u32 direction)
{
	struct want *w = bpf_map_lookup_elem(&wants, &conn);

	return w && w->left[direction & 1] ? w : NULL;
}

/* One goroutine at a time works on a table; user space may replace the numbers. */
static __always_inline void take_one(struct want *w, u32 direction)
{
	u32 left = w->left[direction & 1];

	if (left)
		w->left[direction & 1] = left - 1;
}

/*
 * A goroutine has read from a connection. Whoever parses frames reads more
 * only when it has parsed all it has: the fragments that it decodes from here
 * to its next read are those that end in these bytes, in their order.
 */
static __always_inline void note_read(struct conn *c, u64 g, u32 tgid, u64 len)
{
	struct goroutine key = { .g = g, .tgid = tgid };
	struct reader r = { .conn = c->id, .end = c->dir[DIR_RECV].offset, .read = len };

	if (want_of(c->id, DIR_RECV))
		bpf_map_update_elem(&readers, &key, &r, BPF_ANY);
	else
		bpf_map_delete_elem(&readers, &key);
}

/* hpack.dynamicTable */
struct dynamic_table {
	u64 ents, ents_len, ents_cap;
	u64 evict_count, by_name, by_name_value;
	u32 size, max_size;
};

/* hpack.HeaderField, without Sensitive */
struct header_field {
	u64 name, name_len;
	u64 value, value_len;
};

#define HEADER_FIELD_SIZE 40

static __always_inline bool copy_text(struct table_record *r, u64 src, u64 len)
{
	u64 at = r->len;

	if (at >= TABLE_MAX || len >= TABLE_MAX)
		return false;
	r->len = at + len;
	barrier_var(at);
	barrier_var(len);
	at &= TABLE_MAX - 1;
	len &= TABLE_MAX - 1;
	return !len || !bpf_probe_read_user(&r->text[at], len, (void *)src);
}

/* Fills in a whole table, or nothing that may be used. */
static __always_inline bool copy_table(struct table_record *r, u64 src)
{
	struct header_field f;
	struct dynamic_table t;

	if (bpf_probe_read_user(&t, sizeof(t), (void *)src))
		return false;
	if (t.ents_len > TABLE_ENTRIES || t.size > TABLE_MAX)
		return false;
	r->size = t.size;
	r->max_size = t.max_size;
	r->count = t.ents_len;
	r->len = 0;
	for (u32 i = 0; i < TABLE_ENTRIES; i++) {
		if (i >= t.ents_len)
			break;
		if (bpf_probe_read_user(&f, sizeof(f), (void *)(t.ents + i * HEADER_FIELD_SIZE)))
			return false;
		r->lens[2 * i] = f.name_len;
		r->lens[2 * i + 1] = f.value_len;
		if (!copy_text(r, f.name, f.name_len) || !copy_text(r, f.value, f.value_len))
			return false;
	}
	return true;
}

static __always_inline bool copy_fragment(u8 *to, u64 src, u64 len)
{
	if (len > FRAGMENT_SIZE)
		len = FRAGMENT_SIZE;
	barrier_var(len);
	if (len > FRAGMENT_SIZE)
		return false;
	return !len || !bpf_probe_read_user(to, len, (void *)src);
}

/*
 * Room for a table. One that finds none is not lost but not taken: it is no
 * part of the traffic, and another will do as well.
 */
static __always_inline struct table_record *table_reserve(u32 tgid, u32 direction)
{
	struct table_record *r;

	if (ring_backlog() > ring_size / 2)
		return NULL;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return NULL;
	r->h.time = bpf_ktime_get_ns();
	r->h.pid = tgid;
	r->h.kind = RECORD_TABLE;
	r->h.dir = direction;
	r->h.pad = 0;
	r->conn = r->id = r->end = 0;
	r->read = r->fragment_len = 0;
	return r;
}

static __always_inline void table_submit(struct table_record *r)
{
	count_seen(1, 0);
	bpf_ringbuf_submit(r, ring_flags(ring_backlog(), sizeof(*r)));
}

static __always_inline bool hit(struct pt_regs *ctx, struct goroutine *key)
{
	struct site *site = site_of(ctx);

	key->g = GO_G(ctx);
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->pad = 0;
	if (!site || (site->stack_check && GO_STACK_GROWS(ctx)) || !is_target(key->tgid))
		return false;
	__sync_fetch_and_add(&recovery_hits, 1);
	return true;
}

/* (*hpack.Decoder).Write(p []byte) */
SEC("uprobe/hpack_decode")
int hpack_decode(struct pt_regs *ctx)
{
	struct table_record *r;
	struct goroutine key;
	struct reader *reader;
	struct want *want;

	if (!hit(ctx, &key))
		return 0;
	reader = bpf_map_lookup_elem(&readers, &key);
	if (!reader || reader->fragments++)
		return 0;
	want = want_of(reader->conn, DIR_RECV);
	if (!want)
		return 0;
	r = table_reserve(key.tgid, DIR_RECV);
	if (!r)
		return 0;
	r->conn = reader->conn;
	r->end = reader->end;
	r->read = reader->read;
	r->fragment_len = GO_ARG2(ctx);
	if (!copy_fragment(r->fragment, GO_ARG1(ctx), GO_ARG2(ctx)) ||
	    !copy_table(r, GO_ARG0(ctx))) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	table_submit(r);
	take_one(want, DIR_RECV);
	return 0;
}

/* Whether the table of an encoder is wanted: unless it is known to be known. */
static __always_inline bool table_wanted(u64 ptr, u32 tgid)
{
	struct encoder_key key = { .ptr = ptr, .tgid = tgid };
	struct encoder *e = bpf_map_lookup_elem(&encoders, &key);
	struct encoder fresh = { .tables = 1 };

	if (!e)
		return !bpf_map_update_elem(&encoders, &key, &fresh, BPF_ANY);
	if (e->conn)
		return want_of(e->conn, DIR_SEND) != NULL;
	return e->tables++ < UNBOUND_TABLES_MAX;
}

static __always_inline u64 take_encoder_table(u64 encoder, u32 tgid)
{
	struct table_record *r;
	u64 id;

	if (!table_wanted(encoder, tgid))
		return 0;
	r = table_reserve(tgid, DIR_SEND);
	if (!r)
		return 0;
	if (!copy_table(r, encoder)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	id = __sync_fetch_and_add(&last_block_id, 1) + 1;
	r->id = id;
	table_submit(r);
	return id;
}

/*
 * Whether the first field of a block says that it is a 1xx response. There may
 * be more of these on a stream, and what tells blocks apart is the stream.
 */
static __always_inline bool is_interim(struct pt_regs *ctx)
{
	u8 name[2] = {}, value = 0;

	if (GO_ARG2(ctx) != sizeof(":status") - 1)
		return false;
	bpf_probe_read_user(name, sizeof(name), (void *)GO_ARG1(ctx));
	bpf_probe_read_user(&value, 1, (void *)GO_ARG3(ctx));
	return name[1] == 's' && value == '1';
}

/*
 * (*hpack.Encoder).WriteField(f HeaderField). A block begins with the first of
 * its pseudo-header fields, which stand before all others (RFC 9113 8.3).
 */
SEC("uprobe/hpack_encode")
int hpack_encode(struct pt_regs *ctx)
{
	u64 size = GO_ARG2(ctx) + GO_ARG4(ctx) + 32;
	struct encoding *now, fresh = {};
	struct goroutine key;
	u8 first = 0;

	if (!hit(ctx, &key))
		return 0;
	bpf_probe_read_user(&first, 1, (void *)GO_ARG1(ctx));
	now = bpf_map_lookup_elem(&encodings, &key);
	if (now && now->encoder == GO_ARG0(ctx) && (first != ':' || now->pseudo)) {
		now->pseudo = first == ':';
		now->size += size;
		now->fields++;
		return 0;
	}
	if (first != ':') {
		bpf_map_delete_elem(&encodings, &key);
		return 0;
	}
	fresh.encoder = GO_ARG0(ctx);
	if (!is_interim(ctx))
		fresh.id = take_encoder_table(fresh.encoder, key.tgid);
	fresh.size = size;
	fresh.fields = 1;
	fresh.pseudo = 1;
	bpf_map_update_elem(&encodings, &key, &fresh, BPF_ANY);
	return 0;
}

/*
 * Where the connection may be that a framer reads from: directly, through a
 * bufio.Reader, or through a net.Conn that wraps it. Only what is the address
 * of a known connection is one.
 */
static __always_inline void look_behind(u64 *ptrs, u64 framer)
{
	ptrs[0] = read_user_u64(framer + FRAMER_R);
	ptrs[1] = read_user_u64(ptrs[0] + BUFIO_RD);
	ptrs[2] = read_user_u64(ptrs[0] + WRAPPED);
	ptrs[3] = read_user_u64(ptrs[1] + WRAPPED);
}

static __always_inline struct conn *conn_behind(const u64 *ptrs, u32 tgid)
{
	for (int i = 0; i < FRAMER_PTRS; i++) {
		struct conn_key key = { .ptr = ptrs[i], .tgid = tgid };
		struct conn *c = bpf_map_lookup_elem(&conns, &key);

		if (c && !c->closed)
			return c;
	}
	return NULL;
}

/* http2.HeadersFrameParam, as far as it is needed */
struct headers_param {
	u32 stream;
	u32 pad;
	u64 fragment, fragment_len;
};

/* A connection without traffic so far is not known: user space finds it. */
static __always_inline bool report_block(struct encoding *e, struct conn *c, const u64 *ptrs,
					 u64 sp, u32 tgid)
{
	struct headers_param p;
	struct block_record *r;

	if (bpf_probe_read_user(&p, sizeof(p), (void *)(sp + HEADERS_PARAM)))
		return false;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return false;
	r->h.time = bpf_ktime_get_ns();
	r->h.pid = tgid;
	r->h.kind = RECORD_BLOCK;
	r->h.dir = DIR_SEND;
	r->h.pad = 0;
	r->conn = c ? c->id : 0;
	r->id = e->id;
	r->size = e->size;
	r->fields = e->fields;
	r->stream = p.stream;
	r->fragment_len = p.fragment_len;
	r->pad = 0;
	for (int i = 0; i < FRAMER_PTRS; i++)
		r->ptrs[i] = ptrs[i];
	if (!copy_fragment(r->fragment, p.fragment, p.fragment_len)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return false;
	}
	count_seen(1, 0);
	bpf_ringbuf_submit(r, ring_flags(ring_backlog(), sizeof(*r)));
	return true;
}

static __always_inline void bind_encoder(u64 ptr, u32 tgid, u64 conn)
{
	struct encoder_key key = { .ptr = ptr, .tgid = tgid };
	struct encoder bound = { .conn = conn };

	bpf_map_update_elem(&encoders, &key, &bound, BPF_ANY);
}

/* (*http2.Framer).WriteHeaders(p HeadersFrameParam): a block is encoded. */
SEC("uprobe/write_headers")
int write_headers(struct pt_regs *ctx)
{
	struct want *want = NULL;
	u64 ptrs[FRAMER_PTRS];
	struct goroutine key;
	struct encoding *e;
	struct conn *c;

	if (!hit(ctx, &key))
		return 0;
	e = bpf_map_lookup_elem(&encodings, &key);
	if (!e)
		return 0;
	look_behind(ptrs, GO_ARG0(ctx));
	c = conn_behind(ptrs, key.tgid);
	if (c) {
		bind_encoder(e->encoder, key.tgid, c->id);
		want = want_of(c->id, DIR_SEND);
	}
	if (e->id && (!c || want) && report_block(e, c, ptrs, GO_SP(ctx), key.tgid) && want)
		take_one(want, DIR_SEND);
	bpf_map_delete_elem(&encodings, &key);
	return 0;
}

#endif
