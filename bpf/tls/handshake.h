/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* TLS handshakes: how long they took, what they negotiated, why they failed. */
#ifndef H2TRACE_HANDSHAKE_H
#define H2TRACE_HANDSHAKE_H

#include "tls/conn.h"

/* A call between its entry and its RET, by goroutine. */
struct call_key {
	u64 g;
	u32 tgid;
	u32 generation;
	u64 direction; /* or another kind of call */
};

struct call {
	u64 conn;
	u64 buf;
	u64 len;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct call_key);
	__type(value, struct call);
} calls SEC(".maps");

/* The call that is not of a direction. */
#define CALL_HANDSHAKE 2

/* How to follow an error of a type, by table << 32 | hash of the type. */
struct error_type {
	u8 kind;
	u8 text;  /* 1: it begins with a string that says what happened */
	u8 wraps; /* 1: it wraps another error, */
	u8 at;	  /* at this offset */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct error_type);
} error_types SEC(".maps");

/*
 * At the entry of clientHandshake and serverHandshake. conn is the *tls.Conn, buf
 * the time.
 */
static __always_inline void handshake_begins(struct pt_regs *ctx, struct conn_key *conn)
{
	struct call_key key = { .g = GO_G(ctx),
				.tgid = conn->tgid,
				.generation = conn->generation,
				.direction = CALL_HANDSHAKE };
	struct call call = { .conn = conn->ptr, .buf = bpf_ktime_get_ns() };

	if (bpf_map_update_elem(&calls, &key, &call, BPF_ANY)) {
		count_seen(1, 0);
		count_lost(LOSS_TABLE_FULL, 1, 0);
	}
}

/* Returns the handshake of the goroutine. */
static __always_inline struct call *handshake_of(struct pt_regs *ctx, struct call_key *key)
{
	key->g = GO_G(ctx);
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->direction = CALL_HANDSHAKE;
	if (!generation_of(key->tgid, &key->generation))
		return NULL;
	return bpf_map_lookup_elem(&calls, key);
}

/*
 * Copies at most max bytes of the string at addr in the target. Returns its
 * length, 0 for none.
 */
static __always_inline u16 copy_string(u8 *to, u32 max, u64 addr)
{
	u64 str[2] = {};
	u32 len;

	if (bpf_probe_read_user(str, sizeof(str), (void *)addr) || !str[1] || str[1] >= 1 << 16)
		return 0;
	len = str[1];
	if (len > max)
		len = max;
	barrier_var(len);
	if (len > max || bpf_probe_read_user(to, len, (void *)str[0]))
		return 0;
	return str[1];
}

static __always_inline void copy_agreed(struct handshake_record *r, struct site *site, u64 conn)
{
	u8 resumed = 0;

	if (!site->tls_version)
		return;
	bpf_probe_read_user(&r->version, 2, (void *)(conn + site->tls_version));
	bpf_probe_read_user(&r->cipher, 2, (void *)(conn + site->tls_cipher));
	bpf_probe_read_user(&resumed, 1, (void *)(conn + site->tls_resumed));
	r->resumed = resumed;
	r->alpn_len = copy_string(r->alpn, ALPN_MAX, conn + site->tls_alpn);
	r->sni_len = copy_string(r->sni, SNI_MAX, conn + site->tls_sni);
}

/*
 * Follows an error to the innermost known one. itab and data are the words of the
 * interface value.
 */
static __always_inline void copy_error(struct go_error *e, u32 table, u64 itab, u64 data)
{
	e->failed = 1;
	for (int i = 0; i < ERROR_DEPTH; i++) {
		struct error_type *type;
		u64 key, iface[2];

		key = (u64)table << 32 | type_hash(itab);
		type = bpf_map_lookup_elem(&error_types, &key);
		if (!type)
			return;
		e->kind[i] = type->kind;
		if (type->text)
			copy_string(e->text, ERROR_TEXT - 1, data);
		bpf_probe_read_user(e->data, sizeof(e->data), (void *)data);
		if (!type->wraps ||
		    bpf_probe_read_user(iface, sizeof(iface), (void *)(data + type->at)))
			return;
		itab = iface[0];
		data = iface[1];
	}
}

/* Any RET of clientHandshake and serverHandshake, which return an error. */
SEC("uprobe/handshake_ret")
int handshake_ret(struct pt_regs *ctx)
{
	struct site *site = site_of(ctx);
	struct handshake_record *r;
	struct call_key call_key = {};
	struct conn_key key = {};
	struct call *call;
	struct conn *c;
	u64 start;

	call = handshake_of(ctx, &call_key);
	if (!site || !call)
		return 0;
	key.ptr = call->conn;
	key.tgid = call_key.tgid;
	key.generation = call_key.generation;
	start = call->buf;
	bpf_map_delete_elem(&calls, &call_key);
	c = current_conn(&key);
	if (!c || !c->handshake)
		return 0;
	c->young = 0;
	r = ring_record(sizeof(*r), RECORD_HANDSHAKE, key.tgid);
	if (!r)
		return 0;
	r->conn = c->id;
	r->start = start;
	if (GO_RESULT0(ctx))
		copy_error(&r->error, site->errors, GO_RESULT0(ctx), GO_RESULT1(ctx));
	else
		copy_agreed(r, site, key.ptr);
	bpf_ringbuf_submit(r, BPF_RB_FORCE_WAKEUP);
	return 0;
}

#endif
