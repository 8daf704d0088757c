//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * Packets to and from name servers, of sockets that belong to targets. An
 * object of its own, as it needs cgroup v2 and CAP_NET_ADMIN, and all else
 * works without. Its programs let every packet and every call pass.
 */
#include <linux/in.h>
#include "ring.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define DNS_PORT 53
#define PASS 1

/* Which target a socket belongs to; goes with the socket. */
struct dns_owner {
	u32 tgid;
	u32 life;
	u8 comm[COMM_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct dns_owner);
} dns_sockets SEC(".maps");

/* In connect(2) and sendto(2), of the process that calls. */
static __always_inline int addressed(struct bpf_sock_addr *ctx)
{
	u32 life, tgid = bpf_get_current_pid_tgid() >> 32;
	struct dns_owner *owner;

	if (ctx->user_port != __builtin_bswap16(DNS_PORT) || !life_of(tgid, &life))
		return PASS;
	if (!ctx->sk)
		return PASS;
	owner = bpf_sk_storage_get(&dns_sockets, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
		return PASS;
	}
	owner->tgid = tgid;
	owner->life = life;
	bpf_get_current_comm(owner->comm, sizeof(owner->comm));
	return PASS;
}

SEC("cgroup/connect4")
int dns_connect4(struct bpf_sock_addr *ctx)
{
	return addressed(ctx);
}

SEC("cgroup/connect6")
int dns_connect6(struct bpf_sock_addr *ctx)
{
	return addressed(ctx);
}

SEC("cgroup/sendmsg4")
int dns_sendmsg4(struct bpf_sock_addr *ctx)
{
	return addressed(ctx);
}

SEC("cgroup/sendmsg6")
int dns_sendmsg6(struct bpf_sock_addr *ctx)
{
	return addressed(ctx);
}

/* Where things are in a packet. */
struct dns_packet {
	struct endpoint source;
	struct endpoint dest;
	u16 family;
	u8 proto;
	u32 seq;     /* TCP */
	u32 payload; /* offset */
};

static __always_inline u16 load_u16(struct __sk_buff *skb, u32 at)
{
	u16 v = 0;

	bpf_skb_load_bytes(skb, at, &v, sizeof(v));
	return __builtin_bswap16(v);
}

static __always_inline u8 load_u8(struct __sk_buff *skb, u32 at)
{
	u8 v = 0;

	bpf_skb_load_bytes(skb, at, &v, sizeof(v));
	return v;
}

/* The packet begins with its IP header (RFC 791 3.1, RFC 8200 3). */
static __always_inline bool dissect_ip(struct __sk_buff *skb, struct dns_packet *p)
{
	u8 first = load_u8(skb, 0);

	if (first >> 4 == 4) {
		p->family = AF_INET;
		p->proto = load_u8(skb, 9);
		bpf_skb_load_bytes(skb, 12, p->source.addr, 4);
		bpf_skb_load_bytes(skb, 16, p->dest.addr, 4);
		p->payload = (first & 15) * 4;
		return true;
	}
	p->family = AF_INET6;
	p->proto = load_u8(skb, 6);
	bpf_skb_load_bytes(skb, 8, p->source.addr, 16);
	bpf_skb_load_bytes(skb, 24, p->dest.addr, 16);
	p->payload = 40;
	return first >> 4 == 6;
}

static __always_inline bool dissect(struct __sk_buff *skb, struct dns_packet *p)
{
	u32 l4;

	if (!dissect_ip(skb, p))
		return false;
	l4 = p->payload;
	p->source.port = load_u16(skb, l4);
	p->dest.port = load_u16(skb, l4 + 2);
	if (p->proto == IPPROTO_UDP) {
		p->payload = l4 + 8;
		return true;
	}
	p->seq = (u32)load_u16(skb, l4 + 4) << 16 | load_u16(skb, l4 + 6);
	p->payload = l4 + (load_u8(skb, l4 + 12) >> 4) * 4;
	return p->proto == IPPROTO_TCP;
}

static __always_inline void report_dns(struct __sk_buff *skb, struct dns_owner *owner,
				       struct dns_packet *p, u8 dir)
{
	u32 len = skb->len - p->payload, copied = len;
	struct dns_record *r;
	u64 backlog;

	count_seen(1, 0);
	backlog = ring_backlog();
	/* Never at the cost of data. */
	r = backlog > ring_size / 2 ? NULL : bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count_lost(LOSS_RING_FULL, 1, 0);
		return;
	}
	__builtin_memset(r, 0, __builtin_offsetof(struct dns_record, payload));
	r->h.time = bpf_ktime_get_ns();
	r->h.pid = owner->tgid;
	r->h.kind = RECORD_DNS;
	r->h.dir = dir;
	r->socket = bpf_get_socket_cookie(skb);
	r->local = dir == DIR_SEND ? p->source : p->dest;
	r->remote = dir == DIR_SEND ? p->dest : p->source;
	r->family = p->family;
	r->tcp = p->proto == IPPROTO_TCP;
	r->seq = p->seq;
	r->life = owner->life;
	r->len = len;
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	if (copied > DNS_MAX)
		copied = DNS_MAX;
	/* From 1 to DNS_MAX, in words that also the verifier of Linux 5.10 understands. */
	copied -= 1;
	asm volatile("%0 &= %1" : "+r"(copied) : "i"(DNS_MAX - 1));
	copied += 1;
	if (!bpf_skb_load_bytes(skb, p->payload, r->payload, copied))
		r->copied = copied;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); /* for what comes next */
}

static __always_inline int packet(struct __sk_buff *skb, u8 dir)
{
	struct bpf_sock *sk = skb->sk;
	struct dns_packet p = {};
	struct dns_owner *owner;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk || (sk->dst_port && sk->dst_port != __builtin_bswap16(DNS_PORT)))
		return PASS;
	owner = bpf_sk_storage_get(&dns_sockets, sk, 0, 0);
	if (!owner || !is_target(owner->tgid) || !dissect(skb, &p))
		return PASS;
	if ((dir == DIR_SEND ? p.dest.port : p.source.port) != DNS_PORT || skb->len <= p.payload)
		return PASS;
	report_dns(skb, owner, &p, dir);
	return PASS;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	return packet(skb, DIR_SEND);
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	return packet(skb, DIR_RECV);
}
