/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Finds the connection that an HTTP/2 framer reads from: by the address of its
 * *tls.Conn, or without TLS by a socket with packets seen.
 */
#ifndef H2TRACE_BEHIND_H
#define H2TRACE_BEHIND_H

#include "recovery/hpack.h"

/* Field offsets that hold in every Go release from 1.18 to 1.27. */
#define FRAMER_R 8  /* the pointer in http2.Framer.r, an io.Reader */
#define BUFIO_RD 32 /* the pointer in bufio.Reader.rd, an io.Reader */
#define BUFIO_R 40  /* bufio.Reader.r, w */
#define WRAPPED 8   /* the pointer of an interface in a first field */
#define ITAB_WORD 8 /* before such a pointer */

/*
 * Finds the candidates for the connection of a framer: it reads directly, through
 * a bufio.Reader, or through a net.Conn wrapper. A candidate counts only if it is
 * the address of a known connection.
 */
static __always_inline void look_behind(u64 *ptrs, u64 framer)
{
	ptrs[0] = read_user_u64(framer + FRAMER_R);
	ptrs[1] = read_user_u64(ptrs[0] + BUFIO_RD);
	ptrs[2] = read_user_u64(ptrs[0] + WRAPPED);
	ptrs[3] = read_user_u64(ptrs[1] + WRAPPED);
}

static __always_inline struct conn *conn_behind(const u64 *ptrs, struct goroutine *of)
{
	for (int i = 0; i < FRAMER_PTRS; i++) {
		struct conn_key key = { .ptr = ptrs[i],
					.tgid = of->tgid,
					.generation = of->generation };
		struct conn *c = bpf_map_lookup_elem(&conns, &key);

		if (c && !c->closed)
			return c;
	}
	return NULL;
}

/*
 * A connection: with TLS its address; without TLS the socket, and the bytes read
 * and still buffered.
 */
struct behind {
	u64 id; /* 0: there is none, or none of its packets was seen */
	struct conn *c;
	struct tcp_sock *tp;
	u32 buffered;
};

/*
 * How far the process has got in a direction: an offset, or without TLS a
 * sequence number.
 */
static __always_inline u64 got_to(const struct behind *b, u32 dir)
{
	struct tcp_sock *tp = b->tp;

	if (b->c)
		return b->c->dir[dir & 1].offset;
	return dir == DIR_SEND ? BPF_CORE_READ(tp, write_seq) : BPF_CORE_READ(tp, copied_seq);
}

/*
 * gRPC's own reader of a connection without TLS (google.golang.org/grpc v1.85).
 * It is a buffer whose reader is a field of rd. Its first field holds the
 * descriptor as a syscall.RawConn.
 */
#define READYREADER_RD 40 /* the pointer in bufReadyReader.rd */
#define READYREADER_R 48  /* bufReadyReader.r, w */

/* What a framer reads from, when that is a *net.TCPConn or a *net.rawConn. */
struct below {
	u64 at;	    /* the pointer in an interface, */
	u64 hash;   /* if it has this type */
	u64 filled; /* offsets of r and w of a buffer, 0: there is none */
};

/*
 * Both types begin with the pointer to a netFD. Finds a connection without TLS in
 * the same places as one with TLS, where it is a *net.TCPConn, or where gRPC
 * keeps it.
 */
static __always_inline void find_cleartext(struct behind *b, const u64 *ptrs, u64 framer,
					   const struct site *site)
{
	u64 rd = read_user_u64(ptrs[0] + READYREADER_RD);
	const struct below below[] = {
		{ framer + FRAMER_R, site->tcpconn_hash, 0 },
		{ ptrs[0] + BUFIO_RD, site->tcpconn_hash, ptrs[0] + BUFIO_R },
		{ ptrs[0] + WRAPPED, site->tcpconn_hash, 0 },
		{ ptrs[1] + WRAPPED, site->tcpconn_hash, ptrs[0] + BUFIO_R },
		{ rd + WRAPPED, site->rawconn_hash, ptrs[0] + READYREADER_R },
	};

	for (u32 i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		u64 filled[2] = {}, cookie;
		struct sock *sk;

		if (!below[i].hash ||
		    type_hash(read_user_u64(below[i].at - ITAB_WORD)) != below[i].hash)
			continue;
		sk = sock_of_tcpconn(read_user_u64(below[i].at));
		if (!sk)
			return;
		cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
		if (below[i].filled)
			bpf_probe_read_user(filled, sizeof(filled), (void *)below[i].filled);
		b->tp = (struct tcp_sock *)sk;
		b->buffered = filled[1] - filled[0];
		b->id = cookie ? CLEARTEXT_CONN | cookie : 0;
		return;
	}
}

/* Returns the connection of a framer. */
static __always_inline bool find_behind(struct behind *b, u64 *ptrs, u64 framer,
					struct goroutine *of, const struct site *site)
{
	b->id = 0;
	b->tp = NULL;
	b->buffered = 0;
	look_behind(ptrs, framer);
	b->c = conn_behind(ptrs, of);
	if (b->c)
		b->id = b->c->id;
	else
		find_cleartext(b, ptrs, framer, site);
	return b->id;
}

/*
 * A goroutine is about to read a frame from a connection without TLS: the block
 * that it decodes next is in the frame that begins at this sequence number.
 */
static __always_inline void note_frame(struct goroutine *key, const struct behind *b)
{
	struct reader r = {};

	if (!want_of(b->id, DIR_RECV)) {
		bpf_map_delete_elem(&readers, key);
		return;
	}
	r.conn = b->id;
	r.end = (u32)got_to(b, DIR_RECV) - b->buffered;
	bpf_map_update_elem(&readers, key, &r, BPF_ANY);
}

#endif
