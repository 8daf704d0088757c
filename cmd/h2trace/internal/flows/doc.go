// Package flows turns captured packets into the records that the programs in the kernel
// report of the sockets of targets: which connections there are, their segments and their
// ends, name lookups, and what shows of QUIC. It is in the place of the kernel where the
// engine decodes a capture.
//
// It follows TCP only as far as that takes: the engine puts segments in order.
package flows
