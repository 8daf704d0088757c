/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Sockets from before that may carry TLS. */
#ifndef H2TRACE_SOUGHT_H
#define H2TRACE_SOUGHT_H

#include "kernel/kernel.h"
#include "record/record.h"

/*
 * The addresses of the *tls.Conn on a socket: that of an HTTP proxy may carry one
 * inside of another.
 */
struct sought {
	u64 ptr[2]; /* 0: not found yet */
};

/*
 * By cookie. User space enters each socket that was open before. One that is evicted
 * is not found: user space reports that.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct sought);
} sought SEC(".maps");

#endif
