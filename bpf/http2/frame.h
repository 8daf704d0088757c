/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The part of HTTP/2 (RFC 9113) that http2/walk.h and cleartext/follow.h share. */
#ifndef H2TRACE_FRAME_H
#define H2TRACE_FRAME_H

#include "kernel/kernel.h"
#include "record/record.h"

/* RFC 9113 4.1. */
#define FRAME_HEADER 9
#define FRAME_DATA 0
#define FRAME_SETTINGS 4
/* RFC 9113 6.1. */
#define FLAG_PADDED 0x8
#define PREFACE_LEN 24

/* Bytes of each DATA payload that are copied. */
const volatile u32 body_bytes = 0;

/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113 3.4), as little-endian words. */
static __always_inline bool is_preface(u64 *p)
{
	return p[0] == 0x5448202a20495250 && p[1] == 0x0a0d302e322f5054 &&
	       p[2] == 0x0a0d0a0d4d530a0d;
}

static __always_inline u32 payload_length(u8 *header)
{
	return header[0] << 16 | header[1] << 8 | header[2];
}

/* Returns how much of the payload after a header is wanted, from its beginning. */
static __always_inline u32 wanted_payload(u8 *header)
{
	u32 length = payload_length(header);
	u32 wanted = body_bytes;

	if (header[3] != FRAME_DATA)
		return length;
	if (header[4] & FLAG_PADDED)
		wanted++; /* Pad Length */
	return wanted < length ? wanted : length;
}

#endif
