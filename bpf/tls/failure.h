/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Why TLS handshakes failed, where packets report the rest of their connections. The
 * probe is in the branch of the error, so a handshake that succeeds has no trap.
 */
#ifndef H2TRACE_FAILURE_H
#define H2TRACE_FAILURE_H

#include "tls/conn.h"
#include "tls/handshake.h"

/* The words of handshakeErr, an interface. Returns false when there is no error. */
static __always_inline bool read_failure(u64 iface[2], u64 conn, struct site *site)
{
	u64 at = conn + site->tls_version + TLS_HANDSHAKE_ERR;

	return site->tls_version && !bpf_probe_read_user(iface, 2 * sizeof(u64), (void *)at) &&
	       iface[0];
}

/* Returns the cookie of the socket below a *tls.Conn; 0: none, or no packet was seen. */
static __always_inline u64 cookie_of_conn(u64 conn, struct site *site)
{
	struct sock *sk = sock_of_conn(conn, site);

	return sk ? BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) : 0;
}

/* CALL crypto/tls.(*Conn).flush in handshakeContext, with the *tls.Conn in AX. */
static __always_inline int handshake_failed(struct pt_regs *ctx, struct site *site)
{
	u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct failure_record *r;
	u64 iface[2], cookie;

	if (!is_target(tgid) || !read_failure(iface, GO_ARG0(ctx), site))
		return 0;
	cookie = cookie_of_conn(GO_ARG0(ctx), site);
	if (!cookie)
		return 0;
	r = ring_record(sizeof(*r), RECORD_FAILURE, tgid);
	if (!r)
		return 0;
	r->socket = cookie;
	copy_error(&r->error, site->errors, iface[0], iface[1]);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
