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

/* Returns the socket of a file, if it is of a reported kind. */
static __always_inline struct sock *stream_of(struct file *file)
{
	struct socket *socket;
	struct sock *sk;
	u16 type, family;

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || !is_connected(sk))
		return NULL;
	type = BPF_CORE_READ(sk, sk_type);
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX)
		return type == SOCK_STREAM || type == SOCK_SEQPACKET ? sk : NULL;
	if (type != SOCK_STREAM || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return NULL;
	return sk;
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

/* Descriptors of a process that are examined when it ends. */
#ifdef COMPAT
#define EXIT_FDS 64
#else
#define EXIT_FDS 1024
#endif

struct open_files {
	struct file **files;
	u32 tgid;
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

/* The current process, whose last thread ends and still has its files. */
static __always_inline void report_sockets(struct task_struct *task, u32 tgid)
{
	struct open_files open = { .tgid = tgid };
	u32 n = BPF_CORE_READ(task, files, fdt, max_fds);

	open.files = BPF_CORE_READ(task, files, fdt, fd);
	if (!open.files)
		return;
	if (n > EXIT_FDS)
		n = EXIT_FDS;
	EACH(n, EXIT_FDS, report_socket, &open);
}

#endif
