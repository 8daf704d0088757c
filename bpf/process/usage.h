/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a process took, and what it waited for, besides the network. */
#ifndef H2TRACE_USAGE_H
#define H2TRACE_USAGE_H

#include "kernel/ring.h"

/* Threads of a process that have not been released when the last one ends. */
#define THREADS_MAX 32

/* The CPU time of the threads of a process that the kernel still lists. */
static __always_inline u64 cpu_of_threads(struct signal_struct *signal)
{
	struct list_head *head = __builtin_preserve_access_index(&signal->thread_head), *at;
	u64 sum = 0, offset;

	offset = (u64)__builtin_preserve_access_index(&((struct task_struct *)0)->thread_node);
	at = BPF_CORE_READ(head, next);
	for (int i = 0; i < THREADS_MAX && at && at != head; i++) {
		struct task_struct *task = (void *)at - offset;

		sum += BPF_CORE_READ(task, se.sum_exec_runtime);
		at = BPF_CORE_READ(at, next);
	}
	return sum;
}

/*
 * The CPU time of a process, when its last thread ends: that of the released threads, and
 * of the others. A thread may be released in between: then both are read again.
 */
static __always_inline u64 cpu_of(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	u64 released, others;

	for (int i = 0; i < 2; i++) {
		released = BPF_CORE_READ(signal, sum_sched_runtime);
		others = cpu_of_threads(signal);
		if (released == BPF_CORE_READ(signal, sum_sched_runtime))
			break;
	}
	return released + others;
}

/* A thread that waits for a lock, by its thread id. */
struct lock_wait {
	u64 inode;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct lock_wait);
} lock_waits SEC(".maps");

static __always_inline struct file *locked_file(struct file_lock *fl)
{
	struct file_lock___flat *flat = (void *)fl;

	if (__builtin_preserve_field_info(fl->c, BPF_FIELD_EXISTS))
		return BPF_CORE_READ(fl, c.flc_file);
	return BPF_CORE_READ(flat, fl_file);
}

static __always_inline void report_lock(u32 tgid, u32 tid, u32 generation, struct inode *inode,
					struct file_lock *fl)
{
	struct lock_record *r = ring_record(sizeof(*r), RECORD_LOCK, tgid);
	struct dentry *at;

	if (!r)
		return;
	r->tid = tid;
	r->generation = generation;
	r->inode = BPF_CORE_READ(inode, i_ino);
	r->waits = fl != NULL;
	if (fl) {
		at = BPF_CORE_READ(locked_file(fl), f_path.dentry);
		for (int i = 0; i < LOCK_NAMES; i++) {
			bpf_probe_read_kernel_str(r->names[i], sizeof(r->names[i]),
						  BPF_CORE_READ(at, d_name.name));
			at = BPF_CORE_READ(at, d_parent);
		}
	}
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* FILE_LOCK_DEFERRED (include/linux/filelock.h): another one has the lock. */
#define DEFERRED 1

/*
 * flock(2) of a target, at each attempt to get the lock: it waits where the result is
 * DEFERRED, and is awake again where it is not.
 */
SEC("tp_btf/flock_lock_inode")
int file_lock(u64 *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32, tid = id, generation;
	struct inode *inode = (void *)ctx[0];
	struct lock_wait wait = {}, *known;
	int result = ctx[2];

	if (!generation_of(tgid, &generation))
		return 0;
	known = bpf_map_lookup_elem(&lock_waits, &tid);
	if (result == DEFERRED && !known) {
		wait.inode = (u64)inode;
		bpf_map_update_elem(&lock_waits, &tid, &wait, BPF_ANY);
		report_lock(tgid, tid, generation, inode, (void *)ctx[1]);
	} else if (result != DEFERRED && known) {
		bpf_map_delete_elem(&lock_waits, &tid);
		report_lock(tgid, tid, generation, inode, NULL);
	}
	return 0;
}

#endif
