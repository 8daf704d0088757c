/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Records of whole packets, which have a ring buffer of their own. */
#ifndef H2TRACE_CAPTURE_RECORDS_H
#define H2TRACE_CAPTURE_RECORDS_H

#include "record/record.h"

/* Bytes of the longest record: a packet of GSO or GRO. */
#define CAPTURE_MAX 65536

/*
 * A packet, from its IP header on, or a piece of one that is longer. Pieces of one
 * packet have the same time and socket; those of two can be mixed.
 */
struct capture_record {
	u64 time;
	u64 socket; /* its cookie */
	u32 pid;
	u32 generation;
	u32 whole; /* bytes of the packet */
	u32 at;	   /* of the first byte here */
	u32 len;
	u32 segment; /* payload bytes of each segment, if the device cuts it; else 0 */
	u8 dir;
	u8 pad[7];
	u8 comm[COMM_SIZE];
	u8 bytes[];
};

/* Packets that found no room. */
struct capture_loss {
	u64 packets;
	u64 bytes;
};

_Static_assert(sizeof(struct capture_record) == 64, "capture_record");

#endif
