/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The windows of servers. One goroutine owns all state of a connection, and
 * another reads frames for it, one at a time. When the first gets a frame, the
 * second has read up to the end of it and waits.
 */
#ifndef H2TRACE_SERVING_H
#define H2TRACE_SERVING_H

#include "recovery/windows.h"

#define WRITING_FLAGS 6 /* see layout.Server.Writing */

/*
 * Reports whether nothing is being written, and nothing is pending except frames
 * without credit.
 */
static __always_inline bool writes_nothing(u64 owner, const struct http2_layout *l)
{
	u8 flags[8] = {};

	return !bpf_probe_read_user(flags, WRITING_FLAGS, (void *)(owner + l->writing)) &&
	       *(u64 *)flags == 0;
}

/* As take_client: the state does not change meanwhile. */
static __always_inline bool take_server(const struct conn_place *p, u32 index, u32 tgid, u64 conn,
					const struct window_want *w)
{
	struct http2_layout *l = bpf_map_lookup_elem(&layouts, &index);
	struct windows_record *r;

	if (!l || !writes_nothing(p->owner, l))
		return false;
	r = windows_reserve(conn, tgid);
	if (!r)
		return false;
	r->place = *p;
	r->layout = index;
	r->beyond[0] = read_user_u64(read_user_u64(p->owner + l->streams));
	if (l->upload)
		r->beyond[1] = read_user_u64(read_user_u64(p->owner) + l->upload);
	if (!copy_owner(r, l)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return false;
	}
	copy_streams(r, l, w);
	ring_submit_spare(r, sizeof(*r));
	return true;
}

/*
 * (*http2.serverConn).processFrameFromReader(res readFrameResult): all frames
 * before this one are handled.
 */
SEC("uprobe/process_frame")
int process_frame(struct pt_regs *ctx)
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
	index = site->layout - 1;
	l = bpf_map_lookup_elem(&layouts, &index);
	if (!l)
		return 0;
	p.owner = GO_ARG0(ctx);
	p.framer = read_user_u64(p.owner + l->framer);
	if (!find_behind(&b, ptrs, p.framer, &key, site))
		return 0;
	w = bpf_map_lookup_elem(&window_wants, &b.id);
	if (!w)
		return 0;
	p.offset[DIR_RECV] = w->frame_end;
	w->frame_end = handled_to(&b, b.buffered);
	if (!p.offset[DIR_RECV] || !w->left || bpf_ktime_get_ns() < w->not_before)
		return 0;
	p.offset[DIR_SEND] = sent_to(&b);
	p.writer = read_user_u64(p.framer + l->framer_w);
	p.sticky = ptrs[0];
	if (take_server(&p, index, key.tgid, b.id, w)) {
		w->not_before = bpf_ktime_get_ns() + w->interval;
		w->left--;
	}
	return 0;
}

#endif
