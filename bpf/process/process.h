/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Which processes are observed: targets pass it to children at fork, and lose it
 * at exit.
 */
#ifndef H2TRACE_PROCESS_H
#define H2TRACE_PROCESS_H

#include "kernel/compat.h"
#include "sockets/sockets.h"
#include "process/usage.h"

const volatile bool follow = true;
/* Whether the names map has entries. */
const volatile bool by_name = false;

/* The base name of an executable, padded with zeros. */
struct exe_name {
	u8 text[64];
};

/* Base names of executables: a process that executes one becomes a target. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct exe_name);
	__type(value, u8);
} names SEC(".maps");

static __always_inline bool is_named(struct linux_binprm *bprm)
{
	struct exe_name name = {};

	/* The file that runs: for a script, its interpreter. */
	bpf_probe_read_kernel_str(name.text, sizeof(name.text),
				  BPF_CORE_READ(bprm, file, f_path.dentry, d_name.name));
	return bpf_map_lookup_elem(&names, &name) != NULL;
}

/* Cgroups to observe: a process in one of them, or below, becomes a target at exec. */
#define MAX_CGROUPS 16
const volatile u32 cgroup_count = 0;
/* h2trace itself, whose children are none of them. */
const volatile u32 own_tgid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, MAX_CGROUPS);
	__type(key, u32);
	__type(value, u32);
} cgroups SEC(".maps");

static __always_inline bool in_cgroup(struct task_struct *task)
{
	if (!cgroup_count || (u32)BPF_CORE_READ(task, real_parent, tgid) == own_tgid)
		return false;
	for (u32 i = 0; i < MAX_CGROUPS && i < cgroup_count; i++)
		if (bpf_current_task_under_cgroup(&cgroups, i) == 1)
			return true;
	return false;
}

u64 last_generation = 0;

static __always_inline bool add_target(u32 tgid, u32 generation)
{
	if (bpf_map_update_elem(&targets, &tgid, &generation, BPF_ANY)) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
		return false;
	}
	count_target();
	return true;
}

/* Before the child first runs, so that nothing it does is unseen. */
SEC("tp_btf/sched_process_fork")
int process_fork(u64 *ctx)
{
	struct task_struct *parent = (void *)ctx[0];
	struct task_struct *child = (void *)ctx[1];
	u32 from = BPF_CORE_READ(parent, tgid);
	u32 to = BPF_CORE_READ(child, tgid);

	if (follow && from != to && is_target(from))
		add_target(to, new_id(&last_generation));
	return 0;
}

SEC("tp_btf/sched_process_exec")
int process_exec(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	u32 tgid = BPF_CORE_READ(task, tgid);
	u32 before = 0, generation;
	struct exec_record *r;
	u64 from;

	if (!generation_of(tgid, &before) && !(by_name && is_named(bprm)) && !in_cgroup(task))
		return 0;
	generation = new_id(&last_generation);
	if (is_target(tgid))
		note_end(tgid, before, keep_sockets(task, tgid, generation) ? generation : 0);
	if (!add_target(tgid, generation))
		return 0;
	r = ring_begin(sizeof(*r), offsetof(struct exec_record, env), RECORD_EXEC, tgid);
	if (!r)
		return 0;
	r->ppid = BPF_CORE_READ(task, real_parent, tgid);
	r->before = before;
	r->inode = BPF_CORE_READ(bprm, file, f_inode, i_ino);
	r->size = BPF_CORE_READ(bprm, file, f_inode, i_size);
	r->cgroup = bpf_get_current_cgroup_id();
	r->generation = generation;
	/* Both lie on the new stack, which was just written. */
	from = BPF_CORE_READ(task, mm, arg_start);
	r->args_len =
		copy_user(r->args, sizeof(r->args), from, BPF_CORE_READ(task, mm, arg_end) - from);
	from = BPF_CORE_READ(task, mm, env_start);
	r->env_len =
		copy_user(r->env, sizeof(r->env), from, BPF_CORE_READ(task, mm, env_end) - from);
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
	u32 generation;

	if (BPF_CORE_READ(task, signal, live.counter) || !generation_of(tgid, &generation))
		return 0;
	report_sockets(task, tgid);
	note_end(tgid, generation, 0);
	bpf_map_delete_elem(&targets, &tgid);
	r = ring_record(sizeof(*r), RECORD_EXIT, tgid);
	if (!r)
		return 0;
	r->exit_code = BPF_CORE_READ(task, exit_code);
	r->generation = generation;
	r->cpu_ns = cpu_of(task);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
