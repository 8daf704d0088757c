//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * The probes. Each probe of the first group sits on an instruction that the
 * kernel emulates, which on amd64 costs a seventh of a single-stepped one. The
 * entry and RET programs serve binaries without such a place.
 */
#include "process/message.h"
#include "process/process.h"
#include "recovery/serving.h"
#include "sockets/tcp.h"
#include "tls/open.h"
#include "tls/handshake.h"
#include "tls/failure.h"
#include "tls/keylog.h"
#include "tls/spot.h"
#include "tls/data.h"
#include "recovery/verify.h"
#include "recovery/windows.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline bool conn_key_of(struct conn_key *key, u64 ptr)
{
	key->ptr = ptr;
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	return generation_of(key->tgid, &key->generation);
}

/* At the entry of a method of *tls.Conn in a target, after the stack check. */
static __always_inline bool entered(struct pt_regs *ctx, struct site *site, struct conn_key *key)
{
	if (!site || (site->stack_check && GO_STACK_GROWS(ctx)))
		return false;
	return conn_key_of(key, GO_ARG0(ctx));
}

/* Reports whether the probes of a site are for a connection. */
static __noinline bool is_for(struct site *site, u64 tls_conn)
{
	return !site->unix_only || sock_of_conn(tls_conn, site);
}

/* A connection unknown here was opened before its probes were attached. */
static __noinline struct conn *conn_of(struct site *site, struct conn_key *key, enum stage stage)
{
	struct conn *c = current_conn(key);

	if (!c || (stage == STAGE_UNKNOWN && !has_net_conn(c, key)))
		return open_conn(site, key, false, c);
	if (c->young) /* bytes read, or written by now, come after the handshake */
		c->young = 0;
	return c;
}

/*
 * A connection that was before or in its first handshake when its stage was read.
 * Another thread may have ended the handshake since, and so have found the entry of
 * this connection, or entered it.
 */
static __noinline struct conn *young_conn(struct site *site, struct conn_key *key)
{
	struct conn *c = current_conn(key);

	if (c && is_still(c, key))
		return c;
	if (c && stage_of(site, key->ptr) > STAGE_YOUNG)
		return current_conn(key);
	return open_conn(site, key, true, c);
}

static __always_inline void traffic(struct pt_regs *ctx, struct site *site, struct conn_key *key,
				    u32 direction, u64 src, u64 len)
{
	enum stage stage = direction == DIR_SEND ? stage_of(site, key->ptr) : STAGE_OPEN;
	struct conn *c;

	if (!is_for(site, key->ptr))
		return;
	if (stage == STAGE_FAILED)
		return;
	c = stage == STAGE_YOUNG ? young_conn(site, key) : conn_of(site, key, stage);
	if (!c) {
		count_seen(1, len);
		count_lost(LOSS_TABLE_FULL, 1, len);
		return;
	}
	report_data(c, key, direction, src, len);
	if (recovering && direction == DIR_RECV && len)
		note_read(c, GO_G(ctx), key, len);
	if (verifying && direction == DIR_RECV && len)
		verify_read(c, GO_G(ctx), key, len);
}

/* (*tls.Conn).Write(b []byte), after its stack check. */
SEC("uprobe/write")
int write_args(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct conn_key key;

	if (!entered(ctx, site, &key))
		return 0;
	traffic(ctx, site, &key, DIR_SEND, GO_ARG1(ctx), GO_ARG2(ctx));
	return 0;
}

/* Inside (*tls.Conn).Read, where len bytes of plaintext are about to be copied from src. */
static __always_inline void read_copies(struct pt_regs *ctx, u64 src, u64 len)
{
	struct site *site = site_of(ctx);
	struct conn_key key;

	if (!site || !conn_key_of(&key, 0))
		return;
	key.ptr = read_user_u64(GO_SP(ctx) + site->conn_slot);
	traffic(ctx, site, &key, DIR_RECV, src, len);
}

/* The one CALL runtime.memmove(dst, src, n) in (*tls.Conn).Read. */
SEC("uprobe/read")
int read_memmove(struct pt_regs *ctx)
{
	read_copies(ctx, GO_ARG1(ctx), GO_ARG2(ctx));
	return 0;
}

/*
 * The one CALL runtime.slicecopy(dst, dstLen, src, srcLen, width) in
 * (*tls.Conn).Read of a program built with -race, -msan or -asan.
 */
SEC("uprobe/read")
int read_slicecopy(struct pt_regs *ctx)
{
	u64 dst_len = GO_ARG1(ctx), src_len = GO_ARG3(ctx);

	read_copies(ctx, GO_ARG2(ctx), dst_len < src_len ? dst_len : src_len);
	return 0;
}

/* (*tls.Conn).clientHandshake and serverHandshake: a new connection. */
SEC("uprobe/handshake")
int handshake(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct conn_key key;
	enum stage stage;
	struct conn *c;

	if (!entered(ctx, site, &key) || !is_for(site, key.ptr))
		return 0;
	stage = stage_of(site, key.ptr);
	if (stage == STAGE_OPEN)
		return 0; /* renegotiation */
	handshake_begins(ctx, &key);
	c = current_conn(&key);
	/*
	 * If its stage is unknown, the bytes sent are those of the first Write,
	 * and this handshake runs inside that Write.
	 */
	if (c && stage == STAGE_UNKNOWN && !c->handshake && !c->closed &&
	    !c->dir[DIR_RECV].offset && has_net_conn(c, &key))
		return 0;
	young_conn(site, &key);
	return 0;
}

/* (*tls.Conn).Close() */
SEC("uprobe/close")
int conn_close(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct conn_key key;
	struct conn *c;

	if (!entered(ctx, site, &key))
		return 0;
	c = current_conn(&key);
	if (c) {
		if (site->tls_read_err)
			c->read_ended = read_user_u64(key.ptr + site->tls_read_err) != 0;
		report_close(c, &key, 0);
	}
	return 0;
}

/*
 * Returns true when this call was not entered before: an entry runs again after
 * the stack grew.
 */
static __always_inline bool enter(struct pt_regs *ctx, struct conn_key *of, u32 direction)
{
	struct call_key key = { .g = GO_G(ctx),
				.tgid = of->tgid,
				.generation = of->generation,
				.direction = direction };
	struct call call = { .conn = GO_ARG0(ctx), .buf = GO_ARG1(ctx), .len = GO_ARG2(ctx) };
	struct call *before = bpf_map_lookup_elem(&calls, &key);

	if (before && before->conn == call.conn && before->buf == call.buf &&
	    before->len == call.len)
		return false;
	if (bpf_map_update_elem(&calls, &key, &call, BPF_ANY)) {
		count_seen(1, call.len);
		count_lost(LOSS_TABLE_FULL, 1, call.len);
		return false;
	}
	return true;
}

/* (*tls.Conn).Write at its first instruction. */
SEC("uprobe/write_entry")
int write_entry(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct conn_key key;

	if (!site || !conn_key_of(&key, GO_ARG0(ctx)))
		return 0;
	if (enter(ctx, &key, DIR_SEND))
		traffic(ctx, site, &key, DIR_SEND, GO_ARG1(ctx), GO_ARG2(ctx));
	return 0;
}

SEC("uprobe/write_ret")
int write_ret(struct pt_regs *ctx)
{
	struct call_key key = { .g = GO_G(ctx), .direction = DIR_SEND };

	key.tgid = bpf_get_current_pid_tgid() >> 32;
	if (!generation_of(key.tgid, &key.generation))
		return 0;
	bpf_map_delete_elem(&calls, &key);
	return 0;
}

/* (*tls.Conn).Read at its first instruction. */
SEC("uprobe/read_entry")
int read_entry(struct pt_regs *ctx)
{
	struct conn_key key;

	if (conn_key_of(&key, 0))
		enter(ctx, &key, DIR_RECV);
	return 0;
}

/* Ends the Read of a goroutine, and returns its connection and buffer. */
static __always_inline bool leave(struct pt_regs *ctx, struct conn_key *of, struct call *read)
{
	struct call_key key = { .g = GO_G(ctx),
				.tgid = of->tgid,
				.generation = of->generation,
				.direction = DIR_RECV };
	struct call *call = bpf_map_lookup_elem(&calls, &key);

	if (!call)
		return false;
	*read = *call;
	bpf_map_delete_elem(&calls, &key);
	return true;
}

/* Any RET of (*tls.Conn).Read: n bytes are in the caller's buffer. */
SEC("uprobe/read_ret")
int read_ret(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	u64 n = GO_RESULT0(ctx);
	struct conn_key key;
	struct call call;

	if (!site || !conn_key_of(&key, 0) || !leave(ctx, &key, &call))
		return 0;
	key.ptr = call.conn;
	traffic(ctx, site, &key, DIR_RECV, call.buf, n > call.len ? 0 : n);
	return 0;
}

/*
 * What happens once a connection, or once a process. One program, so that the probes of
 * an executable have one link: the kernel waits once when they go.
 */
SEC("uprobe/event")
int event(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	enum event_kind kind;

	if (!site)
		return 0;
	kind = site->event;
	switch (kind) {
	case EVENT_SECRET:
		return key_log(ctx, site);
	case EVENT_FAILURE:
		return handshake_failed(ctx, site);
	case EVENT_MESSAGE:
		return file_write(ctx, site);
	}
	return 0;
}

/* The cost of a probe that does nothing. */
SEC("uprobe/empty")
int empty(struct pt_regs *ctx)
{
	return 0;
}

/*
 * Connects, and closes that bypass tls.Conn: by the net.Conn below it, or by the
 * peer.
 */
SEC("tp_btf/inet_sock_set_state")
int sock_state(u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	int before = (int)ctx[1];
	int state = (int)ctx[2];

	if (state == TCP_SYN_SENT)
		connect_begins(sk);
	else if (state == TCP_ESTABLISHED)
		connect_succeeds(sk);
	else if (state == TCP_CLOSE || state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK)
		sock_closes(sk, before, state);
	if (state == TCP_CLOSE)
		connect_forgets(sk, before);
	return 0;
}
