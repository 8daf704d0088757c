/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Records of connections: their bytes, and how they begin and end. */
#ifndef H2TRACE_CONNECTION_RECORDS_H
#define H2TRACE_CONNECTION_RECORDS_H

#include "record/record.h"

/* The longest payload of one data record: one TLS record (RFC 8446 5.1). */
#define PAYLOAD_MAX 16384
/*
 * Mark the number of a connection whose bytes come from packets: without TLS, and
 * with TLS. The rest is the cookie of its socket.
 */
#define CLEARTEXT_CONN (1ULL << 63)
#define TLS_CONN (1ULL << 62)
#define ALPN_MAX 32
#define SNI_MAX 256
/* The longest label of a secret is CLIENT_HANDSHAKE_TRAFFIC_SECRET. */
#define LABEL_MAX 32
#define RANDOM_SIZE 32 /* RFC 8446 4.1.2 */
/* A master secret has 48 bytes (RFC 5246 8.1), others have the size of a hash. */
#define SECRET_MAX 64
#define ERROR_DEPTH 5
#define ERROR_TEXT 128

/*
 * Payload bytes of one direction of one connection. seq also counts lost records,
 * and offset counts all bytes of the direction. So the reader sees how much is
 * missing, and where.
 */
struct data_record {
	struct record_header h;
	u64 conn;
	u64 seq;
	u64 offset;
	u64 lost_bytes; /* in the missing records before this one */
	u32 lost;	/* 1 << loss_reason of the missing records */
	u32 len;
	u8 payload[];
};

/*
 * A TCP segment, or a part of one. Segments arrive in the order in which the
 * kernel handled them, and may repeat. seq is as in data_record. A jump of offset without a gap in seq is a segment that is still on
 * its way, or that user space did not want.
 */
struct segment_record {
	struct record_header h;
	u64 conn;
	u64 seq;
	u64 offset;	/* of the first byte */
	u64 lost_bytes; /* total so far */
	u32 lost;	/* as in data_record */
	u32 len;
	u32 first;	  /* sequence number of offset 0 (RFC 9293 3.4) */
	u32 lost_records; /* total so far */
	u32 left_out;	  /* bytes after these that nobody wants: payload of DATA */
	u32 pad;
	u8 payload[];
};

struct open_record {
	struct record_header h;
	u64 conn;
	u64 ptr; /* *tls.Conn */
	struct endpoint local;
	struct endpoint remote;
	u16 family; /* 0: unknown socket */
	u8 role;
	u8 handshake; /* 1: seen since before the TLS handshake, or since the first byte */
	u8 pad[4];
	u64 connect;	 /* start of the connect, 0: not seen */
	u64 established; /* end of the connect */
	u8 comm[COMM_SIZE];
};

struct close_record {
	struct record_header h;
	u64 conn;
	u64 ptr;		   /* *tls.Conn, its key in the conns map */
	u64 seq[DIR_COUNT];	   /* records so far, including lost ones */
	u64 offset[DIR_COUNT];	   /* bytes so far, including lost ones */
	u64 lost_bytes[DIR_COUNT]; /* as in data_record, since the last delivered record */
	u32 lost[DIR_COUNT];
	u32 generation; /* of the process */
	u8 socket;	/* the fields below are known */
	u8 state;	/* TCP_* before the close */
	u16 sk_err;	/* errno */
	struct tcp_path path;
	u8 read_ended; /* 1: the process had read to the end, or could read no further */
	u8 ttl;	       /* of a received packet, 0: unknown */
	u8 pad[2];
	u32 round;		     /* of its key */
	u32 lost_records[DIR_COUNT]; /* from packets: the total, as is lost_bytes */
};

/* A connect that failed, or that the process abandoned. */
struct connect_record {
	struct record_header h;
	u64 start;
	struct endpoint local;
	struct endpoint remote;
	u16 family;
	u16 sk_err; /* errno, 0 when the process closed the socket */
	u32 generation;
	u8 comm[COMM_SIZE];
	u8 unsent; /* 1: no SYN was sent */
	u8 pad[7];
};

/*
 * An error value of the target, as far as its types are known: each kind is that
 * of an error which the previous one wraps.
 */
struct go_error {
	u8 kind[ERROR_DEPTH]; /* struct error_type */
	u8 failed;	      /* there is an error, of a known kind or not */
	u8 pad[2];
	u64 data[2]; /* the memory of the innermost value */
	u8 text[ERROR_TEXT];
};

/* A finished TLS handshake. */
struct handshake_record {
	struct record_header h;
	u64 conn;
	u64 start;
	u16 version; /* 0: the fields below are unknown */
	u16 cipher;
	u16 alpn_len;
	u16 sni_len;
	u8 resumed;
	u8 pad[7];
	u8 alpn[ALPN_MAX];
	u8 sni[SNI_MAX];
	struct go_error error;
};

/* A TLS handshake that failed on a socket whose packets are reported. */
struct failure_record {
	struct record_header h;
	u64 socket; /* its cookie */
	struct go_error error;
};

/* A secret of a TLS session, as in a key log file (RFC 9850). */
struct secret_record {
	struct record_header h;
	u64 label_ptr; /* where the label is in the process */
	u32 generation;
	u8 label_len;
	u8 label_missing; /* 1: its page was not in memory */
	u8 secret_len;
	u8 pad;
	u8 label[LABEL_MAX];
	u8 random[RANDOM_SIZE]; /* of the ClientHello */
	u8 secret[SECRET_MAX];
};

/* What a *tls.Conn leads to, besides itself. */
enum spot_piece {
	PIECE_SECRET = 0, /* of a direction of TLS 1.3: its traffic secret */
	PIECE_CIPHER = 2, /* of TLS 1.2: its nonce and its AEAD, */
	PIECE_AEAD = 4,	  /* that AEAD, */
	PIECE_KEY = 6,	  /* and what the first word of that points to */
	PIECE_ALPN = 8,
	PIECE_SNI = 9,
	PIECES = 10,
};

#define SPOT_CONN 768 /* bytes of a tls.Conn */
#define SPOT_PIECE 64

/*
 * Where the process has the *tls.Conn of a connection that was open before, and what
 * is there. User space knows the fields. A piece that could not be read has the
 * address 0.
 */
struct spot_record {
	struct record_header h;
	u64 conn;
	u64 ptr; /* *tls.Conn */
	u32 generation;
	u8 layout; /* of it: 1 + an index that user space knows */
	u8 direct; /* 1: its net.Conn is the *net.TCPConn itself */
	u8 pad[2];
	u64 at[PIECES];
	u8 image[SPOT_CONN];
	u8 piece[PIECES][SPOT_PIECE];
};

_Static_assert(sizeof(struct data_record) == 56, "data_record");
_Static_assert(sizeof(struct segment_record) == 72, "segment_record");
_Static_assert(sizeof(struct open_record) == 120, "open_record");
_Static_assert(sizeof(struct close_record) == 152, "close_record");
_Static_assert(sizeof(struct connect_record) == 104, "connect_record");
_Static_assert(sizeof(struct handshake_record) == 488, "handshake_record");
_Static_assert(sizeof(struct failure_record) == 176, "failure_record");
_Static_assert(sizeof(struct secret_record) == 160, "secret_record");
_Static_assert(sizeof(struct spot_record) == 120 + SPOT_CONN + PIECES * SPOT_PIECE, "spot_record");

#endif
