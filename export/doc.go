// Package export writes what h2trace observed, as JSON Lines: one JSON object
// a line, UTF-8, keys always in the order given here. This comment is the
// reference of the event schema.
//
// # Values
//
// What is not known is null or absent, never a made-up value; 0 is a real 0
// and is always printed. Keys that end in _ms are durations in milliseconds
// with three decimals. Sizes are in bytes. Times are RFC 3339 in UTC with nine
// decimals, taken when the kernel saw the event.
//
// Readers must ignore keys that they do not know: new ones do not change the
// schema version.
//
// Any text that came from outside can hold bytes that are not UTF-8. In the
// string each such byte is U+FFFD, and next to it stands the same key with
// "_b64" added, which holds the exact bytes in base64: value and value_b64,
// name and name_b64, debug and debug_b64. Without such bytes that key is
// absent. Controls, and characters that reorder the text around them, are
// escaped, so that a line can do no harm to a terminal.
//
// # Every line
//
//	v      1, the schema version
//	ts     time
//	event  process, conn, frame, request, exchange, stall, verify, loss or summary
//	pid    process id; not on loss and summary
//	comm   name of the process in the kernel, or null; not on loss and summary
//	conn   id of the connection in this run, such as "c1", on events of one:
//	       not on conn events about names, connects that failed, and
//	       connections that were silent
//
// # process
//
// A target was attached to, executed another program, exited, or cannot be
// observed; or a go command complained.
//
//	action      attached: its probes are in place
//	            exec: it began to execute another program
//	            exit: it ended
//	            skipped: nothing can be captured in it
//	            error: a go command complains on stderr
//	ppid        parent's process id, or null
//	exe         path of the executable, or null
//	go_version  such as "go1.26.8"; absent where it is no Go program
//	build_id    Go build id; absent where it has none
//	plan        object: the probe that each tap got, {"write":"PUSH BP"}; and
//	            {"packets":"cgroup_skb"} of a program without crypto/tls
//	exit_code   on exit: the status, 128+N when signal N ended it, or null
//	duration_ms on exit: since the exec, or null
//	args        on exec of git, hg, svn, bzr and fossil, with which the go command
//	            fetches modules directly: the arguments, without credentials
//	reason      on skipped: why; on attached: why the plan is another one than
//	            before, or why nothing is seen of what it says, though it speaks; or
//	            the library that has the probes
//	module      on error: {path, version} of what it speaks of, version null
//	            where it names none; or null
//	error       on error: {class, detail}. Classes: dns, connect, tls, timeout,
//	            reset, goaway, http_4xx, http_5xx, protocol, checksum; vcs: git or
//	            its like failed; unavailable: no proxy, or no version, to be had;
//	            toolchain: another release of Go is required; other: anything
//	            else that stopped the command. detail is the line, and the
//	            indented ones after it
//	via         on error: the HTTP proxy at which it failed, as in conn events;
//	            null where it did not fail at one
//	requests    on error: [{conn, stream, url, proxy}] of the exchanges that it
//	            speaks of, the oldest first: those for the URL that it names, or
//	            else those for the module that went wrong in that way, what
//	            they were redirected to, and a CONNECT that was refused, 8 at most. Empty where there is none, as
//	            of what is in the module cache. proxy as in exchange events
//	processes   on error: [{pid, args, exit_code}] of the processes of git and its
//	            like that it speaks of; absent where there is none
//
// # conn
//
// A connection was opened, was closed, or was found again after missing bytes; a
// name was asked for; a connection was not made, or nothing went on it.
//
//	action          open, close, or resync: frame boundaries of one direction
//	                were lost and are found again
//	                dns: a query to a name server, printed with its answer, or
//	                when that is not waited for any more
//	                failed: no connection was made
//	                silent: nothing went on it while it was observed. Printed when
//	                it closes, or else when the process or the observing ends
//	local, remote   "ip:port", "[v6]:port", or null
//	role            client or server, what the observed process is, or null
//	protocol        h2, h2c (HTTP/2 without TLS), http/1.1, dns, or null. One
//	                that is upgraded is http/1.1 on open, and h2c on close
//	joined          start or mid: the first byte was, or was not, seen; or null
//	tls             null, or {version, alpn, sni, resumed, cipher, verify_ms,
//	                offered_alpn, offered_versions}, each can be null.
//	                verify_ms is the part of tls_ms that the certificate of
//	                the server took to verify. offered_* are arrays of what
//	                the client offered, absent where that was not seen
//	dns_ms          name resolution for this connection, or null
//	connect_ms      TCP handshake, or null
//	tls_ms          TLS handshake, or null
//	name            what was resolved to the address of remote, or null; on dns
//	                what is asked for
//	via             the HTTP proxy (or one for SOCKS) that it is made through, as
//	                "http://proxy.example:3128", without credentials; null where
//	                there is none, or none is known of. On failed it is the one
//	                that was not reached, or not got through
//	type            on dns: of the query, such as AAAA
//	rcode           on dns: NOERROR, NXDOMAIN, SERVFAIL, …; null: no answer
//	answers         on dns: array of texts, as dig +short prints them
//	error           on failed: {class, detail}. Classes: dns, connect, tls.
//	                On close, where the client speaks HTTP/1.x and the server
//	                HTTP/2, or the reverse: class protocol; else absent
//	state           on silent: connecting, connected or closed
//	silent_ms       on silent: for how long no data went, also before it was
//	                observed, or null
//	last            on silent: send or recv, which way data went last; null where
//	                none ever did
//	other_way_ms    on silent: for how long no data went the other way, or null.
//	                Where last is send and this is much longer than silent_ms, an
//	                answer is outstanding; else it may be an acknowledgement that
//	                was sent last
//	proxy           on silent: the entry of the process's GOPROXY that it is to
//	proxy, next     on failed: the entry of the process's GOPROXY that it was to,
//	                without credentials, and what the list has a go command ask
//	                instead: another proxy, direct, off or none; or null
//	barred          on failed, where next is none: the entry after proxy, without
//	                credentials, that a "," in GOPROXY keeps from being asked, as
//	                it lets only 404 and 410 go on: a proxy or direct; absent
//	                where there is none
//	dir             on resync: send or recv
//	skipped_bytes   on resync: bytes of that direction not decoded
//	bytes_sent      on close: plaintext bytes, of a connection without TLS
//	                those that went into the network, or null, as when after a loss
//	                nothing came that tells how much; on silent:
//	                bytes of TCP, all that the socket has sent
//	bytes_received  on close: plaintext bytes, or null; on silent: bytes of TCP
//	rtt_ms          on close: smoothed round-trip time, or null
//	retransmits     on close: TCP segments sent again, or null
//	frames          on close: frames in both directions, or null
//	min_rtt_ms      on close: least round-trip time, or null
//	out_of_order    on close: TCP segments received after one that was
//	                missing, lost or overtaken on the way, or null
//	segments_sent, segments_received
//	                on close: TCP segments, or null
//
// dns_ms is from the first query for the name to the last answer that came
// before the process connected: for A and AAAA, and all names of a search list.
// It is null where no lookup was seen: for an address, a name of /etc/hosts, or a
// resolver that is not asked on port 53. connect_ms on failed is how long the
// process tried. A failed lookup is told when the process ends, or has asked for
// nothing more for a second.
//
// A connection through an HTTP proxy is to the origin: tls, frames and exchanges
// are those with it. Its remote is the address of the proxy, and so dns_ms,
// connect_ms, rtt_ms and the counts of segments are of the way to that. via is known
// from the connection that it is inside of, or else from the environment that the
// process was started with (HTTPS_PROXY and the others that net/http reads), where
// name or address of remote agree with that. It is in the close event, and not in
// the open event, where only the first request tells; and so where a connection was
// open before, and the proxy is spoken to with TLS: of the two connections on the
// socket, what they carry tells which is inside of the other.
//
// Connections without TLS have no tls, and tls_ms is null. Their bytes are seen as
// packets: send is when one went into the network, recv when it came from there.
// No packet is taken for another because it was sent twice, or overtaken.
//
// # frame
//
// An HTTP/2 frame was sent or received.
//
//	dir          send (handed to Write by the observed process) or recv
//	stream       stream id, 0 for the connection
//	type         as RFC 9113 spells it, or UNKNOWN_0x2a
//	flags        array of the names of the set flags; undefined ones "0x40"
//	length       payload length on the wire
//	…            keys of its type, below
//	window       {conn_send, conn_recv, stream_send, stream_recv}: the credit
//	             left after this frame, each can be null or negative. _send is
//	             what the process may still send, _recv what its peer may
//	truncated    true where payload is missing, else absent
//	violation    the rule that the frame broke, else absent: one of the
//	             connection, or what makes a message malformed (RFC 9113
//	             §8.1.1), such as a body of another length than its
//	             content-length
//
// Keys by type. They are null where a frame is too short for them or was not
// seen whole.
//
//	DATA             data_length: without padding, null where the pad length
//	                 was not seen
//	                 body: with -s, the captured start of the data as text, or
//	                 body_b64: the same in base64, where it is not UTF-8
//	HEADERS,         headers: [{name, value}] in wire order, on the frame that
//	PUSH_PROMISE,    completes the block. never_indexed is true on fields that
//	CONTINUATION     their sender declared sensitive (RFC 7541 §7.1.3)
//	                 headers_error: why headers is null
//	                 promised_stream: on PUSH_PROMISE
//	                 priority: {depends_on, weight, exclusive} where it has it
//	PRIORITY         priority
//	RST_STREAM       error: name, error_code: number
//	SETTINGS         settings: {NAME: value} in wire order; of a parameter that
//	                 comes twice, the last, which is the one that counts
//	                 settings_wire: [{name, value}] of all, where one does
//	                 ack
//	PING             ack, opaque: 16 hex digits
//	GOAWAY           error, error_code, last_stream, debug
//	WINDOW_UPDATE    increment
//	PRIORITY_UPDATE  prioritized_stream, field_value
//	ALTSVC           origin, field_value
//	ORIGIN           origins: array; origins_b64 where one is not UTF-8
//
// # request
//
// A request begins: its head is complete, at ts. Its exchange follows when it
// ends.
//
//	stream, method, url, protocol, reused, via
//	                as in exchange events
//	module          likewise; next is null
//
// # exchange
//
// A request and its response, printed when it ends, at the latest with the
// observing. ts is its last byte.
//
//	stream          0 on HTTP/1.x
//	method, url     null where the request was not seen
//	status          of the final response, or null
//	protocol        h2, h2c, http/1.1, http/1.0
//	reused          whether its connection carried exchanges before it; null
//	                for the first seen on one joined in the middle
//	request_bytes,  of the bodies, without padding and transfer coding; null
//	response_bytes  where part of one may have been missed
//	dns_ms, connect_ms, tls_ms
//	                of the connection, 0 where it was reused, or null
//	send_ms         from the first byte of the request to its last, or to the
//	                last that was sent
//	wait_ms         from there to the first byte of the final response, 0 where
//	                that came earlier. Interim responses (1xx) do not count.
//	                Without a response it is up to where the exchange was given
//	                up, the connection ended, or the observing did
//	receive_ms      from there to the last byte of the response, or likewise.
//	                After a loss these times are null where they, or the end,
//	                may have been missed
//	total_ms        all of it, with what is known of dns_ms, connect_ms, tls_ms
//	stall_ms        {recv_window, send_window}: for how much of it the peer, or
//	                the process, had no flow-control credit; null on HTTP/1.x
//	redirect        the Location of the response, or null
//	module          {path, version, kind, proxy, next, barred} of what it asked a
//	                module proxy or a checksum database for, or null. path and version
//	                are unescaped, and null where the request names none. proxy
//	                is the entry of the process's GOPROXY that the request went
//	                to, without credentials, or null. next is for a status of
//	                400 or more: which entry is after that one for such a
//	                failure, "direct", "off", or "none"; null where GOPROXY is
//	                not known. barred, where next is none, is as in conn events
//	error           {class, detail} where there is no complete, successful
//	                response, else null. Classes: reset, goaway, http_4xx,
//	                http_5xx, protocol (also of a message that is malformed,
//	                whatever the client makes of it, but for fields specific to a
//	                connection and white space around values, which clients
//	                take), aborted (by the client), timeout (of TCP);
//	                and checksum, where the go command has said so before the
//	                event is printed. Mostly it says so later, of an exchange that
//	                went well: see requests of process
//	start           time of the first byte of the request, or null
//	retry           {attempt, conn, stream, class} where it repeats a request that
//	                was not answered, or null: which attempt it is, from 2 on, and
//	                conn, stream and class of error of the one before. That was
//	                refused, or its connection went away and its method allows
//	                to send it again (RFC 9110 §9.2.2)
//	via             the HTTP proxy that it went through, as in conn events. A
//	                CONNECT is for the proxy itself, and url is what it asks for
//	authorized      on a status of 4xx: whether the request had a field with
//	                credentials, such as authorization; absent where its fields
//	                were not seen
//	retry_after     that field of the response; absent where it had none
//	grpc_status,    of a call of gRPC: the status, a number, and its message, or
//	grpc_message    null where none came; absent on all others. error is not
//	                set by them
//	silent_ms       of a response that was cut, or is open: how long before its
//	                end nothing of it came any more, or nothing but part of a
//	                frame; absent on all others, and where more of it may have
//	                come
//	open            true where it had not ended when the observing did, else
//	                absent
//
// # stall
//
// A time for which one side had used up its flow-control credit and had more to
// send, printed when it ends.
//
//	stream    0 for the whole connection
//	side      recv_window: the peer waited for the observed process;
//	          send_window: the process waited for its peer
//	window    the largest credit that there was, in bytes
//	start     when the credit was used up
//	stall_ms  from there to what ended it
//	ended_by  DATA (the first that came with new credit), WINDOW_UPDATE,
//	          END_STREAM, RST_STREAM, GOAWAY, or close
//
// What a process grants reaches its peer half a round trip later. A recv_window
// stall is therefore found where the peer stops exactly at the end of what it
// had been granted a round trip before, which is measured by SETTINGS and PING.
//
// # verify
//
// With --verify: a field of a header list is not what the process itself has
// encoded or decoded. Of a list the first such field is printed.
//
//	dir     send or recv
//	stream  stream id of the frame
//	index   place of the field in the list, from 0
//	want    {name, value}, as in headers: what the process has, or null
//	got     the same: what h2trace has decoded, or null
//
// # loss
//
// Something was seen and is missing from the output: why, and how much. Printed
// whatever the filter.
//
//	reason   ring_full: the kernel buffer had no room
//	         truncated: more bytes than the kernel side can copy of one call
//	         read_fault: memory of the process that could not be read
//	         table_full: more connections or processes than the kernel side
//	         has room to follow
//	         gap: several of these, or the cause is not known, or records
//	         that were still to be decoded 30 s after the end
//	records  records that were seen and not delivered; 0 for what was not even
//	         seen because a probe did not fire
//	bytes    their bytes, or null
//	conn     absent when not known
//
// # summary
//
// The last line, printed whatever the filter. records.seen is delivered and
// lost together.
//
//	duration_ms, processes, conns, frames, exchanges (or null)
//	records  {seen, delivered, lost}
//	bytes    {seen, captured}
//	agent    {cpu_ms, max_rss_bytes}: what h2trace itself used
//	command  process id of COMMAND; null where h2trace ran none (-p, -n)
//	signal   the first that h2trace was sent while it observed, such as SIGINT
//	         for Ctrl-C, or null
//	verify   with --verify: {blocks, fields, mismatches, unchecked}. blocks were
//	         compared with what the processes themselves encoded or decoded,
//	         and held so many fields; in mismatches of them something differed.
//	         unchecked could not be compared: because of a loss, because they
//	         began before the capture, because the executable has no place to
//	         look at, or because the process gave up a list
//
// # Secrets
//
// Unless told otherwise, "<redacted>" stands for
//
//   - the value of headers that hold credentials by their name: authorization,
//     cookie, set-cookie, x-api-key, private-token, x-amz-security-token, all
//     with words such as token, secret, password, session, signature or
//     ending in key, and fields that their sender declared never indexed;
//   - what follows Bearer, Basic and other authentication schemes at the
//     start of any other header;
//   - the user information of URLs, in any header and in text of GOAWAY,
//     ALTSVC, ORIGIN and PRIORITY_UPDATE frames;
//   - in the same places, the value of parameters with such names
//     (?access_token=…, ?X-Amz-Signature=…, ?api_key=…, ?sig=…, ?code=…),
//     also when they are percent-encoded or inside an encoded URL.
//
// The rest of the value stays as it is, byte for byte. Bodies, printed only
// when asked for, are exact and not redacted. Secrets in other places, such as
// a segment of a path, cannot be told from other text and are printed.
package export
