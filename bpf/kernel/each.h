/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Loops over a few entries. EACH calls step(i, state) for each i below n, which is
 * max at most, until one returns 1; the step is declared STEP. What it needs of
 * the loop it is to take from i: the verifier looks at a step once or twice if it
 * leaves the state as it was, and else would follow each value. A bounded loop it
 * follows through each iteration, which took it 50 ms for a header table.
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
