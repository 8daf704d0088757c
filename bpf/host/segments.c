//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* packets/stream.h on the host: segments of one connection. */
#include "packets/stream.h"
#include "stream.h"

/* Offset of the payload of a packet, after the headers of IPv6 and TCP. */
#define HEADERS 60

static struct bpf_sock sock;
static struct piece *pieces;
static u8 **packets;
static u32 next, opens;

static void take_next(void)
{
	struct owner *owner = bpf_sk_storage_get(&owners, &sock, 0, 0);
	struct piece *p = &pieces[next];
	struct __sk_buff skb = { .len = HEADERS + p->len, .sk = &sock };
	struct packet packet = { .family = AF_INET6, .payload = HEADERS };

	packet.seq = session.first[p->dir & 1] + (u32)p->offset;
	host.tcp.rcv_nxt = session.first[DIR_RECV];
	host.memory = packets[next];
	host.memory_len = skb.len;
	next++;
	stream_packet(&skb, &sock, owner, &packet, p->dir);
}

/* The other CPU begins when this one reserves its first record. */
static void *reserve_among(u64 size)
{
	if (next < session.pieces && pieces[next].within) {
		const u8 *memory = host.memory;
		u64 len = host.memory_len;

		pieces[next].within = 0;
		take_next();
		host.memory = memory;
		host.memory_len = len;
	}
	return reserve(size);
}

static void submit(void *record)
{
	struct segment_record *r = record;
	struct answer a = {
		.kind = ANSWER_RECORD,
		.dir = r->h.dir,
		.seq = r->seq,
		.offset = r->offset - session.before,
		.lost_bytes = r->lost_bytes,
		.lost_records = r->lost_records,
		.len = r->len,
		.left_out = r->left_out,
	};

	if (r->h.kind != RECORD_SEGMENT) { /* that the connection is open */
		opens++;
		return;
	}
	write_out(&a, sizeof(a));
	write_out(r->payload, r->len);
}

static void read_pieces(void)
{
	pieces = calloc(session.pieces, sizeof(*pieces));
	packets = calloc(session.pieces, sizeof(*packets));
	for (u32 i = 0; i < session.pieces; i++) {
		if (!read_in(&pieces[i], sizeof(pieces[i])))
			exit(1);
		packets[i] = calloc(1, HEADERS + pieces[i].len);
		packets[i][0] = 6 << 4;
		packets[i][6] = IPPROTO_TCP;
		packets[i][IPV6_HEADER + 12] = 5 << 4; /* words of its header */
		if (!read_in(packets[i] + HEADERS, pieces[i].len))
			exit(1);
	}
}

int main(void)
{
	host.submit = submit;
	while (read_session()) {
		struct answer end = { .kind = ANSWER_PIECE };
		struct owner owner = { .tgid = 1, .role = session.role, .from_start = 1 };
		u32 tgid = 1, generation = 0;

		host.reserve = reserve_among;
		read_pieces();
		bpf_map_update_elem(&targets, &tgid, &generation, BPF_ANY);
		for (int d = 0; session.before && d < DIR_COUNT; d++) {
			owner.dir[d].begun = 1;
			owner.dir[d].first = session.first[d] - (u32)session.before;
			owner.dir[d].end = session.before;
		}
		bpf_sk_storage_get(&owners, &sock, &owner, BPF_SK_STORAGE_GET_F_CREATE);
		opens = 0;
		for (next = 0; next < session.pieces;) {
			take_next();
			end.seq = opens;
			write_out(&end, sizeof(end));
		}
		write_end();
		for (u32 i = 0; i < session.pieces; i++)
			free(packets[i]);
		free(packets);
		free(pieces);
	}
	host_reset();
	return 0;
}
