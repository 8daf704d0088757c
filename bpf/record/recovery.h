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
/*
 * A larger table is split into pieces; each ends at TABLE_MAX bytes of text or
 * TABLE_ENTRIES.
 */
#define LARGE_TABLE_MAX 65536
#define LARGE_TABLE_ENTRIES 2048
#define PIECES_MAX 20
#define FRAGMENT_SIZE 256
#define FRAMER_PTRS 4
#define OWNER_MAX 768 /* layout.maxSize */
#define STREAMS_MAX 128
/* Bytes of a field_record for the name, and for a piece of a longer field. */
#define FIELD_NAME 32
#define FIELD_PIECE 4096

/*
 * An HPACK table in the target's memory, just before its own code works on a
 * field block. Received: the block is the first with a fragment that ends within
 * the last read bytes before end. Sent: a block record follows.
 */
struct table_record {
	struct record_header h;
	u64 conn;	  /* received */
	u64 id;		  /* sent: the number of the block record */
	u64 end;	  /* received: offset in the direction, or a place (table.go) */
	u32 read;	  /* received: bytes */
	u32 fragment_len; /* received: of the fragment */
	u32 size;	  /* as hpack counts it: 32 extra per entry */
	u32 max_size;
	u32 count;
	u32 len;   /* of text */
	u64 large; /* not 0: the number of the pieces below, which hold all text */
	u8 fragment[FRAGMENT_SIZE];
	u32 lens[2 * TABLE_ENTRIES]; /* name and value of each entry, oldest first */
	u8 text[2 * TABLE_MAX];
};

/* A part of a large table. The joined texts of the parts are the text of the table. */
struct piece_record {
	struct record_header h;
	u64 large;
	u32 first; /* index of the entry, which may begin in the previous piece */
	u32 count;
	u32 len;  /* of text */
	u32 part; /* of the last entry, up to the end of the text; 0: the whole entry */
	u32 lens[2 * TABLE_ENTRIES];
	u8 text[2 * TABLE_MAX];
};

/* The HEADERS frame of a block with a table record. */
struct block_record {
	struct record_header h;
	u64 conn;
	u64 id;
	u64 size; /* of all fields, 32 extra each (RFC 9113 6.5.2) */
	u32 fields;
	u32 stream;
	u32 fragment_len;
	u32 pad;
	u64 ptrs[FRAMER_PTRS]; /* when conn is 0: candidate *tls.Conn addresses */
	u8 fragment[FRAGMENT_SIZE];
};

/* Where a connection is in memory, and how far it has got. */
struct conn_place {
	u64 owner; /* http2.ClientConn or serverConn */
	u64 framer;
	u64 reader, writer;    /* what the framer reads from, and writes to */
	u64 sticky;	       /* the net.Conn below them */
	u64 offset[DIR_COUNT]; /* or places, see packet_place */
};

/* The memory of a stream; user space knows the fields. */
struct stream_state {
	u64 conn; /* the owner, see conn_place */
	u8 flows[32];
	u8 ends[16];
	u32 id;
	u32 pad;
	u64 behind_id; /* server: what takes the DATA of the request */
};

/*
 * The memory of a connection, at a moment when its process has handled everything
 * that it read up to offset, and has written all its pending frames.
 */
struct windows_record {
	struct record_header h;
	u64 conn;
	struct conn_place place;
	/*
	 * Client: the mutex of cond. Server: the number of streams, and the
	 * configured window of each stream.
	 */
	u64 beyond[2];
	u32 layout; /* index in layouts */
	u32 count;  /* of streams */
	u8 image[OWNER_MAX];
	struct stream_state streams[STREAMS_MAX];
};

/*
 * A field as the target's own hpack has encoded or decoded it. A field that is
 * too long is split into pieces of its name and value joined. Then whole is 0,
 * and text holds the piece that begins at at.
 */
struct field_record {
	struct record_header h;
	u64 list;  /* the number of the list_record */
	u32 index; /* in the list */
	u32 name_len;
	u32 value_len;
	u32 at;
	u32 len; /* of text */
	u8 sensitive;
	u8 whole; /* name holds the name, and text the value */
	u8 pad[2];
	u8 name[FIELD_NAME];
	u8 text[];
};

/*
 * The fragment of a field block that the fields of a list belong to. Sent: the
 * record follows its fields, and the target is about to write the HEADERS or
 * PUSH_PROMISE frame that begins with the fragment. Received: the fields follow
 * the record, until the next record of the same connection.
 */
struct list_record {
	struct record_header h;
	u64 conn; /* 0: unknown */
	u64 list;
	u64 seq;    /* received: fragments of the connection before it */
	u64 end;    /* received: offset in the direction, of the bytes read */
	u32 read;   /* received: bytes of the last read, before end */
	u32 fields; /* the number of fields; received: of the previous list */
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
