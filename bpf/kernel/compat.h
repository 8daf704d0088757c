/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The differences between kernels. The programs are compiled twice: as they are,
 * and with COMPAT defined for kernels that lack one of
 *
 *	atomics that return a value	Linux 5.12, commit 5ca419f2864a;
 *					on arm64 5.18, commit 1902472b4fa9
 *	bpf_get_attach_cookie		Linux 5.15, commit 7adfc6c9b315
 *	bpf_loop			Linux 5.17, commit e6f2dd0f8067 (kernel/each.h, tls/data.h)
 *
 * Those kernels run uprobe programs with preemption disabled; that ended with
 * sleepable ones (Linux 6.0, commit 8c7dcb84e3b7).
 */
#ifndef H2TRACE_COMPAT_H
#define H2TRACE_COMPAT_H

#include "kernel/kernel.h"
#include "record/record.h"

/* Where an attached probe finds its values: the index is the attach cookie. */
struct site {
	u32 tcpconn_hash; /* type hash of *net.TCPConn, 0: unknown */
	u32 conn_hash;	  /* type hash of net.Conn, 0: unknown */
	u32 rawconn_hash; /* type hash of *net.rawConn, 0: unknown */
	u32 tlsconn_hash; /* recovery, where TLS comes from packets: of *tls.Conn */
	u32 conn_slot;	  /* offset from SP of the spilled *tls.Conn */
	u8 stack_check;	  /* 1: sits on the branch of the stack check */
	u8 role;	  /* handshake probes: enum role */
	u8 layout;	  /* read_frame, process_frame: 1 + index in layouts; spot.h */
	u8 event;	  /* of the program event: enum event_kind */
	u8 errors;	  /* ends of handshakes: 1 + index of the table of error types */
	u8 old_fields;	  /* 1: type data has the field layout of Go 1.18 */
	/*
	 * Offsets of fields in a tls.Conn, 0: unknown. Handshakes, their ends,
	 * and Write:
	 */
	u16 tls_version;
	/* RETs of handshakes: */
	u16 tls_cipher;
	u16 tls_resumed;
	u16 tls_alpn;
	u16 tls_sni;
	u16 tls_read_err; /* Close */
	/* Recovery, with tlsconn_hash: */
	u16 tls_raw_input;
	u16 tls_input;
	u8 unix_only; /* 1: for connections on Unix sockets; tcpconn_hash is of *net.UnixConn */
	u8 pad;
};

_Static_assert(sizeof(struct site) == 44, "site");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, struct site);
} sites SEC(".maps");

/* With COMPAT: the last number that each CPU assigned. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} last_ids SEC(".maps");

#ifdef COMPAT

/* Set by user space: each site has its own copy of each program. */
const volatile struct site only_site = {};

static __always_inline struct site *site_of(void *ctx)
{
	struct site *site = (struct site *)&only_site;

	barrier_var(site); /* otherwise the compiler folds it to these zeroes */
	return site;
}

/* For values with a single user. */
#define fetch_add(p, n)                       \
	({                                    \
		__typeof__(*(p)) _old = *(p); \
		*(p) = _old + (n);            \
		_old;                         \
	})

#define CPU_BITS 16

/* Returns a number that nothing else has. */
static __always_inline u64 new_id(u64 *unused)
{
	u32 zero = 0;
	u64 *last = bpf_map_lookup_elem(&last_ids, &zero);

	if (!last)
		return 0;
	*last += 1;
	return *last << CPU_BITS | bpf_get_smp_processor_id();
}

#else

static __always_inline struct site *site_of(void *ctx)
{
	u32 index = bpf_get_attach_cookie(ctx);

	return bpf_map_lookup_elem(&sites, &index);
}

#define fetch_add(p, n) __sync_fetch_and_add(p, n)

static __always_inline u64 new_id(u64 *last)
{
	return fetch_add(last, 1) + 1;
}

#endif
#endif
