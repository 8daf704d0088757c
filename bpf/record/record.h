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
/* Of the arguments of a process. */
#define ARGS_SIZE 512
#define ENV_SIZE 4096
/* Of a packet_record. */
#define PACKET_MAX 4096
/* In the number of a connection without TLS; the rest is the cookie of its socket. */
#define PLAIN_CONN (1ULL << 63)
#define ALPN_MAX 32
#define SNI_MAX 256
#define ERROR_DEPTH 5
#define ERROR_TEXT 128
/* A path or an abstract name, see unix(7). */
#define UNIX_NAME_MAX 108
/* Of what the go command says on stderr: a message is a few hundred bytes. */
#define MESSAGE_MAX 1024

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
	RECORD_SOCKET = 18,
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
	u8 stale; /* of data: 1 when the other direction has lost some that no record told of */
	u8 pad;
};

/*
 * Payload bytes of one direction of one connection. seq counts lost records
 * too, and offset all bytes of the direction, so that the reader sees what is
 * missing: after a gap in seq something was lost, a jump of offset without
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

/*
 * A TCP segment of a connection without TLS, or a part of one: left_out bytes
 * that were seen and are not copied, then len bytes that are. They come in the
 * order in which the kernel took them, and maybe again. seq is as in
 * data_record; a jump of offset without one in seq is a segment still on its
 * way, or one that user space did not want.
 */
struct segment_record {
	struct record_header h;
	u64 conn;
	u64 seq;
	u64 offset;	/* of the first byte, left out or not */
	u64 lost_bytes; /* in all so far */
	u32 lost;	/* as in data_record */
	u32 left_out;
	u32 len;
	u8 followed; /* 1: frames were followed to the end of the segment, */
	u8 pad[3];
	u32 first;	  /* sequence number of offset 0 (RFC 9293 3.4) */
	u32 lost_records; /* in all so far */
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
	u8 cleartext; /* 1: without TLS */
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
	u32 generation; /* of the process */
	u8 socket;	/* what follows is known */
	u8 state;	/* TCP_* before the close */
	u16 sk_err;	/* errno */
	u32 srtt_us;	/* smoothed round-trip time */
	u32 min_rtt_us;
	u32 retransmits;  /* segments */
	u32 out_of_order; /* segments received */
	u32 segs_in;
	u32 segs_out;
	u8 read_ended; /* 1: the process had read the end, or could read no more */
	u8 pad[7];
	u32 lost_records[DIR_COUNT]; /* without TLS: in all, and so are lost_bytes */
};

/* A connect that failed, or that the process gave up. */
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

struct exec_record {
	struct record_header h;
	u32 ppid;
	u32 generation; /* from now on, see the targets map */
	u32 before;	/* the generation that ends, 0 where there was none */
	u32 pad;
	u64 inode; /* of the file that runs: for a script, its interpreter */
	u64 size;
	u8 comm[COMM_SIZE];
	u8 filename[PATH_SIZE]; /* as given to execve, NUL terminated */
	u32 args_len;		/* of all arguments, each NUL terminated */
	u32 env_len;		/* of the environment, as args_len */
	u8 args[ARGS_SIZE];
	u8 env[ENV_SIZE];
};

struct exit_record {
	struct record_header h;
	u32 exit_code; /* as wait(2) gives it: code << 8 | signal */
	u32 generation;
};

/* The beginning of what a process writes to stderr in one call. */
struct message_record {
	struct record_header h;
	u32 len; /* of the whole */
	u32 pad;
	u8 text[MESSAGE_MAX];
};

/* A TCP or Unix socket of a target that is connected, or connects. */
struct socket_use {
	u64 sock;	      /* tells sockets apart */
	u64 moved[DIR_COUNT]; /* bytes of data of TCP: sent, however often, and received */
	u64 jiffies;	      /* the time in them, and for how many of them TCP */
	u32 quiet[DIR_COUNT]; /* has sent, and received, no data */
	struct endpoint local;
	struct endpoint remote;
	u32 tgid;
	u16 family;  /* AF_INET, AF_INET6 or AF_UNIX */
	u8 state;    /* TCP_* */
	u8 accepted; /* 1: by a socket that listened */
	u16 name_len;
	u8 name[UNIX_NAME_MAX]; /* of AF_UNIX: its own, or that of its peer */
	u8 pad[2];
};

/* What is open when a process ends. Others are what the iterator of sockets/sockets.h writes. */
struct socket_record {
	struct record_header h;
	struct socket_use use;
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
	u32 generation;
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

_Static_assert(sizeof(struct record_header) == 16, "record_header");
_Static_assert(sizeof(struct data_record) == 56, "data_record");
_Static_assert(sizeof(struct segment_record) == 72, "segment_record");
_Static_assert(sizeof(struct open_record) == 120, "open_record");
_Static_assert(sizeof(struct close_record) == 136, "close_record");
_Static_assert(sizeof(struct packet_record) == 112 + PACKET_MAX, "packet_record");
_Static_assert(sizeof(struct connect_record) == 104, "connect_record");
_Static_assert(sizeof(struct exec_record) == 4936, "exec_record");
_Static_assert(sizeof(struct socket_record) == 224, "socket_record");
_Static_assert(sizeof(struct exit_record) == 24, "exit_record");
_Static_assert(sizeof(struct message_record) == 1048, "message_record");
_Static_assert(sizeof(struct handshake_record) == 496, "handshake_record");

#endif
