// Package decoder turns the plaintext bytes of one connection into HTTP/2
// frames, header fields and flow-control windows.
//
//	conn := decoder.NewConn(decoder.Config{Role: decoder.Client, FromStart: true}, sink)
//	conn.Data(at, decoder.Send, request)  // what the observed process sent
//	conn.Data(at, decoder.Recv, response) // what it received
//	conn.Close(at)
//
// The sink gets each [Frame] with the credit that is left after it. A program that wants
// requests with their responses, too, begins with package exchange, whose Conn also goes on
// in HTTP/1.x and after upgrades. One that has packets begins with package flow.
//
//	flow       packets → connections: TCP, TLS, frames, exchanges
//	exchange   plaintext → frames, exchanges, stalls
//	decoder    plaintext → frames, windows
//
//	capture    pcap and pcapng → packets, their headers, secrets
//	tcp        segments → bytes
//	tls        ciphertext and secrets → plaintext; also handshake and record
//	http1      bytes of HTTP/1.x → messages
//	quic       datagrams → ClientHello and ServerHello
//	dns        messages → lookups
//	socks      where the tunnel of a proxy begins
//	goproxy    URLs of requests → modules; complaints of the go command
//	ktime      the type of times
//
// It is passive: it reads what two endpoints have sent each other, and never fails on
// it. It does no I/O, reads no clock, starts no goroutine and depends on no operating
// system. The same bytes give the same events, however they are split.
//
// It keeps four outcomes apart. A frame is decoded. Or the capture truncated it
// (Frame.Truncated, Frame.HeadersError). Or it breaks a rule (Frame.Violation), which
// ends nothing. Or its effect is unknown, because the connection was joined in the
// middle or bytes were lost (a Credit that is not Known, HeadersError). The package
// guesses nothing.
//
// # Calls and memory
//
// A Conn is for one goroutine at a time; Conns without a common [Budget] need no lock
// between them. The methods of a Conn call its sink, which must not call Data or any other
// method that takes bytes. What a sink gets is valid until it returns; strings may be kept,
// slices are to be cloned. The Conn keeps nothing of what it is given. The same holds for
// all packages, unless they say otherwise.
//
// Times are nanoseconds of a clock that the caller chooses, see package ktime. Lengths,
// credits and offsets are bytes.
//
// # Process memory
//
// Most callers need Data, Skip, Gap, Missed, Close, and what reports the state. The rest is
// for an observer that also reads the memory of a process, as h2trace does, to know the
// windows and header tables of a connection that it joined in the middle: Windows, Quiet,
// ForgoWindows, Listing, Lists and WindowsKnown; Recover and TableKnown; and Hold, Release,
// Held, Holds and Note, which order the bytes with what was read. Likewise tls.NewJoined, and
// Join, AwaitJoin, Proven, Place, KeepPlaces of a tls.Conn.
//
// # Hostile input
//
// What a peer sends counts as hostile. No input makes a package panic, allocate for a
// length that was only announced, or work more than in proportion to its length; fuzz
// targets and tests of cost look for it. These bound the memory:
//
//	decoder.Conn      9 kB when both header tables are full, 64 bytes an open stream, at most
//	                  16,384. Until its end, a field block: 10 MiB, or what the receiver has
//	                  announced in MAX_HEADER_LIST_SIZE, up to 32 MiB. 192 KiB a direction
//	                  while frame boundaries are searched.
//	                  Config.Budget bounds all Conns together.
//	exchange.Conn     as that, and 16,384 open exchanges with their URLs.
//	                  ConnConfig.Budget bounds all together.
//	tcp.Stream        4 MiB of segments out of order. A Budget bounds all together.
//	tcp.Conn          two Streams, and of each 1 MiB that waits for what it answers.
//	tls.Conn          6 kB. In each direction 512 KiB of ciphertext that waits, and 256 KiB of
//	                  an incomplete message of the handshake. A Budget bounds the ciphertext
//	                  of all together.
//	flow.Table        Config.Memory, and Config.MaxConns times some 20 kB.
//	capture.Reader    one packet of at most 4 MiB, or the secrets of one block, 16 MiB.
//
// Memory alone is no bound on time: a peer may send frames without end that carry nothing.
// Config.Overhead bounds the work for these. Beyond it a Conn counts frames, see [Flood], and
// what they may have changed is unknown afterwards.
//
// A header list that does not fit is reported as HeadersError, an exchange as one whose end is
// unknown, bytes as lost: never something wrong.
//
// # Speed
//
// In CPU time on a virtual machine: 0.6 µs a frame of small requests (ten header fields an
// exchange), 0.1 µs a frame of bulk (DATA with its WINDOW_UPDATEs), and 2.9 µs a frame from
// packets, where there is a handshake of TLS 1.3 for four requests. Measure it:
//
//	go test -run - -bench 'Data|Requests|Memory' ./decoder
//	go test -run - -bench . ./decoder/flow ./decoder/tcp ./decoder/tls/record
//
// # Stability
//
// The module path h2trace has no domain, so that the go command cannot fetch it, and no version
// is tagged. A program uses the packages from a clone:
//
//	go mod edit -require h2trace@v0.0.0 -replace h2trace=../h2trace
//	go mod tidy
//
// Vendoring (go mod vendor) copies no more than the packages that it imports. They import
// nothing of the rest of h2trace: only the standard library and packages of the Go project.
// Package decoder needs golang.org/x/net/http2/hpack; dns needs x/net/dns/dnsmessage, goproxy
// x/mod, tls, quic and flow x/crypto. They build with the Go version in go.mod and later, for
// every system, also without cgo.
//
// testdata/api.txt lists all that is exported, and a test keeps it so: its history is the
// list of changes. What it marks as settled keeps its name and meaning: decoder, exchange,
// capture, tcp, ktime, tls, handshake and record, but for what is said above to be for process
// memory. What it marks as recent is meant to stay, but has had no user beside h2trace, tests
// and examples yet: flow, exchange.Conn and tcp.Conn with what belongs to them, and a few more.
// New fields, methods, hooks and event types may come: use field names in literals, and a
// default in type switches. What may change with h2trace: that, and dns, goproxy, http1, quic
// and socks. A fix may change what is reported for input that was decoded wrong; texts, such as
// Violation.Rule and the details of errors, are for people. Once versions are tagged, semantic
// versioning will say the same.
//
// README.md follows a byte through the files of this package.
package decoder
