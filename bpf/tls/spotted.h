/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Sockets on which crypto/tls was found while its probes were attached. */
#ifndef H2TRACE_SPOTTED_H
#define H2TRACE_SPOTTED_H

#include "kernel/kernel.h"
#include "record/record.h"

/*
 * The addresses of the *tls.Conn on a socket: that of an HTTP proxy may carry one
 * inside of another.
 */
struct spotted {
	u64 ptr[2]; /* 0: no such one */
};

/* By cookie. One that is evicted is found again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct spotted);
} spotted SEC(".maps");

#endif
