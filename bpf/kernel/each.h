/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Loops over a few entries. EACH calls step(i, state) for each i below n, at most
 * max times, until a step returns 1. STEP declares the step. A step derives its
 * values from i: the verifier then checks it once or twice, because it leaves the
 * state unchanged. Otherwise the verifier follows each value. It follows a
 * bounded loop through each iteration, which took 50 ms for a header table.
 */
#ifndef H2TRACE_EACH_H
#define H2TRACE_EACH_H

#ifdef COMPAT

#define STEP static __always_inline long
#define EACH(n, max, step, state)                 \
	for (u32 _i = 0; _i < (max); _i++) {      \
		if (_i >= (n) || step(_i, state)) \
			break;                    \
	}

#else

#define STEP static long
#define EACH(n, max, step, state) bpf_loop(n, step, state, 0)

#endif
#endif
