// Package export writes what h2trace observed, as JSON Lines: one JSON object
// a line, UTF-8, keys always in the order given here. This comment is the
// reference of the event schema.
//
// # Values
//
// Unknown is null or an absent key, never an invented value; 0 is a real 0
// and is always printed. Keys that end in _ms are durations in milliseconds
// with three decimals. Sizes are in bytes. Times are RFC 3339 in UTC with nine
// decimals, taken when the kernel saw the event. They keep their order where the
// wall clock is set: forward they follow it at once; back they pass half as fast
// until they agree with it. Durations are never those of the wall clock.
//
// Readers must ignore keys that they do not know: new keys do not change the
// schema version.
//
// Text from outside can hold bytes that are not UTF-8. In the string, U+FFFD
// replaces each such byte. The same key with "_b64" added follows it, and holds
// the exact bytes in base64: value and value_b64, name and name_b64, debug and
// debug_b64. Without such bytes that key is absent. Control characters, and
// characters that reorder the text around them, are escaped. So a line can do
// no harm to a terminal.
//
// # Every line
//
//	v      1, the schema version
//	ts     time
//	event  process, conn, frame, request, exchange, stall, verify, loss or summary
//	pid    process id, or null in events from a capture; not on loss and summary
//	comm   name of the process in the kernel, or null; not on loss and summary
//	conn   id of the connection in this run, such as "c1", on events of one:
//	       not on conn events about names, failed connects, and silent
//	       connections
//
// # process
//
// A target was attached to, executed another program, exited, or cannot be
// observed; a go command complained, or waited for a lock.
//
//	action      attached: its probes are in place
//	            exec: it began to execute another program
//	            exit: it ended
//	            skipped: nothing can be captured in it
//	            error: a go command complains on stderr
//	            lock: a thread waited for a lock of flock(2), such as those of the
//	            module cache; printed when it has it, or its process ends
//	ppid        parent's process id, or null
//	exe         path of the executable, or null
//	container   id of the container that it ran in when it began to run its
//	            program, or to be observed: 64 hex digits, as its cgroup says;
//	            the innermost one of several. Absent if it was in none; null if
//	            it ended before that could be read, or the names of the
//	            cgroups above that of h2trace are hidden from it
//	go_version  such as "go1.26.8"; absent if it is not a Go program
//	build_id    Go build id; absent if it has none
//	plan        object: the probe that each tap got, {"write":"PUSH BP"}; and
//	            {"packets":"cgroup_skb"} of a program whose connections are seen
//	            as packets: without crypto/tls, or with source wire, where the tap
//	            key_log takes the session secrets
//	exit_code   on exit: the status, 128+N when signal N ended it, or null
//	duration_ms on exit: since the exec, or null
//	cpu_ms      on exit: CPU time of all its threads since the fork, without the
//	            last slice of each (some ms), or null
//	path        on lock: the last names of the path, such as
//	            "…/pkg/mod/cache/lock", or null
//	wait_ms     on lock: how long it waited
//	locked      on lock: whether it then had the lock
//	args        on exec of git, hg, svn, bzr and fossil, with which the go command
//	            fetches modules directly: the arguments, without credentials
//	reason      on skipped: why; on attached: why h2trace sees nothing although
//	            the process communicates; or the library that has the probes; or
//	            why the plan has more of them now
//	unseen      on attached: true if nothing is seen of what it says, for that
//	            reason; on skipped: true if it may run a Go program; else absent
//	module      on error: {path, version} of the module that the complaint is
//	            about, version null if it names none; or null
//	error       on error: {class, detail}. Classes: dns, connect, tls, timeout,
//	            reset, goaway, http_4xx, http_5xx, protocol, checksum; vcs: git or
//	            a similar program failed; unavailable: no proxy, or no version, is
//	            available; toolchain: another release of Go is required; other:
//	            anything else that stopped the command. detail is the line, and
//	            the indented ones after it
//	via         on error: the HTTP proxy at which it failed, as in conn events;
//	            null if it did not fail at one
//	requests    on error: [{conn, stream, url, proxy}] of the exchanges that the
//	            complaint is about, the oldest first, 8 at most: those for the
//	            URL that it names, or else those for the module that failed in
//	            that way; those that they were redirected to; and a CONNECT that
//	            was refused. Empty if there is none, as for a module in the
//	            module cache. proxy as in exchange events
//	processes   on error: [{pid, args, exit_code}] of the processes of git and
//	            similar programs that the complaint is about; absent if there is
//	            none
//	traceparent, service_name
//	            on exec and attached: TRACEPARENT (W3C Trace Context) and
//	            OTEL_SERVICE_NAME of its environment; absent where these are
//
// # conn
//
// A connection was opened, was closed, or was found again after missing bytes; a
// name was looked up; a connection failed, or was silent.
//
//	action          open, close, or resync: frame boundaries of one direction
//	                were lost and are found again
//	                flood: so many frames carry neither a response nor data that
//	                they are counted from now on, and not decoded
//	                counted: a flood is over, or the connection is; what was counted
//	                dns: a query to a name server, printed with its answer, or
//	                when h2trace no longer waits for that
//	                failed: no connection was established
//	                silent: no data went on it while it was observed. Printed when
//	                it closes, or else when the process or the observation ends
//	local, remote   "ip:port", "[v6]:port", or null
//	role            client or server, what the observed process is, or null
//	protocol        h2, h2c (HTTP/2 without TLS), http/1.1, dns, quic, or null. An
//	                upgraded connection is http/1.1 on open, and h2c on close
//	joined          start or mid: the first byte was, or was not, seen; or null
//	tls             null, or {version, alpn, sni, resumed, cipher, verify_ms,
//	                issuer, issuer_public, offered_alpn, offered_versions}, each can
//	                be null.
//	                verify_ms is the part of tls_ms in which a client verified
//	                the certificate of the server: from the arrival of the last
//	                message of the server until the answer left. It is an upper
//	                bound where the messages of the server arrive together: the
//	                client also derives keys, and signs if the server asked for
//	                its certificate. It is null if the session was resumed, on
//	                role server, where it would span a round trip, and with source
//	                calls. issuer is that of the certificate of the server
//	                (RFC 4514), with source wire; absent if that was not seen.
//	                issuer_public is whether the certificates that the server sent
//	                name a root that NSS trusts; absent where issuer is
//	                offered_* are arrays of what the client offered, absent if that
//	                was not seen
//	dns_ms          name resolution for this connection, or null
//	connect_ms      TCP handshake, or null
//	tls_ms          TLS handshake, or null
//	name            the name that was resolved to the address of remote, or null;
//	                on dns the name in the query
//	via             the HTTP or SOCKS proxy that it goes through, as
//	                "http://proxy.example:3128", without credentials; null if
//	                there is none, or none is known. On failed it is the proxy
//	                that was not reached, or that did not let it through
//	source          on open, close, resync, flood and counted, and on failed if the
//	                TLS handshake failed: where the bytes are taken, wire (packets,
//	                with session secrets) or calls (of the process)
//	reason          on the same: why nothing that TLS carries is printed, else
//	                absent. It is "not decrypted: " and why: no TLS; no secret
//	                (its session secret did not come); hello not seen; unknown
//	                cipher suite; out of step (no record opens after missing
//	                bytes); open before, and its keys were not found; keys of … are
//	                not read (of a cipher suite, or an implementation of AES, in
//	                the memory of the process); QUIC is not opened
//	quic_version    on QUIC: QUIC v1, QUIC v2, or the number of another version, as
//	                in QUIC 0xff00001d; else absent
//	type            on dns: of the query, such as AAAA
//	rcode           on dns: NOERROR, NXDOMAIN, SERVFAIL, …; null: no answer
//	answers         on dns: array of texts, as dig +short prints them
//	error           on failed: {class, detail}. Classes: dns, connect, tls.
//	                On close, if the client speaks HTTP/1.x and the server
//	                HTTP/2, or the reverse, or if the client does not begin
//	                HTTP/2 with its preface: class protocol; else absent
//	proxy           on silent: the entry of the process's GOPROXY that it is to
//	proxy, next     on failed: the entry of the process's GOPROXY that it was to,
//	                without credentials, and what the go command tries next:
//	                another proxy, direct, off or none; or null
//	barred          on failed, if next is none: the entry after proxy, a proxy
//	                (without credentials) or direct, that the go command does not
//	                try because of a "," in GOPROXY, which goes on only after 404
//	                and 410; absent if there is none
//	dir             on resync: send or recv; on flood: that of the frame that
//	                exceeded the bound, the last one that was decoded
//	flood_ms        on counted: how long frames were counted
//	counted         on counted: [{dir, type, frames, bytes}], of each direction and
//	                type; bytes include frame headers
//	skipped_bytes   on resync: bytes of that direction not decoded
//	bytes_sent      on close: plaintext bytes, or null. Without TLS, those that
//	                went into the network; null, for example, if after a loss
//	                nothing came that says how many. On silent: bytes of TCP, all
//	                that the socket has sent
//	bytes_received  on close: plaintext bytes, or null; on silent: bytes of TCP
//	rtt_ms          on close: smoothed round-trip time, or null
//	retransmits     on close: retransmitted TCP segments, or null
//	frames          on close: frames in both directions without those that were
//	                only counted, or null
//	min_rtt_ms      on close: minimum round-trip time, or null
//	out_of_order    on close: TCP segments received after a missing one, which
//	                was lost or overtaken on the way, or null
//	segments_sent, segments_received
//	                on close: TCP segments, or null
//	holes           on close: how often a received TCP segment was the first to show
//	                that one before it is missing; a single missing one may make
//	                many out of order. It is null where packets are not seen, or
//	                not from the first one to the last
//	rcv_rtt_ms      on close: round-trip time that the receiver of much data sees,
//	                smoothed, or null. It has the time in which packets queue on
//	                the way here, and what the peer waited for
//	mss             on close: bytes that a TCP segment to the peer may hold, or null
//	ttl             on close: time to live, or hop limit, of the first received
//	                packet with data, or null where packets are not seen. It began
//	                at 64, 128 or 255; each router took 1
//	unread_bytes    on close: bytes that came, and that the process has not read,
//	                or null
//	unsent_bytes    on close: bytes that the process has written, and that TCP has
//	                not sent, or null. What a process leaves behind at its exit is
//	                followed for a second. Source wire shows no more than was sent
//	peak_streams    on close of HTTP/2: the most requests under way at once
//	max_concurrent_streams
//	                on close of HTTP/2: that setting of the server (RFC 9113 §6.5.2),
//	                or null if it was not seen to set one
//	datagrams_sent, datagrams_received
//	                on close of QUIC: UDP datagrams; absent if not known
//	state           on silent: connecting, connected or closed
//	silent_ms       on silent: how long no data went, including the time before
//	                it was observed, or null
//	last            on silent: send or recv, the direction of the last data; null
//	                if there never was any
//	other_way_ms    on silent: how long no data went in the other direction, or
//	                null. If last is send and this is much longer than silent_ms,
//	                an answer is outstanding; else the last data sent may be an
//	                acknowledgement
//
// dns_ms is from the first query for the name to the last answer before the
// process connected, over A and AAAA, and all names of a search list. It is null
// if h2trace saw no lookup: for an address, a name of /etc/hosts, or a resolver
// that is not queried on port 53. connect_ms on failed is how long the process
// tried. A failed lookup is printed when the process ends, or has made no query
// for a second.
//
// A connection through an HTTP proxy is to the origin: tls, frames and exchanges
// are those with the origin. remote is the address of the proxy. So dns_ms,
// connect_ms, rtt_ms and the counts of segments describe the path to the proxy.
//
// h2trace knows via from the connection that carries this one. Else it knows it
// from the initial environment of the process (HTTPS_PROXY and the others that
// net/http reads), if that agrees with name or address of remote. via is in the
// close event. The open event lacks it if only the first request shows it. It also
// lacks it if the connection was open before h2trace attached, and the process
// speaks TLS to the proxy. Then the bytes of the two connections on the socket show
// which one carries the other.
//
// With source wire, send is when a packet went into the network, recv when it came from
// there. No packet is mistaken for another because it was retransmitted or overtaken.
// Connections without TLS have no tls, and tls_ms is null.
//
// Of a QUIC connection h2trace reads what its Initial packets show: what the client
// offers, and the cipher that the server selects. tls.alpn is null, as the answer is
// encrypted. There is no end to see: it is closed when its socket is, when nothing went
// for some five minutes, or when the observation ends. bytes_* are of UDP payload. If
// the same two addresses carry several connections, nobody knows which bytes are whose,
// and they are null. Nothing is printed of other protocols on UDP but DNS.
//
// # frame
//
// An HTTP/2 frame was sent or received.
//
//	dir          send (with source calls: handed to Write by the process) or recv
//	stream       stream id, 0 for the connection
//	type         as RFC 9113 spells it, or UNKNOWN_0x2a
//	flags        array of the names of the set flags; undefined ones "0x40"
//	length       payload length on the wire
//	…            keys of its type, below
//	window       {conn_send, conn_recv, stream_send, stream_recv}: the credit
//	             left after this frame, each can be null or negative. _send is
//	             what the process may still send, _recv what its peer may
//	truncated    true if payload is missing, else absent
//	violation    the rule that the frame broke, with the error code of the answer
//	             to it and the section of the RFC, else absent: a rule of the
//	             connection, or one that makes a message malformed (RFC 9113
//	             §8.1.1), such as a body whose length differs from its
//	             content-length. What endpoints accept is named nevertheless,
//	             such as a field connection, or a stream that depends on itself
//	             (RFC 7540 §5.3.1)
//
// Keys by type. They are null if a frame is too short for them or was not seen
// whole; those of PRIORITY_UPDATE also if it is not on stream 0.
//
//	DATA             data_length: without padding, null if the pad length was
//	                 not seen
//	                 body: with -s, the captured start of the data as text, or
//	                 body_b64: the same in base64, if it is not UTF-8
//	HEADERS,         headers: [{name, value}] in wire order, on the frame that
//	PUSH_PROMISE,    completes the block. never_indexed is true on fields that
//	CONTINUATION     their sender declared sensitive (RFC 7541 §7.1.3)
//	                 headers_error: why headers is null
//	                 promised_stream: on PUSH_PROMISE
//	                 priority: {depends_on, weight, exclusive} if present
//	PRIORITY         priority
//	RST_STREAM       error: name, error_code: number
//	SETTINGS         settings: {NAME: value} in wire order; of a parameter that
//	                 occurs twice, the last value, which takes effect
//	                 settings_wire: [{name, value}] of all, if one occurs twice
//	                 ack
//	PING             ack, opaque: 16 hex digits
//	GOAWAY           error, error_code, last_stream, debug
//	WINDOW_UPDATE    increment
//	PRIORITY_UPDATE  prioritized_stream, field_value
//	ALTSVC           origin, field_value
//	ORIGIN           origins: array; origins_b64 if one is not UTF-8
//
// # request
//
// A request begins: its header section is complete, at ts. Its exchange follows
// when it ends.
//
//	stream, method, url, protocol, reused
//	                as in exchange events
//	module          likewise; next is null
//	via             likewise
//
// # exchange
//
// A request and its response, printed when the exchange ends, at the latest with
// the observation. ts is its last byte.
//
//	stream          0 on HTTP/1.x
//	method, url     null if the request was not seen
//	status          of the final response, or null
//	protocol        h2, h2c, http/1.1, http/1.0
//	reused          whether its connection carried exchanges before it; null
//	                for the first seen on one joined in the middle
//	request_bytes,  of the bodies, without padding and transfer coding; null
//	response_bytes  if part of one may have been missed
//	dns_ms, connect_ms, tls_ms
//	                of the connection, 0 if it was reused, or null
//	send_ms         from the first byte of the request to its last, or to the
//	                last that was sent
//	wait_ms         from there to the first byte of the final response, 0 if
//	                that came earlier. Interim responses (1xx) do not count.
//	                Without a response, it ends when the exchange was abandoned,
//	                the connection ended, or the observation did
//	receive_ms      from there to the last byte of the response, or likewise.
//	                After a loss these times are null if they, or the end,
//	                may have been missed
//	total_ms        all of it, with what is known of dns_ms, connect_ms, tls_ms
//	stall_ms        {recv_window, send_window}: the part of it in which the peer,
//	                or the process, had no flow-control credit; null on HTTP/1.x
//	redirect        the Location of the response, or null
//	module          {path, version, kind, proxy, next, barred, tail, credentials} of
//	                the request to a module proxy or a checksum database, or null.
//	                path and version are unescaped, and null if the request names
//	                none. Kinds: list,
//	                latest, info, mod, zip, and of a checksum database
//	                sumdb-supported, sumdb-lookup, sumdb-tile, sumdb-latest. proxy
//	                is the entry of the process's GOPROXY that the request went
//	                to, without credentials, or null. next is for a status of
//	                400 or more: the entry that the go command tries after such
//	                a failure, "direct", "off", or "none"; null if GOPROXY is
//	                not known. barred, if next is none, is as in conn events. tail
//	                is what comes after all proxies in GOPROXY: "direct", "off" or
//	                "none"; credentials is true if the entry of GOPROXY has some;
//	                they are absent otherwise
//	error           {class, detail} if there is no complete, successful
//	                response, else null. Classes: reset, goaway, http_4xx,
//	                http_5xx, protocol, aborted (by the client), timeout (of TCP)
//	                and checksum. protocol includes a malformed message, however
//	                the client treats it; but not fields specific to a
//	                connection, white space around values, and the like, which
//	                clients accept. It is also what a client ends the connection
//	                for: a violation of the server. checksum is set if the go
//	                command reported it before the event is printed. Mostly it
//	                reports it later, for an exchange that succeeded: see requests
//	                of process
//	start           time of the first byte of the request, or null
//	retry           {attempt, conn, stream, class} if it repeats an unanswered
//	                request, or null: the number of the attempt, from 2 on, and
//	                conn, stream and class of error of the previous one. That was
//	                refused, or its connection failed and its method allows
//	                a retry (RFC 9110 §9.2.2)
//	via             the HTTP proxy that it went through, as in conn events. A
//	                CONNECT is for the proxy itself, and url is its target
//	authorized      on a status of 4xx: whether the request had a field with
//	                credentials, such as authorization; absent if its fields
//	                were not seen
//	retry_after     that field of the response; absent if it had none
//	cache           hit or miss, as caches on the way say in Cache-Status (RFC 9211),
//	                CDN-Cache-Status, CF-Cache-Status, X-Cache, X-Cache-Status or
//	                Server-Timing, or else by an age_s above 0; hit if any of them
//	                answered; absent if they do not say
//	age_s           Age of the response (RFC 9111 §5.1), seconds; absent if it had
//	                none
//	server_timing   the metrics of Server-Timing with a duration, at most 8: an
//	                object of milliseconds; absent if it had none
//	grpc_status,    of a gRPC call: the status, a number, and its message, or
//	grpc_message    null if none came; absent on all others. They do not set
//	                error
//	silent_ms       of a response that was cut, or is open: how long before its
//	                end nothing of it came any more, or only part of a frame;
//	                absent on all others, and if more of it may have come
//	traceparent     the trace context in the fields of the request (W3C Trace
//	                Context), "00-TRACE-PARENT-FLAGS"; absent if it had none, or
//	                none that is valid
//	role            of the observed process in it: client, server; absent if
//	                unknown
//	open            true if it had not ended when the observation did, else
//	                absent
//
// # stall
//
// A time in which one side had used up its flow-control credit and had more to
// send, printed when it ends.
//
//	stream    0 for the whole connection
//	side      recv_window: the peer waited for the observed process;
//	          send_window: the process waited for its peer
//	window    the largest credit that the sender had, in bytes
//	start     when the credit was used up
//	stall_ms  from there to what ended it
//	ended_by  DATA (the first that came with new credit), WINDOW_UPDATE,
//	          END_STREAM, RST_STREAM, GOAWAY, or close
//
// The credit that a process grants reaches its peer half a round trip later. So
// h2trace finds a recv_window stall where the peer stops exactly at the end of the
// credit granted one round trip before. SETTINGS and PING measure the round trip.
//
// # verify
//
// With --verify: a field of a header list differs from what the process itself
// encoded or decoded. Only the first such field of a list is printed.
//
//	dir     send or recv
//	stream  stream id of the frame
//	index   place of the field in the list, from 0
//	want    {name, value}, as in headers: what the process has, or null
//	got     the same: what h2trace decoded, or null
//
// # loss
//
// Something was seen and is missing from the output: why, and how much. Printed
// whatever the filter.
//
//	reason   ring_full: the kernel buffer had no room
//	         truncated: a capture has only the beginning of a packet
//	         read_fault: memory of the process that could not be read
//	         table_full: more connections or processes than the kernel side
//	         has room to follow
//	         gap: several of these, or the cause is not known, or records
//	         that were still to be decoded 30 s after the end, or a direction
//	         whose probe does not fire, or packets that a capture lacks
//	records  records that were seen and not delivered; 0 for those that
//	         were not seen because a probe did not fire
//	bytes    their bytes, or null
//	conn     absent if not known
//
// # summary
//
// The last line, printed whatever the filter. records.seen is the sum of delivered
// and lost.
//
//	duration_ms, processes, conns, frames, exchanges (or null)
//	records  {seen, delivered, lost}
//	bytes    {seen, captured}
//	agent    {cpu_ms, max_rss_bytes}: what h2trace itself used; both are null
//	         where the system does not report it
//	command  process id of COMMAND; null if h2trace ran none (-p, -n)
//	signal   the first signal that h2trace got during the observation, such as
//	         SIGINT for Ctrl-C, or null
//	verify   with --verify: {blocks, fields, mismatches, unchecked}. blocks were
//	         compared with what the processes themselves encoded or decoded,
//	         and held so many fields. mismatches is how many of the blocks
//	         differed. unchecked is how many blocks could not be compared:
//	         because of a loss, because they began before the capture, because
//	         the executable has no place to look at, or because the process gave
//	         up a list
//	packets  with --pcap: {written, lost}. lost are packets that found no room
//	         in their buffer, or that could not be written
//	otlp     with --otlp: {spans_sent, spans_rejected, spans_dropped,
//	         spans_unsampled, points_sent, points_rejected, points_dropped,
//	         stalls_dropped}. Sent are those that the collector acknowledged;
//	         rejected those that it did not take of a batch; dropped all others,
//	         for which there was no room, or which did not reach it. points are
//	         those of metrics. Unsampled spans were not to be sent, says their trace
//	         or OTEL_TRACES_SAMPLER. Dropped stalls are events of no span, as too
//	         many of them waited for the end of their exchange
//	labels   with --label: object of what the user says about the run,
//	         {"region":"eu"}
//
// # Secrets
//
// By default, "<redacted>" replaces secrets in every value that peers, programs
// and users wrote; "h2trace help secrets" lists what a secret is. The rest of
// the value stays as it is, byte for byte. Bodies, printed only on request, are
// exact and not redacted. The replacement is the same for all secrets: an event
// that is redacted later equals one that was redacted when it was printed.
package export
