/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Replaces libbpf's bpf_helpers.h, so that headers of BPF programs compile for
 * the host: helpers (bpf-helpers(7)) are plain C. Each value and each record has
 * its own allocation of exactly its size, so AddressSanitizer detects any access
 * beyond it.
 */
#ifndef H2TRACE_HOST_BPF_HELPERS_H
#define H2TRACE_HOST_BPF_HELPERS_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>

#define SEC(name)
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name
#undef __always_inline /* that of the C library */
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define barrier_var(var) asm volatile("" : "+r"(var))
/* For bpf_core_read.h: offsets are those of this program. */
#define __builtin_preserve_access_index(x) (x)
#define __builtin_preserve_field_info(field, kind) 1

/*
 * The environment of the programs, and the sink of their records; the harness
 * sets both.
 */
static struct {
	__u64 tgid;
	__u64 time;
	const __u8 *memory; /* memory of the process, or a packet: all of it */
	__u64 memory_len;
	struct bpf_tcp_sock tcp;
	__u32 locked;	  /* spin locks */
	const void *full; /* a map that takes no new entry */
	void *(*reserve)(__u64 size);
	void (*submit)(void *record);
	void (*step)(void); /* before each access to what threads share; NULL: there is one */
} host;

static inline void host_step(void)
{
	if (host.step)
		host.step();
}

static inline void host_fail(const char *what)
{
	fprintf(stderr, "host: %s\n", what);
	abort();
}

#include "host_maps.h"

#define bpf_loop(n, step, ctx, flags)                \
	({                                           \
		__u32 _at = 0;                       \
		while (_at < (n) && !step(_at, ctx)) \
			_at++;                       \
		_at;                                 \
	})

/* A program must not access memory beyond what it was given. */
static inline long host_read(void *to, __u64 len, const void *from)
{
	const __u8 *at = from;

	host_step();
	if (!host.memory || at < host.memory || len > host.memory_len ||
	    (__u64)(at - host.memory) > host.memory_len - len)
		host_fail("a read of memory beyond what was handed over");
	memcpy(to, from, len);
	return 0;
}

#define bpf_probe_read_user(to, len, from) host_read(to, len, (const void *)(from))
#define bpf_probe_read_kernel(to, len, from) \
	({                                   \
		memcpy(to, from, len);       \
		0L;                          \
	})

static inline long bpf_probe_read_kernel_str(void *to, __u32 len, const void *from)
{
	return snprintf(to, len, "%s", (const char *)from) + 1;
}

static inline long bpf_skb_load_bytes(const void *skb, __u32 offset, void *to, __u32 len)
{
	const struct __sk_buff *s = skb;

	if (!len || (__u64)offset + len > s->len)
		return -EFAULT;
	return host_read(to, len, host.memory + offset);
}

/* A lock must be free when it is taken, and no helper is called while it is held. */
static inline void bpf_spin_lock(struct bpf_spin_lock *lock)
{
	if (lock->val || host.locked)
		host_fail("a lock is taken twice");
	lock->val = host.locked = 1;
}

static inline void bpf_spin_unlock(struct bpf_spin_lock *lock)
{
	if (!lock->val)
		host_fail("a lock is let go that is not held");
	lock->val = host.locked = 0;
}

static inline void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	if (host.locked)
		host_fail("a reservation under a lock");
	host_step();
	return host.reserve(size);
}

static inline void bpf_ringbuf_submit(void *record, __u64 flags)
{
	host_step();
	host.submit(record);
	free(record);
}

static inline void bpf_ringbuf_discard(void *record, __u64 flags)
{
	free(record);
}

static inline __u64 bpf_ringbuf_query(void *ring, __u64 flags)
{
	return 0;
}

static inline __u64 bpf_ktime_get_ns(void)
{
	return ++host.time;
}

static inline __u64 bpf_get_current_pid_tgid(void)
{
	return host.tgid << 32;
}

static inline __u64 bpf_get_current_task(void)
{
	return 0;
}

static inline __u64 bpf_get_current_cgroup_id(void)
{
	return 0;
}

static inline long bpf_current_task_under_cgroup(void *map, __u32 index)
{
	return 0;
}

static inline long bpf_get_current_comm(void *to, __u32 len)
{
	memset(to, 0, len);
	return 0;
}

static inline long bpf_seq_write(void *file, const void *data, __u32 len)
{
	return 0;
}

static inline __u64 bpf_jiffies64(void)
{
	return 0;
}

static inline __u64 bpf_get_attach_cookie(void *ctx)
{
	return 0;
}

static inline __u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

static inline __u64 bpf_get_socket_cookie(void *ctx)
{
	return 1;
}

static inline struct bpf_sock *bpf_sk_fullsock(struct bpf_sock *sk)
{
	return sk;
}

static inline struct bpf_tcp_sock *bpf_tcp_sock(struct bpf_sock *sk)
{
	return sk ? &host.tcp : NULL;
}

static inline struct tcp_sock *bpf_skc_to_tcp_sock(void *sk)
{
	return sk;
}

#endif
