/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The records of one field that the target's own hpack has encoded or decoded. A
 * long field is split into pieces.
 */
#ifndef H2TRACE_FIELD_H
#define H2TRACE_FIELD_H

#include "kernel/each.h"
#include "kernel/ring.h"
#include "tls/goabi.h"

#define FIELD_PIECES 64	  /* of a name or a value */
#define FIELD_SENSITIVE 2 /* next to the direction */

struct field {
	u64 list;
	u64 name, name_len;
	u64 value, value_len;
	u32 index;
	u32 tgid;
	u32 dir;
	u8 sensitive;
};

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
	struct field_record *r = ring_spare(total, RECORD_FIELD, f->dir, f->tgid);

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
	ring_submit_spare(r, total);
}

#define PACK(high, low) ((u64)(high) << 32 | (u32)(low))

/*
 * A part of a field: len bytes from src, which begin at at in the joined name and
 * value. A global function, so that the verifier checks it only once, with only
 * numbers as arguments (tls/data.h).
 */
__noinline int put_piece(u64 list, u64 index_flags, u64 lens, u64 src, u64 at_len)
{
	const u64 total = sizeof(struct field_record) + FIELD_PIECE;
	u32 tgid = bpf_get_current_pid_tgid() >> 32, len = at_len;
	struct field_record *r = ring_spare(total, RECORD_FIELD, index_flags & DIR_RECV, tgid);
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
	ring_submit_spare(r, total);
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

#endif
