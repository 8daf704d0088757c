/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Records of processes, and of the messages of the go command. */
#ifndef H2TRACE_PROCESS_RECORDS_H
#define H2TRACE_PROCESS_RECORDS_H

#include "record/record.h"

#define PATH_SIZE 256
/* Bytes of the arguments of a process. */
#define ARGS_SIZE 512
#define ENV_SIZE 4096
/* Bytes of one message of the go command on stderr; it has a few hundred. */
#define MESSAGE_MAX 1024

struct exec_record {
	struct record_header h;
	u32 ppid;
	u32 generation; /* the new one, see the targets map */
	u32 before;	/* the generation that ends, 0: none */
	u32 pad;
	u64 inode; /* the file that runs: for a script, its interpreter */
	u64 size;
	u64 cgroup; /* id in the hierarchy of cgroup v2 */
	u8 comm[COMM_SIZE];
	u8 filename[PATH_SIZE]; /* as given to execve, NUL terminated */
	u32 args_len;		/* length of all arguments, each NUL terminated */
	u32 env_len;		/* length of the environment, as args_len */
	u8 args[ARGS_SIZE];
	u8 env[ENV_SIZE];
};

struct exit_record {
	struct record_header h;
	u32 exit_code; /* as in wait(2): code << 8 | signal */
	u32 generation;
	u64 cpu_ns; /* of all threads, without the last slice of each */
};

/* The last names of the path of a lock, and bytes of each. */
#define LOCK_NAMES 4
#define LOCK_NAME 64

/* A thread waits for a lock of flock(2), or no longer does. */
struct lock_record {
	struct record_header h;
	u32 tid;
	u32 generation;
	u64 inode;
	u8 waits; /* 1: from now on, 0: until now */
	u8 pad[7];
	u8 names[LOCK_NAMES][LOCK_NAME]; /* if it waits: of the file, of its directory, … */
};

/* The first bytes that a process writes to stderr in one call. */
struct message_record {
	struct record_header h;
	u32 len; /* of the whole write */
	u32 pad;
	u8 text[MESSAGE_MAX];
};

_Static_assert(sizeof(struct exec_record) == 4944, "exec_record");
_Static_assert(sizeof(struct exit_record) == 32, "exit_record");
_Static_assert(sizeof(struct lock_record) == 296, "lock_record");
_Static_assert(sizeof(struct message_record) == 1048, "message_record");

#endif
