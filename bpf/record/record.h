/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The records in the ring buffer, and the constants that both sides share. bpf2go
 * generates their Go types; padding is explicit and always zero.
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
/* Bytes of the arguments of a process */
#define ARGS_SIZE 512
#define ENV_SIZE 4096
/* Bytes in a packet_record */
#define PACKET_MAX 4096
/*
 * Marks the number of a connection without TLS; the rest is the cookie of its
 * socket.
 */
#define PLAIN_CONN (1ULL << 63)
#define ALPN_MAX 32
#define SNI_MAX 256
#define ERROR_DEPTH 5
#define ERROR_TEXT 128
/* A path or an abstract name, see unix(7). */
#define UNIX_NAME_MAX 108
/* Bytes of one message of the go command on stderr; it has a few hundred */
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

/* Why a record was seen and not delivered; bits in data_record.lost. */
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
	u8 stale; /* data: 1 while the other direction has an unreported loss */
	u8 pad;
};

/*
 * Payload bytes of one direction of one connection. seq also counts lost records,
 * and offset counts all bytes of the direction. So the reader sees what is
 * missing: a gap in seq is a loss, and a jump of offset without such a gap is
 * skipped on purpose.
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
 * A TCP segment of a connection without TLS, or a part of one: left_out bytes
 * that are not copied, then len bytes that are. Segments arrive in the order in
 * which the kernel handled them, and may repeat. seq is as in data_record. A jump
 * of offset without a gap in seq is a segment that is still on its way, or that
 * user space did not want.
 */
struct segment_record {
	struct record_header h;
	u64 conn;
	u64 seq;
	u64 offset;	/* of the first byte, skipped or not */
	u64 lost_bytes; /* total so far */
	u32 lost;	/* as in data_record */
	u32 left_out;
	u32 len;
	u8 followed; /* 1: frames were followed to the end of the segment, */
	u8 pad[3];
	u32 first;	  /* sequence number of offset 0 (RFC 9293 3.4) */
	u32 lost_records; /* total so far */
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
	u16 family; /* 0: unknown socket */
	u8 role;
	u8 handshake; /* 1: seen since before the TLS handshake, or since the first byte */
	u8 cleartext; /* 1: without TLS */
	u8 pad[3];
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
	u32 srtt_us;	/* smoothed round-trip time */
	u32 min_rtt_us;
	u32 retransmits;  /* segments */
	u32 out_of_order; /* segments received */
	u32 segs_in;
	u32 segs_out;
	u8 read_ended; /* 1: the process had read to the end, or could read no further */
	u8 pad[7];
	u32 lost_records[DIR_COUNT]; /* without TLS: the total, as is lost_bytes */
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

struct exec_record {
	struct record_header h;
	u32 ppid;
	u32 generation; /* the new one, see the targets map */
	u32 before;	/* the generation that ends, 0: none */
	u32 pad;
	u64 inode; /* the file that runs: for a script, its interpreter */
	u64 size;
	u8 comm[COMM_SIZE];
	u8 filename[PATH_SIZE]; /* as given to execve, NUL terminated */
	u32 args_len;		/* length of all arguments, each NUL terminated */
	u32 env_len;		/* length of the environment, as args_len */
	u8 args[ARGS_SIZE];
	u8 env[ENV_SIZE];
};

struct exit_record {
	struct record_header h;
	u32 exit_code; /* as in wait(2): code << 8 | signal */
	u32 generation;
};

/* The first bytes that a process writes to stderr in one call. */
struct message_record {
	struct record_header h;
	u32 len; /* of the whole write */
	u32 pad;
	u8 text[MESSAGE_MAX];
};

/* A TCP or Unix socket of a target that is connected, or connecting. */
struct socket_use {
	u64 sock;	      /* identifies the socket */
	u64 moved[DIR_COUNT]; /* TCP payload bytes: sent, with retransmissions, and received */
	u64 jiffies;	      /* now, in jiffies, and for how many of them TCP */
	u32 quiet[DIR_COUNT]; /* has sent, and has received, no data */
	struct endpoint local;
	struct endpoint remote;
	u32 tgid;
	u16 family;  /* AF_INET, AF_INET6 or AF_UNIX */
	u8 state;    /* TCP_* */
	u8 accepted; /* 1: accepted by a listening socket */
	u16 name_len;
	u8 name[UNIX_NAME_MAX]; /* AF_UNIX: its own address, or its peer's */
	u8 pad[2];
};

/*
 * A socket that is open when a process ends. The iterator of sockets/sockets.h
 * writes the others.
 */
struct socket_record {
	struct record_header h;
	struct socket_use use;
};

/*
 * A packet without its IP, UDP and TCP headers: to or from a name server, or with
 * a TLS ClientHello.
 */
struct packet_record {
	struct record_header h;
	u64 socket; /* its cookie */
	struct endpoint local;
	struct endpoint remote;
	u16 family;
	u8 tcp;
	u8 pad;
	u32 seq;    /* TCP: of the first byte; ClientHello: its offset in the stream */
	u32 len;    /* of the payload */
	u32 copied; /* of it */
	u32 generation;
	u32 pad2;
	u8 comm[COMM_SIZE];
	u8 payload[PACKET_MAX];
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
	u64 verified; /* ns spent on verifying the peer's certificate */
	u16 version;  /* 0: the fields below are unknown */
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
