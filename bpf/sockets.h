/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the sockets of the targets have moved, whatever the probes say. User
 * space reads it now and then, while it is not sure of a probe.
 */
#ifndef H2TRACE_SOCKETS_H
#define H2TRACE_SOCKETS_H

#include "ring.h"

#define SOCK_STREAM 1
#define IPPROTO_TCP 6

/* Each file that is open in the system. */
SEC("iter/task_file")
int sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket_use use = {};
	struct socket *socket;
	struct tcp_sock *tp;
	struct sock *sk;

	if (!task || !file)
		return 0;
	use.tgid = BPF_CORE_READ(task, tgid);
	if (!is_target(use.tgid) || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_type) != SOCK_STREAM ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	tp = (void *)sk;
	use.moved[DIR_SEND] = BPF_CORE_READ(tp, bytes_acked);
	use.moved[DIR_RECV] = BPF_CORE_READ(tp, bytes_received);
	bpf_seq_write(ctx->meta->seq, &use, sizeof(use));
	return 0;
}

#endif
