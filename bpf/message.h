/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the go command says of the modules that it could not fetch. It writes
 * each message to stderr in one call.
 */
#ifndef H2TRACE_MESSAGE_H
#define H2TRACE_MESSAGE_H

#include "compat.h"
#include "conn.h"

#define STDERR 2
#define OS_FILE_FILE 0 /* os.File.file, a pointer */
#define FILE_SYSFD 16  /* os.file.pfd.Sysfd */

/* (*os.File).Write(b []byte) */
SEC("uprobe/file_write")
int file_write(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct message_record *r;
	u64 file, len;

	if (!site || (site->stack_check && GO_STACK_GROWS(ctx)) || !is_target(tgid))
		return 0;
	file = read_user_u64(GO_ARG0(ctx) + OS_FILE_FILE);
	if (!file || read_user_u64(file + FILE_SYSFD) != STDERR)
		return 0;
	count_seen(1, 0);
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count_lost(LOSS_RING_FULL, 1, 0);
		return 0;
	}
	len = GO_ARG2(ctx);
	r->h.time = bpf_ktime_get_ns();
	r->h.pid = tgid;
	r->h.kind = RECORD_MESSAGE;
	r->h.dir = 0;
	r->h.stale = r->h.pad = 0;
	r->len = len;
	r->pad = 0;
	if (len > MESSAGE_MAX)
		len = MESSAGE_MAX;
	barrier_var(len);
	if (len > MESSAGE_MAX || bpf_probe_read_user(r->text, len, (void *)GO_ARG1(ctx)))
		r->len = 0;
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
