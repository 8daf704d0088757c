//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * What packets/stream.h takes the first bytes of a direction for, where TLS is wanted. A
 * reader of captures judges them, too, and must find the same: it runs this in its tests.
 */
#include <sys/mman.h>
#include "packets/stream.h"

#define PAGE 4096

/* A question is bytes in a word, the first one lowest, how many there are, and AS_CLIENT and so on. */
struct question {
	u64 bytes;
	u32 len;
	u32 how;
};

/* The loader of the programs sets it, before they are verified. */
static void want_tls(void)
{
	void *page = (void *)((unsigned long)&wire & ~(PAGE - 1UL));

	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		exit(1);
	*(bool *)(unsigned long)&wire = true;
}

int main(void)
{
	struct question q;

	want_tls();
	while (fread(&q, sizeof(q), 1, stdin) == 1) {
		u32 answer = carried(q.bytes, q.len, q.how);

		fwrite(&answer, sizeof(answer), 1, stdout);
	}
	host_reset();
	return 0;
}
