/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * How a connection begins: it is entered at the address of its *tls.Conn, maybe
 * in place of an earlier one, at some stage of its handshake.
 */
#ifndef H2TRACE_OPEN_H
#define H2TRACE_OPEN_H

#include "recovery/wants.h"
#include "tls/conn.h"

/*
 * Enters a connection under its key, where none is any more. Not inline: its stack
 * is free again when the bytes are handled.
 */
static __noinline struct conn *enter_conn(struct site *site, struct conn_key *key, bool handshake,
					  u64 sk)
{
	struct conn fresh = {};
	struct conn *c;

	fresh.id = new_id(&last_conn_id);
	fresh.handshake = fresh.young = handshake;
	fresh.net_conn = read_user_u64(key->ptr + TLS_CONN_DATA);
	fresh.role = site->role;
	if (!fresh.role) {
		u8 is_client = 0;

		if (!bpf_probe_read_user(&is_client, 1, (void *)(key->ptr + TLS_CONN_ISCLIENT)))
			fresh.role = is_client == 1 ? ROLE_CLIENT : ROLE_SERVER;
	}
	fresh.sk = sk;
	/*
	 * Another thread that reads, writes or shakes hands may have entered it
	 * meanwhile.
	 */
	if (bpf_map_update_elem(&conns, key, &fresh, BPF_NOEXIST))
		return bpf_map_lookup_elem(&conns, key);
	if (fresh.sk)
		bpf_map_update_elem(&socks, &fresh.sk, key, BPF_ANY);
	if (recovering && !handshake)
		want_first(fresh.id);
	c = bpf_map_lookup_elem(&conns, key);
	if (c)
		report_open(c, key);
	return c;
}

/*
 * The path to the socket comes first: all functions of one call chain share 512
 * bytes of stack.
 */
static __always_inline struct conn *open_conn(struct site *site, struct conn_key *key,
					      bool handshake)
{
	u64 sk = (u64)sock_of_conn(key->ptr, site);

	return enter_conn(site, key, handshake, sk);
}

/*
 * Connections whose first bytes were missed, by id. User space enters them when
 * it replaces a probe. The new probe ends them, and reopens them as joined in the
 * middle.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u8);
} missed SEC(".maps");

static __always_inline bool has_missed(const struct conn *c)
{
	return bpf_map_lookup_elem(&missed, &c->id) != NULL;
}

/*
 * Ends a connection and opens the one that is now at its address, or reopens the
 * same one.
 */
static __always_inline struct conn *replace_conn(struct site *site, struct conn_key *key,
						 struct conn *c, bool handshake)
{
	report_close(c, key, 0);
	bpf_map_delete_elem(&missed, &c->id);
	bpf_map_delete_elem(&conns, key);
	return open_conn(site, key, handshake);
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
