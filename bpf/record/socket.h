/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Records of sockets, and of packets that are reported on their own. */
#ifndef H2TRACE_SOCKET_RECORDS_H
#define H2TRACE_SOCKET_RECORDS_H

#include "record/record.h"

/* Bytes in a packet_record. */
#define PACKET_MAX 4096
/* A path or an abstract name, see unix(7). */
#define UNIX_NAME_MAX 108

/* A TCP or Unix socket of a target that is connected, or connecting. */
struct socket_use {
	u64 sock;	      /* identifies the socket */
	u64 moved[DIR_COUNT]; /* TCP payload bytes: sent, with retransmissions, and received */
	u32 quiet[DIR_COUNT]; /* TCP: jiffies since it has sent, and received, data */
	struct endpoint local;
	struct endpoint remote;
	u32 tgid;
	struct tcp_path path; /* TCP */
	u16 family;	      /* AF_INET, AF_INET6 or AF_UNIX */
	u8 state;	      /* TCP_* */
	u8 accepted;	      /* 1: accepted by a listening socket */
	u16 name_len;
	u8 name[UNIX_NAME_MAX]; /* AF_UNIX: its own address, or its peer's */
	u8 ulp;			/* 1: TCP with an upper layer protocol, as for TLS in the kernel */
	u8 pad;
};

/*
 * A socket that is open when a process ends, or that it keeps when it begins to run
 * another program. The iterator of sockets/sockets.h writes the others.
 */
struct socket_record {
	struct record_header h;
	struct socket_use use;
};

/*
 * A packet without its IP, UDP and TCP headers: to or from a name server, with a TLS
 * ClientHello, or of a handshake of QUIC.
 */
struct packet_record {
	struct record_header h;
	u64 socket; /* its cookie */
	struct endpoint local;
	struct endpoint remote;
	u16 family;
	u8 tcp;
	u8 pad;
	/*
	 * TCP: of the first byte; ClientHello: its offset in the stream; QUIC: the size of
	 * each datagram, if there are many (UDP_SEGMENT in udp(7)).
	 */
	u32 seq;
	u32 len;    /* of the payload */
	u32 copied; /* of it */
	u32 generation;
	u32 pad2;
	u8 comm[COMM_SIZE];
	u8 payload[PACKET_MAX];
};

/* A socket that has carried QUIC is closed. */
struct release_record {
	struct record_header h;
	u64 socket; /* its cookie */
};

_Static_assert(sizeof(struct socket_record) == 256, "socket_record");
_Static_assert(sizeof(struct release_record) == 24, "release_record");
_Static_assert(sizeof(struct packet_record) == 112 + PACKET_MAX, "packet_record");

#endif
