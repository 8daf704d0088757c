/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * How a connection begins: it is entered at the address of its *tls.Conn, maybe
 * in place of an earlier one, at some stage of its handshake.
 */
#ifndef H2TRACE_OPEN_H
#define H2TRACE_OPEN_H

#include <linux/errno.h>
#include "recovery/wants.h"
#include "tls/conn.h"

/*
 * Reserves a record of the type of r without counting it, and sets has on success.
 * The verifier of Linux 5.10 does not know that such a pointer is not NULL once it
 * was compared: at a second comparison it follows the path of NULL as well, where
 * the record is never submitted. So later code tests has; the barrier keeps clang
 * from testing r in its place. has has 64 bits, because that verifier does not
 * keep track of a smaller value on the stack.
 */
#define RESERVE(has, r, kind, pid)                                             \
	({                                                                     \
		__typeof__(r) _r = bpf_ringbuf_reserve(&ring, sizeof(*_r), 0); \
		if (_r) {                                                      \
			begin_record(&_r->h, sizeof(*_r), kind, pid);          \
			has = 1;                                               \
		}                                                              \
		barrier_var(has);                                              \
		_r;                                                            \
	})

/* Counts a record that was reserved, or is lost. */
static __always_inline void count_record(u64 reserved)
{
	count_seen(1, 0);
	if (!reserved)
		count_lost(LOSS_RING_FULL, 1, 0);
}

/* Fills in what is known of a new connection. */
static __always_inline void describe_conn(struct conn *c, struct site *site, u64 ptr,
					  bool handshake)
{
	c->id = new_id(&last_conn_id);
	c->handshake = c->young = handshake;
	c->net_conn = read_user_u64(ptr + TLS_CONN_DATA);
	c->role = site->role;
	if (!c->role) {
		u8 is_client = 0;

		if (!bpf_probe_read_user(&is_client, 1, (void *)(ptr + TLS_CONN_ISCLIENT)))
			c->role = is_client == 1 ? ROLE_CLIENT : ROLE_SERVER;
	}
}

/*
 * Enters a connection at its address, in the next round if that has an earlier
 * connection (tls/key.h). Returns the entry of another thread if that was first.
 *
 * A thread that finds the entry may report bytes at once. So the records that come
 * before those are reserved before the entry exists: the close of the earlier
 * connection, and the open. Without a new entry they are discarded.
 *
 * Not inline: its stack is free again when the bytes are handled.
 */
static __noinline struct conn *enter_conn(struct site *site, struct conn_key *key, bool handshake,
					  u64 sk, struct conn *earlier)
{
	bool closes = earlier && !earlier->closed;
	u64 has_close = 0, has_open = 0;
	struct close_record *close = NULL;
	struct open_record *open;
	struct conn fresh = {};
	long err;

	describe_conn(&fresh, site, key->ptr, handshake);
	fresh.sk = sk;
	if (earlier)
		key->round++;
	if (closes)
		close = RESERVE(has_close, close, RECORD_CLOSE, key->tgid);
	open = RESERVE(has_open, open, RECORD_OPEN, key->tgid);
	err = bpf_map_update_elem(&conns, key, &fresh, BPF_NOEXIST);
	/*
	 * The earlier connection is over even if the map has no room for the new one:
	 * what that moves must not be taken for the earlier one's.
	 */
	if (earlier)
		note_round(key);
	closes = closes && err != -EEXIST;
	if (closes) {
		earlier->closed = 1;
		count_record(has_close);
	}
	if (has_close) {
		if (closes)
			submit_close(close, earlier, key, key->round - 1, 0);
		else
			bpf_ringbuf_discard(close, BPF_RB_FORCE_WAKEUP);
	}
	if (err) {
		if (has_open)
			bpf_ringbuf_discard(open, BPF_RB_FORCE_WAKEUP);
		return bpf_map_lookup_elem(&conns, key);
	}
	if (sk)
		bpf_map_update_elem(&socks, &fresh.sk, key, BPF_ANY);
	if (recovering && !handshake)
		want_first(fresh.id);
	count_record(has_open);
	if (has_open)
		submit_open(open, &fresh, key);
	return bpf_map_lookup_elem(&conns, key);
}

/*
 * The path to the socket comes first: all functions of one call chain share 512
 * bytes of stack.
 */
static __always_inline struct conn *open_conn(struct site *site, struct conn_key *key,
					      bool handshake, struct conn *earlier)
{
	u64 sk = site->unix_only ? 0 : (u64)sock_of_conn(key->ptr, site);

	return enter_conn(site, key, handshake, sk, earlier);
}

/* The stage of a *tls.Conn. */
enum stage {
	STAGE_UNKNOWN, /* the offsets of its fields are unknown */
	STAGE_YOUNG,   /* in its first handshake, or before it */
	STAGE_FAILED,  /* its handshake has failed: nothing more is sent */
	STAGE_OPEN,
};

static __always_inline enum stage stage_of(struct site *site, u64 ptr)
{
	u64 at = ptr + site->tls_version;
	u32 complete = 1;

	if (!site->tls_version)
		return STAGE_UNKNOWN;
	bpf_probe_read_user(&complete, sizeof(complete), (void *)(at + TLS_COMPLETE));
	if (complete ||
	    read_user_u64(at + TLS_HANDSHAKES)) /* in another handshake: renegotiation */
		return STAGE_OPEN;
	return read_user_u64(at + TLS_HANDSHAKE_ERR) ? STAGE_FAILED : STAGE_YOUNG;
}

/*
 * Reports whether a *tls.Conn still has the same net.Conn. If not, another
 * connection has reused its address.
 */
static __always_inline bool has_net_conn(const struct conn *c, struct conn_key *key)
{
	return c->net_conn == read_user_u64(key->ptr + TLS_CONN_DATA);
}

/* Reports whether a young connection is the known one at its address. */
static __always_inline bool is_still(const struct conn *c, struct conn_key *key)
{
	return !c->closed && c->young && has_net_conn(c, key);
}

#endif
