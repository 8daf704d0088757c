/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The secrets of TLS sessions, at the moment when a handshake derives them. */
#ifndef H2TRACE_KEYLOG_H
#define H2TRACE_KEYLOG_H

#include "kernel/compat.h"
#include "kernel/ring.h"
#include "tls/goabi.h"

/* writeKeyLog(label string, clientRandom, secret []byte), a method of *tls.Config. */
#define KEYLOG_LABEL(ctx) GO_ARG1(ctx)
#define KEYLOG_LABEL_LEN(ctx) GO_ARG2(ctx)
#define KEYLOG_RANDOM(ctx) GO_ARG3(ctx)
#define KEYLOG_RANDOM_LEN(ctx) GO_ARG4(ctx)
#define KEYLOG_SECRET(ctx) GO_ARG6(ctx)
#define KEYLOG_SECRET_LEN(ctx) GO_ARG7(ctx)

/*
 * Reports whether a record can be opened with the secret. If not, its label begins
 * with another letter: EXPORTER_SECRET, EARLY_EXPORTER_SECRET. Without a KeyLogWriter
 * nothing reads a label, and its page may not be in memory.
 */
static __always_inline bool opens_records(struct pt_regs *ctx)
{
	u8 first = 0;

	if (KEYLOG_RANDOM_LEN(ctx) != RANDOM_SIZE || !KEYLOG_LABEL_LEN(ctx) ||
	    KEYLOG_LABEL_LEN(ctx) > LABEL_MAX || !KEYLOG_SECRET_LEN(ctx) ||
	    KEYLOG_SECRET_LEN(ctx) > SECRET_MAX)
		return false;
	return bpf_probe_read_user(&first, 1, (void *)KEYLOG_LABEL(ctx)) || first == 'C' ||
	       first == 'S';
}

/* Fills in a secret, and reports whether it could be read. */
static __always_inline bool copy_secret(struct secret_record *r, struct pt_regs *ctx)
{
	r->label_ptr = KEYLOG_LABEL(ctx);
	r->label_len = KEYLOG_LABEL_LEN(ctx);
	r->label_missing = !copy_user(r->label, LABEL_MAX, r->label_ptr, r->label_len);
	r->secret_len = KEYLOG_SECRET_LEN(ctx);
	return !bpf_probe_read_user(r->random, RANDOM_SIZE, (void *)KEYLOG_RANDOM(ctx)) &&
	       copy_user(r->secret, SECRET_MAX, KEYLOG_SECRET(ctx), r->secret_len);
}

/* The ciphertext that came meanwhile waits for the record, so it wakes the reader. */
static __always_inline int key_log(struct pt_regs *ctx, struct site *site)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct secret_record *r;
	u32 generation;

	if ((site->stack_check && GO_STACK_GROWS(ctx)) || !generation_of(tgid, &generation) ||
	    !opens_records(ctx))
		return 0;
	r = ring_record(sizeof(*r), RECORD_SECRET, tgid);
	if (!r)
		return 0;
	r->generation = generation;
	if (copy_secret(r, ctx)) {
		bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
		return 0;
	}
	count_lost(LOSS_READ_FAULT, 1, 0);
	bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
