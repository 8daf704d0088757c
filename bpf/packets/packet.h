/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The headers of a packet. */
#ifndef H2TRACE_PACKET_H
#define H2TRACE_PACKET_H

#include <linux/in.h>
#include "kernel/ring.h"

/* What the headers say. */
struct packet {
	u16 family;
	u8 proto;
	u8 flags;	  /* TCP */
	u8 ttl;		  /* or hop limit */
	u16 source, dest; /* ports */
	u32 seq;	  /* TCP */
	u32 payload;	  /* offset */
};

#define IPV4_HEADER 20 /* without options (RFC 791 3.1) */
#define IPV6_HEADER 40 /* without extension headers (RFC 8200 3) */
/* Bytes that hold the headers of IPv6 and TCP without options, a power of two. */
#define HEADERS_MAX 64
/* A packet with more extension headers is not reported. */
#define EXTENSIONS_MAX 6

/*
 * Loads the bytes at an offset, at most size, a power of two. Returns false when
 * there are none.
 */
static __always_inline bool load_some(struct __sk_buff *skb, u32 at, void *to, const u32 size)
{
	u32 len = skb->len - at;

	if (len > size)
		len = size;
	/* From 1 to size; the helper refuses to read beyond the packet. */
	len -= 1;
	apply_mask(len, size - 1);
	len += 1;
	return !bpf_skb_load_bytes(skb, at, to, len);
}

/* Extension headers of IPv6 (RFC 8200 4.1); linux/in6.h has types of its own. */
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_NONE 59
#define IPPROTO_DSTOPTS 60

static __always_inline bool is_extension(u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_FRAGMENT ||
	       proto == IPPROTO_DSTOPTS;
}

/*
 * Passes over the extension headers, of which proto is the first. Returns the
 * protocol after them, and from bit 8 on its offset.
 */
__noinline u32 pass_extensions(struct __sk_buff *skb, u32 proto)
{
	u32 at = IPV6_HEADER;
	u8 header[2];

	for (int i = 0; i < EXTENSIONS_MAX && is_extension(proto); i++) {
		if (bpf_skb_load_bytes(skb, at, header, sizeof(header)))
			return IPPROTO_NONE;
		at += proto == IPPROTO_FRAGMENT ? 8 : (header[1] + 1) * 8;
		proto = header[0];
	}
	return (proto & 0xff) | at << 8;
}

/* Takes what the header of UDP or TCP says (RFC 768, RFC 9293 3.1). */
static __always_inline bool take_transport(struct packet *p, u32 at, const u32 *header)
{
	u32 flags = __builtin_bswap32(header[3]);

	p->source = __builtin_bswap32(header[0]) >> 16;
	p->dest = __builtin_bswap32(header[0]);
	if (p->proto == IPPROTO_UDP) {
		p->payload = at + 8;
		return true;
	}
	p->seq = __builtin_bswap32(header[1]);
	p->flags = flags >> 16;
	p->payload = at + (flags >> 28) * 4;
	return p->proto == IPPROTO_TCP;
}

/* What packet_time tells packets of a direction by. */
static __always_inline u32 packet_id(struct __sk_buff *skb, struct packet *p)
{
	return p->proto == IPPROTO_TCP ? p->seq : skb->len;
}

/* The packet begins with its IP header. One load takes all of most headers. */
static __always_inline bool dissect(struct __sk_buff *skb, struct packet *p)
{
	u32 headers[HEADERS_MAX / sizeof(u32)] = {};
	u8 *ip = (u8 *)headers;
	u32 at;

	if (!load_some(skb, 0, headers, HEADERS_MAX))
		return false;
	if (ip[0] >> 4 == 4) {
		p->family = AF_INET;
		p->proto = ip[9];
		p->ttl = ip[8];
		at = (ip[0] & 15) * 4;
		if (at == IPV4_HEADER)
			return take_transport(p, at, headers + IPV4_HEADER / sizeof(u32));
	} else {
		p->family = AF_INET6;
		p->proto = ip[6];
		p->ttl = ip[7];
		if (!is_extension(p->proto))
			return take_transport(p, IPV6_HEADER, headers + IPV6_HEADER / sizeof(u32));
		at = pass_extensions(skb, p->proto);
		p->proto = at;
		at >>= 8;
	}
	return load_some(skb, at, headers, HEADERS_MAX) && take_transport(p, at, headers);
}

/* The addresses and ports, as seen from this host. The endpoints are zero before. */
static __always_inline void load_endpoints(struct __sk_buff *skb, struct packet *p, u8 dir,
					   struct endpoint *local, struct endpoint *remote)
{
	struct endpoint *source = dir == DIR_SEND ? local : remote;
	struct endpoint *dest = dir == DIR_SEND ? remote : local;

	source->port = p->source;
	dest->port = p->dest;
	if (p->family == AF_INET) {
		bpf_skb_load_bytes(skb, 12, source->addr, 4);
		bpf_skb_load_bytes(skb, 16, dest->addr, 4);
	} else {
		bpf_skb_load_bytes(skb, 8, source->addr, 16);
		bpf_skb_load_bytes(skb, 24, dest->addr, 16);
	}
}

#endif
