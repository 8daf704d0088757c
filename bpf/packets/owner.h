/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Which target a socket belongs to, and which protocol it carries. */
#ifndef H2TRACE_OWNER_H
#define H2TRACE_OWNER_H

#include "kernel/ring.h"

#define DNS_PORT 53

enum carries {
	CARRIES_UNKNOWN = 0,
	CARRIES_DNS = 1,
	CARRIES_HTTP = 2,  /* maybe: user space decides */
	CARRIES_HELLO = 3, /* TLS, and at most the ClientHello was seen */
	CARRIES_OTHER = 4, /* nothing that is wanted */
	CARRIES_TLS = 5,   /* all of which is wanted */
};

/* TLS is copied whole, and not only the ClientHello. */
const volatile bool wire = false;

/* The time of the last packet of a direction that a CPU has handled. */
struct stamp {
	u64 time;
	u32 id;		/* see packet_time */
	u32 handled_by; /* the programs that know this time */
};

/* Stamps of a direction. CPUs share them, as few handle one direction at a time. */
#define STAMPS 4

/* A direction of a TCP stream. */
struct flow_dir {
	u64 end; /* offset after the highest byte so far */
	u64 records;
	u64 lost_bytes;	  /* total */
	u32 lost;	  /* since the last delivered record, 1 << loss_reason */
	u32 first;	  /* sequence number of offset 0 */
	u8 begun;	  /* first is known */
	u8 followed;	  /* HTTP/2 without TLS, whose frames are followed: see follow.h */
	u8 bulk;	  /* the last frame header is one of DATA, */
	u8 split;	  /* or this many bytes of it are in tail */
	u32 lost_records; /* total */
	u64 walked;	  /* frames are followed up to this offset, */
	u64 frame;	  /* the next one begins at this one, */
	u64 reported;	  /* and the segment is, up to this one */
	u64 tail;	  /* the last 8 bytes before walked, if split */
	u32 followers;	  /* CPUs that would follow at this time */
	u32 pad;
	u64 time; /* of the last packet with payload */
	struct stamp stamps[STAMPS];
};

/* Stored with the socket; an accepted socket inherits it from the listening one. */
struct owner {
	u64 connect;	 /* start of the connect, 0: not seen */
	u64 established; /* end of the connect */
	u32 tgid;
	u32 generation;
	u8 comm[COMM_SIZE];
	u8 carries;
	u8 role;
	u8 from_start; /* every byte is seen */
	u8 closed;
	u32 hellos;	     /* packets of a ClientHello so far */
	struct endpoint aim; /* the address given to connect(2), */
	u16 family;
	u8 attempted; /* and whether the kernel sent a SYN to it */
	u8 unwanted;  /* user space wants no more of its bytes */
	u8 ttl;	      /* of the first received segment with payload */
	u8 pad[3];
	u64 quic; /* UDP: the cookie of the socket, once it has carried QUIC; else 0 */
	struct flow_dir dir[DIR_COUNT];
};

/* The programs that handle packets. */
#define BY_EVENTS 1
#define BY_CAPTURE 2

static __always_inline struct stamp *stamp_of(struct owner *owner, u32 dir)
{
	return &owner->dir[dir & 1].stamps[bpf_get_smp_processor_id() & (STAMPS - 1)];
}

/*
 * Gives a packet with payload its time: the one that the other program has given it
 * already, on the same CPU, or now. So events and captured packets have the same. id is the
 * sequence number, or the length where there is none. A packet that is sent again has a
 * time of its own.
 */
static __always_inline u64 packet_time(struct owner *owner, u32 dir, u32 id, u32 program)
{
	struct stamp *stamp = stamp_of(owner, dir);

	if (stamp->id == id && stamp->time && !(stamp->handled_by & program)) {
		stamp->handled_by |= program;
		return stamp->time;
	}
	stamp->id = id;
	stamp->handled_by = program;
	stamp->time = bpf_ktime_get_ns();
	return stamp->time;
}

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owner);
} owners SEC(".maps");

/* Reports whether the bytes of a socket are reported as segments. */
static __always_inline bool is_copied(u8 carries)
{
	return carries == CARRIES_HTTP || carries == CARRIES_TLS;
}

/* The number of a connection whose bytes are reported as segments. */
static __always_inline u64 number_of(u8 carries, u64 socket)
{
	return (carries == CARRIES_TLS ? TLS_CONN : CLEARTEXT_CONN) | socket;
}

static __always_inline u64 conn_number(struct owner *owner, u64 socket)
{
	return number_of(owner->carries, socket);
}

/* The direction of what the client sends. */
static __always_inline u8 client_dir(struct owner *owner)
{
	return owner->role == ROLE_SERVER ? DIR_RECV : DIR_SEND;
}

/* Returns the owner of the socket of a packet, NULL when there is none. */
static __always_inline struct owner *owner_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_get(&owners, sk, 0, 0) : NULL;
}

/* The address of a listening socket, as IPv6, mapped for IPv4. */
struct listener {
	u8 addr[16]; /* 0: any */
	u32 netns;   /* its inode */
	u16 port;
	u16 pad;
};

/*
 * Sockets that listened before h2trace could own them; user space enters them.
 * Those of MPTCP cannot be owned: an inner socket without a descriptor accepts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct owner);
} listeners SEC(".maps");

/* Reports whether the owner of a socket runs, and the same program as when it got it. */
static __always_inline bool is_current(struct owner *owner)
{
	u32 generation;

	return generation_of(owner->tgid, &generation) && generation == owner->generation;
}

/*
 * Reports whether a process holds a socket that it got before it began to run its
 * program. From then on that program owns it.
 */
static __always_inline bool is_kept(struct owner *owner, struct bpf_sock *sk)
{
	u64 key = (u64)bpf_skc_to_tcp_sock(sk);
	struct keeper *now = bpf_map_lookup_elem(&kept, &key);

	if (!now || now->tgid != owner->tgid)
		return false;
	owner->generation = now->generation;
	return is_current(owner);
}

/* Returns the owner that listeners have for an accepted connection, or NULL. */
static __always_inline struct owner *owner_of_accepted(struct bpf_sock_ops *ctx,
						       struct bpf_sock *sk)
{
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	struct listener key = {};
	struct owner *owner;
	u32 ip;

	if (!full)
		return NULL;
	key.netns = BPF_CORE_READ(full, __sk_common.skc_net.net, ns.inum);
	key.port = ctx->local_port;
	owner = bpf_map_lookup_elem(&listeners, &key);
	if (!owner) {
		if (ctx->family == AF_INET) {
			key.addr[10] = key.addr[11] = 0xff;
			ip = ctx->local_ip4;
			__builtin_memcpy(key.addr + 12, &ip, sizeof(ip));
		} else {
			BPF_CORE_READ_INTO(&key.addr, full, __sk_common.skc_v6_rcv_saddr);
		}
		owner = bpf_map_lookup_elem(&listeners, &key);
	}
	return owner;
}

/* Executions in a row that listens_on follows, as of sh, env and the server itself. */
#define FOLLOWED_EXECS 8

/*
 * Reports whether the process that owns a listening socket still runs, and fills in its
 * generation: also after executions that have left listening sockets open.
 */
static __always_inline bool listens_on(struct owner *owner, u32 *generation)
{
	struct generation_key key = { owner->tgid, owner->generation };
	struct generation_end *end;

	if (!generation_of(owner->tgid, generation))
		return false;
	for (int i = 0; i < FOLLOWED_EXECS; i++) {
		if (key.generation == *generation)
			return true;
		end = bpf_map_lookup_elem(&ended, &key);
		if (!end || !end->next)
			return false;
		key.generation = end->next;
	}
	return key.generation == *generation;
}

/*
 * Returns the owner of an accepted connection, NULL when there is none. inherited is that
 * of the listening socket. If that process has ended, another one may hold the socket.
 */
static __always_inline struct owner *own_accepted(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
						  struct owner *inherited)
{
	struct owner *owner;
	u32 generation;

	if (inherited && listens_on(inherited, &generation)) {
		inherited->generation = generation;
		return inherited;
	}
	owner = owner_of_accepted(ctx, sk);
	if (!owner || !listens_on(owner, &generation))
		return inherited;
	if (!inherited)
		inherited = bpf_sk_storage_get(&owners, sk, owner, BPF_SK_STORAGE_GET_F_CREATE);
	if (!inherited)
		return NULL;
	inherited->tgid = owner->tgid;
	inherited->generation = generation;
	__builtin_memcpy(inherited->comm, owner->comm, sizeof(inherited->comm));
	return inherited;
}

/* In connect(2), bind(2) and sendto(2), the calling process owns the socket. */
static __always_inline struct owner *own(struct bpf_sock_addr *ctx, u8 carries, bool connects)
{
	u32 generation, tgid = bpf_get_current_pid_tgid() >> 32;
	struct owner *owner;

	if (!generation_of(tgid, &generation) || !ctx->sk)
		return NULL;
	owner = bpf_sk_storage_get(&owners, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
		return NULL;
	}
	__builtin_memset(owner, 0, sizeof(*owner));
	owner->tgid = tgid;
	owner->generation = generation;
	owner->carries = carries;
	owner->from_start = 1;
	if (connects) {
		owner->role = ROLE_CLIENT;
		owner->connect = bpf_ktime_get_ns();
	}
	bpf_get_current_comm(owner->comm, sizeof(owner->comm));
	return owner;
}

#endif
