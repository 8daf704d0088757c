// Package har converts recorded events to an HTTP archive (HAR 1.2,
// http://www.softwareishard.com/blog/har-12-spec/): an entry an exchange, in the order in which
// they began.
//
// An entry has what the exchange says, and the address of its connection. If the recording has
// frames with headers, it has these, as they were recorded: what is redacted stays so. If it has
// bodies (-s), it has them up to where the first bytes are missing. HTTP/1.x has neither.
//
// Names that begin with "_" are h2trace's own: keys of events, and the exact bytes in base64 of
// what is not UTF-8. An exchange without a complete response has, as in browsers, the status 0 if
// none came, and _error.
//
// Memory is bounded, whatever the size of the recording. Of requests that are under way, headers
// and bodies are kept, up to maxPending bytes; those of the oldest are left out then. Entries are
// sorted in pieces of maxPiece bytes, which go to a temporary file if there are more.
package har
