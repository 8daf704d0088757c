/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The arguments of the framer's methods that write a field block. */
#ifndef H2TRACE_PARAMS_H
#define H2TRACE_PARAMS_H

#include "kernel/ring.h"
#include "tls/goabi.h"

/* The beginning of http2.HeadersFrameParam, the fields needed. */
struct headers_param {
	u32 stream;
	u32 pad;
	u64 fragment, fragment_len;
};

/*
 * Integers in the receiver and a HeadersFrameParam, in every Go release from 1.18 to 1.27.
 * An argument whose parts do not all fit into registers is passed on the stack.
 */
#define HEADERS_INTS 11

/* The argument of (*http2.Framer).WriteHeaders(p HeadersFrameParam). */
static __always_inline bool headers_param(struct pt_regs *ctx, struct headers_param *p)
{
	if (HEADERS_INTS > GO_INT_REGS)
		return !bpf_probe_read_user(p, sizeof(*p), (void *)GO_STACK_ARGS(ctx));
	p->stream = GO_ARG1(ctx);
	p->pad = 0;
	p->fragment = GO_ARG2(ctx);
	p->fragment_len = GO_ARG3(ctx);
	return true;
}

/*
 * The same of (*http2.Framer).WritePushPromise(p PushPromiseParam), where the promised
 * stream comes second.
 */
static __always_inline void promise_param(struct pt_regs *ctx, struct headers_param *p)
{
	p->stream = GO_ARG1(ctx);
	p->pad = 0;
	p->fragment = GO_ARG3(ctx);
	p->fragment_len = GO_ARG4(ctx);
}

#endif
