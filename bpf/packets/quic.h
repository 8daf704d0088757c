/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * QUIC over UDP. User space gets the datagrams that may show what a connection is;
 * all others of its flow are counted. Nobody has the keys of the rest.
 */
#ifndef H2TRACE_QUIC_H
#define H2TRACE_QUIC_H

#include "packets/report.h"

#define QUIC_V1 0x00000001 /* RFC 9000 */
#define QUIC_V2 0x6b3343cf /* RFC 9369 */
/* The least datagram in which a client begins a connection (RFC 9000 14.1). */
#define QUIC_BEGIN_MIN 1200
/* The connection ID that it chooses for the server (RFC 9000 7.2, 17.2). */
#define QUIC_ID_MIN 8
#define QUIC_ID_MAX 20
/* Packets that may show what a connection is: its ClientHello, some of them sent twice. */
#define QUIC_REPORTS 16
/* Bytes that are examined: flags, version, length of a connection ID (RFC 8999 5.1). */
#define QUIC_PEEK 8

/* The datagrams between a socket and a peer. */
struct quic_key {
	u64 socket; /* its cookie */
	struct endpoint remote;
};

struct quic_flow {
	u64 bytes[DIR_COUNT]; /* of UDP payload */
	u64 datagrams[DIR_COUNT];
	u8 client;   /* direction of what the client sends */
	u8 reported; /* packets, since a connection began */
	u8 settled;  /* its handshake is over */
	u8 pad;
	u16 family;
	u8 pad2[2];
};

/* User space deletes them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct quic_key);
	__type(value, struct quic_flow);
} quic_flows SEC(".maps");

/*
 * In connect(2), bind(2) and sendto(2) of a target. A UDP socket keeps its owner
 * while that is a target: it carries many flows.
 */
static __always_inline void own_datagrams(struct bpf_sock_addr *ctx)
{
	u32 generation, now, tgid = bpf_get_current_pid_tgid() >> 32;
	struct owner *owner;
	u64 quic;

	if (!generation_of(tgid, &generation) || !ctx->sk)
		return;
	owner = bpf_sk_storage_get(&owners, ctx->sk, 0, 0);
	if (owner && owner->tgid == tgid && owner->generation == generation)
		return;
	if (owner && generation_of(owner->tgid, &now) && now == owner->generation)
		return;
	quic = owner ? owner->quic : 0;
	owner = own(ctx, CARRIES_UNKNOWN, false);
	if (owner)
		owner->quic = quic;
}

/* The first bytes of a packet: a long header (RFC 8999 5.1) is the same in all versions. */
static __always_inline bool is_long(const u8 *b)
{
	return b[0] & 0x80;
}

/*
 * Reports whether a packet with a long header may be an Initial packet (RFC 9000
 * 17.2, RFC 9369 3.2). Other versions number theirs otherwise.
 */
static __always_inline bool may_be_initial(const u8 *b)
{
	u32 version = (u32)b[1] << 24 | b[2] << 16 | b[3] << 8 | b[4];

	if (version == QUIC_V1)
		return !(b[0] & 0x30);
	if (version == QUIC_V2)
		return (b[0] & 0x30) == 0x10;
	return b[0] & 0x40 || !version;
}

/* Reports whether a client may begin a connection with a datagram. */
static __always_inline bool may_begin(const u8 *b, u32 len)
{
	return len >= QUIC_BEGIN_MIN && is_long(b) && may_be_initial(b) &&
	       (b[1] | b[2] | b[3] | b[4]) && b[5] >= QUIC_ID_MIN && b[5] <= QUIC_ID_MAX;
}

/* Enters the flow of a datagram with which a client may begin a connection. */
static __always_inline struct quic_flow *begin_quic(struct owner *owner, struct quic_key *key,
						    u16 family, u8 dir)
{
	struct quic_flow flow = { .client = dir, .family = family }, *entered;
	u32 generation;

	if (!generation_of(owner->tgid, &generation) || generation != owner->generation)
		return NULL;
	owner->quic = key->socket;
	/* Another CPU may have entered it. */
	bpf_map_update_elem(&quic_flows, key, &flow, BPF_NOEXIST);
	entered = bpf_map_lookup_elem(&quic_flows, key);
	if (!entered) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
	}
	return entered;
}

static __always_inline void count_datagrams(struct __sk_buff *skb, struct quic_flow *flow, u32 len,
					    u8 dir)
{
	u32 size = skb->gso_size;
	u32 n = size ? (len + size - 1) / size : 1;

	__sync_fetch_and_add(&flow->bytes[dir & 1], len);
	__sync_fetch_and_add(&flow->datagrams[dir & 1], n);
}

/* Reports whether user space is to see a packet that is no part of the bulk. */
static __always_inline bool shows_quic(struct quic_flow *flow, const u8 *b, u32 len, u8 dir)
{
	if (dir == flow->client) {
		if (!is_long(b)) {
			flow->settled = 1;
			return false;
		}
		if (flow->settled && may_begin(b, len)) { /* another connection */
			flow->settled = 0;
			flow->reported = 0;
		}
	}
	if (!is_long(b) || !may_be_initial(b) || flow->settled || flow->reported >= QUIC_REPORTS)
		return false;
	flow->reported++;
	return true;
}

static __always_inline void quic_packet(struct __sk_buff *skb, struct owner *owner,
					struct packet *p, u8 dir)
{
	u32 len = skb->len - p->payload;
	struct quic_flow *flow = NULL;
	struct quic_key key = {};
	struct endpoint local;
	u8 b[QUIC_PEEK] = {};

	if (skb->len <= p->payload)
		return;
	/* A shorter one is of no interest by itself. */
	bpf_skb_load_bytes(skb, p->payload, b, sizeof(b));
	if (!owner->quic && !may_begin(b, len))
		return;
	key.socket = owner->quic ? owner->quic : bpf_get_socket_cookie(skb);
	load_endpoints(skb, p, dir, &local, &key.remote);
	if (owner->quic)
		flow = bpf_map_lookup_elem(&quic_flows, &key);
	if (!flow && may_begin(b, len))
		flow = begin_quic(owner, &key, p->family, dir);
	if (!flow)
		return;
	count_datagrams(skb, flow, len, dir);
	if (shows_quic(flow, b, len, dir))
		report_packet(skb, RECORD_QUIC, dir, 0, 0); /* seq says how long each datagram is */
}

/* A socket that has carried QUIC is closed: its flows are over. */
static __always_inline void release_quic(struct owner *owner)
{
	struct release_record *r;

	r = ring_record(sizeof(*r), RECORD_RELEASE, owner->tgid);
	if (!r)
		return;
	r->socket = owner->quic;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

#endif
