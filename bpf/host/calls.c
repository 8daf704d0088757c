//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* tls/data.h on the host: calls of one connection with TLS. */
#include "tls/data.h"
#include "stream.h"

static void submit(void *record)
{
	struct data_record *r = record;
	struct answer a = {
		.kind = ANSWER_RECORD,
		.dir = r->h.dir,
		.seq = r->seq,
		.offset = r->offset,
		.lost_bytes = r->lost_bytes,
		.len = r->len,
	};

	write_out(&a, sizeof(a));
	write_out(r->payload, r->len);
}

/* A piece ends where its allocation ends. */
static void call(struct conn *conn, struct conn_key *key)
{
	struct answer end = { .kind = ANSWER_PIECE };
	struct piece p;
	u8 *memory;

	if (!read_in(&p, sizeof(p)))
		exit(1);
	memory = malloc(p.len);
	if (!read_in(memory, p.len))
		exit(1);
	host.memory = memory;
	host.memory_len = p.len;
	report_data(conn, key, p.dir, (u64)memory, p.len);
	end.dir = p.dir;
	end.lost_bytes = conn->dir[p.dir & 1].lost_bytes; /* not reported by a record yet */
	end.offset = conn->dir[p.dir & 1].offset;
	write_out(&end, sizeof(end));
	host.memory = NULL;
	free(memory);
}

int main(void)
{
	host.submit = submit;
	while (read_session()) {
		struct conn_key key = { .ptr = 0x1000, .tgid = 1 };
		struct conn fresh = { .id = 1 };

		bpf_map_update_elem(&conns, &key, &fresh, BPF_ANY);
		for (u32 i = 0; i < session.pieces; i++)
			call(bpf_map_lookup_elem(&conns, &key), &key);
		write_end();
	}
	host_reset();
	return 0;
}
