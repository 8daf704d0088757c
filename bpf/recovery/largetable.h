/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * HPACK tables that do not fit into one record: a peer may permit more than the
 * 4096 bytes of RFC 9113 6.5.2. They are split into pieces, which follow the
 * record that announces them.
 */
#ifndef H2TRACE_LARGETABLE_H
#define H2TRACE_LARGETABLE_H

#include "tls/conn.h"
#include "kernel/each.h"

u64 last_large_id = 0;

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

/*
 * Copies the rest of a string after skip, as far as there is room. Returns how
 * many bytes are left over, or -1.
 */
static __always_inline s64 copy_part(struct piece_record *r, u64 src, u64 len, u64 skip)
{
	u64 at = r->len, n;

	if (skip >= len)
		return 0;
	len -= skip;
	if (at > TABLE_MAX)
		return -1;
	n = len;
	if (n > TABLE_MAX - at)
		n = TABLE_MAX - at;
	r->len = at + n;
	barrier_var(at);
	barrier_var(n);
	if (at > TABLE_MAX || n > TABLE_MAX)
		return -1;
	if (n && bpf_probe_read_user(&r->text[at], n, (void *)(src + skip)))
		return -1;
	return len - n;
}

/*
 * Copies an entry after *done, and advances *done. Returns how many of its bytes
 * are left over, or -1.
 */
static __always_inline s64 copy_entry(struct piece_record *r, u32 i, u64 src, u64 *done)
{
	struct header_field f;
	s64 name, value;

	if (bpf_probe_read_user(&f, sizeof(f), (void *)src) || f.name_len > LARGE_TABLE_MAX ||
	    f.value_len > LARGE_TABLE_MAX)
		return -1;
	r->lens[2 * i] = f.name_len;
	r->lens[2 * i + 1] = f.value_len;
	name = copy_part(r, f.name, f.name_len, *done);
	value = copy_part(r, f.value, f.value_len, *done > f.name_len ? *done - f.name_len : 0);
	if (name < 0 || value < 0)
		return -1;
	*done = f.name_len + f.value_len - name - value;
	return name + value;
}

struct piece_copy {
	struct piece_record *r;
	u64 ents;
	u64 first, count; /* entries */
	u64 done;	  /* bytes of the first entry that were copied before */
	bool failed;
};

STEP copy_piece_entry(u32 i, struct piece_copy *p)
{
	u64 entry = p->first + i, done = i ? 0 : p->done;
	struct piece_record *r = p->r;
	s64 left;

	if (i >= TABLE_ENTRIES || entry >= p->count || r->len >= TABLE_MAX)
		return 1;
	left = copy_entry(r, i, p->ents + entry * HEADER_FIELD_SIZE, &done);
	if (left < 0) {
		p->failed = true;
		return 1;
	}
	r->count = i + 1;
	if (!left)
		return 0;
	r->part = done;
	return 1;
}

/*
 * Copies one piece of a table, from where the previous one ended: whole entries
 * << 32 | bytes of the next entry. Returns where it ends, 0 when it failed. A
 * global function: the verifier checks it once, and Linux 5.10 permits only
 * numbers as arguments.
 */
__noinline u64 copy_piece(u64 ents, u64 from, u64 count, u64 large)
{
	struct piece_copy copy = {
		.ents = ents, .first = from >> 32, .count = count, .done = (u32)from
	};
	struct piece_record *r;
	u64 end;

	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r)
		return 0;
	fill_header(&r->h, RECORD_PIECE, 0, bpf_get_current_pid_tgid() >> 32);
	r->large = large;
	r->first = copy.first;
	r->count = r->len = r->part = 0;
	copy.r = r;
	EACH(TABLE_ENTRIES, TABLE_ENTRIES, copy_piece_entry, &copy);
	if (copy.failed) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return 0;
	}
	end = (copy.first + r->count - (r->part > 0)) << 32 | r->part;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return end;
}

/* Sends the pieces. They follow the record, which is already reserved. */
static __always_inline bool copy_large_table(struct table_record *r, const struct dynamic_table *t)
{
	u64 progress = 0;

	if (t->ents_len > LARGE_TABLE_ENTRIES || t->size > LARGE_TABLE_MAX ||
	    ring_backlog() + PIECES_MAX * sizeof(struct piece_record) > ring_size / 2)
		return false;
	r->large = new_id(&last_large_id);
	for (u32 i = 0; i < PIECES_MAX; i++) {
		progress = copy_piece(t->ents, progress, t->ents_len, r->large);
		if (!progress)
			return false;
		if (progress >> 32 >= t->ents_len)
			return r->large != 0;
	}
	return false;
}

#endif
