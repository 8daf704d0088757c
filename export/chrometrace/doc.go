// Package chrometrace converts recorded events to Chrome trace events, the JSON object format that
// Perfetto, speedscope and chrome://tracing open.
//
// A process is a process. Its threads are lanes, on which spans (X) nest and never overlap: that of
// the process itself, those of its lookups, failed connects and waits for locks, and those of its
// connections. A connection has a lane for itself, with its connect and TLS handshake; as many as
// it needs for its requests, with what each was at; and for its stalls. Windows are counters (C),
// that of a stream beside the lane of its request. What happens at once, such as RST_STREAM, is an
// instant (i).
//
// Times are microseconds since 1970, as those that a go command writes with -debug-trace
// (cmd/go/internal/trace), whose spans become a process of their own. They are whole ones: readers
// keep them in a float64, in which more decimals would be rounded, and spans overlap.
//
// The least thread id of a lane is above those that Linux gives, as Perfetto knows threads by their
// id alone.
//
// Memory is bounded, whatever the size of the recording: what is open is kept, of so many processes,
// connections and requests. What is too much is drawn on further lanes.
package chrometrace
