/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Which processes are observed: inherited at fork, dropped at exit. */
#ifndef H2TRACE_PROCESS_H
#define H2TRACE_PROCESS_H

#include "ring.h"

const volatile bool follow = true;

/* Before the child runs for the first time, so it can do nothing unseen. */
SEC("tp_btf/sched_process_fork")
int process_fork(u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0];
	struct task_struct *child = (void *)ctx[1];
	u32 from = BPF_CORE_READ(parent, tgid);
	u32 to = BPF_CORE_READ(child, tgid);
	u32 *root;

	if (!follow || from == to)
		return 0;
	root = bpf_map_lookup_elem(&targets, &from);
	if (root && bpf_map_update_elem(&targets, &to, root, BPF_ANY)) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int process_exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct exec_record *r;

	if (!is_target(tgid))
		return 0;
	r = ring_record(sizeof(*r), RECORD_EXEC, tgid);
	if (!r)
		return 0;
	r->ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	bpf_probe_read_kernel_str(r->filename, sizeof(r->filename), BPF_CORE_READ(bprm, filename));
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int process_exit(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	u32 tgid = BPF_CORE_READ(task, tgid);
	struct exit_record *r;

	if (BPF_CORE_READ(task, signal, live.counter) || !is_target(tgid))
		return 0;
	bpf_map_delete_elem(&targets, &tgid);
	r = ring_record(sizeof(*r), RECORD_EXIT, tgid);
	if (!r)
		return 0;
	r->exit_code = BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
