/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The segments of TCP connections whose first bytes may be HTTP, or are TLS if
 * that is wanted. Otherwise it reports the ClientHello of TLS. Of all other
 * connections it reports nothing.
 */
#ifndef H2TRACE_STREAM_H
#define H2TRACE_STREAM_H

#include "packets/report.h"
#include "packets/segment.h"
#include "packets/follow.h"
#include "kernel/path.h"
#include "recovery/wants.h"
#include "tls/spotted.h"

/* Flags of TCP (RFC 9293 3.1). */
#define FLAG_FIN 1
#define FLAG_RST 4
#define CONNECTION_RESET 104 /* ECONNRESET */

#define SOCKS_VERSION 5 /* RFC 1928 3 */

/* Bytes of a stream that are examined to find its protocol. */
#define PEEK 8
/* Bytes of a TLS stream that may hold the ClientHello: one record (RFC 8446 5.1). */
#define HELLO_MAX (5 + (1 << 14))
/* Packets of the ClientHello: small ones, each sent twice. */
#define HELLO_PACKETS 64

/*
 * A method (RFC 9110 9.1) or its beginning, or the preface of HTTP/2. A separate
 * function, which the verifier checks once. The first byte is the lowest.
 */
__noinline u32 looks_requested(u64 bytes, u32 len)
{
	for (u32 i = 0; i < PEEK; i++) {
		u8 b = bytes >> (i * 8);

		if (i > 0 && (i >= len || b == ' '))
			return 1;
		if ((b < 'A' || b > 'Z') && b != '-' && b != '_')
			return 0;
	}
	return 1;
}

/* A status line (RFC 9112 4), or SETTINGS without flags (RFC 9113 3.4). */
static __always_inline bool looks_answered(u8 *b, u32 len)
{
	if (len >= 5 && b[0] == 'H' && b[1] == 'T' && b[2] == 'T' && b[3] == 'P' && b[4] == '/')
		return true;
	return len >= PEEK && !b[0] && b[3] == FRAME_SETTINGS && !b[4] && !b[5];
}

/* A frame header (RFC 9113 4.1) with a known type and a common size. */
static __always_inline bool looks_framed(u8 *b, u32 len)
{
	return len >= PEEK && !b[0] && b[3] <= 9 && !(b[5] & 0x80);
}

/* The longest record of TLS 1.2 (RFC 5246 6.2.3). */
#define TLS_RECORD_MAX ((1 << 14) + 2048)

/* A record of TLS (RFC 8446 5.1), as far as its header is there. */
static __always_inline bool looks_tls(u8 *b, u32 len)
{
	if (b[0] < 20 || b[0] > 23 || (len > 1 && b[1] != 3))
		return false;
	return len < 5 || (b[2] <= 4 && (b[3] << 8 | b[4]) <= TLS_RECORD_MAX);
}

/* Reports whether crypto/tls reads from or writes to a socket. */
static __always_inline bool is_spotted(u64 socket)
{
	struct spotted *found = bpf_map_lookup_elem(&spotted, &socket);

	return found && found->ptr[0];
}

/* What is known of a direction: the process is its client, and it is seen from its start. */
#define AS_CLIENT 1
#define FROM_START 2

/*
 * The first bytes of a direction decide, or user space does. On a connection that
 * was open before, the first packet that begins like HTTP decides. A separate function,
 * which the verifier checks once. The first byte is the lowest.
 */
__noinline u32 carried(u64 bytes, u32 len, u32 how)
{
	bool client = how & AS_CLIENT, from_start = how & FROM_START;
	u8 *b = (u8 *)&bytes;

	if (wire && looks_tls(b, len) && (len >= 5 || from_start))
		return CARRIES_TLS;
	if (wire && client && from_start && b[0] == SOCKS_VERSION)
		return CARRIES_TLS; /* maybe, after that */
	/* A record of TLS (RFC 8446 5.1). */
	if (!wire && b[0] >= 20 && b[0] <= 23 && (b[1] == 3 || len == 1))
		return client && from_start && b[0] == 22 ? CARRIES_HELLO : CARRIES_OTHER;
	if (!from_start) {
		if (looks_requested(bytes, len) || looks_answered(b, len) || looks_framed(b, len))
			return CARRIES_HTTP;
		return CARRIES_UNKNOWN;
	}
	if (client ? looks_requested(bytes, len) : looks_answered(b, len))
		return CARRIES_HTTP;
	return CARRIES_OTHER;
}

static __always_inline u8 judge(struct __sk_buff *skb, struct segment *s)
{
	u32 how = s->owner->from_start ? FROM_START : 0;
	u64 bytes = 0;

	if (!load_some(skb, s->at, &bytes, PEEK))
		return CARRIES_OTHER;
	if (s->offset && how) /* overtaken */
		return CARRIES_HTTP;
	if (wire && !how && is_spotted(s->socket))
		return CARRIES_TLS;
	if (s->dir == client_dir(s->owner))
		how |= AS_CLIENT;
	return carried(bytes, s->len < PEEK ? s->len : PEEK, how);
}

/*
 * Opens a connection that carries HTTP or TLS. The other direction may be handled by
 * another CPU at this time, and reports segments once it finds owner->carries. So that is
 * set after the record is in the ring. Both may open the connection: user space takes the
 * first record. A separate function, as put_piece.
 */
__noinline int open_flow(struct __sk_buff *skb, u32 carries, u32 dir)
{
	struct owner *owner = owner_of(skb);
	struct packet p = {};
	struct open_record *r;
	u64 conn;

	if (!owner || !dissect(skb, &p))
		return 0;
	conn = number_of(carries, bpf_get_socket_cookie(skb));
	r = ring_record(sizeof(*r), RECORD_OPEN, owner->tgid);
	if (!r)
		return 0;
	r->h.time = owner->dir[dir & 1].time;
	r->conn = conn;
	r->role = owner->role;
	r->handshake = owner->from_start;
	r->family = p.family;
	load_endpoints(skb, &p, dir & 1, &r->local, &r->remote);
	r->connect = owner->connect;
	r->established = owner->established;
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	if (!owner->from_start)
		want_first(conn);
	return 0;
}

/*
 * The client's packets, in any order and with retransmissions, until the server
 * answers. A server answers only when it has the whole ClientHello.
 */
static __always_inline void hello_packet(struct __sk_buff *skb, struct segment *s)
{
	struct owner *owner = s->owner;
	u32 skip = 0;

	if (s->dir != client_dir(owner) || owner->hellos >= HELLO_PACKETS) {
		owner->carries = CARRIES_OTHER;
		return;
	}
	for (int i = 0; i <= HELLO_MAX / PACKET_MAX; i++) {
		if (s->offset + skip >= HELLO_MAX || skip >= s->len)
			break;
		owner->hellos++;
		report_packet(skb, RECORD_HELLO, s->dir, skip, s->offset + skip);
		skip += PACKET_MAX;
	}
}

/* Reports whether user space wants the bytes of a segment. */
static __always_inline bool is_wanted(struct segment *s)
{
	struct flow_want want = {};

	if (s->owner->unwanted)
		return false;
	read_want(s, &want);
	s->owner->unwanted = want.nothing;
	return !want.nothing && s->offset + s->len >= want.until[s->dir & 1];
}

/*
 * Reports whether packets of a direction belong to a target. When its owner has ended, TCP
 * sends what it has written before; what comes reaches nobody.
 */
static __always_inline bool may_speak(struct owner *owner, struct bpf_sock *sk, u8 dir)
{
	if (is_current(owner) || is_kept(owner, sk))
		return true;
	return dir == DIR_SEND && has_just_ended(owner->tgid, owner->generation);
}

static __always_inline void stream_packet(struct __sk_buff *skb, struct bpf_sock *sk,
					  struct owner *owner, struct packet *p, u8 dir)
{
	struct segment s = { .owner = owner, .at = p->payload, .dir = dir };

	if (skb->len <= p->payload || !may_speak(owner, sk, dir))
		return;
	s.len = skb->len - p->payload;
	s.peer_ended =
		dir == DIR_SEND && (sk->state == TCP_CLOSE_WAIT || sk->state == TCP_LAST_ACK);
	s.flow = &owner->dir[dir & 1];
	if (!s.flow->begun) {
		begin_flow(sk, &s, p->seq);
		if (dir == DIR_RECV)
			owner->ttl = p->ttl;
	}
	if (!place(&s, p->seq))
		return;
	s.socket = bpf_get_socket_cookie(skb);
	if (owner->carries == CARRIES_UNKNOWN) {
		u8 carries = judge(skb, &s);

		if (carries == CARRIES_UNKNOWN) {
			s.flow->begun = 0;
			return;
		}
		if (is_copied(carries))
			open_flow(skb, carries, dir);
		owner->carries = carries;
	}
	if (s.flow->end < s.offset + s.len)
		s.flow->end = s.offset + s.len;
	if (is_copied(owner->carries)) {
		if (!is_wanted(&s))
			count_seen(0, s.len);
		else if (!leaves_out || owner->carries != CARRIES_HTTP ||
			 !follow(skb, s.offset, SPAN(s.at, s.len), way_of(&s)))
			put_segment(skb, &s);
	} else if (owner->carries == CARRIES_HELLO) {
		hello_packet(skb, &s);
	}
}

/* Reports whether the socket will carry nothing more: it has sent all its data. */
static __always_inline bool is_over(struct tcp_sock *tp, u32 state)
{
	if (state == TCP_CLOSE)
		return true;
	return (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK) &&
	       BPF_CORE_READ((struct sock *)tp, sk_shutdown) == SHUTDOWN_MASK &&
	       BPF_CORE_READ(tp, write_seq) == BPF_CORE_READ(tp, snd_nxt);
}

static __always_inline void close_flow(struct owner *owner, u64 socket, struct tcp_sock *tp,
				       u8 before, bool reset)
{
	struct close_record *r;

	owner->closed = 1;
	r = ring_record(sizeof(*r), RECORD_CLOSE, owner->tgid);
	if (!r)
		return;
	r->conn = conn_number(owner, socket);
	r->generation = owner->generation;
	for (int d = 0; d < DIR_COUNT; d++) {
		r->seq[d] = owner->dir[d].records;
		r->offset[d] = owner->dir[d].end;
		r->lost[d] = owner->dir[d].lost;
		r->lost_bytes[d] = owner->dir[d].lost_bytes;
		r->lost_records[d] = owner->dir[d].lost_records;
	}
	fill_end(r, tp, before);
	r->ttl = owner->ttl;
	if (reset)
		r->sk_err = CONNECTION_RESET;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/*
 * A socket that existed before the hooks sends a FIN or RST, or gets a RST that TCP
 * accepts (RFC 9293 3.5.3, RFC 5961 3.2). socket_event does not see it.
 */
static __always_inline void last_packet(struct __sk_buff *skb, struct bpf_sock *sk,
					struct owner *owner, struct packet *p, u8 dir)
{
	bool reset = p->flags & FLAG_RST, last;
	struct tcp_sock *tp;

	if (!(p->flags & (FLAG_FIN | FLAG_RST)) || owner->from_start ||
	    !is_copied(owner->carries) || owner->closed)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	if (reset)
		last = dir == DIR_SEND || p->seq == BPF_CORE_READ(tp, rcv_nxt);
	else
		last = dir == DIR_SEND &&
		       BPF_CORE_READ((struct sock *)tp, sk_shutdown) == SHUTDOWN_MASK;
	if (last)
		close_flow(owner, bpf_get_socket_cookie(skb), tp, sk->state,
			   reset && dir == DIR_RECV);
}

static __always_inline void state_changes(struct bpf_sock_ops *ctx, struct owner *owner,
					  struct bpf_sock *sk)
{
	u32 before = ctx->args[0], state = ctx->args[1];
	struct tcp_sock *tp;

	if (!is_copied(owner->carries) || owner->closed)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp && is_over(tp, state))
		close_flow(owner, bpf_get_socket_cookie(ctx), tp, before, false);
}

#endif
