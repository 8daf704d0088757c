/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Finds the connection that an HTTP/2 framer reads from: by the address of its
 * *tls.Conn, or by a socket with packets seen.
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
		struct conn *c = current_conn(&key);

		if (c && !c->closed)
			return c;
	}
	return NULL;
}

/*
 * A connection: its entry in conns; or its socket, where its bytes come from packets.
 * Then the bytes that were read from the socket are in up to three buffers.
 */
struct behind {
	u64 id; /* 0: there is none, or none of its packets was seen */
	struct conn *c;
	struct tcp_sock *tp;
	u32 raw;      /* TLS: bytes of records that are not opened */
	u32 opened;   /* TLS: bytes of the last opened record that are not read */
	u32 buffered; /* bytes in the buffer of the framer's reader */
};

/*
 * A place in the stream of a connection whose bytes come from packets: so many bytes
 * before a sequence number. With TLS a record ends at that number, and the bytes are
 * plaintext.
 */
static __always_inline u64 packet_place(u32 seq, u32 before)
{
	return (u64)before << 32 | seq;
}

/* How far the process has sent: an offset, or a place. */
static __always_inline u64 sent_to(const struct behind *b)
{
	struct tcp_sock *tp = b->tp;

	if (b->c)
		return b->c->dir[DIR_SEND].offset;
	return packet_place(BPF_CORE_READ(tp, write_seq), 0);
}

/* Up to where the process has handled what it received, with bytes in a buffer. */
static __always_inline u64 handled_to(const struct behind *b, u32 buffered)
{
	struct tcp_sock *tp = b->tp;

	if (b->c)
		return b->c->dir[DIR_RECV].offset - buffered;
	return packet_place(BPF_CORE_READ(tp, copied_seq) - b->raw, b->opened + buffered);
}

/* Offsets in a bytes.Buffer and in a bytes.Reader. */
#define BYTES_LEN 8
#define BYTES_OFF 24

/* Reports whether the number of unread bytes in one is known. */
static __always_inline bool read_unread(u32 *unread, u64 bytes)
{
	u64 len = 0, off = 1;

	bpf_probe_read_user(&len, sizeof(len), (void *)(bytes + BYTES_LEN));
	bpf_probe_read_user(&off, sizeof(off), (void *)(bytes + BYTES_OFF));
	*unread = len - off;
	return off <= len;
}

/* Returns the socket of a *tls.Conn, unless that is inside of another. */
static __always_inline struct sock *sock_of_tls(struct behind *b, u64 tls_conn, struct site *site)
{
	if (!read_unread(&b->raw, tls_conn + site->tls_raw_input) ||
	    !read_unread(&b->opened, tls_conn + site->tls_input) ||
	    type_hash(read_user_u64(tls_conn + TLS_CONN_CONN)) == site->tlsconn_hash)
		return NULL;
	return sock_of_conn(tls_conn, site);
}

/*
 * gRPC's own reader of a connection without TLS (google.golang.org/grpc v1.85).
 * It is a buffer whose reader is a field of rd. Its first field holds the
 * descriptor as a syscall.RawConn.
 */
#define READYREADER_RD 40 /* the pointer in bufReadyReader.rd */
#define READYREADER_R 48  /* bufReadyReader.r, w */

/* What a framer reads from. */
struct below {
	u64 at;	    /* the pointer in an interface */
	u64 filled; /* offsets of r and w of a buffer, 0: there is none */
	u32 hash;   /* of the type without TLS, which begins with the pointer to a netFD */
	u32 tls_hash;
};

/* The connection is in the same places as in look_behind, or where gRPC keeps it. */
static __always_inline void find_socket(struct behind *b, const u64 *ptrs, u64 framer,
					struct site *site)
{
	u64 rd = read_user_u64(ptrs[0] + READYREADER_RD);
	u32 tcp = site->tcpconn_hash, tls = site->tlsconn_hash;
	const struct below below[] = {
		{ framer + FRAMER_R, 0, tcp, tls },
		{ ptrs[0] + BUFIO_RD, ptrs[0] + BUFIO_R, tcp, tls },
		{ ptrs[0] + WRAPPED, 0, tcp, tls },
		{ ptrs[1] + WRAPPED, ptrs[0] + BUFIO_R, tcp, tls },
		{ rd + WRAPPED, ptrs[0] + READYREADER_R, site->rawconn_hash, 0 },
	};

	for (u32 i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		u32 hash = type_hash(read_user_u64(below[i].at - ITAB_WORD));
		u64 filled[2] = {}, cookie, value = read_user_u64(below[i].at);
		bool is_tls = hash == below[i].tls_hash;
		struct sock *sk;

		if (!hash || (!is_tls && hash != below[i].hash))
			continue;
		sk = is_tls ? sock_of_tls(b, value, site) : sock_of_tcpconn(value);
		if (!sk)
			return;
		cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
		if (below[i].filled)
			bpf_probe_read_user(filled, sizeof(filled), (void *)below[i].filled);
		b->tp = (struct tcp_sock *)sk;
		b->buffered = filled[1] - filled[0];
		if (cookie)
			b->id = cookie | (is_tls ? TLS_CONN : CLEARTEXT_CONN);
		return;
	}
}

/* Returns the connection of a framer. */
static __always_inline bool find_behind(struct behind *b, u64 *ptrs, u64 framer,
					struct goroutine *of, struct site *site)
{
	__builtin_memset(b, 0, sizeof(*b));
	look_behind(ptrs, framer);
	b->c = conn_behind(ptrs, of);
	if (b->c)
		b->id = b->c->id;
	else
		find_socket(b, ptrs, framer, site);
	return b->id;
}

/*
 * A goroutine is about to read a frame from a connection whose bytes come from
 * packets: the block that it decodes next is in the frame that begins at this place.
 */
static __always_inline void note_frame(struct goroutine *key, const struct behind *b)
{
	struct reader r = {};

	if (!want_of(b->id, DIR_RECV)) {
		bpf_map_delete_elem(&readers, key);
		return;
	}
	r.conn = b->id;
	r.end = handled_to(b, b->buffered);
	bpf_map_update_elem(&readers, key, &r, BPF_ANY);
}

#endif
