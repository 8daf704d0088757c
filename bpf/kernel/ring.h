/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The ring buffer to user space, and the ledger of seen and lost records.
 *
 * Records are built in place in the ring, never in per-CPU scratch: one uprobe
 * program can preempt another on the same CPU.
 */
#ifndef H2TRACE_RING_H
#define H2TRACE_RING_H

#include "kernel/kernel.h"
#include "record/connection.h"
#include "record/process.h"
#include "record/recovery.h"
#include "record/socket.h"

/*
 * A record in the ring; h.kind says which type it has. The others are named for
 * bpf2go.
 */
union record {
	struct data_record data;
	struct segment_record segment;
	struct open_record open;
	struct close_record close;
	struct exec_record exec;
	struct exit_record exit;
	struct lock_record lock;
	struct table_record table;
	struct block_record block;
	struct windows_record windows;
	struct message_record message;
	struct connect_record connect;
	struct field_record field;
	struct list_record list;
	struct socket_record socket;
	struct packet_record packet;
	struct release_record release;
	struct handshake_record handshake;
	struct failure_record failure;
	struct secret_record secret;
	struct spot_record spot;
	struct piece_record piece;
	enum record_kind kind;
	enum event_kind event_kind;
	enum spot_piece spot_piece;
	enum direction direction;
	enum role role;
	enum loss_reason reason;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024); /* set by user space before loading */
	__type(value, union record);
} ring SEC(".maps");

/* Counted per CPU. Everything seen is in one of these. */
struct ledger {
	u64 targets; /* entered in the targets map, after that */
	u64 seen_records;
	u64 seen_bytes;
	u64 lost_records[LOSS_COUNT];
	u64 lost_bytes[LOSS_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ledger);
} counters SEC(".maps");

/* A power of two, equal to max_entries of the ring. */
const volatile u64 ring_size = 16 * 1024 * 1024;
/* Data records leave this much room to process and connection records. */
const volatile u64 ring_reserve = 64 * 1024;
/* A record wakes the reader when the backlog passes a multiple of 1 << this. */
const volatile u32 wakeup_shift = 21;

/* clang compiles an addition of 0 to an atomic OR, which needs Linux 5.12. */
static __always_inline void count(u64 *counter, u64 n)
{
	if (n)
		__sync_fetch_and_add(counter, n);
}

static __always_inline void count_target(void)
{
	u32 zero = 0;
	struct ledger *c = bpf_map_lookup_elem(&counters, &zero);

	if (c)
		count(&c->targets, 1);
}

static __always_inline void count_seen(u64 records, u64 bytes)
{
	u32 zero = 0;
	struct ledger *c = bpf_map_lookup_elem(&counters, &zero);

	if (!c)
		return;
	count(&c->seen_records, records);
	count(&c->seen_bytes, bytes);
}

static __always_inline void count_lost(u32 reason, u64 records, u64 bytes)
{
	u32 zero = 0;
	struct ledger *c = bpf_map_lookup_elem(&counters, &zero);

	if (!c || reason >= LOSS_COUNT)
		return;
	count(&c->lost_records[reason], records);
	count(&c->lost_bytes[reason], bytes);
}

/* Returns how many bytes the reader has not taken yet. */
static __always_inline u64 ring_backlog(void)
{
	return bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
}

/* Reports whether a data record of this size still fits. */
static __always_inline bool ring_takes(u64 backlog, u64 size)
{
	return backlog + size + ring_reserve < ring_size;
}

/*
 * The reader sets it while it waits for the first record of a burst. It has a map
 * of its own, which h2trace.bpf.c and packets.bpf.c share.
 */
u32 reader_idle SEC(".data.reader") = 0;

/*
 * A wake-up per record would cost the target as much as the record. The first
 * record wakes an idle reader. The reader then lets others gather for a while,
 * and wakes only when the backlog grows.
 */
static __always_inline u64 ring_flags(u64 backlog, u64 size)
{
	if (reader_idle || backlog >> wakeup_shift != (backlog + size) >> wakeup_shift)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* Fills in the header of a record, and zeroes what follows. */
static __always_inline void begin_record(struct record_header *h, const u64 zeroed, u8 kind,
					 u32 pid)
{
	__builtin_memset(h, 0, zeroed);
	h->time = bpf_ktime_get_ns();
	h->pid = pid;
	h->kind = kind;
}

/*
 * Reserves a record other than data; returns NULL when the record is lost. These
 * records are few, and each wakes the reader. size is a constant, as the verifier
 * requires. The caller fills in what follows the zeroed bytes.
 */
static __always_inline void *ring_begin(const u64 size, const u64 zeroed, u8 kind, u32 pid)
{
	struct record_header *h;

	count_seen(1, 0);
	h = bpf_ringbuf_reserve(&ring, size, 0);
	if (!h) {
		count_lost(LOSS_RING_FULL, 1, 0);
		return NULL;
	}
	begin_record(h, zeroed, kind, pid);
	return h;
}

/* The same, with all bytes zero. */
static __always_inline void *ring_record(const u64 size, u8 kind, u32 pid)
{
	return ring_begin(size, size, kind, pid);
}

static __always_inline void fill_header(struct record_header *h, u8 kind, u8 dir, u32 pid)
{
	h->time = bpf_ktime_get_ns();
	h->pid = pid;
	h->kind = kind;
	h->dir = dir;
	h->stale = h->peer_ended = 0;
}

/*
 * Reserves a record of the target's memory; returns NULL where the ring is half full.
 * Such a record is skipped then, not lost: it is no part of the traffic, and a later
 * one serves as well. The caller fills in what follows the header, and submits it.
 */
static __always_inline void *ring_spare(const u64 size, u8 kind, u8 dir, u32 pid)
{
	struct record_header *h;

	if (ring_backlog() > ring_size / 2)
		return NULL;
	h = bpf_ringbuf_reserve(&ring, size, 0);
	if (!h)
		return NULL;
	fill_header(h, kind, dir, pid);
	return h;
}

static __always_inline void ring_submit_spare(void *record, u64 size)
{
	count_seen(1, 0);
	bpf_ringbuf_submit(record, ring_flags(ring_backlog(), size));
}

/*
 * Copies at most the first size bytes of a string of the process. Returns the
 * length of the whole string, 0 when it cannot be read.
 */
static __always_inline u64 copy_user(u8 *to, const u64 size, u64 from, u64 whole)
{
	u64 len = whole > size ? size : whole;

	barrier_var(len);
	if (len > size || bpf_probe_read_user(to, len, (void *)from))
		return 0;
	return whole;
}

/*
 * v &= mask, in instructions that the verifier of Linux 5.10 understands. clang
 * drops a mask that it considers redundant.
 */
#ifdef __bpf__
#define apply_mask(v, mask) asm volatile("%0 &= %1" : "+r"(v) : "i"(mask))
#else
#define apply_mask(v, mask) ((v) &= (mask))
#endif

/*
 * Processes whose probes report, by tgid. The value is their generation: the
 * number of what a process runs since its fork or exec. A process id is soon
 * reused, with the same addresses. The generation is 0 from the time user space
 * adds a process until its next exec.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u32);
} targets SEC(".maps");

static __always_inline bool is_target(u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid) != NULL;
}

/* Fills in the generation of a target, and reports whether the process is one. */
static __always_inline bool generation_of(u32 tgid, u32 *generation)
{
	u32 *found = bpf_map_lookup_elem(&targets, &tgid);

	if (!found)
		return false;
	*generation = *found;
	return true;
}

/* A process at the time of one of its generations. */
struct generation_key {
	u32 tgid;
	u32 generation;
};

/* The end of a generation. */
struct generation_end {
	u64 at;
	u32 next; /* the generation after an exec that has left listening sockets open, or 0 */
	u32 pad;
};

/*
 * When targets ended, or began to run another program. TCP may send later what they
 * have written. It sends some of it up to a minute later; user space waits for LATE_NS.
 */
#define LATE_NS 1000000000ull
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct generation_key);
	__type(value, struct generation_end);
} ended SEC(".maps");

static __always_inline void note_end(u32 tgid, u32 generation, u32 next)
{
	struct generation_key key = { tgid, generation };
	struct generation_end end = { .at = bpf_ktime_get_ns(), .next = next };

	bpf_map_update_elem(&ended, &key, &end, BPF_ANY);
}

/* Reports whether a target has ended, and may still have data to send. */
static __always_inline bool has_just_ended(u32 tgid, u32 generation)
{
	struct generation_key key = { tgid, generation };
	struct generation_end *end = bpf_map_lookup_elem(&ended, &key);

	return end && bpf_ktime_get_ns() - end->at < LATE_NS;
}

/* The process that goes on with a socket after an exec. */
struct keeper {
	u64 started; /* the process, see start_time of task_struct */
	u32 tgid;
	u32 generation; /* that began with the exec */
};

/*
 * The connected TCP sockets that were open in a target when it began to run another
 * program, by struct sock.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct keeper);
} kept SEC(".maps");

#endif
