/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What goes over the ring buffer and what both sides agree on. bpf2go makes
 * the Go types of these; padding is explicit and always zero.
 */
#ifndef H2TRACE_RECORD_H
#define H2TRACE_RECORD_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

/* The longest payload of one data record: one TLS record (RFC 8446 5.1). */
#define PAYLOAD_MAX 16384
#define PATH_SIZE 256
#define COMM_SIZE 16
#define NAME_SIZE 64
/* Of the arguments of a process. */
#define ARGS_SIZE 512
/* Header tables of the default size (RFC 9113 6.5.2) and 32 bytes an entry. */
#define TABLE_MAX 4096
#define TABLE_ENTRIES 128
/* Larger ones come in pieces: each ends at TABLE_MAX of text or TABLE_ENTRIES. */
#define LARGE_TABLE_MAX 65536
#define LARGE_TABLE_ENTRIES 2048
#define PIECES_MAX 20
#define FRAGMENT_SIZE 256
#define FRAMER_PTRS 4
/* Of a packet_record. */
#define PACKET_MAX 4096
/* In the number of a connection without TLS; the rest is the cookie of its socket. */
#define PLAIN_CONN (1ULL << 63)
#define ALPN_MAX 32
#define SNI_MAX 256
#define ERROR_DEPTH 5
#define ERROR_TEXT 128
#define OWNER_MAX 768 /* layout.MaxSize */
#define STREAMS_MAX 128
#define LAYOUTS_MAX 64
/* Of what the go command says on stderr: a message is a few hundred bytes. */
#define MESSAGE_MAX 1024
/* Of a field_record: names beyond this, and pieces of longer fields. */
#define FIELD_NAME 32
#define FIELD_PIECE 4096

enum record_kind {
	RECORD_DATA = 1,
	RECORD_OPEN = 2,
	RECORD_CLOSE = 3,
	RECORD_EXEC = 4,
	RECORD_EXIT = 5,
	RECORD_TABLE = 6,
	RECORD_BLOCK = 7,
	RECORD_WINDOWS = 8,
	RECORD_MESSAGE = 9,
	RECORD_CONNECT = 10,
	RECORD_FIELD = 11,
	RECORD_LIST = 12,
	RECORD_DNS = 13,
	RECORD_HANDSHAKE = 14,
	RECORD_PIECE = 15,
	RECORD_SEGMENT = 16,
	RECORD_HELLO = 17,
};

enum direction {
	DIR_SEND = 0,
	DIR_RECV = 1,
	DIR_COUNT = 2,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
};

/* Why a record was seen but not delivered; bits in data_record.lost. */
enum loss_reason {
	LOSS_RING_FULL = 0,
	LOSS_READ_FAULT = 1,
	LOSS_TABLE_FULL = 2,
	LOSS_COUNT = 3,
};

struct record_header {
	u64 time; /* CLOCK_MONOTONIC, ns */
	u32 pid;
	u8 kind;
	u8 dir;
	u16 pad;
};

/*
 * Payload bytes of one direction of one connection. In a RECORD_SEGMENT they are
 * those of a TCP segment, which comes in the order in which the kernel took it,
 * and maybe again. seq counts lost records
 * too, and offset all bytes of the direction, so that the reader sees what is
 * missing: behind a gap in seq something was lost, a jump of offset without
 * one was left out on purpose.
 */
struct data_record {
	struct record_header h;
	u64 conn;
	u64 seq;
	u64 offset;
	u64 lost_bytes; /* in the records missing before this one */
	u32 lost;	/* 1 << loss_reason, of those records */
	u32 len;
	u8 payload[];
};

struct endpoint {
	u8 addr[16]; /* network byte order; the first 4 for AF_INET */
	u16 port;    /* host byte order */
	u16 pad[3];
};

struct open_record {
	struct record_header h;
	u64 conn;
	u64 ptr; /* *tls.Conn */
	struct endpoint local;
	struct endpoint remote;
	u16 family; /* 0: the socket is not known */
	u8 role;
	u8 handshake; /* 1: seen from before the TLS handshake, or the first byte */
	u8 plain;     /* 1: without TLS */
	u8 pad[3];
	u64 connect;	 /* when the socket began to connect, 0 when not seen */
	u64 established; /* and when it was connected */
	u8 comm[COMM_SIZE];
};

struct close_record {
	struct record_header h;
	u64 conn;
	u64 ptr;		   /* *tls.Conn, its key in the conns map */
	u64 seq[DIR_COUNT];	   /* records so far, with the lost ones */
	u64 offset[DIR_COUNT];	   /* bytes so far, with the lost ones */
	u64 lost_bytes[DIR_COUNT]; /* as in data_record, since the last one delivered */
	u32 lost[DIR_COUNT];
	u32 life;    /* of the process */
	u8 socket;   /* what follows is known */
	u8 state;    /* TCP_* before the close */
	u16 sk_err;  /* errno */
	u32 srtt_us; /* smoothed round-trip time */
	u32 min_rtt_us;
	u32 retransmits;  /* segments */
	u32 out_of_order; /* segments received */
	u32 segs_in;
	u32 segs_out;
};

/* A connect that failed, or that the process gave up. */
struct connect_record {
	struct record_header h;
	u64 start;
	struct endpoint local;
	struct endpoint remote;
	u16 family;
	u16 sk_err; /* errno, 0 when the process closed the socket */
	u32 life;
	u8 comm[COMM_SIZE];
	u8 unsent; /* 1: no SYN was sent */
	u8 pad[7];
};

struct exec_record {
	struct record_header h;
	u32 ppid;
	u32 life;   /* from now on, see the targets map */
	u32 before; /* the life that ends, 0 where there was none */
	u32 pad;
	u64 inode; /* of the file that runs: for a script, its interpreter */
	u64 size;
	u8 comm[COMM_SIZE];
	u8 filename[PATH_SIZE]; /* as given to execve, NUL terminated */
	u32 args_len;		/* of all arguments, each NUL terminated */
	u32 pad2;
	u8 args[ARGS_SIZE];
};

struct exit_record {
	struct record_header h;
	u32 exit_code; /* as wait(2) gives it: code << 8 | signal */
	u32 life;
};

/*
 * An HPACK table in the target's memory, at the moment its own code is about to
 * work on a field block. Received: the block is the first of which a fragment
 * ends within the last read bytes before end. Sent: a block record follows.
 */
struct table_record {
	struct record_header h;
	u64 conn;	  /* received */
	u64 id;		  /* sent: that of the block record */
	u64 end;	  /* received: offset in the direction */
	u32 read;	  /* received: bytes */
	u32 fragment_len; /* received: of the fragment */
	u32 size;	  /* as hpack counts it: 32 more an entry */
	u32 max_size;
	u32 count;
	u32 len;   /* of text */
	u64 large; /* not 0: all text is in the pieces that follow, by this number */
	u8 fragment[FRAGMENT_SIZE];
	u32 lens[2 * TABLE_ENTRIES]; /* name and value of each entry, oldest first */
	u8 text[2 * TABLE_MAX];
};

/* A part of a large table. The texts joined are that of the table. */
struct piece_record {
	struct record_header h;
	u64 large;
	u32 first; /* entry, which may have begun in the piece before */
	u32 count;
	u32 len; /* of text */
	u32 pad;
	u32 lens[2 * TABLE_ENTRIES];
	u8 text[2 * TABLE_MAX];
};

/* The HEADERS frame of a block for which a table record was sent. */
struct block_record {
	struct record_header h;
	u64 conn;
	u64 id;
	u64 size; /* of all fields, 32 more each (RFC 9113 6.5.2) */
	u32 fields;
	u32 stream;
	u32 fragment_len;
	u32 pad;
	u64 ptrs[FRAMER_PTRS]; /* with conn 0: where its *tls.Conn may be */
	u8 fragment[FRAGMENT_SIZE];
};

/* Where a connection is in memory, and what it has got to. */
struct conn_place {
	u64 owner; /* http2.ClientConn or serverConn */
	u64 framer;
	u64 reader, writer; /* what the framer reads from, and writes to */
	u64 sticky;	    /* the net.Conn behind them */
	u64 offset[DIR_COUNT];
};

/* What the memory of a stream holds; user space knows the fields. */
struct stream_state {
	u64 conn; /* the owner, see conn_place */
	u8 flows[32];
	u8 ends[16];
	u32 id;
	u32 pad;
	u64 behind_id; /* of a server, what takes the DATA of the request */
};

/*
 * The memory of a connection, at a moment when its process had dealt with all
 * that it had read up to offset, and written all that it had said.
 */
struct windows_record {
	struct record_header h;
	u64 conn;
	struct conn_place place;
	/*
	 * Of a client the mutex of cond; of a server how many streams there are, and
	 * what is configured for the window of each.
	 */
	u64 beyond[2];
	u32 layout; /* index in layouts */
	u32 count;  /* of streams */
	u8 image[OWNER_MAX];
	struct stream_state streams[STREAMS_MAX];
};

/* The beginning of what a process writes to stderr in one call. */
struct message_record {
	struct record_header h;
	u32 len; /* of the whole */
	u32 pad;
	u8 text[MESSAGE_MAX];
};

/*
 * A field as the target's own hpack has encoded or decoded it. One that is too
 * long comes in pieces of its name and value joined: then whole is 0, and text
 * holds what begins at at.
 */
struct field_record {
	struct record_header h;
	u64 list;  /* that of the list_record */
	u32 index; /* in the list */
	u32 name_len;
	u32 value_len;
	u32 at;
	u32 len; /* of text */
	u8 sensitive;
	u8 whole; /* name is in name, and text is the value */
	u8 pad[2];
	u8 name[FIELD_NAME];
	u8 text[];
};

/*
 * Which fragment of a field block the fields of a list are of. Sent: it follows
 * them, and the HEADERS or PUSH_PROMISE frame that it begins is about to be
 * written. Received: they follow it, until the next of the same connection.
 */
struct list_record {
	struct record_header h;
	u64 conn; /* 0: not known */
	u64 list;
	u64 seq;    /* received: fragments of the connection before it */
	u64 end;    /* received: offset in the direction, of what was read */
	u32 read;   /* received: bytes read last, before end */
	u32 fields; /* sent: how many */
	u32 stream; /* sent */
	u32 fragment_len;
	u8 fragment[FRAGMENT_SIZE];
};

/* Not in the ring, but what the iterator of sockets.h writes. */
struct socket_use {
	u32 tgid;
	u32 pad;
	u64 moved[DIR_COUNT]; /* bytes that the peer has acknowledged, and received */
};

/*
 * A packet without the headers of IP, UDP and TCP: to or from a name server, or
 * with a ClientHello of TLS.
 */
struct packet_record {
	struct record_header h;
	u64 socket; /* its cookie */
	struct endpoint local;
	struct endpoint remote;
	u16 family;
	u8 tcp;
	u8 pad;
	u32 seq;    /* TCP: of the first byte; of a ClientHello, its place in the stream */
	u32 len;    /* of the payload */
	u32 copied; /* of it */
	u32 life;
	u32 pad2;
	u8 comm[COMM_SIZE];
	u8 payload[PACKET_MAX];
};

/*
 * An error value of the target, as far as its types are known: each kind is that
 * of an error which the one before it wraps.
 */
struct go_error {
	u8 kind[ERROR_DEPTH]; /* struct error_type */
	u8 failed;	      /* there is an error, of a known kind or not */
	u8 pad[2];
	u64 data[2]; /* the memory of the innermost value */
	u8 text[ERROR_TEXT];
};

/* A TLS handshake that is over. */
struct handshake_record {
	struct record_header h;
	u64 conn;
	u64 start;
	u64 verified; /* ns spent on verifying the peer's certificate */
	u16 version;  /* 0: what follows is not known */
	u16 cipher;
	u16 alpn_len;
	u16 sni_len;
	u8 resumed;
	u8 pad[7];
	u8 alpn[ALPN_MAX];
	u8 sni[SNI_MAX];
	struct go_error error;
};

/* What the ring holds; h.kind tells which. Others are named for bpf2go. */
union record {
	struct data_record data;
	struct open_record open;
	struct close_record close;
	struct exec_record exec;
	struct exit_record exit;
	struct table_record table;
	struct block_record block;
	struct windows_record windows;
	struct message_record message;
	struct connect_record connect;
	struct field_record field;
	struct list_record list;
	struct socket_use socket;
	struct packet_record packet;
	struct handshake_record handshake;
	struct piece_record piece;
	enum record_kind kind;
	enum direction direction;
	enum role role;
	enum loss_reason reason;
};

/* Counted on each CPU; nothing seen is missing from one of these. */
struct ledger {
	u64 seen_records;
	u64 seen_bytes;
	u64 lost_records[LOSS_COUNT];
	u64 lost_bytes[LOSS_COUNT];
};

/* The base name of an executable, filled up with zeros. */
struct exe_name {
	u8 text[NAME_SIZE];
};

/* Which values an attached probe finds where: index is the attach cookie. */
struct site {
	u32 tcpconn_hash; /* type hash of *net.TCPConn, 0 when not known */
	u32 conn_slot;	  /* offset from SP of the spilled *tls.Conn */
	u8 stack_check;	  /* 1: sits on the JBE of the stack check */
	u8 role;	  /* handshake probes: enum role */
	u8 layout;	  /* read_frame, process_frame: 1 + index in layouts */
	u8 late;	  /* 1: takes the place of a probe that never fired */
	u8 errors;	  /* RETs: 1 + index of the table of error types */
	u8 pad;
	/* RETs of handshakes: where in a tls.Conn its fields are, 0 when not known. */
	u16 tls_version;
	u16 tls_cipher;
	u16 tls_resumed;
	u16 tls_alpn;
	u16 tls_sni;
};

/* What to do with an error of a type, by table << 32 | hash of the type. */
struct error_type {
	u8 kind;
	u8 text;  /* 1: it begins with a string that says what happened */
	u8 wraps; /* 1: there is another error within, */
	u8 at;	  /* there */
};

/*
 * Offsets of fields in golang.org/x/net/http2, see layout.Client and, for those
 * of the last line, layout.Server.
 */
struct http2_layout {
	u16 size;
	u16 mu, cond, write_mu, write_err, framer;
	u16 sticky_conn, sticky_err;
	u16 framer_w;
	u16 stream_conn, stream_id, stream_flow, stream_end;
	u16 writing, streams, upload;
};

_Static_assert(sizeof(struct record_header) == 16, "record_header");
_Static_assert(sizeof(struct data_record) == 56, "data_record");
_Static_assert(sizeof(struct open_record) == 120, "open_record");
_Static_assert(sizeof(struct close_record) == 120, "close_record");
_Static_assert(sizeof(struct packet_record) == 112 + PACKET_MAX, "packet_record");
_Static_assert(sizeof(struct connect_record) == 104, "connect_record");
_Static_assert(sizeof(struct exec_record) == 840, "exec_record");
_Static_assert(sizeof(struct exit_record) == 24, "exit_record");
_Static_assert(sizeof(struct table_record) == 9544, "table_record");
_Static_assert(sizeof(struct piece_record) == 9256, "piece_record");
_Static_assert(sizeof(struct block_record) == 344, "block_record");
_Static_assert(sizeof(struct windows_record) == 10088, "windows_record");
_Static_assert(sizeof(struct http2_layout) == 32, "http2_layout");
_Static_assert(sizeof(struct message_record) == 1048, "message_record");
_Static_assert(sizeof(struct field_record) == 80, "field_record");
_Static_assert(sizeof(struct list_record) == 320, "list_record");
_Static_assert(sizeof(struct site) == 24, "site");
_Static_assert(sizeof(struct handshake_record) == 496, "handshake_record");

#endif
