/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The fields that the target's own hpack encodes and decodes, for comparison with
 * what h2trace decodes. The goroutine that encodes sent fields then writes their
 * frame. The goroutine that reads a frame then decodes its received fields.
 */
#ifndef H2TRACE_VERIFY_H
#define H2TRACE_VERIFY_H

#include "recovery/encode.h"
#include "recovery/field.h"

/* Valid in every Go release from 1.18 to 1.27. */
#define DECODER_EMIT_ENABLED 72 /* hpack.Decoder.emitEnabled */

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

/* The values of a list that depend on the direction. */
struct list_place {
	u64 conn, list, seq, end;
	u64 fragment, fragment_len;
	u32 read, fields, stream;
};

static __always_inline void report_list(struct list_place *p, u32 dir, u32 tgid)
{
	struct list_record *r = ring_spare(sizeof(*r), RECORD_LIST, dir, tgid);

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
	ring_submit_spare(r, sizeof(*r));
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

/* A framer writes the frame of a block that is encoded. */
static __always_inline void report_written(struct pt_regs *ctx, struct headers_param *p)
{
	struct list_place place = {};
	u64 ptrs[FRAMER_PTRS];
	struct goroutine key;
	struct encoded *e;
	struct conn *c;

	if (!goroutine_of(ctx, &key))
		return;
	e = bpf_map_lookup_elem(&encodeds, &key);
	if (!e)
		return;
	look_behind(ptrs, GO_ARG0(ctx));
	c = conn_behind(ptrs, &key);
	place.conn = c ? c->id : 0;
	place.list = e->list;
	place.fields = e->fields;
	place.stream = p->stream;
	place.fragment = p->fragment;
	place.fragment_len = p->fragment_len;
	bpf_map_delete_elem(&encodeds, &key);
	report_list(&place, DIR_SEND, key.tgid);
}

/* (*http2.Framer).WriteHeaders(p HeadersFrameParam) */
SEC("uprobe/verify_write")
int verify_write(struct pt_regs *ctx)
{
	struct headers_param p;

	if (headers_param(ctx, &p))
		report_written(ctx, &p);
	return 0;
}

/* (*http2.Framer).WritePushPromise(p PushPromiseParam) */
SEC("uprobe/verify_promise")
int verify_promise(struct pt_regs *ctx)
{
	struct headers_param p;

	promise_param(ctx, &p);
	report_written(ctx, &p);
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
