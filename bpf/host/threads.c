//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * The probes of tls.Conn on the host, in two threads of a process that use one
 * connection. One writes, the other makes the handshake and reads. One thread runs at
 * a time: a schedule says how many steps each takes before the other goes on. A step
 * ends before a helper that reads or writes what both see.
 */
#include <pthread.h>
#include <sys/mman.h>
#include "h2trace.bpf.c"
#include "stream.h"

/* A process: a *tls.Conn, a stack, and what is written and read. */
static struct {
	u64 conn[40];
	u64 stack[2];
	u32 sent[2][2 * PAYLOAD_MAX / 4 + 1]; /* words that say where they are: three records */
	u8 received[4];
} memory;

#define VERSION 256 /* offset in the *tls.Conn */
#define CONN_SLOT 8 /* offset from SP */

/* What the threads do at a time: one writes, the other reads, or writes, too. */
enum scene {
	SCENE_FIRST, /* the first Write, and a Read that makes the handshake */
	SCENE_LATE,  /* on a connection that is not known, after its handshake */
	SCENE_WRITES,
};

#define TURNS 4

/* The input from threads_test.go. */
struct schedule {
	u32 scene;
	u32 before;	  /* 0: there was no connection at the address, 1: open, 2: closed */
	u32 same_below;	  /* 1: it had the same net.Conn */
	u32 begins;	  /* the thread with the first turn */
	u32 turns[TURNS]; /* steps; then each thread goes on to its end */
	u32 refuse;	  /* reservations of the two that fail */
	u32 full;	  /* 1: no connection can be entered any more */
};

/* The output: the records in their order in the ring. */
struct told {
	u64 conn;
	u64 offset;
	u32 kind; /* 0: the end; conn and offset are seen and lost records then, */
	u32 dir;
	u32 len;   /* and the turns in which a thread took all its steps, as bits */
	u32 phase; /* 0: the connection before, 1: the two threads, 2: after these */
	u32 first; /* word of the payload; 0 when the others do not follow it */
	u32 pad;
};

struct slot {
	void *record;
	struct told told;
	bool submitted;
};

static struct schedule schedule;
static struct slot slots[64];
static u32 used, phase, reserved;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static u32 running, turn, left, full;
static bool has_ended[2];
static _Thread_local u32 self;

static void go_on(u32 who)
{
	running = who;
	left = turn < TURNS ? schedule.turns[turn] : ~0U;
	turn++;
	pthread_cond_broadcast(&changed);
}

static void await_turn(void)
{
	while (running != self)
		pthread_cond_wait(&changed, &lock);
}

/* Holds the lock, but while it waits. */
static void step(void)
{
	while (!left && !has_ended[!self]) {
		full |= 1 << (turn - 1);
		go_on(!self);
		await_turn();
	}
	if (left)
		left--;
}

static void *note(u64 size)
{
	struct slot *s = &slots[used];

	if (phase == 1 && schedule.refuse >> (reserved++ % 32) & 1)
		return NULL;
	if (used++ == sizeof(slots) / sizeof(slots[0]))
		host_fail("too many records");
	s->record = malloc(size);
	memset(s->record, 0xa5, size);
	return s->record;
}

/* Returns the first word of a payload, 0 when the others do not follow it. */
static u32 first_of(const u8 *payload, u32 len)
{
	u32 first = 0, word;

	for (u32 at = 0; at + sizeof(word) <= len; at += sizeof(word)) {
		memcpy(&word, payload + at, sizeof(word));
		if (!at)
			first = word;
		else if (word != first + at / sizeof(word))
			return 0;
	}
	return first;
}

static void submit(void *record)
{
	struct data_record *r = record;
	struct slot *s = slots;

	while (s->record != record || s->submitted)
		s++;
	s->submitted = true;
	/* All records of connections begin alike. */
	s->told = (struct told){ .conn = r->conn, .kind = r->h.kind, .phase = phase };
	if (r->h.kind == RECORD_DATA) {
		s->told.dir = r->h.dir;
		s->told.offset = r->offset;
		s->told.len = r->len;
		s->told.first = first_of(r->payload, r->len);
	}
}

static struct pt_regs entered_by(u64 g)
{
	return (struct pt_regs){ .ax = (u64)memory.conn, .r14 = g, .sp = (u64)memory.stack };
}

static void write_some(u64 g, u32 *words, u64 len)
{
	struct pt_regs regs = entered_by(g);

	regs.bx = (u64)words;
	regs.cx = len;
	write_args(&regs);
}

static void writes(u64 g)
{
	write_some(g, memory.sent[0], 4);
}

static void reads(u64 g)
{
	struct pt_regs regs = entered_by(g);

	regs.bx = (u64)memory.received;
	regs.cx = sizeof(memory.received);
	read_memmove(&regs);
}

static void complete(void)
{
	*(u32 *)((u8 *)memory.conn + VERSION + TLS_COMPLETE) = 1;
}

static void shakes_hands(u64 g)
{
	struct pt_regs regs = entered_by(g);

	handshake(&regs);
	host_step();
	complete();
	regs.ax = 0; /* no error */
	handshake_ret(&regs);
}

static void *thread(void *arg)
{
	self = (u64)arg;
	pthread_mutex_lock(&lock);
	await_turn();
	if (schedule.scene == SCENE_WRITES)
		write_some(self, memory.sent[self], sizeof(memory.sent[self]));
	else if (!self)
		writes(self);
	if (self && schedule.scene == SCENE_FIRST)
		shakes_hands(self);
	if (self && schedule.scene != SCENE_WRITES)
		reads(self);
	has_ended[self] = true;
	go_on(!self);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void run_threads(void)
{
	pthread_t threads[2];

	memset(has_ended, 0, sizeof(has_ended));
	turn = full = 0;
	go_on(schedule.begins & 1);
	host.step = step;
	for (u64 i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, thread, (void *)i))
			host_fail("pthread_create");
	for (u32 i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	host.step = NULL;
}

/* A fresh *tls.Conn. */
static void set_conn(u64 below)
{
	memset(&memory, 0, sizeof(memory));
	memory.conn[TLS_CONN_DATA / 8] = below;
	memory.stack[CONN_SLOT / 8] = (u64)memory.conn;
	for (u32 i = 0; i < 2; i++)
		for (u32 at = 0; at < sizeof(memory.sent[i]) / 4; at++)
			memory.sent[i][at] = (i + 1) << 24 | at;
}

static void set_site(void)
{
	struct site site = { .tls_version = VERSION, .conn_slot = CONN_SLOT, .role = ROLE_CLIENT };
#ifdef COMPAT
	u64 page = (u64)&only_site & ~0xfffULL;

	if (mprotect((void *)page, 0x2000, PROT_READ | PROT_WRITE))
		host_fail("mprotect");
	memcpy((void *)(u64)&only_site, &site, sizeof(site));
#else
	u32 zero = 0;

	*bpf_map_lookup_elem(&sites, &zero) = site;
#endif
}

/* The connection that was at the address before. */
static void run_before(void)
{
	struct pt_regs regs = entered_by(9);

	set_conn(schedule.same_below ? 0x77770000 : 0x66660000);
	shakes_hands(9);
	writes(9);
	if (schedule.before == 2)
		conn_close(&regs);
}

static void run(void)
{
	u32 tgid = 1, generation = 1;

	bpf_map_update_elem(&targets, &tgid, &generation, BPF_ANY);
	phase = used = reserved = rounds_noted = 0;
	memset(slots, 0, sizeof(slots));
	set_site();
	if (schedule.before)
		run_before();
	if (schedule.scene != SCENE_WRITES)
		set_conn(0x77770000);
	if (schedule.scene == SCENE_LATE)
		complete();
	host.full = schedule.full ? &conns : NULL;
	phase = 1;
	run_threads();
	phase = 2;
	writes(3);
	reads(4);
	host.full = NULL;
}

static void tell(void)
{
	u32 zero = 0;
	struct ledger *l = bpf_map_lookup_elem(&counters, &zero);
	struct told end = { .conn = l->seen_records, .len = full };

	for (u32 i = 0; i < used; i++)
		if (slots[i].submitted)
			write_out(&slots[i].told, sizeof(slots[i].told));
	for (int i = 0; i < LOSS_COUNT; i++)
		end.offset += l->lost_records[i];
	write_out(&end, sizeof(end));
	fflush(stdout);
}

int main(void)
{
	host.tgid = 1;
	host.reserve = note;
	host.submit = submit;
	host.memory = (u8 *)&memory;
	host.memory_len = sizeof(memory);
	while (read_in(&schedule, sizeof(schedule))) {
		host_reset();
		run();
		tell();
	}
	host_reset();
	return 0;
}
