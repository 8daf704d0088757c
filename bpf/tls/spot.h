/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where a process has the *tls.Conn of a connection that was open before, or whose
 * handshake was before its probes: user space reads its keys there.
 */
#ifndef H2TRACE_SPOT_H
#define H2TRACE_SPOT_H

#include "kernel/compat.h"
#include "kernel/ring.h"
#include "tls/conn.h"
#include "tls/goabi.h"
#include "tls/spotted.h"
#include "recovery/behind.h"

/* Offsets of fields in a tls.Conn, by direction where there are two. */
struct tls_layout {
	u16 secret[DIR_COUNT]; /* a slice */
	u16 cipher[DIR_COUNT]; /* an interface */
	u16 alpn;	       /* a string */
	u16 sni;
};

/* By the number in a site, less 1. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64); /* maxLayouts */
	__type(key, u32);
	__type(value, struct tls_layout);
} tls_layouts SEC(".maps");

#define IFACE_DATA 8   /* the pointer in an interface */
#define CIPHER_AEAD 24 /* the pointer in prefixNonceAEAD.aead and xorNonceAEAD.aead */

/* How often a probe found nothing new. */
u64 spot_hits = 0;

static __always_inline void copy_piece_of(struct spot_record *r, u32 piece, u64 from)
{
	if (from && !bpf_probe_read_user(r->piece[piece], SPOT_PIECE, (void *)from))
		r->at[piece] = from;
}

#define PAGE 4096

/*
 * Copies a *tls.Conn. What of it lies on a page that the process has not touched yet, and
 * that is not in memory, is zero.
 */
static __always_inline bool copy_conn(u8 *image, u64 ptr)
{
	u64 here = PAGE - (ptr & (PAGE - 1));

	if (!bpf_probe_read_user(image, SPOT_CONN, (void *)ptr))
		return true;
	barrier_var(here);
	return here < SPOT_CONN && !bpf_probe_read_user(image, here, (void *)ptr);
}

/* Copies what a *tls.Conn leads to. Its user space knows whether it makes sense. */
static __always_inline bool copy_tls(struct spot_record *r, const struct tls_layout *l)
{
	u64 ptr = r->ptr;

	if (!copy_conn(r->image, ptr))
		return false;
	for (u32 d = 0; d < DIR_COUNT; d++) {
		u64 cipher = read_user_u64(ptr + l->cipher[d] + IFACE_DATA), aead;

		copy_piece_of(r, PIECE_SECRET + d, read_user_u64(ptr + l->secret[d]));
		copy_piece_of(r, PIECE_CIPHER + d, cipher);
		aead = read_user_u64(cipher + CIPHER_AEAD);
		copy_piece_of(r, PIECE_AEAD + d, aead);
		copy_piece_of(r, PIECE_KEY + d, read_user_u64(aead));
	}
	copy_piece_of(r, PIECE_ALPN, read_user_u64(ptr + l->alpn));
	copy_piece_of(r, PIECE_SNI, read_user_u64(ptr + l->sni));
	return true;
}

static __always_inline void report_spot(struct spotted *s, u64 conn, u64 ptr, u32 tgid,
					u32 generation, const struct site *site)
{
	u32 index = site->layout - 1;
	struct tls_layout *l = bpf_map_lookup_elem(&tls_layouts, &index);
	struct spot_record *r;

	if (!l)
		return;
	r = ring_begin(sizeof(*r), __builtin_offsetof(struct spot_record, image), RECORD_SPOT,
		       tgid);
	if (!r)
		return;
	r->conn = conn;
	r->ptr = ptr;
	r->generation = generation;
	r->layout = site->layout;
	r->direct = type_hash(read_user_u64(ptr + TLS_CONN_CONN)) == site->tcpconn_hash;
	if (!copy_tls(r, l)) {
		count_lost(LOSS_READ_FAULT, 1, 0);
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		return;
	}
	if (!s->ptr[0])
		s->ptr[0] = ptr;
	else if (s->ptr[0] != ptr) /* another thread may have been first */
		s->ptr[1] = ptr;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* Returns what was found on a socket so far. */
static __always_inline struct spotted *spots_on(u64 cookie)
{
	struct spotted *s = bpf_map_lookup_elem(&spotted, &cookie), none = {};

	if (s)
		return s;
	bpf_map_update_elem(&spotted, &cookie, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&spotted, &cookie);
}

static __always_inline void spot(u64 ptr, struct site *site)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32, generation;
	struct spotted *s = NULL;
	struct sock *sk;
	u64 cookie;

	if (!generation_of(tgid, &generation))
		return;
	sk = sock_of_conn(ptr, site);
	cookie = sk ? BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) : 0;
	if (cookie)
		s = spots_on(cookie);
	if (s && !s->ptr[1] && s->ptr[0] != ptr)
		report_spot(s, TLS_CONN | cookie, ptr, tgid, generation, site);
	else
		__sync_fetch_and_add(&spot_hits, 1);
}

/* (*tls.Conn).Read and Write, at the entry or after the stack check. */
SEC("uprobe/spot_args")
int spot_args(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);

	if (site && !(site->stack_check && GO_STACK_GROWS(ctx)))
		spot(GO_ARG0(ctx), site);
	return 0;
}

/*
 * A goroutine may wait for its next frame since before the probe at ReadFrame was there.
 * If nothing was left over, the bytes that Read is about to return begin a frame.
 */
static __always_inline void note_spotted(struct goroutine *key, u64 ptr, struct site *site)
{
	struct behind b = {};
	struct sock *sk = sock_of_tls(&b, ptr, site);
	struct reader *known;
	u64 cookie;

	if (!sk)
		return;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	b.id = TLS_CONN | cookie;
	b.tp = (struct tcp_sock *)sk;
	known = bpf_map_lookup_elem(&readers, key);
	if (cookie && !(known && known->conn == b.id))
		note_frame(key, &b);
}

/* Inside (*tls.Conn).Read, as read_memmove. */
SEC("uprobe/spot_slot")
int spot_slot(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct goroutine key;
	u64 ptr;

	if (!site)
		return 0;
	ptr = read_user_u64(GO_SP(ctx) + site->conn_slot);
	spot(ptr, site);
	if (recovering && site->tlsconn_hash && goroutine_of(ctx, &key))
		note_spotted(&key, ptr, site);
	return 0;
}

#endif
