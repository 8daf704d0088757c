//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * Packets of the sockets of targets: to and from name servers, HTTP without TLS,
 * TLS, and the handshakes of QUIC. A separate object, because it needs cgroup v2 and CAP_NET_ADMIN and
 * the rest works without. Its programs let every packet and every call pass.
 */
#include "packets/stream.h"
#include "packets/quic.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define PASS 1

static __always_inline struct owner *addressed(struct bpf_sock_addr *ctx)
{
	struct owner *owner = NULL;

	if (wire && ctx->protocol == IPPROTO_UDP)
		own_datagrams(ctx);
	else if (ctx->user_port == __builtin_bswap16(DNS_PORT))
		owner = own(ctx, CARRIES_DNS, true);
	else if (ctx->protocol == IPPROTO_TCP)
		owner = own(ctx, CARRIES_UNKNOWN, true);
	if (owner) {
		owner->family = ctx->family;
		owner->aim.port = __builtin_bswap16(ctx->user_port);
	}
	return owner;
}

SEC("cgroup/connect4")
int socket_connect4(struct bpf_sock_addr *ctx)
{
	struct owner *owner = addressed(ctx);
	u32 ip = ctx->user_ip4;

	if (owner)
		__builtin_memcpy(owner->aim.addr, &ip, sizeof(ip));
	return PASS;
}

SEC("cgroup/connect6")
int socket_connect6(struct bpf_sock_addr *ctx)
{
	struct owner *owner = addressed(ctx);
	u32 ip[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3] };

	if (owner)
		__builtin_memcpy(owner->aim.addr, ip, sizeof(ip));
	return PASS;
}

/*
 * connect(2) failed before a SYN: there is no route, or this host forbids it.
 * Only the process knows the error.
 */
SEC("cgroup/sock_release")
int socket_release(struct bpf_sock *sk)
{
	struct owner *owner = bpf_sk_storage_get(&owners, sk, 0, 0);
	struct connect_record *r;

	if (owner && owner->quic)
		release_quic(owner);
	if (!owner || !owner->connect || owner->attempted || sk->protocol != IPPROTO_TCP ||
	    !is_target(owner->tgid))
		return PASS;
	r = ring_record(sizeof(*r), RECORD_CONNECT, owner->tgid);
	if (!r)
		return PASS;
	r->start = owner->connect;
	r->generation = owner->generation;
	r->unsent = 1;
	r->family = owner->family;
	r->remote = owner->aim;
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return PASS;
}

static __always_inline int asked(struct bpf_sock_addr *ctx)
{
	if (wire && ctx->protocol == IPPROTO_UDP)
		own_datagrams(ctx);
	else if (ctx->user_port == __builtin_bswap16(DNS_PORT))
		own(ctx, CARRIES_DNS, true);
	return PASS;
}

SEC("cgroup/sendmsg4")
int socket_sendmsg4(struct bpf_sock_addr *ctx)
{
	return asked(ctx);
}

SEC("cgroup/sendmsg6")
int socket_sendmsg6(struct bpf_sock_addr *ctx)
{
	return asked(ctx);
}

/*
 * The socket may listen later: then the sockets that it accepts belong to the
 * same process. Clients may send to one of UDP from now on.
 */
static __always_inline int bound(struct bpf_sock_addr *ctx)
{
	if (ctx->protocol == IPPROTO_TCP)
		own(ctx, CARRIES_UNKNOWN, false);
	else if (wire && ctx->protocol == IPPROTO_UDP)
		own_datagrams(ctx);
	return PASS;
}

SEC("cgroup/bind4")
int socket_bind4(struct bpf_sock_addr *ctx)
{
	return bound(ctx);
}

SEC("cgroup/bind6")
int socket_bind6(struct bpf_sock_addr *ctx)
{
	return bound(ctx);
}

static __always_inline void tcp_packet(struct __sk_buff *skb, struct bpf_sock *sk,
				       struct owner *owner, struct packet *p, u8 dir)
{
	stream_packet(skb, sk, owner, p, dir);
	last_packet(skb, sk, owner, p, dir);
}

static __always_inline void udp_packet(struct __sk_buff *skb, struct owner *owner, struct packet *p,
				       u8 dir)
{
	if ((dir == DIR_SEND ? p->dest : p->source) == DNS_PORT)
		report_packet(skb, RECORD_DNS, dir, 0, 0);
	else
		quic_packet(skb, owner, p, dir);
}

/*
 * One program for both directions, as its verification is the longest part of a start.
 * Packets that come in bear the index of their interface; sockets make those that go
 * out, which bear none.
 */
SEC("cgroup/skb")
int packet(struct __sk_buff *skb)
{
	u8 dir = skb->ingress_ifindex ? DIR_RECV : DIR_SEND;
	struct bpf_sock *sk = skb->sk;
	struct packet p = {};
	struct owner *owner;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return PASS;
	owner = bpf_sk_storage_get(&owners, sk, 0, 0);
	if (!owner || owner->carries == CARRIES_OTHER || !dissect(skb, &p))
		return PASS;
	if (skb->len > p.payload)
		owner->dir[dir & 1].time = packet_time(owner, dir, packet_id(skb, &p), BY_EVENTS);
	if (owner->carries == CARRIES_DNS)
		report_packet(skb, RECORD_DNS, dir, 0, 0);
	else if (p.proto == IPPROTO_TCP && sk->state != TCP_LISTEN)
		tcp_packet(skb, sk, owner, &p, dir);
	else if (wire && p.proto == IPPROTO_UDP)
		udp_packet(skb, owner, &p, dir);
	return PASS;
}

/* State changes of the connections of targets. */
SEC("sockops")
int socket_event(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct owner *owner;
	u32 op = ctx->op;

	if (!sk || (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
		    op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB && op != BPF_SOCK_OPS_STATE_CB))
		return PASS;
	owner = bpf_sk_storage_get(&owners, sk, 0, 0);
	if (op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		owner = own_accepted(ctx, sk, owner);
	if (!owner)
		return PASS;
	if (op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		owner->attempted = 1;
		return PASS;
	}
	if (op == BPF_SOCK_OPS_STATE_CB) {
		state_changes(ctx, owner, sk);
		return PASS;
	}
	owner->role = op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB ? ROLE_SERVER : ROLE_CLIENT;
	if (owner->connect)
		owner->established = bpf_ktime_get_ns();
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	return PASS;
}
