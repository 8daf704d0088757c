/*
h2trace prints the HTTP/2 frames that Go programs send and receive inside their
TLS connections, and without TLS, with every header and the flow-control credit
left after each frame. It watches from the kernel, with eBPF, and changes
nothing in the programs, which need no preparation and no restart.

Usage:

	h2trace [flags] [--] COMMAND [ARG...]
	h2trace [flags] -p PID[,PID...]
	h2trace [flags] -n NAME[,NAME...]
	h2trace report [--json|--markdown|--suggest] [FILE...]
	h2trace check [-p PID[,PID...]]
	h2trace version
	h2trace help [TOPIC]

The first form runs COMMAND and observes it from the first byte, and all that it
starts. The second observes running processes and their descendants. The third
observes every process that runs an executable of that base name, now or later,
and its descendants, until it is ended; -p may stand beside it. report says
where the time went, from recorded events. check says what this kernel, this
user and the binary of PID allow. Flags end at the first argument that is not
one; a COMMAND that is named like a subcommand goes after "--". Observing takes
root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; and Linux 5.10 or later with
BTF, on amd64.

Flags:

	-p, --pid PID[,PID...]    observe these processes; several words will do, too,
	                          as in -p $(pidof gopls)
	-n, --name NAME[,NAME...]
	                          observe every process whose executable has one of
	                          these base names, such as go,gopls
	    --no-follow           leave the children of the targets alone
	    --no-gate             do not hold executables never met before until
	                          their probes are in place
	-u, --user NAME           run COMMAND as NAME, with the groups and HOME of
	                          that user; NAME may be a numeric user id (see Sudo)
	-o, --output FILE         write events to FILE instead of stdout
	-e, --events LIST         print these kinds of events: process, conn, frame,
	                          request, exchange, stall, verify, loss, summary; of
	                          frames some types: frame=HEADERS+WINDOW_UPDATE; or
	                          all (default all; loss and summary come always)
	-s, --body-bytes N        print up to N bytes of each DATA payload (default 0)
	    --show-secrets        print secret header values, credentials in URLs and
	                          query tokens instead of "<redacted>"
	    --buffer SIZE         ring buffer between kernel and h2trace, 64KiB to
	                          2GiB, rounded up to a power of two (default 16MiB)
	    --duration D          stop observing after D, such as 90s or 2m30s; a
	                          number alone is seconds
	    --verify              hold every header that is printed against what the
	                          process itself has encoded or decoded
	    --plan PLAN           where to put probes: auto takes the cheapest places
	                          of each binary, entry-ret function entries and
	                          returns (default auto)
	-q, --quiet               print no messages on stderr but errors
	-V, --version             print the version, also with a subcommand
	-h, --help                print this page, or with a subcommand its own

# Output

Events are JSON Lines on stdout. While they are, the stdout of COMMAND goes to
stderr, so that the output always parses; with -o it stays. Messages of h2trace
itself are on stderr and begin with "h2trace: ": with -p and -n what is observed
and since when, that --duration is over, and at the end what was seen and lost.
-q leaves only errors.

A FILE that -o creates can be read by its owner only (0600), who is the user of
-u if that is given. One that exists is overwritten and keeps owner and
permissions; a message says where others can use it. A file or symbolic link of
another user is refused, but for those of root and of the user who called sudo,
and so is a file with other hard links. Named pipes, which are waited for until
somebody reads, terminals and /dev/null will do; block devices and directories
are refused. Events are appended, so that a file may be cut to zero meanwhile.
"-" is stdout.

When the reader of the output leaves, as head does, the observing ends. When it
stands still, as a pager does, events wait for it, and a message says so; those
that find no room in the buffer are counted as lost. After COMMAND or the
observing has ended, h2trace waits for 30 seconds in which nothing is read. Then
it says how many events were not written, and fails.

# Events

Each line is one object. A key that is absent or null is unknown; 0 is 0.
Durations end in _ms and are in milliseconds, sizes are in bytes, times are
UTC with nanoseconds, taken when the kernel saw the bytes. Per connection,
lines come in the order in which the bytes went.

	all       v (1), ts, event, pid, comm, conn (an id, unique in this run)
	process   action (attached, exec, exit, skipped, error), ppid, exe,
	          go_version, build_id, plan, exit_code, duration_ms, args, reason; on
	          error: module {path, version}, error {class, detail}, via,
	          requests [{conn, stream, url, proxy}],
	          processes [{pid, args, exit_code}]
	conn      action (open, close, resync, dns, failed, silent), local, remote,
	          role, protocol, joined (start, mid), tls, dns_ms, connect_ms,
	          tls_ms, name, via; on dns: type, rcode, answers; on failed: error
	          {class (dns, connect, tls), detail}, proxy, next, barred; on resync:
	          dir, skipped_bytes; on close: bytes_sent, bytes_received, rtt_ms,
	          retransmits, frames, min_rtt_ms, out_of_order, segments_sent,
	          segments_received; on silent: proxy, bytes_sent, bytes_received,
	          state (connecting, connected, closed), silent_ms, last (send, recv),
	          other_way_ms
	frame     dir (send, recv), stream, type, flags, length, window, and by type:
	          DATA             data_length, body or body_b64
	          HEADERS, PUSH_PROMISE, CONTINUATION
	                           headers [{name, value}], headers_error,
	                           promised_stream, priority
	          SETTINGS         settings {NAME: value}, ack
	          WINDOW_UPDATE    increment
	          RST_STREAM, GOAWAY
	                           error, error_code, last_stream, debug
	          PING             ack, opaque
	          PRIORITY         priority {depends_on, weight, exclusive}
	          PRIORITY_UPDATE  prioritized_stream, field_value
	          ALTSVC           origin, field_value
	          ORIGIN           origins
	          truncated and violation where they apply
	request   stream, method, url, protocol, reused, module, via
	exchange  stream, method, url, status, protocol, reused, request_bytes,
	          response_bytes, dns_ms, connect_ms, tls_ms, send_ms, wait_ms,
	          receive_ms, total_ms, stall_ms, redirect, module {path, version,
	          kind, proxy, next, barred}, error {class, detail}, start, retry
	          {attempt, conn, stream, class}, via, authorized, retry_after,
	          grpc_status, grpc_message, silent_ms, open
	stall     stream, side, window, start, stall_ms, ended_by
	verify    dir, stream, index, want, got
	loss      reason (ring_full, truncated, read_fault, table_full, gap),
	          records, bytes, conn when known
	summary   duration_ms, processes, conns, frames, exchanges, records {seen,
	          delivered, lost}, bytes {seen, captured}, agent {cpu_ms,
	          max_rss_bytes}, command, signal, verify {blocks, fields,
	          mismatches, unchecked}

window holds conn_send, conn_recv, stream_send and stream_recv: what may still
be sent after this frame, by the observed process (send) or to it (recv). It
can be negative (RFC 9113 §6.9.2), and is null where it is not known. send means
handed to Write; a Write that fails may have sent less.

A request event says when an exchange begins. An exchange is printed when it
ends: send_ms is the request, wait_ms the time from its end to the response,
receive_ms the response; of one that was given up, up to there, and silent_ms is
for how long nothing of the response had come by then. open is true where it had
not ended when the observing did. stall_ms in it, and the stall
events, are the times for which one side had used up its flow-control
window. dns_ms, connect_ms and tls_ms are of the connection that it opened;
dns_ms is null where the process did not ask a name server on port 53 for the
address. tls holds version, alpn, sni, resumed, cipher, verify_ms, the time that
the certificate took, and offered_alpn and offered_versions, what the client
offered; what was agreed on is null for Go releases that h2trace does not know.

module.proxy is the entry of the process's GOPROXY that a request went to, and
module.next the one behind it for a failure of that status: a proxy, direct, off
or none. module.barred is there where a proxy, or direct, follows but is not
asked: behind a "," only 404 and 410 go on to it, behind a "|" any failure does.
proxy, next and barred are the same of a connection that was not made. GOPROXY
is read from the environment that the process was started with, or of a go
command from the files of "go env -w" and of its release. Nothing else of an
environment is kept or printed.

retry is set where an exchange repeats one that was not answered, because the
server refused it or the connection went away: conn and stream of that one, and
the class of its error. net/http does so by itself. authorized is on a status of
4xx only: whether credentials were sent. grpc_status and grpc_message are on
calls of gRPC only.

via is the HTTP proxy that a connection or an exchange goes through, without
credentials. remote is then the address of that proxy, and what TCP tells is of
the way to it. It is known from the connection to the proxy that TLS is inside
of, or from HTTPS_PROXY and its like in the environment that the process was
started with.

A process event with action error is what a go command complains of on stderr.
In it requests are the exchanges that it speaks of, and processes those of git
and its like. A module with another checksum than it should have came with an
exchange that went well, and which is printed by then. A complaint of class
other is printed when the command has failed.

A conn event with action dns is a query to a name server. One with action failed
is a connection that was not made: no address was found, nobody accepted, or the
TLS handshake failed. One with action silent is a connection on which nothing
went while it was observed, such as one that still waits for an answer: last is
then send, silent_ms how long it has waited, and other_way_ms much longer.

loss counts everything that was seen and is missing from the output, by cause.
What cannot be trusted after a loss is null. summary is the last line; in it,
seen = delivered + lost.

With --verify, the header fields that a process itself encodes and decodes are
copied out of it, whole, and compared with what h2trace decoded of the bytes. A
verify event says where they are not the same: want is what the process has, got
what h2trace has. The summary counts the blocks compared, their fields, those
that differ, and those that could not be compared, because of a loss, because
they began before h2trace came, or because the program has no HTTP/2 code of a
known form (net/http, golang.org/x/net). A message at the end says so, too; the
exit status stays as it is.

Text that is not UTF-8 has U+FFFD for each such byte, and its exact bytes in
base64 under the same key with "_b64" added. The package comment of export in
the source is the reference of all keys.

# Report

	h2trace report [--json|--markdown|--suggest] [FILE...]

report reads events from files, of which each may hold several runs, or from
stdin, and says where the wall time went: the critical path over git and alike,
name resolution, connecting, TLS handshakes, sending, waiting, receiving, being
stalled by flow control, the process itself, and being idle, which sum to the
wall time. What was never answered counts as waiting up to where it was given
up, or to the end. It names the cause in a sentence (healthy, dns, connect,
tls, server_wait, bandwidth, packet_loss, recv_window, send_window, client,
errors, checksum or vcs) and prints tables of proxies, of other servers, of the
clients of observed servers, of what was asked of another proxy, or of nobody,
behind a failure, of HTTP proxies that were passed, of kinds of requests, of
the slowest modules, of programs that ran, and of windows. Quantiles are within
1 % of the true ones. Memory stays below 64 MB whatever the size of the files.
Lines that are no events are skipped and counted.

The phases are those of the critical path. Each exchange is taken to have waited
for the one that ended last before it began; in between, whatever was under way
counts. The rest is the process itself, and so is an observed server until its
response begins. TLS handshakes, connects and cut responses that never went on
count as waiting, too. "git and alike" is version control, with which the go
command fetches modules directly. Idle is a server, or a process that ran
before, without a request under way; shares are of the time without it.

The cause is what cost the time, or what made the command fail. A phase costs
time when it took both 30 % of the wall time and 100 ms. Where most of that went
to one address, proxy or request that gave nothing for it, the line names it. A
failure is the cause where the command failed too, else it is evidence. What was
answered after a retry is no failure. A complaint of the go command, its
requests and its connections are one failure, and the report says what helps:
whether credentials were sent before a 401, which version does not exist, what
git printed, that GOPROXY ends with off.

Tables of proxies hold wait and total at P50, P95 and P99, MB/s, failures by
class, reuse, round-trip time and retransmissions. After a proxy that failed or
could not be reached, the report says what came next: another proxy, direct, or
the end, because "," in GOPROXY goes on only after 404 and 410. An HTTP proxy
that refuses, or cannot be reached, gets the verdict itself.

	--json      print one JSON object
	--markdown  print Markdown
	--suggest   print the measured order of the proxies as a command that sets
	            GOPROXY, without those that failed; the numbers behind it go
	            to stderr. A "|" stands behind one that failed a few requests

What is said beside the cause tells of a run that was interrupted, and by which
signal: what it gave up by that is aborted, and not at fault.

report needs no rights. Its exit status is 0, or 1 if a file cannot be read, no
event was recorded, or nothing can be suggested.

# Check

	h2trace check [-p PID[,PID...]]

check tries everything that observing needs, each on its own, and prints a line
for each: "ok", or "no" with the reason, and what to do about it. With -p it
also says which probes the executables of these processes get, or why they get
none.

Its exit status is 0 if running a COMMAND works here, else 1. It is 1, too, if a
PID of -p is no process that can be looked at, which a message says.

# Version

	h2trace version

version prints the version of h2trace, the commit that it was built from, the Go
release that built it, and the platform. -V and --version print the same, with
or without a subcommand.

# Help

	h2trace help [TOPIC]

help prints this manual, or the part of it under the heading TOPIC. -h and
--help print the page of flags, or with a subcommand its own page.

# Limits

Observed are amd64 Go programs, built with Go 1.18 to 1.27, that use crypto/tls,
stripped ones too, and those that use sockets without it. Others get a process
event with the action skipped and a reason, unless they run Go code of a shared
library: that is looked at, and the reason in the event names it. HTTP/3 is not
seen; of HTTP/1.x there are conn and exchange events. HTTP without TLS is not
seen on Unix sockets, nor anything inside of other encryption than that of
crypto/tls, such as a fork of it or a library in C. When nothing at all is seen
of a process that speaks, a message says why, and so does the reason of a second
process event with the action attached.

Go code in shared libraries (-buildmode=c-shared and plugin) is observed from
the start where the program is linked with it or had loaded it before h2trace
came. Of a library that is loaded later the first moments are missed, some 50
ms, and more the longer the program runs.

HTTP without TLS, HTTP/1.x and HTTP/2 with prior knowledge or by upgrade, is
seen as packets, also of programs that get no probes; it takes cgroup v2 and
CAP_NET_ADMIN (h2trace check says whether they are there). So do name resolution
(dns_ms) and what TLS clients offer, which is not seen through a SOCKS proxy.
send and recv are
then the times at which packets left and came. Of HTTP/2 in a program that is
not Go, on a connection that was open before h2trace came, windows are null, and
header blocks that refer to fields sent earlier.

A connection that was open before h2trace came has joined "mid": its header
tables and windows are copied from the memory of the process. Headers are
complete from the first block that begins after h2trace came, without TLS the
second, for which the process waits already, and windows, those of open streams
included, some frames later, when copies agree. A connection heals after a loss
in the same way. Until then windows are null, as is
stream_recv of a stream that was open before, has a request body, and on which a
server may not send; conn_recv of clients built with Go 1.20 or older
(golang.org/x/net v0.4.0) and of servers built with Go 1.19 or older, which do
not keep it right; all windows of those built with a release that h2trace does
not know and without debugging information; and all windows of gRPC-Go, which
keeps its own. Blocks that were under
way then, and those of HTTP/2 code that does not use net/http or
golang.org/x/net, or whose tables exceed 64 KiB or 2048 entries, are null where
they refer to fields sent earlier (headers_error says so). Where frame
boundaries had to be searched, there or after a loss, frames of one direction
may come later than their time.

An executable that a target starts and that h2trace has not met before is held
at exec until its probes are in place, for 200 ms at most; a message says how
many went on before. Nothing is held with --no-gate, without CAP_SYS_ADMIN, on
file systems in user space (FUSE) or on the network, on one that was mounted
meanwhile in another mount namespace, and where memfd_create(2) made the file.
Such an executable is observed some 20 ms after its exec; a connection that it
opens before is joined in the middle or missed. While something is held, neither
Ctrl-Z, SIGSTOP nor the death of h2trace prolong it.

Probes are verified by use. Where one has not fired yet although data goes the
other way, or sockets move bytes, others watch for a moment whether plaintext
passes it by. If so, a message and a process event with the new plan and a
reason say that function entry and returns are probed instead; a loss of
unknown size is on each connection that was open, and the rest of it is printed
as another connection, joined in the middle. A program that ends within half a
second may end before that.

Addresses, rtt_ms and retransmits are null where the net.Conn under TLS is not a
*net.TCPConn, nor a struct that leads to one: by what it embeds, or by its one
field that is a net.Conn. Frames are printed all the same.

dns_ms is null for names that are not resolved on port 53: those of /etc/hosts,
of DNS over TLS or HTTPS, and of a resolver on a Unix socket. A connect that
fails before there is a packet, as without a route, has no error: only the
process sees it.

HTTP proxies and GOPROXY are not known where a process has them from elsewhere
than its first environment and the files of the go command. Then via is null,
unless a CONNECT is seen, and the module path says where a base path ends.

h2trace must run in the initial PID namespace, on the host and not in a
container. It can observe processes in containers from there.

# Secrets

Values of headers that hold credentials, user and password in URLs, and values
of query parameters named like secrets are printed as "<redacted>", unless
--show-secrets is given. Bodies, which -s prints, are not redacted, nor are
secrets that nothing tells from other text, such as a segment of a path. Hosts
and paths, and with them the names of private modules, are printed.

# Sudo

Under sudo COMMAND runs as root, which a message says, and what it leaves
behind, such as a module cache, belongs to root. "sudo h2trace -u $USER COMMAND"
runs it as yourself.

sudo replaces PATH, often by one without Go. With -u and the name of whoever ran
sudo, the directories of the PATH that sudo was started with follow those of the
new one. Otherwise pass your own PATH on:

	sudo env "PATH=$PATH" h2trace go mod download

sudo drops other variables, too. What "go env -w" wrote counts with -u; what the
shell exports, such as GOPROXY, has to be passed in the same way.

# Signals

SIGTERM and SIGHUP are passed on to COMMAND. Ctrl-C reaches it from the
terminal; h2trace waits for it to end and prints what is left. With -p or -n,
SIGINT, SIGTERM and SIGHUP end the observing; one that comes a second or more
later ends it at once.
What the kernel holds at the end is decoded for 30 seconds at most; the rest
counts as lost.
COMMAND is never ended by h2trace, also not when h2trace is killed. It gets the
signal handling, limits, descriptors and environment that h2trace was started
with.

# Exit status

With COMMAND, that of COMMAND, or 128+N if signal N killed it, also when nothing
in it could be observed. 125 if h2trace failed before running it, in which case
it is not run, or could not write all events; 126 if it cannot be executed; 127
if it is not found.

With -p, 0 when ended by a signal, by --duration, by the reader, or by the exit
of all targets; 1 if observing failed or nothing could be observed. With -n the
same, but it waits for processes to come, and ends with 0 if none did.

In all cases 2 for mistakes in the command line.

# Examples

See what a module download says on the wire:

	h2trace go mod download

The same under sudo, as yourself, with the events in a file:

	sudo h2trace -u $USER -o events.jsonl go mod download

Where the time went, in the same run:

	h2trace -e process,conn,exchange,stall go mod download | h2trace report

Every response status of gopls and the go commands that it starts, now and
later:

	h2trace -e frame=HEADERS -n gopls |
		jq -r 'select(.headers) | .headers | from_entries[":status"] // empty'
*/
package main
