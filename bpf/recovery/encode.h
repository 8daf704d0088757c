/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The tables of encoders. Any goroutine may encode a block before it is written,
 * and another may flush it. The HEADERS frame identifies the block, and the
 * framer that writes this frame identifies the connection.
 */
#ifndef H2TRACE_ENCODE_H
#define H2TRACE_ENCODE_H

#include "recovery/behind.h"
#include "recovery/params.h"

/*
 * Reports whether the table of an encoder is wanted: it is, unless user space is
 * known to have it.
 */
static __always_inline bool table_wanted(u64 ptr, struct goroutine *of)
{
	struct encoder_key key = { .ptr = ptr, .tgid = of->tgid, .generation = of->generation };
	struct encoder *e = bpf_map_lookup_elem(&encoders, &key);
	struct encoder fresh = { .tables = 1 };

	if (!e)
		return !bpf_map_update_elem(&encoders, &key, &fresh, BPF_ANY);
	if (e->conn)
		return want_of(e->conn, DIR_SEND) != NULL;
	return e->tables++ < UNBOUND_TABLES_MAX;
}

static __always_inline u64 take_encoder_table(u64 encoder, struct goroutine *of)
{
	struct table_record *r;
	u64 id;

	if (!table_wanted(encoder, of))
		return 0;
	r = table_reserve(of->tgid, DIR_SEND);
	if (!r)
		return 0;
	if (!copy_table(r, encoder)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	id = new_id(&last_block_id);
	r->id = id;
	ring_submit_spare(r, sizeof(*r));
	return id;
}

/*
 * Reports whether the first field of a block makes it a 1xx response. A stream
 * may have more of these, and only its stream identifies a block.
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
		fresh.id = take_encoder_table(fresh.encoder, &key);
	fresh.size = size;
	fresh.fields = 1;
	fresh.pseudo = 1;
	bpf_map_update_elem(&encodings, &key, &fresh, BPF_ANY);
	return 0;
}

/*
 * A connection without traffic so far may be unknown here, or without a wish: user space
 * finds it.
 */
static __always_inline bool report_block(struct encoding *e, u64 conn, const u64 *ptrs,
					 struct pt_regs *ctx, u32 tgid)
{
	struct headers_param p;
	struct block_record *r;

	if (!headers_param(ctx, &p))
		return false;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return false;
	fill_header(&r->h, RECORD_BLOCK, DIR_SEND, tgid);
	r->conn = conn;
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
	ring_submit_spare(r, sizeof(*r));
	return true;
}

static __always_inline void bind_encoder(u64 ptr, struct goroutine *of, u64 conn)
{
	struct encoder_key key = { .ptr = ptr, .tgid = of->tgid, .generation = of->generation };
	struct encoder bound = { .conn = conn };

	bpf_map_update_elem(&encoders, &key, &bound, BPF_ANY);
}

/* (*http2.Framer).WriteHeaders(p HeadersFrameParam): a block is encoded. */
SEC("uprobe/write_headers")
int write_headers(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct want *want = NULL;
	u64 ptrs[FRAMER_PTRS];
	struct goroutine key;
	struct encoding *e;
	struct behind b;

	if (!site || !hit(ctx, &key))
		return 0;
	e = bpf_map_lookup_elem(&encodings, &key);
	if (!e)
		return 0;
	if (find_behind(&b, ptrs, GO_ARG0(ctx), &key, site)) {
		bind_encoder(e->encoder, &key, b.id);
		want = want_of(b.id, DIR_SEND);
	}
	/* Where bytes come from packets, the first one may be yet to come. */
	if (e->id && (!b.c || want) && report_block(e, b.id, ptrs, ctx, key.tgid) && want)
		take_one(want, DIR_SEND);
	bpf_map_delete_elem(&encodings, &key);
	return 0;
}

#endif
