/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Loops over the bytes of one call. A step is a function (u32 i, struct chunk *)
 * that returns 1 to end the loop. LOOP_STEP after the function adapts it to LOOP.
 */
#ifndef H2TRACE_LOOP_H
#define H2TRACE_LOOP_H

#include "tls/conn.h"

/* The bytes that the target passes in one call. */
struct chunk {
	struct conn_dir *dir;
	struct conn_key key;
	u64 conn;
	u64 src; /* address in the target */
	u64 len;
	u64 offset; /* of its first byte in the direction */
	u32 direction;
	bool keep;  /* no byte is skipped */
	bool stale; /* see record_header */
};

/*
 * Reports whether a direction has lost records, and no record delivered since
 * reports them.
 */
static __always_inline bool lost_untold(struct conn *conn, u32 direction)
{
	return *(volatile u32 *)&conn->dir[direction & 1].lost != 0;
}

#ifdef COMPAT

/*
 * The verifier follows a bounded loop through each iteration, so iterations must
 * be cheap for it. A step becomes a global function, which the verifier checks
 * only once. Before Linux 5.12 its arguments can only be numbers, so it finds its
 * chunk through the connection. The verifier limits pending branches to 8192,
 * hence nested loops.
 */
#define LOOP_FAN 64
#define LOOP_MAX (LOOP_FAN * LOOP_FAN * LOOP_FAN)

static __always_inline bool resume_chunk(struct chunk *c, u64 ptr, u64 which)
{
	/* Not the key of the chunk: the whole chunk would be on the stack then. */
	struct conn_key key = {
		.ptr = ptr,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.generation = which >> 32,
		.round = (u32)which >> 1,
	};
	struct conn *conn = bpf_map_lookup_elem(&conns, &key);

	if (!conn)
		return false;
	c->key.ptr = ptr;
	c->key.tgid = bpf_get_current_pid_tgid() >> 32;
	c->key.generation = which >> 32;
	c->key.round = (u32)which >> 1;
	c->direction = which & 1;
	c->dir = &conn->dir[which & 1];
	c->conn = conn->id;
	c->src = c->dir->src;
	c->len = c->dir->len;
	c->offset = c->dir->offset - c->len;
	c->keep = conn->framing != FRAMING_HTTP2;
	c->stale = lost_untold(conn, ~which);
	return true;
}

static __always_inline void save_chunk(struct chunk *c)
{
	c->dir->src = c->src;
	c->dir->len = c->len;
}

/* Looked up at each use, because no stack is left to keep them. */
static __always_inline u64 source(struct chunk *c, u64 from)
{
	return c->dir->src + from;
}

static __always_inline u64 place(struct chunk *c, u64 from)
{
	return c->dir->offset - c->dir->len + from;
}

/* clang drops an argument that the step does not use. */
#define LOOP_STEP(step)                                              \
	__noinline int step##_alone(u64 ptr, u64 which, u32 i)       \
	{                                                            \
		struct chunk c;                                      \
                                                                     \
		barrier_var(i);                                      \
		return !resume_chunk(&c, ptr, which) || step(i, &c); \
	}                                                            \
	LOOP_LEVEL(step##_some, step##_alone(ptr, which, at), 1)     \
	LOOP_LEVEL(step##_many, step##_some(ptr, which, at, n), LOOP_FAN)

#define LOOP_LEVEL(name, inner, stride)                          \
	__noinline int name(u64 ptr, u64 which, u32 from, u32 n) \
	{                                                        \
		for (u32 i = 0; i < LOOP_FAN; i++) {             \
			u32 at = from + i * (stride);            \
                                                                 \
			if (at >= n || inner)                    \
				return 1;                        \
		}                                                \
		return 0;                                        \
	}

/* The rest of the key, and the direction: no stack is left to look them up. */
#define WHICH(c) ((u64)(c)->key.generation << 32 | (c)->key.round << 1 | (c)->direction)

#define LOOP(n, step, c)                                                              \
	for (u32 _i = 0; _i < LOOP_FAN; _i++) {                                       \
		if (step##_many((c)->key.ptr, WHICH(c), _i * LOOP_FAN * LOOP_FAN, n)) \
			break;                                                        \
	}

#else

#define LOOP_MAX (1 << 23) /* BPF_MAX_LOOPS */
#define LOOP_STEP(step)
#define LOOP(n, step, c) bpf_loop(n, step, c, 0)

static __always_inline void save_chunk(struct chunk *c)
{
}

static __always_inline u64 source(struct chunk *c, u64 from)
{
	return c->src + from;
}

static __always_inline u64 place(struct chunk *c, u64 from)
{
	return c->offset + from;
}

#endif
#endif
