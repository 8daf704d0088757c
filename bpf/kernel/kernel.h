/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The few kernel types that the programs read, by name only. The loader relocates
 * every access against the running kernel's BTF (CO-RE). So order and size have
 * no meaning here, and no vmlinux.h is needed.
 */
#ifndef H2TRACE_KERNEL_H
#define H2TRACE_KERNEL_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000
#define S_IFSOCK 0140000

/* include/net/tcp_states.h */
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_FIN_WAIT1 4
#define TCP_FIN_WAIT2 5
#define TCP_TIME_WAIT 6
#define TCP_CLOSE 7
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_LISTEN 10
#define TCP_CLOSING 11

/* include/net/sock.h */
#define SHUTDOWN_MASK 3

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long long counter;
} atomic64_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	possible_net_t skc_net;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sock {
	struct sock_common __sk_common;
	__u8 sk_shutdown;
	int sk_err;
	__u16 sk_type;
	__u16 sk_protocol;
	__u32 sk_max_ack_backlog;
};

struct inet_sock {
	__be16 inet_sport;
};

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct minmax_sample {
	__u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_sock {
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	__u32 lsndtime;
	__u32 copied_seq;
	__u32 snd_nxt;
	__u32 rcv_nxt;
	__u32 write_seq;
	__u32 srtt_us;
	struct minmax rtt_min;
	struct {
		__u32 rtt_us;
	} rcv_rtt_est;
	__u32 mss_cache;
	__u32 total_retrans;
	__u32 rcv_ooopack;
	__u32 segs_in;
	__u32 segs_out;
};

struct socket {
	struct sock *sk;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	long long i_size;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct file_lock_core {
	struct file *flc_file;
};

struct file_lock {
	struct file_lock_core c; /* since Linux 6.9 */
};

struct file_lock___flat {
	struct file *fl_file; /* up to Linux 6.8 */
};

struct list_head {
	struct list_head *next;
};

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	unsigned long long sum_sched_runtime;
};

struct sched_entity {
	__u64 sum_exec_runtime;
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
};

struct task_struct {
	struct mm_struct *mm;
	int pid;
	int tgid;
	unsigned long long start_time;
	int exit_code;
	struct task_struct *real_parent;
	struct files_struct *files;
	struct signal_struct *signal;
	struct list_head thread_node;
	struct sched_entity se;
	char comm[16];
};

struct linux_binprm {
	struct file *file;
	const char *filename;
};

struct seq_file {
	__u64 version;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif
