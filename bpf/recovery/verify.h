/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The fields that the target's own hpack encodes and decodes, for comparison with
 * what h2trace decodes. The goroutine that encodes sent fields then writes their
 * frame. The goroutine that reads a frame then decodes its received fields.
 */
#ifndef H2TRACE_VERIFY_H
#define H2TRACE_VERIFY_H

#include "recovery/encode.h"

/* Valid in every Go release from 1.18 to 1.27. */
#define DECODER_EMIT_ENABLED 72 /* hpack.Decoder.emitEnabled */
#define FIELD_PIECES 64		/* of a name or a value */
#define FIELD_SENSITIVE 2	/* next to the direction */

/* User space sets it before loading: the probes below are attached. */
const volatile bool verifying = false;

u64 last_list_id = 0;

/* The fields that a goroutine has encoded since it last wrote a frame with fields. */
struct encoded {
	u64 encoder;
	u64 list;
	u32 fields;
	u32 pseudo; /* the last field was a pseudo-header field */
};

/* The last read of a goroutine, and the last fragment that it has decoded. */
struct reading {
	u64 conn;
	u64 end; /* offset in the direction */
	u64 list;
	u64 seq; /* fragments so far */
	u32 read;
	u32 fields;
};

/* Entries that these maps drop are not verified. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct goroutine);
	__type(value, struct encoded);
} encodeds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct goroutine);
	__type(value, struct reading);
} readings SEC(".maps");

static __always_inline void verify_read(struct conn *c, u64 g, struct conn_key *owner, u64 len)
{
	struct goroutine key = { .g = g, .tgid = owner->tgid, .generation = owner->generation };
	struct reading *r = bpf_map_lookup_elem(&readings, &key);
	struct reading fresh = { .conn = c->id, .end = c->dir[DIR_RECV].offset, .read = len };

	if (r && r->conn == c->id) {
		fresh.seq = r->seq;
		fresh.fields = r->fields;
	}
	bpf_map_update_elem(&readings, &key, &fresh, BPF_ANY);
}

struct field {
	u64 list;
	u64 name, name_len;
	u64 value, value_len;
	u32 index;
	u32 tgid;
	u32 dir;
	u8 sensitive;
};

/*
 * Reserves room for a record that is no part of the traffic. It yields to traffic
 * records; without room its block is not verified.
 */
static __always_inline void *verify_reserve(const u64 size, u8 kind, u32 dir, u32 tgid)
{
	struct record_header *h;

	if (ring_backlog() > ring_size / 2)
		return NULL;
	h = bpf_ringbuf_reserve(&ring, size, 0);
	if (!h)
		return NULL;
	h->time = bpf_ktime_get_ns();
	h->pid = tgid;
	h->kind = kind;
	h->dir = dir;
	h->stale = h->pad = 0;
	return h;
}

static __always_inline void verify_submit(void *r, u64 size)
{
	count_seen(1, 0);
	bpf_ringbuf_submit(r, ring_flags(ring_backlog(), size));
}

static __always_inline void describe(struct field_record *r, struct field *f)
{
	r->list = f->list;
	r->index = f->index;
	r->name_len = f->name_len;
	r->value_len = f->value_len;
	r->sensitive = f->sensitive;
	r->pad[0] = r->pad[1] = 0;
}

/* A field whose name fits into name, and whose value has size bytes. */
static __always_inline void put_field(struct field *f, const u32 size)
{
	const u64 total = sizeof(struct field_record) + size;
	u64 name_len = f->name_len, value_len = f->value_len;
	struct field_record *r = verify_reserve(total, RECORD_FIELD, f->dir, f->tgid);

	if (!r)
		return;
	describe(r, f);
	r->whole = 1;
	r->at = 0;
	r->len = value_len;
	barrier_var(name_len);
	barrier_var(value_len);
	if (name_len > FIELD_NAME || value_len > size ||
	    (name_len && bpf_probe_read_user(r->name, name_len, (void *)f->name)) ||
	    (value_len && bpf_probe_read_user(r->text, value_len, (void *)f->value))) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return;
	}
	verify_submit(r, total);
}

#define PACK(high, low) ((u64)(high) << 32 | (u32)(low))

/*
 * A part of a field: len bytes from src, which begin at at in the joined name and
 * value. A global function, so that the verifier checks it only once, with only
 * numbers as arguments (http2/loop.h).
 */
__noinline int put_piece(u64 list, u64 index_flags, u64 lens, u64 src, u64 at_len)
{
	const u64 total = sizeof(struct field_record) + FIELD_PIECE;
	u32 tgid = bpf_get_current_pid_tgid() >> 32, len = at_len;
	struct field_record *r = verify_reserve(total, RECORD_FIELD, index_flags & DIR_RECV, tgid);
	struct field f = {
		.list = list,
		.name_len = lens >> 32,
		.value_len = (u32)lens,
		.index = index_flags >> 32,
		.sensitive = (index_flags & FIELD_SENSITIVE) != 0,
	};

	if (!r)
		return 1;
	describe(r, &f);
	r->whole = 0;
	r->at = at_len >> 32;
	if (len > FIELD_PIECE)
		len = FIELD_PIECE;
	r->len = len;
	barrier_var(len);
	if (len > FIELD_PIECE || (len && bpf_probe_read_user(r->text, len, (void *)src))) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 1;
	}
	verify_submit(r, total);
	return 0;
}

struct text {
	u64 list, index_flags, lens; /* arguments of put_piece */
	u64 src, begin, len;
	bool failed;
};

STEP put_text_piece(u32 i, struct text *t)
{
	u64 at = (u64)i * FIELD_PIECE;
	u64 n = t->len - at < FIELD_PIECE ? t->len - at : FIELD_PIECE;

	if (at >= t->len)
		return 1;
	if (!put_piece(t->list, t->index_flags, t->lens, t->src + at, PACK(t->begin + at, n)))
		return 0;
	t->failed = true;
	return 1;
}

/* A field of more than FIELD_PIECES pieces stays incomplete. */
static __always_inline bool put_pieces(struct field *f, u64 src, u64 begin, u64 len)
{
	struct text t = {
		.list = f->list,
		.index_flags = PACK(f->index, f->dir | (f->sensitive ? FIELD_SENSITIVE : 0)),
		.lens = PACK(f->name_len, f->value_len),
		.src = src,
		.begin = begin,
		.len = len,
	};

	EACH(FIELD_PIECES, FIELD_PIECES, put_text_piece, &t);
	return !t.failed;
}

static __noinline int put_long(struct field *f)
{
	if (put_pieces(f, f->name, 0, f->name_len))
		put_pieces(f, f->value, f->name_len, f->value_len);
	return 0;
}

/* The field in the arguments after the receiver. */
static __always_inline void report_field(struct pt_regs *ctx, u32 dir, u32 tgid, u64 list,
					 u32 index)
{
	struct field f = {
		.list = list,
		.name = GO_ARG1(ctx),
		.name_len = GO_ARG2(ctx),
		.value = GO_ARG3(ctx),
		.value_len = GO_ARG4(ctx),
		.index = index,
		.tgid = tgid,
		.dir = dir,
		.sensitive = (u8)GO_ARG5(ctx),
	};

	if (f.name_len > FIELD_NAME || f.value_len > 1024)
		put_long(&f);
	else if (f.value_len <= 48)
		put_field(&f, 48);
	else if (f.value_len <= 240)
		put_field(&f, 240);
	else
		put_field(&f, 1024);
}

/* The values of a list that depend on the direction. */
struct list_place {
	u64 conn, list, seq, end;
	u64 fragment, fragment_len;
	u32 read, fields, stream;
};

static __always_inline void report_list(struct list_place *p, u32 dir, u32 tgid)
{
	struct list_record *r = verify_reserve(sizeof(*r), RECORD_LIST, dir, tgid);

	if (!r)
		return;
	r->conn = p->conn;
	r->list = p->list;
	r->seq = p->seq;
	r->end = p->end;
	r->read = p->read;
	r->fields = p->fields;
	r->stream = p->stream;
	r->fragment_len = p->fragment_len;
	if (!copy_fragment(r->fragment, p->fragment, p->fragment_len)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return;
	}
	verify_submit(r, sizeof(*r));
}

/*
 * (*hpack.Encoder).WriteField(f HeaderField). Pseudo-header fields come before
 * all others (RFC 9113 8.3). One after a regular field begins another block, and
 * the previous block was never written.
 */
SEC("uprobe/verify_encode")
int verify_encode(struct pt_regs *ctx)
{
	struct encoded *e, fresh = {};
	struct goroutine key;
	u8 first = 0;

	if (!goroutine_of(ctx, &key))
		return 0;
	if (GO_ARG2(ctx))
		bpf_probe_read_user(&first, 1, (void *)GO_ARG1(ctx));
	e = bpf_map_lookup_elem(&encodeds, &key);
	if (!e || e->encoder != GO_ARG0(ctx) || (first == ':' && !e->pseudo)) {
		fresh.encoder = GO_ARG0(ctx);
		fresh.list = new_id(&last_list_id);
		bpf_map_update_elem(&encodeds, &key, &fresh, BPF_ANY);
		e = bpf_map_lookup_elem(&encodeds, &key);
		if (!e)
			return 0;
	}
	e->pseudo = first == ':';
	report_field(ctx, DIR_SEND, key.tgid, e->list, e->fields++);
	return 0;
}

/*
 * (*http2.Framer).WriteHeaders(p HeadersFrameParam) and WritePushPromise(p
 * PushPromiseParam), which begin alike: a block is encoded.
 */
SEC("uprobe/verify_write")
int verify_write(struct pt_regs *ctx)
{
	struct list_place place = {};
	struct headers_param p;
	u64 ptrs[FRAMER_PTRS];
	struct goroutine key;
	struct encoded *e;
	struct conn *c;

	if (!goroutine_of(ctx, &key))
		return 0;
	e = bpf_map_lookup_elem(&encodeds, &key);
	if (!e || bpf_probe_read_user(&p, sizeof(p), (void *)(GO_SP(ctx) + HEADERS_PARAM)))
		return 0;
	look_behind(ptrs, GO_ARG0(ctx));
	c = conn_behind(ptrs, &key);
	place.conn = c ? c->id : 0;
	place.list = e->list;
	place.fields = e->fields;
	place.stream = p.stream;
	place.fragment = p.fragment;
	place.fragment_len = p.fragment_len;
	bpf_map_delete_elem(&encodeds, &key);
	report_list(&place, DIR_SEND, key.tgid);
	return 0;
}

/* (*hpack.Decoder).Write(p []byte): a fragment of a block is about to be decoded. */
SEC("uprobe/verify_decode")
int verify_decode(struct pt_regs *ctx)
{
	struct list_place place = {};
	struct goroutine key;
	struct reading *r;

	if (!goroutine_of(ctx, &key))
		return 0;
	r = bpf_map_lookup_elem(&readings, &key);
	if (!r)
		return 0;
	place.fields = r->fields;
	r->list = new_id(&last_list_id);
	r->fields = 0;
	place.conn = r->conn;
	place.list = r->list;
	place.seq = r->seq++;
	place.end = r->end;
	place.read = r->read;
	place.fragment = GO_ARG1(ctx);
	place.fragment_len = GO_ARG2(ctx);
	report_list(&place, DIR_RECV, key.tgid);
	return 0;
}

/* (*hpack.Decoder).callEmit(hf HeaderField): a field is decoded. */
SEC("uprobe/verify_emit")
int verify_emit(struct pt_regs *ctx)
{
	struct goroutine key;
	struct reading *r;
	u8 enabled = 0;

	if (!goroutine_of(ctx, &key))
		return 0;
	r = bpf_map_lookup_elem(&readings, &key);
	if (!r || !r->list)
		return 0;
	/* Without emitEnabled, hpack skips strings, and the arguments hold nothing. */
	bpf_probe_read_user(&enabled, 1, (void *)(GO_ARG0(ctx) + DECODER_EMIT_ENABLED));
	if (enabled)
		report_field(ctx, DIR_RECV, key.tgid, r->list, r->fields++);
	return 0;
}

#endif
