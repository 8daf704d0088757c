/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Records of what is copied from the memory of golang.org/x/net/http2 and its
 * hpack: header tables, windows, and the fields that --verify compares.
 */
#ifndef H2TRACE_RECOVERY_RECORDS_H
#define H2TRACE_RECOVERY_RECORDS_H

#include "record/record.h"

/* Header tables of the default size (RFC 9113 6.5.2) and 32 bytes an entry. */
#define TABLE_MAX 4096
#define TABLE_ENTRIES 128
/* Larger ones come in pieces: each ends at TABLE_MAX of text or TABLE_ENTRIES. */
#define LARGE_TABLE_MAX 65536
#define LARGE_TABLE_ENTRIES 2048
#define PIECES_MAX 20
#define FRAGMENT_SIZE 256
#define FRAMER_PTRS 4
#define OWNER_MAX 768 /* layout.maxSize */
#define STREAMS_MAX 128
/* Of a field_record: names beyond this, and pieces of longer fields. */
#define FIELD_NAME 32
#define FIELD_PIECE 4096

/*
 * An HPACK table in the target's memory, at the moment its own code is about to
 * work on a field block. Received: the block is the first of which a fragment
 * ends within the last read bytes before end. Sent: a block record follows.
 */
struct table_record {
	struct record_header h;
	u64 conn;	  /* received */
	u64 id;		  /* sent: that of the block record */
	u64 end;	  /* received: offset in the direction, see table.go */
	u32 read;	  /* received: bytes */
	u32 fragment_len; /* received: of the fragment */
	u32 size;	  /* as hpack counts it: 32 more an entry */
	u32 max_size;
	u32 count;
	u32 len;   /* of text */
	u64 large; /* not 0: all text is in the pieces that follow, by this number */
	u8 fragment[FRAGMENT_SIZE];
	u32 lens[2 * TABLE_ENTRIES]; /* name and value of each entry, oldest first */
	u8 text[2 * TABLE_MAX];
};

/* A part of a large table. The texts joined are that of the table. */
struct piece_record {
	struct record_header h;
	u64 large;
	u32 first; /* entry, which may have begun in the piece before */
	u32 count;
	u32 len;  /* of text */
	u32 part; /* of the last entry, up to the end of the text; 0: all of it */
	u32 lens[2 * TABLE_ENTRIES];
	u8 text[2 * TABLE_MAX];
};

/* The HEADERS frame of a block for which a table record was sent. */
struct block_record {
	struct record_header h;
	u64 conn;
	u64 id;
	u64 size; /* of all fields, 32 more each (RFC 9113 6.5.2) */
	u32 fields;
	u32 stream;
	u32 fragment_len;
	u32 pad;
	u64 ptrs[FRAMER_PTRS]; /* with conn 0: where its *tls.Conn may be */
	u8 fragment[FRAGMENT_SIZE];
};

/* Where a connection is in memory, and what it has got to. */
struct conn_place {
	u64 owner; /* http2.ClientConn or serverConn */
	u64 framer;
	u64 reader, writer; /* what the framer reads from, and writes to */
	u64 sticky;	    /* the net.Conn below them */
	u64 offset[DIR_COUNT];
};

/* What the memory of a stream holds; user space knows the fields. */
struct stream_state {
	u64 conn; /* the owner, see conn_place */
	u8 flows[32];
	u8 ends[16];
	u32 id;
	u32 pad;
	u64 behind_id; /* of a server, what takes the DATA of the request */
};

/*
 * The memory of a connection, at a moment when its process had dealt with all
 * that it had read up to offset, and written all that it had said.
 */
struct windows_record {
	struct record_header h;
	u64 conn;
	struct conn_place place;
	/*
	 * Of a client the mutex of cond; of a server how many streams there are, and
	 * what is configured for the window of each.
	 */
	u64 beyond[2];
	u32 layout; /* index in layouts */
	u32 count;  /* of streams */
	u8 image[OWNER_MAX];
	struct stream_state streams[STREAMS_MAX];
};

/*
 * A field as the target's own hpack has encoded or decoded it. One that is too
 * long comes in pieces of its name and value joined: then whole is 0, and text
 * holds what begins at at.
 */
struct field_record {
	struct record_header h;
	u64 list;  /* that of the list_record */
	u32 index; /* in the list */
	u32 name_len;
	u32 value_len;
	u32 at;
	u32 len; /* of text */
	u8 sensitive;
	u8 whole; /* name is in name, and text is the value */
	u8 pad[2];
	u8 name[FIELD_NAME];
	u8 text[];
};

/*
 * Which fragment of a field block the fields of a list are of. Sent: it follows
 * them, and the HEADERS or PUSH_PROMISE frame that it begins is about to be
 * written. Received: they follow it, until the next of the same connection.
 */
struct list_record {
	struct record_header h;
	u64 conn; /* 0: not known */
	u64 list;
	u64 seq;    /* received: fragments of the connection before it */
	u64 end;    /* received: offset in the direction, of what was read */
	u32 read;   /* received: bytes read last, before end */
	u32 fields; /* how many; received: of the list before */
	u32 stream; /* sent */
	u32 fragment_len;
	u8 fragment[FRAGMENT_SIZE];
};

_Static_assert(sizeof(struct table_record) == 9544, "table_record");
_Static_assert(sizeof(struct piece_record) == 9256, "piece_record");
_Static_assert(sizeof(struct block_record) == 344, "block_record");
_Static_assert(sizeof(struct windows_record) == 10088, "windows_record");
_Static_assert(sizeof(struct field_record) == 80, "field_record");
_Static_assert(sizeof(struct list_record) == 320, "list_record");

#endif
