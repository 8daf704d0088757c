// Package packets writes the packets of targets to a capture file, with the session secrets
// that open them and the names of their connections.
//
// Packets and events come from two buffers of the kernel. Wireshark opens a packet only with
// secrets that stand before it in the file. So a packet waits until the events are read up to
// its time; and the first packet of a server until the process has derived the secrets that
// open it. It waits in the buffer of the kernel, for two seconds at most, and no longer when that
// is half full. All packets after it wait, too, so that they keep their order.
package packets
