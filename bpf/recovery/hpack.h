/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * HPACK tables from the target's memory. h2trace has not seen the blocks that
 * built the tables of a connection joined in the middle; golang.org/x/net's hpack
 * has the tables. A probe copies a table while the goroutine that owns it is in
 * the probe, and records which field block comes next.
 */
#ifndef H2TRACE_HPACK_H
#define H2TRACE_HPACK_H

#include "recovery/largetable.h"
#include "recovery/wants.h"

#define UNBOUND_TABLES_MAX 16 /* of an encoder whose connection is unknown */

/* How often these probes were hit. */
u64 recovery_hits = 0;
u64 last_block_id = 0;

struct goroutine {
	u64 g;
	u32 tgid;
	u32 generation;
};

/* The last read of a goroutine, and the fragments that it has decoded since. */
struct reader {
	u64 conn;
	u64 end;  /* offset in the direction, or the place where a frame begins */
	u32 read; /* bytes of the read; 0 with a place */
	u32 fragments;
};

/* The field block that a goroutine encodes. */
struct encoding {
	u64 encoder;
	u64 id; /* number of its table record, 0: there is none */
	u64 size;
	u32 fields;
	u32 pseudo; /* the last field was a pseudo-header field */
};

struct encoder_key {
	u64 ptr;
	u32 tgid;
	u32 generation;
};

struct encoder {
	u64 conn; /* 0: unknown */
	u32 tables;
	u32 pad;
};

/* These may forget: the table is then taken one block later. */
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
 * A goroutine has read from a connection. A parser of frames reads more only
 * after it has parsed all its bytes. So the fragments that it decodes until its
 * next read are those that end in these bytes, in their order.
 */
static __always_inline void note_read(struct conn *c, u64 g, struct conn_key *of, u64 len)
{
	struct goroutine key = { .g = g, .tgid = of->tgid, .generation = of->generation };
	struct reader r = { .conn = c->id, .end = c->dir[DIR_RECV].offset, .read = len };

	if (want_of(c->id, DIR_RECV))
		bpf_map_update_elem(&readers, &key, &r, BPF_ANY);
	else
		bpf_map_delete_elem(&readers, &key);
}

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

struct table_copy {
	struct table_record *r;
	u64 ents;
	bool failed;
};

STEP copy_table_entry(u32 i, struct table_copy *t)
{
	struct table_record *r = t->r;
	struct header_field f;

	if (i >= TABLE_ENTRIES)
		return 1;
	t->failed = true;
	if (bpf_probe_read_user(&f, sizeof(f), (void *)(t->ents + (u64)i * HEADER_FIELD_SIZE)))
		return 1;
	r->lens[2 * i] = f.name_len;
	r->lens[2 * i + 1] = f.value_len;
	if (!copy_text(r, f.name, f.name_len) || !copy_text(r, f.value, f.value_len))
		return 1;
	t->failed = false;
	return 0;
}

/* Fills in a whole table, or nothing usable. */
static __always_inline bool copy_table(struct table_record *r, u64 src)
{
	struct table_copy copy = { .r = r };
	struct dynamic_table t;

	if (bpf_probe_read_user(&t, sizeof(t), (void *)src))
		return false;
	r->size = t.size;
	r->max_size = t.max_size;
	r->count = t.ents_len;
	r->len = 0;
	r->large = 0;
	if (t.ents_len > TABLE_ENTRIES || t.size > TABLE_MAX)
		return copy_large_table(r, &t);
	copy.ents = t.ents;
	EACH(t.ents_len, TABLE_ENTRIES, copy_table_entry, &copy);
	return !copy.failed;
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

static __always_inline struct table_record *table_reserve(u32 tgid, u32 direction)
{
	struct table_record *r = ring_spare(sizeof(*r), RECORD_TABLE, direction, tgid);

	if (!r)
		return NULL;
	r->conn = r->id = r->end = 0;
	r->read = r->fragment_len = 0;
	return r;
}

/* At the entry of a function in a target, after the stack check. */
static __always_inline bool goroutine_of(struct pt_regs *ctx, struct goroutine *key)
{
	struct site *site = site_of(ctx);

	key->g = GO_G(ctx);
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	return site && !(site->stack_check && GO_STACK_GROWS(ctx)) &&
	       generation_of(key->tgid, &key->generation);
}

static __always_inline bool hit(struct pt_regs *ctx, struct goroutine *key)
{
	if (!goroutine_of(ctx, key))
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
	ring_submit_spare(r, sizeof(*r));
	take_one(want, DIR_RECV);
	return 0;
}

#endif
