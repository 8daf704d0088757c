// Package dns parses DNS messages (RFC 1035) between a process and its name servers,
// and groups them into lookups. A lookup is all queries that a process makes to
// resolve one name: for both address families, and for each name of a search list.
//
//	t := dns.NewTracker(sink)
//	t.Packet(&dns.Packet{PID: pid, At: at, Sent: true, Local: local, Remote: server, Payload: b, Length: len(b)})
//	lookup, took, ok := t.Resolved(pid, address, connected)
//
// An observer without processes gives any number as PID, such as one for each host. Memory is
// bounded, whatever the packets hold. The package does no I/O and reads no clock.
package dns
