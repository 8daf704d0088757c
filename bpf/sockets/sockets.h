/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The sockets of the targets and the bytes they have moved, independent of probes
 * and packets. User space looks now and then, while it doubts a probe or sees
 * nothing of a process. Sockets that are open at the end of a process are
 * reported.
 */
#ifndef H2TRACE_SOCKETS_H
#define H2TRACE_SOCKETS_H

#include "kernel/path.h"
#include "tls/conn.h"
#include "kernel/each.h"

#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5
#define IPPROTO_TCP 6

static __always_inline bool is_connected(struct sock *sk)
{
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return state && state != TCP_LISTEN && state != TCP_CLOSE && state != TCP_TIME_WAIT;
}

static __always_inline void describe_tcp(struct socket_use *use, struct sock *sk)
{
	struct tcp_sock *tp = (void *)sk;
	struct inet_connection_sock *icsk = (void *)sk;
	u32 now = bpf_jiffies64();

	use->family = fill_endpoints(&use->local, &use->remote, sk);
	use->moved[DIR_SEND] = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
	use->moved[DIR_RECV] = BPF_CORE_READ(tp, bytes_received);
	fill_path(&use->path, tp, BPF_CORE_READ(sk, __sk_common.skc_state));
	use->ulp = BPF_CORE_READ(icsk, icsk_ulp_ops) != NULL;
	use->quiet[DIR_SEND] = now - BPF_CORE_READ(tp, lsndtime);
	use->quiet[DIR_RECV] = now - BPF_CORE_READ(icsk, icsk_ack.lrcvtime);
	/* An accepted socket is a copy of the listening one. */
	use->accepted = BPF_CORE_READ(sk, sk_max_ack_backlog) != 0;
}

static __always_inline void describe_unix(struct socket_use *use, struct sock *sk)
{
	struct unix_sock *own = (void *)sk, *peer;
	struct unix_address *addr = BPF_CORE_READ(own, addr);
	u32 len;

	use->family = AF_UNIX;
	if (!addr) {
		peer = (void *)BPF_CORE_READ(own, peer);
		addr = BPF_CORE_READ(peer, addr);
	}
	if (!addr)
		return;
	len = BPF_CORE_READ(addr, len) - sizeof(u16); /* sun_family */
	barrier_var(len);
	if (len > UNIX_NAME_MAX)
		len = UNIX_NAME_MAX;
	if (!bpf_probe_read_kernel(use->name, len, &addr->name[0].sun_path))
		use->name_len = len;
}

/* Returns the socket of a file, NULL if it has none. */
static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *socket;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_type) == SOCK_STREAM &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/* Returns the TCP socket of a file, NULL if it has none. */
static __always_inline struct sock *tcp_of(struct file *file)
{
	struct sock *sk = sock_of(file);

	return sk && is_tcp(sk) ? sk : NULL;
}

/* Returns the socket of a file, if it is of a reported kind. */
static __always_inline struct sock *stream_of(struct file *file)
{
	struct sock *sk = sock_of(file);
	u16 type;

	if (!sk || !is_connected(sk))
		return NULL;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return is_tcp(sk) ? sk : NULL;
	type = BPF_CORE_READ(sk, sk_type);
	return type == SOCK_STREAM || type == SOCK_SEQPACKET ? sk : NULL;
}

static __always_inline void describe_socket(struct socket_use *use, struct sock *sk, u32 tgid)
{
	use->sock = (u64)sk;
	use->tgid = tgid;
	use->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX)
		describe_unix(use, sk);
	else
		describe_tcp(use, sk);
}

/* Each open file in the system. */
SEC("iter/task_file")
int sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct socket_use use = {};
	struct sock *sk;
	u32 tgid;

	if (!task || !ctx->file)
		return 0;
	tgid = BPF_CORE_READ(task, tgid);
	if (!is_target(tgid))
		return 0;
	sk = stream_of(ctx->file);
	if (!sk)
		return 0;
	describe_socket(&use, sk, tgid);
	bpf_seq_write(ctx->meta->seq, &use, sizeof(use));
	return 0;
}

/*
 * Sockets that were open when user space started, by struct sock, with their
 * processes. They are reported when they close.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u32);
} watched SEC(".maps");

static __always_inline void watched_closes(struct sock *sk, int state)
{
	u64 key = (u64)sk;
	u32 *tgid = bpf_map_lookup_elem(&watched, &key);
	struct socket_record *r;

	if (!tgid || (state != TCP_CLOSE && BPF_CORE_READ(sk, sk_shutdown) != SHUTDOWN_MASK))
		return;
	if (is_target(*tgid)) {
		r = ring_record(sizeof(*r), RECORD_SOCKET, *tgid);
		if (r) {
			describe_socket(&r->use, sk, *tgid);
			r->use.state = TCP_CLOSE;
			bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
		}
	}
	bpf_map_delete_elem(&watched, &key);
}

/* Descriptors of a process that are examined when it ends, or runs another program. */
#ifdef COMPAT
#define EXAMINED_FDS 64
#else
#define EXAMINED_FDS 1024
#endif
/* For user space. */
const volatile u32 examined_fds = EXAMINED_FDS;

struct open_files {
	struct file **files;
	u32 tgid;
	u32 listening;	/* at an exec: whether a socket does */
	u32 generation; /* at an exec, as the next: of the program that runs now */
	u64 started;
};

/* Global, so that the verifier follows it once and not for each descriptor. */
__noinline int report_file(u64 file, u32 tgid)
{
	struct sock *sk = stream_of((void *)file);
	struct socket_record *r;

	if (!sk)
		return 0;
	r = ring_record(sizeof(*r), RECORD_SOCKET, tgid);
	if (!r)
		return 0;
	describe_socket(&r->use, sk, tgid);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}

STEP report_socket(u32 i, struct open_files *open)
{
	struct file *file = NULL;

	if (bpf_probe_read_kernel(&file, sizeof(file), &open->files[i]))
		return 1;
	report_file((u64)file, open->tgid);
	return 0;
}

/* Finds the files of the current process, and returns how many descriptors to examine. */
static __always_inline u32 find_files(struct task_struct *task, struct open_files *open)
{
	u32 n = BPF_CORE_READ(task, files, fdt, max_fds);

	open->files = BPF_CORE_READ(task, files, fdt, fd);
	if (!open->files)
		return 0;
	return n < EXAMINED_FDS ? n : EXAMINED_FDS;
}

/* The current process, whose last thread ends and still has its files. */
static __always_inline void report_sockets(struct task_struct *task, u32 tgid)
{
	struct open_files open = { .tgid = tgid };
	u32 n = find_files(task, &open);

	EACH(n, EXAMINED_FDS, report_socket, &open);
}

/*
 * Reports whether an older process that runs has kept a socket. Sockets are inherited, so
 * it is not that of this process.
 */
static __always_inline bool is_inherited(u64 sk, u64 started)
{
	struct keeper *by = bpf_map_lookup_elem(&kept, &sk);
	u32 generation;

	return by && by->started < started && generation_of(by->tgid, &generation) &&
	       generation == by->generation;
}

/* Where the process goes on with a connected socket. Returns 1 if it listens. Global, too. */
__noinline int keep_file(u64 file, u32 tgid, u32 generation, u64 started)
{
	struct keeper by = { .started = started, .tgid = tgid, .generation = generation };
	u64 key = (u64)tcp_of((void *)file);

	if (!key)
		return 0;
	if (BPF_CORE_READ((struct sock *)key, __sk_common.skc_state) == TCP_LISTEN)
		return 1;
	if (!is_connected((struct sock *)key) || is_inherited(key, started))
		return 0;
	if (bpf_map_update_elem(&kept, &key, &by, BPF_ANY)) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
		return 0; /* it ends for user space, too */
	}
	report_file(file, tgid);
	return 0;
}

STEP keep_socket(u32 i, struct open_files *open)
{
	struct file *file = NULL;

	if (bpf_probe_read_kernel(&file, sizeof(file), &open->files[i]))
		return 1;
	open->listening |= keep_file((u64)file, open->tgid, open->generation, open->started);
	return 0;
}

/*
 * The current process, which has just begun to run another program: the kernel has
 * closed what it had marked to be closed then (FD_CLOEXEC). Reports the connections
 * that the program goes on with, and returns whether there are listening sockets.
 */
static __always_inline bool keep_sockets(struct task_struct *task, u32 tgid, u32 generation)
{
	struct open_files open = {
		.tgid = tgid,
		.generation = generation,
		.started = BPF_CORE_READ(task, start_time),
	};
	u32 n = find_files(task, &open);

	EACH(n, EXAMINED_FDS, keep_socket, &open);
	return open.listening;
}

#endif
