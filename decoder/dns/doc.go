// Package dns parses DNS messages (RFC 1035) between a process and its name servers,
// and groups them into lookups. A lookup is all queries that a process makes to
// resolve one name: for both address families, and for each name of a search list.
package dns
