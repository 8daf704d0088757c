/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The messages of the go command about modules that it could not fetch. It writes
 * each message to stderr in one call.
 */
#ifndef H2TRACE_MESSAGE_H
#define H2TRACE_MESSAGE_H

#include "kernel/compat.h"
#include "tls/conn.h"

#define STDERR 2
#define OS_FILE_FILE 0 /* os.File.file, a pointer */
#define FILE_SYSFD 16  /* os.file.pfd.Sysfd */

/* (*os.File).Write(b []byte) */
static __always_inline int file_write(struct pt_regs *ctx, struct site *site)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct message_record *r;
	u64 file;

	if ((site->stack_check && GO_STACK_GROWS(ctx)) || !is_target(tgid))
		return 0;
	file = read_user_u64(GO_ARG0(ctx) + OS_FILE_FILE);
	if (!file || read_user_u64(file + FILE_SYSFD) != STDERR)
		return 0;
	r = ring_begin(sizeof(*r), offsetof(struct message_record, text), RECORD_MESSAGE, tgid);
	if (!r)
		return 0;
	r->len = copy_user(r->text, sizeof(r->text), GO_ARG1(ctx), GO_ARG2(ctx));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
