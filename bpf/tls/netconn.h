/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * From an interface value to the *net.TCPConn in it, through any wrapper. It uses
 * the types that the Go runtime keeps for every value in an interface. A type
 * with two candidate fields leads nowhere: to choose one would be a guess.
 */
#ifndef H2TRACE_NETCONN_H
#define H2TRACE_NETCONN_H

#include "kernel/compat.h"
#include "kernel/each.h"
#include "tls/goabi.h"

/*
 * internal/abi.Type and the types that begin with it, in every Go release from
 * 1.18 to 1.27.
 */
#define ITAB_TYPE 8	 /* internal/abi.ITab.Type */
#define TYPE_HASH 16	 /* internal/abi.Type.Hash */
#define PTR_ELEM 48	 /* internal/abi.PtrType.Elem */
#define STRUCT_FIELDS 56 /* internal/abi.StructType.Fields, a slice */
#define KIND_MASK 0x1f
#define KIND_INTERFACE 20
#define KIND_POINTER 22
#define KIND_STRUCT 25
#define TYPE_DIRECT 0x20  /* in kind or flags: the interface holds the value itself */
#define NAME_EMBEDDED 0x8 /* in the first byte of internal/abi.Name, since Go 1.19 */
#define FIELDS_MAX 16	  /* fields of a struct that are looked at */
#define TYPES_MAX 16	  /* types to follow: a wrapper takes three */

struct type_head { /* from TYPE_HASH on */
	u32 hash;
	u8 flags, align, field_align, kind;
};

struct struct_field {
	u64 name, type, offset;
};

/* The type hashes of an executable, see struct site. */
struct conn_types {
	u32 tcpconn;
	u32 conn;
	u32 old_fields;
};

static __always_inline u64 read_user_u64(u64 addr)
{
	u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
}

static __always_inline bool read_type(struct type_head *head, u64 type)
{
	return !bpf_probe_read_user(head, sizeof(*head), (void *)(type + TYPE_HASH));
}

/*
 * Returns the hash of the type in an interface. The itab's own copy is 0 if the
 * runtime made the itab.
 */
static __always_inline u32 type_hash(u64 itab)
{
	struct type_head head = {};

	read_type(&head, read_user_u64(itab + ITAB_TYPE));
	return head.hash;
}

/* Before Go 1.19, the last bit of the offset says that a field is embedded. */
static __always_inline bool is_embedded(const struct struct_field *f, u32 old_fields)
{
	u8 flags = 0;

	if (old_fields)
		return f->offset & 1;
	bpf_probe_read_user(&flags, 1, (void *)f->name);
	return flags & NAME_EMBEDDED;
}

#ifdef COMPAT
#define RANK __noinline u32
#else
#define RANK static __always_inline u32
#endif

/*
 * Rates how likely a struct wraps its connection in the field described at an
 * address. A struct takes the methods that it lacks from the type that it embeds.
 * Of a field whose description is not in memory nothing is known: it may be the best.
 * With COMPAT a global function, for the same reason as copy_piece. Without it
 * bpf_loop is enough, and one more function in the chain would take too much stack.
 */
RANK rank_field(u64 at, u32 index, u64 hashes, u32 old_fields)
{
	u32 tcpconn = hashes, conn = hashes >> 32;
	struct type_head head = {};
	bool embedded, is_conn;
	struct struct_field f;

	if (bpf_probe_read_user(&f, sizeof(f), (void *)at))
		return 7;
	if (!read_type(&head, f.type))
		return 0;
	embedded = is_embedded(&f, old_fields);
	is_conn = head.hash == tcpconn || head.hash == conn;
	head.kind &= KIND_MASK;
	if (embedded && is_conn)
		return 6;
	if (embedded && head.kind == KIND_INTERFACE)
		return 5;
	if (is_conn)
		return 4;
	if (!index && head.kind == KIND_INTERFACE)
		return 3;
	if (embedded && (head.kind == KIND_STRUCT || head.kind == KIND_POINTER))
		return 2;
	return 0;
}

/* Small, as it is on a stack that is nearly full. */
struct choice {
	u64 fields, count; /* the slice of field descriptions */
	u64 hashes;
	u8 old_fields;
	u8 highest;
	u8 best; /* 1 + index, 0: there is none, or there are two */
};

STEP choose_step(u32 i, struct choice *c)
{
	u32 rank = rank_field(c->fields + i * sizeof(struct struct_field), i, c->hashes,
			      c->old_fields);

	if (!rank || rank < c->highest)
		return 0;
	c->best = rank > c->highest ? i + 1 : 0;
	c->highest = rank;
	return 0;
}

/* Returns the field of a struct to follow. */
__noinline u32 choose_field(u64 type, u64 hashes, u32 old_fields)
{
	struct choice c = { .hashes = hashes, .old_fields = old_fields };

	bpf_probe_read_user(&c.fields, 2 * sizeof(u64), (void *)(type + STRUCT_FIELDS));
	if (c.count > FIELDS_MAX)
		c.count = FIELDS_MAX;
	EACH(c.count, FIELDS_MAX, choose_step, &c);
	return c.best;
}

/* A value to look into: its type and its address. */
struct go_value {
	u64 type;
	u64 at;
	u64 found;
};

/* From an interface to its value. A pointer lies in the interface itself. */
static __always_inline bool open_interface(struct go_value *v)
{
	struct type_head head;
	u64 iface[2];

	if (bpf_probe_read_user(iface, sizeof(iface), (void *)v->at) || !iface[0])
		return false;
	v->type = read_user_u64(iface[0] + ITAB_TYPE);
	if (!read_type(&head, v->type))
		return false;
	v->at = (head.kind | head.flags) & TYPE_DIRECT ? v->at + sizeof(u64) : iface[1];
	return true;
}

static __always_inline bool open_struct(struct go_value *v, const struct conn_types *types)
{
	u64 fields = read_user_u64(v->type + STRUCT_FIELDS);
	u32 chosen =
		choose_field(v->type, (u64)types->conn << 32 | types->tcpconn, types->old_fields);
	struct struct_field f;

	if (!chosen ||
	    bpf_probe_read_user(&f, sizeof(f), (void *)(fields + (chosen - 1) * sizeof(f))))
		return false;
	v->type = f.type;
	v->at += types->old_fields ? f.offset >> 1 : f.offset;
	return true;
}

/* Follows one type. Returns false where the path ends. */
static __always_inline bool open_value(struct go_value *v, const struct conn_types *types)
{
	struct type_head head;

	if (!read_type(&head, v->type))
		return false;
	switch (head.kind & KIND_MASK) {
	case KIND_INTERFACE:
		return open_interface(v);
	case KIND_STRUCT:
		return open_struct(v, types);
	case KIND_POINTER:
		v->at = read_user_u64(v->at);
		if (head.hash == types->tcpconn) {
			v->found = v->at;
			return false;
		}
		v->type = read_user_u64(v->type + PTR_ELEM);
		return v->at != 0;
	}
	return false;
}

/* Returns the *net.TCPConn in the interface at an address, 0 when there is none. */
__noinline u64 find_tcpconn(u64 at, u64 hashes, u32 old_fields)
{
	struct conn_types types = { .tcpconn = hashes,
				    .conn = hashes >> 32,
				    .old_fields = old_fields };
	struct go_value v = { .at = at };

	if (!types.tcpconn || !open_interface(&v))
		return 0;
	for (u32 i = 0; i < TYPES_MAX; i++)
		if (!open_value(&v, &types))
			break;
	return v.found;
}

#endif
