//go:build ignore
// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * Whole packets of the sockets of targets, for a capture file. A separate object, which is
 * loaded only for that. packets.bpf.c knows which sockets these are. It lets every packet
 * pass.
 */
#include "packets/capture.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define PASS 1

SEC("cgroup/skb")
int capture(struct __sk_buff *skb)
{
	struct owner *owner = captured_owner(skb);

	if (owner)
		capture_packet(skb, owner, skb->ingress_ifindex ? DIR_RECV : DIR_SEND);
	return PASS;
}
