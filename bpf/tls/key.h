/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The keys of connections. Go's allocator reuses the address of a *tls.Conn, and
 * some connections are never closed. So the address of a new connection may have
 * the entry of an earlier one. The new one is entered in the next round.
 *
 * Two threads may do that at the same time, one in Write and one in Read. Both
 * find the earlier entry, and enter the next round with BPF_NOEXIST. One of them
 * succeeds: it reports the close of the earlier connection and the open of the new
 * one. The other finds its entry. That is exact without a lock, because no program
 * removes or replaces an entry. User space removes those of closed connections.
 *
 * Either thread notes the new round before it goes on. One of the two is in the
 * handshake, so every probe after the handshake finds the new round.
 */
#ifndef H2TRACE_KEY_H
#define H2TRACE_KEY_H

#include "kernel/compat.h"

struct conn_key {
	u64 ptr; /* *tls.Conn */
	u32 tgid;
	u32 generation;
	u32 round; /* 0: the first connection at this address */
	u32 pad;
};

/* The beginning of a conn_key. */
struct conn_address {
	u64 ptr;
	u32 tgid;
	u32 generation;
};

_Static_assert(sizeof(struct conn_address) == offsetof(struct conn_key, round), "conn_address");

/*
 * The current rounds that are not 0. An address that this map drops begins again
 * at 0; if it has a connection, that is reopened as joined in the middle.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct conn_address);
	__type(value, u32);
} rounds SEC(".maps");

/* 1: the map has entries. Until then no call of a target pays for a lookup. */
u32 rounds_noted = 0;

/* Fills in the current round. */
static __always_inline void find_round(struct conn_key *key)
{
	u32 *round = rounds_noted ? bpf_map_lookup_elem(&rounds, key) : NULL;

	key->round = round ? *round : 0;
	key->pad = 0;
}

static __always_inline void note_round(const struct conn_key *key)
{
	rounds_noted = 1;
	bpf_map_update_elem(&rounds, key, &key->round, BPF_ANY);
}

#endif
