// Package dns understands DNS messages (RFC 1035) between a process and its name
// servers, and puts them together to lookups: the queries, for addresses of both
// families and with the names of a search list, that a process makes to resolve
// one name.
package dns
