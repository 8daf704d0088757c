/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * HTTP without TLS: the segments of TCP connections whose first bytes may be
 * HTTP. Of those that begin with TLS the ClientHello, of all others nothing.
 */
#ifndef H2TRACE_PLAIN_H
#define H2TRACE_PLAIN_H

#include "owner.h"
#include "packet.h"
#include "path.h"

/* How much of a stream is looked at to tell what it carries. */
#define PEEK 8
/* A segment further ahead is none of this stream. */
#define WINDOW_MAX (1 << 30)
/* Records of full size that a packet may become: 512 KiB, as in IPv6 jumbograms. */
#define SLICES_MAX 32
/* Of a stream with TLS, what may be the ClientHello: a record (RFC 8446 5.1). */
#define HELLO_MAX (5 + (1 << 14))
/* Its packets: small ones, each sent twice. */
#define HELLO_PACKETS 64

/* What user space wants of a connection, by the cookie of its socket. */
struct flow_want {
	u64 until[DIR_COUNT]; /* segments that end before this offset are not wanted */
	u64 nothing;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct flow_want);
} flow_wants SEC(".maps");

/* A segment that carries something. */
struct segment {
	struct owner *owner;
	struct flow_dir *flow;
	u64 socket;
	u64 offset;
	u32 at; /* of the payload in the packet */
	u32 len;
	u8 dir;
};

static __always_inline u8 client_dir(struct owner *owner)
{
	return owner->role == ROLE_SERVER ? DIR_RECV : DIR_SEND;
}

/* Finds out where the stream begins. */
static __always_inline void begin_flow(struct bpf_sock *sk, struct segment *s, u32 seq)
{
	struct bpf_tcp_sock *tp;

	s->flow->begun = 1;
	s->flow->first = seq;
	/* What is sent comes in order; what is received need not. */
	if (s->dir == DIR_SEND || !s->owner->from_start)
		return;
	tp = bpf_tcp_sock(sk);
	if (tp)
		s->flow->first = tp->rcv_nxt - (u32)tp->bytes_received;
}

/* The place of the segment in the stream, which may be longer than sequence numbers. */
static __always_inline bool place(struct segment *s, u32 seq)
{
	u64 end = s->flow->end;
	__s64 ahead = (__s32)(seq - s->flow->first - (u32)end);

	if (ahead > WINDOW_MAX || (__s64)end + ahead < 0)
		return false;
	s->offset = end + ahead;
	return true;
}

/* A method (RFC 9110 9.1), as far as it is there, or the preface of HTTP/2. */
static __always_inline bool looks_requested(u8 *b, u32 len)
{
	for (u32 i = 0; i < PEEK; i++) {
		if (i > 0 && (i >= len || b[i] == ' '))
			return true;
		if ((b[i] < 'A' || b[i] > 'Z') && b[i] != '-' && b[i] != '_')
			return false;
	}
	return true;
}

/* A status line (RFC 9112 4), or SETTINGS without flags (RFC 9113 3.4). */
static __always_inline bool looks_answered(u8 *b, u32 len)
{
	if (len >= 5 && b[0] == 'H' && b[1] == 'T' && b[2] == 'T' && b[3] == 'P' && b[4] == '/')
		return true;
	return len >= PEEK && !b[0] && b[3] == 4 && !b[4] && !b[5];
}

/* The header of a frame (RFC 9113 4.1) of a known type and common size. */
static __always_inline bool looks_framed(u8 *b, u32 len)
{
	return len >= PEEK && !b[0] && b[3] <= 9 && !(b[5] & 0x80);
}

/*
 * The first bytes of a direction decide, or what user space makes of them. Of a
 * connection that was open before, the first packet that begins with something
 * does.
 */
static __always_inline u8 judge(struct __sk_buff *skb, struct segment *s)
{
	bool client = s->dir == client_dir(s->owner);
	u32 len = s->len < PEEK ? s->len : PEEK;
	u8 b[PEEK] = {};

	/* From 1 to PEEK, as in report_packet. */
	len -= 1;
	asm volatile("%0 &= %1" : "+r"(len) : "i"(PEEK - 1));
	len += 1;
	if (bpf_skb_load_bytes(skb, s->at, b, len))
		return CARRIES_OTHER;
	if (s->offset && s->owner->from_start) /* overtaken */
		return CARRIES_HTTP;
	/* A record of TLS (RFC 8446 5.1). */
	if (b[0] >= 20 && b[0] <= 23 && (b[1] == 3 || len == 1))
		return client && s->owner->from_start && b[0] == 22 ? CARRIES_HELLO : CARRIES_OTHER;
	if (!s->owner->from_start) {
		if (looks_requested(b, len) || looks_answered(b, len) || looks_framed(b, len))
			return CARRIES_HTTP;
		return CARRIES_UNKNOWN;
	}
	if (client ? looks_requested(b, len) : looks_answered(b, len))
		return CARRIES_HTTP;
	return CARRIES_OTHER;
}

static __always_inline void open_plain(struct segment *s, struct packet *p)
{
	struct owner *owner = s->owner;
	struct open_record *r;

	r = ring_record(sizeof(*r), RECORD_OPEN, owner->tgid);
	if (!r)
		return;
	r->conn = PLAIN_CONN | s->socket;
	r->plain = 1;
	r->role = owner->role;
	r->handshake = owner->from_start;
	r->family = p->family;
	r->local = s->dir == DIR_SEND ? p->source : p->dest;
	r->remote = s->dir == DIR_SEND ? p->dest : p->source;
	r->connect = owner->connect;
	r->established = owner->established;
	__builtin_memcpy(r->comm, owner->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* One record with room for size bytes, a power of two, that holds len. */
static __always_inline void put_segment(struct __sk_buff *skb, struct segment *s, const u32 size,
					u32 done, u32 len)
{
	const u32 total = sizeof(struct data_record) + size;
	struct flow_dir *flow = s->flow;
	struct data_record *r = NULL;
	u64 seq = flow->records++;

	count_seen(1, 0);
	if (ring_takes(ring_backlog(), total))
		r = bpf_ringbuf_reserve(&ring, total, 0);
	if (!r) {
		flow->lost |= 1 << LOSS_RING_FULL;
		flow->lost_bytes += len;
		count_lost(LOSS_RING_FULL, 1, len);
		return;
	}
	r->h.time = bpf_ktime_get_ns();
	len -= 1;
	asm volatile("%0 &= %1" : "+r"(len) : "i"(size - 1));
	len += 1;
	if (bpf_skb_load_bytes(skb, s->at + done, r->payload, len)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		flow->lost |= 1 << LOSS_READ_FAULT;
		flow->lost_bytes += len;
		count_lost(LOSS_READ_FAULT, 1, len);
		return;
	}
	r->h.pid = s->owner->tgid;
	r->h.kind = RECORD_SEGMENT;
	r->h.dir = s->dir;
	r->h.pad = 0;
	r->conn = PLAIN_CONN | s->socket;
	r->seq = seq;
	r->offset = s->offset + done;
	r->len = len;
	r->lost = flow->lost;
	r->lost_bytes = flow->lost_bytes;
	flow->lost = 0;
	flow->lost_bytes = 0;
	bpf_ringbuf_submit(r, 0); /* wakes a reader who has taken all there was */
}

static __always_inline void put_segments(struct __sk_buff *skb, struct segment *s)
{
	u32 done = 0, left = s->len;

	for (int i = 0; i < SLICES_MAX && left > PAYLOAD_MAX; i++) {
		put_segment(skb, s, PAYLOAD_MAX, done, PAYLOAD_MAX);
		done += PAYLOAD_MAX;
		left -= PAYLOAD_MAX;
	}
	if (left <= 128)
		put_segment(skb, s, 128, done, left);
	else if (left <= 512)
		put_segment(skb, s, 512, done, left);
	else if (left <= 2048)
		put_segment(skb, s, 2048, done, left);
	else
		put_segment(skb, s, PAYLOAD_MAX, done, left);
}

/*
 * The client's packets, in whatever order and however often they come, until
 * the server answers: it does not before it has the whole ClientHello.
 */
static __always_inline void hello_packet(struct __sk_buff *skb, struct segment *s, struct packet *p)
{
	struct owner *owner = s->owner;

	if (s->dir != client_dir(owner) || owner->hellos >= HELLO_PACKETS) {
		owner->carries = CARRIES_OTHER;
		return;
	}
	p->seq = s->offset;
	for (int i = 0; i <= HELLO_MAX / PACKET_MAX; i++) {
		if (p->seq >= HELLO_MAX || skb->len <= p->payload)
			break;
		owner->hellos++;
		report_packet(skb, p, RECORD_HELLO, s->dir, owner->tgid, owner->life, owner->comm);
		p->seq += PACKET_MAX;
		p->payload += PACKET_MAX;
	}
}

/* Whether user space wants a segment. */
static __always_inline bool is_wanted(struct segment *s)
{
	struct flow_want *want = bpf_map_lookup_elem(&flow_wants, &s->socket);

	if (!want)
		return true;
	return !want->nothing && s->offset + s->len >= want->until[s->dir & 1];
}

static __always_inline void stream_packet(struct __sk_buff *skb, struct bpf_sock *sk,
					  struct owner *owner, struct packet *p, u8 dir)
{
	struct segment s = { .owner = owner, .at = p->payload, .dir = dir };
	u32 life;

	if (skb->len <= p->payload || !life_of(owner->tgid, &life) || life != owner->life)
		return;
	s.len = skb->len - p->payload;
	s.flow = &owner->dir[dir & 1];
	if (!s.flow->begun)
		begin_flow(sk, &s, p->seq);
	if (!place(&s, p->seq))
		return;
	s.socket = bpf_get_socket_cookie(skb);
	if (owner->carries == CARRIES_UNKNOWN) {
		owner->carries = judge(skb, &s);
		if (owner->carries == CARRIES_UNKNOWN) {
			s.flow->begun = 0;
			return;
		}
		if (owner->carries == CARRIES_HTTP)
			open_plain(&s, p);
	}
	if (s.flow->end < s.offset + s.len)
		s.flow->end = s.offset + s.len;
	if (owner->carries == CARRIES_HTTP) {
		count_seen(0, s.len);
		if (is_wanted(&s))
			put_segments(skb, &s);
	} else if (owner->carries == CARRIES_HELLO) {
		hello_packet(skb, &s, p);
	}
}

/* A socket that will carry nothing more: what was sent is on its way. */
static __always_inline bool is_over(struct tcp_sock *tp, u32 state)
{
	if (state == TCP_CLOSE)
		return true;
	return (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK) &&
	       BPF_CORE_READ((struct sock *)tp, sk_shutdown) == SHUTDOWN_MASK &&
	       BPF_CORE_READ(tp, write_seq) == BPF_CORE_READ(tp, snd_nxt);
}

static __always_inline void close_plain(struct owner *owner, u64 socket, struct tcp_sock *tp,
					u8 before)
{
	struct close_record *r;

	owner->closed = 1;
	r = ring_record(sizeof(*r), RECORD_CLOSE, owner->tgid);
	if (!r)
		return;
	r->conn = PLAIN_CONN | socket;
	r->life = owner->life;
	for (int d = 0; d < DIR_COUNT; d++) {
		r->seq[d] = owner->dir[d].records;
		r->offset[d] = owner->dir[d].end;
		r->lost[d] = owner->dir[d].lost;
		r->lost_bytes[d] = owner->dir[d].lost_bytes;
	}
	fill_path(r, tp, before);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/*
 * A FIN goes out (RFC 9293 3.1), of a socket that was there before the hooks:
 * socket_event is not told of it.
 */
static __always_inline void last_packet(struct __sk_buff *skb, struct bpf_sock *sk,
					struct owner *owner, struct packet *p)
{
	struct tcp_sock *tp;

	if (!(p->flags & 1) || owner->from_start || owner->carries != CARRIES_HTTP || owner->closed)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp && BPF_CORE_READ((struct sock *)tp, sk_shutdown) == SHUTDOWN_MASK)
		close_plain(owner, bpf_get_socket_cookie(skb), tp, sk->state);
}

static __always_inline void state_changes(struct bpf_sock_ops *ctx, struct owner *owner,
					  struct bpf_sock *sk)
{
	u32 before = ctx->args[0], state = ctx->args[1];
	struct tcp_sock *tp;

	if (owner->carries != CARRIES_HTTP || owner->closed)
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp && is_over(tp, state))
		close_plain(owner, bpf_get_socket_cookie(ctx), tp, before);
}

#endif
