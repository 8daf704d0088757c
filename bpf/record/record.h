/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The parts that all records in the ring buffer share. bpf2go generates the Go
 * types of records; padding is explicit and always zero.
 */
#ifndef H2TRACE_RECORD_H
#define H2TRACE_RECORD_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define COMM_SIZE 16

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
	RECORD_SECRET = 19,
	RECORD_SPOT = 20,
	RECORD_QUIC = 21,
	RECORD_RELEASE = 22,
	RECORD_FAILURE = 23,
	RECORD_LOCK = 24,
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

/* What the program event is asked for at a site. */
enum event_kind {
	EVENT_SECRET = 1,
	EVENT_FAILURE,
	EVENT_MESSAGE,
};

/* Why a record was seen and not delivered; bits in data_record.lost. */
enum loss_reason {
	LOSS_RING_FULL = 0,
	LOSS_READ_FAULT = 1,
	LOSS_TABLE_FULL = 2,
	LOSS_COUNT = 3,
};

/* What TCP knows about the path to the peer. */
struct tcp_path {
	u32 srtt_us; /* smoothed round-trip time */
	u32 min_rtt_us;
	u32 rcv_rtt_us;	  /* smoothed, as the receiver sees it, 0: unknown */
	u32 mss;	  /* bytes that a sent segment may hold */
	u32 unread;	  /* received bytes that the process has not read */
	u32 unsent;	  /* bytes that the process has written and TCP has not sent */
	u32 retransmits;  /* segments */
	u32 out_of_order; /* segments received */
	u32 segs_in;
	u32 segs_out;
};

struct record_header {
	u64 time; /* CLOCK_MONOTONIC, ns */
	u32 pid;
	u8 kind;
	u8 dir;
	u8 stale;      /* data: 1 while the other direction has an unreported loss */
	u8 peer_ended; /* segment: 1 if the process sends it after the FIN of its peer */
};

struct endpoint {
	u8 addr[16]; /* network byte order; the first 4 for AF_INET */
	u16 port;    /* host byte order */
	u16 pad[3];
};

_Static_assert(sizeof(struct record_header) == 16, "record_header");

#endif
