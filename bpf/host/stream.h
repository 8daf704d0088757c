/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the programs share: they read sessions from stdin, hand over their pieces, and
 * write the records to stdout. All numbers are little-endian, as on the host.
 */
#ifndef H2TRACE_HOST_STREAM_H
#define H2TRACE_HOST_STREAM_H

/* The input from program_test.go: a session, followed by its pieces. */
struct session {
	u32 pieces;
	u32 refuse; /* reservations that fail: bit i % 32 of each i */
	u8 role;
	u8 pad[7];
	u32 first[DIR_COUNT]; /* sequence numbers */
	u64 before;	      /* bytes of each direction before the pieces */
};

struct piece {
	u64 offset;
	u32 len;
	u8 dir;
	u8 within; /* comes while the previous piece is handled, on another CPU */
	u8 pad[2];
};

enum answer_kind { ANSWER_RECORD = 1, ANSWER_PIECE = 2, ANSWER_END = 3 };

/* The output: records, each followed by len bytes, and the end of each piece. */
struct answer {
	u64 seq;    /* of a piece: open records so far; at the end: records seen */
	u64 offset; /* at the end: bytes seen */
	u64 lost_bytes;
	u64 lost_records;
	u32 len;
	u8 kind;
	u8 dir;
	u8 pad[2];
	u32 left_out;
	u32 pad2;
};

static struct session session;
static u32 reservations;

static void *reserve(u64 size)
{
	void *record;

	if (session.refuse >> (reservations++ % 32) & 1)
		return NULL;
	record = malloc(size);
	memset(record, 0xa5, size);
	return record;
}

static void write_out(const void *from, u64 len)
{
	if (len && fwrite(from, len, 1, stdout) != 1)
		exit(1);
}

/* Returns false at the end of the input. */
static bool read_in(void *to, u64 len)
{
	return !len || fread(to, len, 1, stdin) == 1;
}

/* The ledger is sent at the end of a session. */
static inline void write_end(void)
{
	u32 zero = 0;
	struct ledger *l = bpf_map_lookup_elem(&counters, &zero);
	struct answer a = { .kind = ANSWER_END, .seq = l->seen_records, .offset = l->seen_bytes };

	for (int i = 0; i < LOSS_COUNT; i++) {
		a.lost_records += l->lost_records[i];
		a.lost_bytes += l->lost_bytes[i];
	}
	write_out(&a, sizeof(a));
	fflush(stdout);
}

static inline bool read_session(void)
{
	if (!read_in(&session, sizeof(session)))
		return false;
	host_reset();
	host.tgid = 1;
	host.reserve = reserve;
	reservations = 0;
	return true;
}

#endif
