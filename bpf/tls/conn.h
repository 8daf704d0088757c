/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Connections: *tls.Conn -> file descriptor -> socket -> addresses. Each has an id
 * of its own.
 */
#ifndef H2TRACE_CONN_H
#define H2TRACE_CONN_H

#include "tls/key.h"
#include "tls/netconn.h"
#include "kernel/path.h"
#include "kernel/ring.h"

/* Field offsets that hold in every Go release from 1.18 to 1.27. */
#define TLS_CONN_CONN 0	     /* crypto/tls.Conn.conn, an interface */
#define TLS_CONN_DATA 8	     /* the pointer in that interface */
#define TLS_CONN_ISCLIENT 16 /* crypto/tls.Conn.isClient */
/* Offsets in a crypto/tls.Conn, from its vers on. */
#define TLS_COMPLETE -32      /* isHandshakeComplete, before Go 1.20 handshakeStatus */
#define TLS_HANDSHAKE_ERR -16 /* handshakeErr */
#define TLS_HANDSHAKES 16     /* handshakes: the number of successful ones */
#define NET_CONN_FD 0	      /* net.conn.fd */
#define NETFD_SYSFD 16	      /* net.netFD.pfd.Sysfd */

struct conn_dir {
	u64 seq;
	u64 offset;
	u64 lost_bytes; /* since the last delivered record */
	u32 lost;	/* since the last delivered record, 1 << loss_reason */
	u32 pad;
};

struct conn {
	u64 id;
	u64 sk;	      /* struct sock, 0: unknown */
	u64 net_conn; /* the pointer in its net.Conn */
	struct conn_dir dir[DIR_COUNT];
	u8 role;
	u8 handshake; /* seen since before the handshake */
	u8 closed;
	u8 read_ended; /* before it was closed */
	u8 young;      /* its first handshake is not known to have ended */
	u8 pad[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct conn_key);
	__type(value, struct conn);
} conns SEC(".maps");

/* The connection of a socket, for closes that bypass tls.Conn. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct conn_key);
} socks SEC(".maps");

/* Returns the connection that is at an address now, or NULL, and fills in its round. */
static __always_inline struct conn *current_conn(struct conn_key *key)
{
	find_round(key);
	return bpf_map_lookup_elem(&conns, key);
}

u64 last_conn_id = 0;

/* User space sets it while the probes of recovery/hpack.h are attached. */
u32 recovering = 0;

/* Returns the socket of descriptor fd of the current process, or NULL. */
static __always_inline struct sock *sock_of_fd(u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = NULL;
	struct socket *socket;

	if (fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	files = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* Returns the socket of a *net.TCPConn, or NULL. */
static __always_inline struct sock *sock_of_tcpconn(u64 tcpconn)
{
	u64 netfd = read_user_u64(tcpconn + NET_CONN_FD), sysfd;

	if (bpf_probe_read_user(&sysfd, sizeof(sysfd), (void *)(netfd + NETFD_SYSFD)))
		return NULL;
	return sysfd >> 31 ? NULL : sock_of_fd(sysfd);
}

/* Returns the socket below a *tls.Conn, or NULL. */
static __always_inline struct sock *sock_of_conn(u64 tls_conn, struct site *site)
{
	u64 tcpconn =
		find_tcpconn(tls_conn + TLS_CONN_CONN,
			     (u64)site->conn_hash << 32 | site->tcpconn_hash, site->old_fields);

	return tcpconn ? sock_of_tcpconn(tcpconn) : NULL;
}

/* Returns the address family, 0 if it is not IPv4 or IPv6. */
static __always_inline u16 fill_endpoints(struct endpoint *local_end, struct endpoint *remote_end,
					  struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_INET) {
		u32 local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		u32 remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		__builtin_memcpy(local_end->addr, &local, sizeof(local));
		__builtin_memcpy(remote_end->addr, &remote, sizeof(remote));
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&local_end->addr, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&remote_end->addr, sk, __sk_common.skc_v6_daddr);
	} else {
		return 0;
	}
	local_end->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	remote_end->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	return family;
}

/* Connects of the sockets of targets, by struct sock. */
struct connecting {
	u64 start;
	u64 established; /* 0 before */
	u32 tgid;
	u32 generation;
	u8 comm[COMM_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct connecting);
} connects SEC(".maps");

/* Fills in an open record, and submits it. */
static __always_inline void submit_open(struct open_record *r, const struct conn *c,
					const struct conn_key *key)
{
	r->conn = c->id;
	r->role = c->role;
	r->handshake = c->handshake;
	r->ptr = key->ptr;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	if (c->sk) {
		struct connecting *made = bpf_map_lookup_elem(&connects, &c->sk);

		r->family = fill_endpoints(&r->local, &r->remote, (struct sock *)c->sk);
		if (made && made->tgid == key->tgid && made->generation == key->generation) {
			r->connect = made->start;
			r->established = made->established;
		}
	}
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/*
 * Fills in a close record, and submits it. state is the previous state of the
 * socket, 0 for its current state.
 */
static __always_inline void submit_close(struct close_record *r, struct conn *c,
					 const struct conn_key *key, u32 round, u8 state)
{
	r->conn = c->id;
	r->ptr = key->ptr;
	r->generation = key->generation;
	r->round = round;
	r->read_ended = c->read_ended;
	for (int d = 0; d < DIR_COUNT; d++) {
		r->seq[d] = c->dir[d].seq;
		r->offset[d] = c->dir[d].offset;
		r->lost[d] = c->dir[d].lost;
		r->lost_bytes[d] = c->dir[d].lost_bytes;
	}
	if (c->sk) {
		struct tcp_sock *tp = (void *)c->sk;
		struct conn_key *owner = bpf_map_lookup_elem(&socks, &c->sk);

		if (owner && owner->ptr == key->ptr && owner->tgid == key->tgid &&
		    owner->generation == key->generation && owner->round == round) {
			if (!state)
				state = BPF_CORE_READ((struct sock *)tp, __sk_common.skc_state);
			fill_end(r, tp, state);
			bpf_map_delete_elem(&socks, &c->sk);
		}
	}
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
}

/* A close record that finds the ring full is recovered from the conns map. */
static __always_inline void report_close(struct conn *c, const struct conn_key *key, u8 state)
{
	struct close_record *r;

	if (c->closed)
		return;
	c->closed = 1;
	r = ring_record(sizeof(*r), RECORD_CLOSE, key->tgid);
	if (r)
		submit_close(r, c, key, key->round, state);
}

#endif
