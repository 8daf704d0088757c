/*
h2trace prints the HTTP/2 frames that Go programs send and receive, inside TLS
and without it. Each frame comes with all its headers and with the flow-control
credit left after it. h2trace observes from the kernel, with eBPF. It changes
nothing in the programs, which need no preparation and no restart.

Usage:

	h2trace [flags] [--] COMMAND [ARG...]
	h2trace [flags] -p PID[,PID...]
	h2trace [flags] -n NAME[,NAME...]
	h2trace [flags] --cgroup PATH
	h2trace top [flags] [COMMAND [ARG...]]
	h2trace proxies [flags] [PROXY...]
	h2trace report [flags] [FILE...]
	h2trace replay [flags] [FILE...]
	h2trace convert FORMAT [-o FILE] [FILE...]
	h2trace check [-p PID[,PID...]]
	h2trace completion bash|zsh|fish
	h2trace version
	h2trace help [TOPIC]

The first form runs COMMAND and observes it, and all that it starts, from the
first byte. The second observes running processes and their descendants. The
third observes every process that runs an executable of that base name, now or
later, and its descendants, until h2trace is stopped. The fourth observes what
runs in a cgroup, such as that of a container. These three can be combined. top
is a live view. proxies compares module proxies. report says where the time
went, from recorded events, or from what the go command prints with -x. replay
prints recorded events again, or decodes packets. convert turns events into
files for browsers and trace viewers. check says what this kernel, this user and
the binary of PID allow. completion prints what makes a shell complete the
command line.

Flags end at the first argument that is not a flag. Put a COMMAND that is named
like a subcommand after "--". Observing requires root, or CAP_BPF, CAP_PERFMON
and CAP_SYS_PTRACE, also as capabilities of the file of h2trace. Once it
observes, h2trace gives up all rights that it does not need; COMMAND keeps its
own. It requires Linux 5.10 or later with BTF, on amd64 or arm64. report,
replay, convert, completion, help and version require nothing, and are there on
other systems, too.

Flags:

	-p, --pid PID[,PID...]    observe these processes; PIDs may be separate
	                          words, as in -p $(pidof gopls)
	-n, --name NAME[,NAME...]
	                          observe every process whose executable has one of
	                          these base names, such as go,gopls
	    --cgroup PATH         observe every process in this cgroup, and in those
	                          below it; can be repeated (see Containers)
	    --no-follow           do not observe the children of the targets
	    --no-gate             do not hold new executables until their probes are
	                          attached
	-u, --user NAME           run COMMAND as NAME, with the groups and HOME of
	                          that user; NAME may be a numeric user id (see Sudo)
	-o, --output FILE         write events to FILE instead of stdout
	-A, --append              keep what is in FILE, and write after it
	-e, --events LIST         print these kinds of events: process, conn, frame,
	                          request, exchange, stall, verify, loss, summary;
	                          some types of frames: frame=HEADERS+WINDOW_UPDATE;
	                          or all (default all; loss and summary are always
	                          printed)
	    --host PATTERN        print only exchanges with such hosts,
	    --path PATTERN        such paths,
	    --status LIST         such statuses,
	    --min-ms N            or of N milliseconds or more (see Filters)
	-f, --format FORMAT       json, or text: lines for people (default text if
	                          events go to a terminal, else json; see Text)
	-v, --verbose             in text, also print each header and flag
	-c, --report              print the report at the end instead of events
	    --label KEY=VALUE     put a label on the summary, for report --group-by;
	                          can be repeated
	-s, --body-bytes N        print up to N bytes of each DATA payload (default 0)
	    --show-secrets        print passwords, tokens and cookies instead of
	                          "<redacted>" (see Secrets)
	    --pcap FILE           also write the packets of the processes for
	                          Wireshark; "-" is stdout (see Packets)
	-C, --pcap-size SIZE      begin another file after SIZE millions of bytes, or
	                          with k, m or g after the number: KiB, MiB, GiB
	-W, --pcap-count COUNT    after so many files, write the first one again
	    --keylog FILE         also write the session secrets of TLS to FILE (see
	                          Secrets)
	    --metrics ADDR        serve metrics to Prometheus in the meantime; ADDR is
	                          :PORT of loopback, or HOST:PORT (see Metrics)
	    --otlp URL            send traces and metrics to an OpenTelemetry
	                          collector, with OTLP over HTTP (see Collector)
	    --source LIST         where to take what TLS carries: wire (packets and
	                          session secrets), calls (probes on Read and Write),
	                          or auto: wire, and calls where that cannot be
	                          (default auto; see Source)
	    --buffer SIZE         ring buffer between kernel and h2trace, 64KiB to
	                          2GiB, rounded up to a power of two (default 16MiB)
	    --duration D          stop observing after D, such as 90s or 2m30s; a
	                          plain number is in seconds
	    --verify              compare every printed header with what the process
	                          itself encoded or decoded
	    --plan PLAN           where to attach the probes of calls: auto chooses
	                          the cheapest places of each binary, entry-ret
	                          function entries and returns (default auto)
	-q, --quiet               print no messages on stderr but errors
	-V, --version             print the version, also with a subcommand
	-h, --help                print this page, or with a subcommand its own

# Output

Events are JSON Lines on stdout, or text if that is a terminal (see Text). While
they go there, the stdout of COMMAND goes to stderr, so that the output always
parses. With -o, COMMAND keeps its stdout.
Messages of h2trace itself go to stderr and begin with "h2trace: ". With -p and
-n they say what is observed and since when. They also say that --duration is
over, and at the end what was seen and lost. With -q, only errors are printed.

When COMMAND has ended, the verdict of the report follows on stderr: its cause
and evidence, where the wall time went, and how many connections were not
decoded. It is on all that was observed, whatever -e says and whether or not the
events had a reader.

With -c, the whole report (see Report) is printed at the end, on stdout or to
the FILE of -o, and no events. -e, -f, -s, -v and what selects exchanges have no
meaning then.

The labels of --label say what the run is, as in --label region=eu. A KEY has
lower-case letters, digits, "_", "." and "-", and begins with a letter. It can
be given once, and is none of proxy, kind, module and host.

A FILE that -o creates is readable by its owner only (0600). The owner is the
user of -u, if given. An existing file is overwritten and keeps owner and
permissions; a message says if others can use it. h2trace refuses a file or
symbolic link of another user, except root and the user who called sudo. It also
refuses a file with other hard links, block devices and directories. It accepts
named pipes, terminals and /dev/null, and waits until a pipe has a reader.
Events are appended, so the file may be truncated while h2trace writes. With -A,
what is in FILE is kept, and events follow on a line of their own. "-" is
stdout.

Observation ends when the reader of the output exits, as head does. When the
reader pauses, as a pager does, events wait for it, and a message says so.
Events that do not fit into the buffer are counted as lost. After COMMAND or the
observation has ended, h2trace waits until nothing has been read for 30 seconds.
It then reports how many events were not written, and fails. So it does where a
disk is full, or the file may not grow: whole events are left in the file, the
observation ends, and COMMAND runs on.

h2trace takes some 40 MiB and its buffer, and more for many connections. Where
its cgroup or one above it has a limit of memory, it takes a smaller buffer, of
1 MiB at least, and says so; below 49 MiB it does not start. Unless GOMEMLIMIT
is set, it collects garbage more often near that limit. COMMAND is in the same
cgroup, and takes of the same memory.

# Text

With -f text, and where events go to a terminal, each is a line for people. Its
columns are: seconds since the first event of the run (while it is observed, the
first that is printed), process, connection, stream, direction (-> is sent, <-
received), what happened, and what matters of it.
Of DATA and WINDOW_UPDATE that is also the window that is left: of stream and
connection the smaller one.

	0.056 go[7] c1  1 -> HEADERS   GET https://a.example/m/@v/list END_STREAM
	0.063 go[7] c1  1 <- DATA      54 B END_STREAM, window 4194250
	0.063 go[7] c1  1    exchange  200 GET https://a.example/m/list in 7 ms, 54 B

An exchange names its longest phase, if that took more than half of the time. -v
adds each header, setting and flag of frames, on lines that begin with a tab. On
a terminal, a line that does not fit loses what matters least, then the begin or
middle of a URL, or the middle of another long text; an ellipsis stands for what
is missing. What failed goes on in further lines instead, which begin with a
tab, too. There are colours: red for what failed or is lost, yellow for what
is odd, such as a stall, green for exchanges that succeeded. With NO_COLOR in
the environment, there are none. Nothing in a line acts on the terminal: control
characters are printed as \x1b.

# Filters

-e chooses kinds of events, and types of frames. These flags select exchanges,
in text and in JSON. All that are given have to be met. Without -e, no other
events are printed then, except loss and summary; with -e, they have no effect
on other kinds.

	--host PATTERN   of the URL, with or without its port; * stands for anything,
	                 as in '*.example'
	--path PATTERN   what the path and query of the URL have in them, with or
	                 without their escapes; * is as before, as in '/@v/*.zip'.
	                 Neither tells upper case from lower
	--status LIST    such as 404, 4xx, 500-503; none for no response
	--min-ms N       took N milliseconds or more

# Replay

h2trace replay prints the events of files, or of stdin: those that -e and the
flags of Filters select, in the format of -f. Files may be compressed with gzip,
or written by PowerShell as UTF-16. Lines that are not events are skipped, and a
message says how many. The order is that of the files. What comes through a pipe
is printed without waiting for more.

	h2trace -o run.jsonl go mod download
	h2trace replay -f text --min-ms 500 run.jsonl
	h2trace replay --status 4xx,5xx,none run.jsonl | jq '.url // empty'

A file may also hold packets, as pcap or pcapng: tcpdump, Wireshark and h2trace
--pcap write such files. replay decodes them, and prints the events that h2trace
would have printed: frames with their windows, exchanges, stalls, connections
and name lookups. It needs neither Linux nor root.

	tcpdump -i any -s 0 -w run.pcap port 443
	h2trace replay --keylog-file keys.log run.pcap | h2trace report
	tcpdump -i any -s 0 -U -w - | h2trace replay -f text -

	    --keylog-file FILE    session secrets, as h2trace --keylog and
	                          SSLKEYLOGFILE write them; may be repeated
	-s, --body-bytes N        print up to N bytes of each DATA payload
	    --show-secrets        print secrets instead of "<redacted>", also those of
	                          events that were recorded with them

Without secrets, in the file or in a key log file, TLS stays closed; a conn
event says so. The link types are Ethernet, also with VLAN, MPLS and PPPoE,
loopback, raw IP and Linux cooked capture 1 and 2. Several captures count as
one that was rotated: connections go on in the next file.

pid and comm are null, except in files of h2trace --pcap. The host that captured
counts as the observed process if the file has directions of packets, else the
client does. In a capture that begins within a connection, TLS cannot be opened,
and the role comes from the bytes, or from a port that only clients have. What
only the kernel knows is null, such as rtt_ms. A packet that the capture lacks
is a loss event with reason gap, one that it has in part is one with reason
truncated. A packet that it has twice, as from a mirrored port, counts once.
Secrets may follow the packets that they open, by 5 seconds of the capture at
most.

The exit status is 1 if a file cannot be read or is damaged, or no event is in
any. A capture that is cut at its end is no error; a message says so.

# Convert

	h2trace convert FORMAT [-o FILE] [FILE...]

convert turns the events of files, or of stdin, into what other programs open.
It writes to stdout, or to the FILE of -o, which is created as in observing
(0600). A FILE that cannot be written whole is removed, or emptied if it was
there before.

	trace   Chrome trace events, for Perfetto, speedscope and chrome://tracing:
	        processes, connections and requests on lanes, each with its phases;
	        stalls; windows as counters; violations, resets and losses as marks
	har     an HTTP archive (HAR 1.2), for the network panel of browsers and for
	        what reads their archives: an entry an exchange, in the order in
	        which they began

	h2trace -o run.jsonl go mod download
	h2trace convert har -o run.har run.jsonl

The clock of a trace is that of "go build -debug-trace". Given the file of that,
too, convert draws both:

	h2trace -o run.jsonl go build -debug-trace=spans ./...
	h2trace convert trace -o run.json run.jsonl spans

The output has what was recorded. An archive has headers if the events have
frames of type HEADERS, and the part of bodies that -s recorded; with HTTP/1.x
it has neither. A trace needs frame events for windows, request and exchange
events for lanes. Secrets are redacted, also those of events that were recorded
with them, unless --show-secrets is given; bodies are as they were sent. In an
archive, keys that begin with "_" are those of events. A request without a
complete response has _error, and the status 0 if none came.

Memory stays below 128 MB for files of any size, if no line has more than 1 MB.
One of 32 MB, the longest that is read, can take 450 MB. A large archive is
sorted in a temporary file (in TMPDIR). If the headers and bodies of the
requests that are under way at once exceed 16 MB, those of the oldest are left
out, and a message says so.

After Ctrl-C, convert still reads the rest of a pipe, so that this writes a
whole file:

	h2trace -n gopls | h2trace convert trace -o run.json

The exit status is 1 if a file cannot be read, and what came before is
converted; or if no event is in any, or the output cannot be written.

# Events

Each line is one object. A key that is absent or null is unknown; 0 is 0. Keys
that end in _ms are durations in milliseconds. Sizes are in bytes. Times are UTC
with nanoseconds, taken when the kernel saw the bytes. The lines of a connection
come in the order of its bytes.

	all       v (1), ts, event, pid, comm, conn (an id, unique in this run)
	process   action (attached, exec, exit, skipped, error, lock), ppid, exe,
	          container, go_version, build_id, plan, exit_code, duration_ms,
	          cpu_ms, args, reason; on lock: path, wait_ms, locked; on error:
	          module {path, version}, error {class, detail}, via,
	          requests [{conn, stream, url, proxy}],
	          processes [{pid, args, exit_code}]; on exec and attached:
	          traceparent, service_name of the environment
	conn      action (open, close, resync, flood, counted, dns, failed,
	          silent), local, remote,
	          role, protocol, joined (start, mid), tls, dns_ms, connect_ms,
	          tls_ms, name, via, source (wire, calls), reason, quic_version; on
	          dns: type, rcode, answers; on failed: error {class (dns, connect,
	          tls), detail}, proxy, next, barred; on resync: dir,
	          skipped_bytes; on flood: dir; on counted: flood_ms,
	          counted [{dir, type, frames, bytes}]; on close: bytes_sent,
	          bytes_received, rtt_ms,
	          retransmits, frames, min_rtt_ms, out_of_order, segments_sent,
	          segments_received, holes, rcv_rtt_ms, mss, ttl, unread_bytes,
	          unsent_bytes, peak_streams, max_concurrent_streams,
	          datagrams_sent, datagrams_received; on silent: proxy, bytes_sent,
	          bytes_received, state (connecting, connected, closed),
	          silent_ms, last (send, recv), other_way_ms
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
	          kind, proxy, next, barred, tail, credentials}, error {class,
	          detail}, start, retry {attempt, conn, stream, class}, via,
	          authorized, retry_after,
	          cache (hit, miss), age_s, server_timing {NAME: ms},
	          grpc_status, grpc_message, silent_ms, traceparent, role, open
	stall     stream, side, window, start, stall_ms, ended_by
	verify    dir, stream, index, want, got
	loss      reason (ring_full, truncated, read_fault, table_full, gap),
	          records, bytes, conn when known
	summary   duration_ms, processes, conns, frames, exchanges, records {seen,
	          delivered, lost}, bytes {seen, captured}, agent {cpu_ms,
	          max_rss_bytes}, command, signal, verify {blocks, fields,
	          mismatches, unchecked}, packets {written, lost}, otlp
	          {spans_sent, spans_rejected, spans_dropped, spans_unsampled,
	          points_sent, points_rejected, points_dropped, stalls_dropped},
	          labels {KEY: VALUE}

window holds conn_send, conn_recv, stream_send and stream_recv: the credit left
after this frame. _send is what the observed process may still send, _recv what
it may still be sent. A window can be negative (RFC 9113 §6.9.2), and is null
where it is unknown. send is when a packet left, recv when it arrived; with
source calls, send means handed to Write, and a Write that fails may have sent
less.

A request event reports that an exchange begins. An exchange event is printed
when the exchange ends. send_ms is the time of the request, wait_ms the time
from its end to the response, receive_ms the time of the response. In an
abandoned exchange, these times end where it was abandoned. silent_ms is then
how long nothing of the response had arrived. open is true if the exchange had
not ended when the observation did. stall_ms, and the stall events, are the
times in which one side had no flow-control credit left.

dns_ms, connect_ms and tls_ms are those of the connection that the exchange
opened. dns_ms is null if the process did not ask a name server on port 53 for
the address. tls holds version, alpn, sni, resumed and cipher. Its verify_ms is
the time of a client to verify the certificate, with source wire: from the
arrival of the last message of the server until the answer left. Its
offered_alpn and offered_versions are what the client offered. What was
negotiated is null for Go releases that h2trace does not know.

module.proxy is the entry of the process's GOPROXY that a request went to.
module.next is what the go command tries after a failure with this status: a
proxy, direct, off or none. module.barred is the entry after proxy, a proxy or
direct, if the go command does not try it: a "," lets it go on only after 404
and 410, a "|" after any failure. proxy, next and barred mean the same for a
failed connection.

h2trace reads GOPROXY from the initial environment of the process. For a go
command it also reads the files of "go env -w" and of its release. It keeps and
prints nothing else of an environment.

retry is set if an exchange repeats an unanswered one: the server refused that
one, or its connection failed. It holds conn and stream of that one, and the
class of its error. net/http retries by itself. authorized is present only with
a status of 4xx, and says whether credentials were sent. grpc_status and
grpc_message are present only on gRPC calls.

via is the HTTP proxy that a connection or an exchange goes through, without
credentials. remote is then the address of that proxy, and TCP values, such as
rtt_ms, describe the path to it. h2trace knows via from the connection to the
proxy that carries the TLS connection, or from HTTPS_PROXY and similar variables
in the initial environment of the process.

A process event with action error is a complaint of a go command on stderr. Its
requests are the exchanges that the complaint is about, its processes those of
git and similar programs. A module with a wrong checksum came with a successful
exchange, which has been printed by then. A complaint of class other is printed
when the command has failed.

A conn event with action dns is a query to a name server. Action failed is a
connection that was not established: no address was found, nobody accepted, or
the TLS handshake failed. Action silent is a connection without data while it
was observed. If such a connection waits for an answer, last is send, silent_ms
is the time it has waited, and other_way_ms is much longer.

Action flood is a connection with so many frames that carry neither a response
nor data that h2trace counts its frames from now on, and does not decode them:
200,000 at once, or 50,000 each second; requests that are answered have no
bound. So no peer can make h2trace miss what others say. Action counted has the
number of frames of each type, when they are decoded again, or the connection
ends. What they may have changed is null after them, as after a loss, and
exchanges between are missing. replay decodes all frames, as those in the FILE
of --pcap.

loss counts, by cause, everything that was seen and is missing from the output.
What cannot be trusted after a loss is null. summary is the last line; in it,
seen = delivered + lost.

With --verify, h2trace copies the header fields that a process itself encodes
and decodes, whole, and compares them with what it decoded from the bytes. A
verify event reports a difference: want is what the process has, got what
h2trace has. The summary counts the compared blocks, their fields, the blocks
that differ (mismatches), and the unchecked blocks. A block is unchecked if
there was a loss, if it began before h2trace attached, or if the program has no
HTTP/2 code of a known form (net/http, golang.org/x/net). A message at the end
says so, too. The exit status does not change.

In text that is not UTF-8, U+FFFD replaces each invalid byte. The same key with
"_b64" added holds the exact bytes in base64. The package comment of export in
the source is the reference of all keys. That directory also has a JSON Schema
of the lines, a format for lnav, and recipes for jq and Miller.

# Source

h2trace takes what TLS connections carry from one of two places. The source of a
conn event says from which.

wire: the packets of the connection, decrypted with the session secrets that
crypto/tls derives in a handshake. Only handshakes hit probes. send and recv are
the times at which packets left and arrived, and recv may be long before the
process reads. Connections that h2trace cannot decrypt, such as those of git and
curl, have conn events with the reason, and no frames. h2trace reads the keys of
connections that were open before -p from the memory of the process. So it does
where the handshake came before the probes of an executable, as with --no-gate
or in a library that is loaded later; what a connection carried is missing if
the process neither reads nor writes any more, or if more than 4 MiB came
meanwhile. It takes cgroup v2 and CAP_NET_ADMIN. h2trace keeps secrets in memory
only, until the connection ends.

calls: probes on Read and Write of crypto/tls. Each call of a process costs the
time of a trap. send is when the process called Write, which may fail, and recv
when it had read. --verify takes calls.

auto: wire; calls where packets cannot be seen, for TLS on Unix sockets, and for
running processes of Go releases that h2trace does not know.

HTTP without TLS always comes from packets.

# Top

	h2trace top [flags] [--] COMMAND [ARG...]
	h2trace top [flags] -p PID[,PID...]
	h2trace top [flags] -n NAME[,NAME...]
	h2trace top [flags]

top shows the observation on the terminal while it runs: processes, connections
and requests, the bytes of each per second, windows, stalls and losses. It takes
the flags that say what to observe, and how, but none that select events or
write files. Without COMMAND, -p and -n, it observes as -n does, with the names
of all Go programs that run now, and with go and gopls.

	    --once            observe for 2 seconds or --duration, or until COMMAND
	                      ends; then print a table and exit
	    --view VIEW       begin with processes (default), connections or requests
	    --sort COLUMN     sort by that column (default RECV/s, of requests TIME)
	-d, --delay D         refresh every D (default 1s)

Keys are those of htop, where it has them:

	Tab, 1 2 3         processes, connections, requests
	Enter, Esc         into a process or connection, and back
	F6, <- ->, I       choose the column to sort by, the one beside; invert
	P R S T O          sort by REQ/s, RECV/s, SEND/s, TIME, OPEN
	F3 or /, n         search a row, the next one
	F4 or \            show only rows with a text
	Space              pause what is shown; counting goes on
	F1 or ?            help, with what each column is
	F10 or q           leave

Rates are those of the last D; at the end, those of the whole observation. Bytes
of HTTP/2 are those of frames, bytes of HTTP/1.x all that pass. Bytes of a
connection that cannot be decrypted count when it is closed. S-WIN and R-WIN are
the flow-control credit that the process and its peer have left, of a connection
or of the stream of a request. "-" is unknown; at 0 or less, one side waits for
the other. STALL is the time of such waits that are over. LOST counts records
that were seen and not counted; a request whose end was lost stays open. Rows of
what has ended are faint, and go after 10 seconds. A narrow terminal has fewer
columns. Requests in flight beyond 16384 are counted, but have no row.

While the screen is shown, COMMAND reads nothing from the terminal, and its
output there is held, up to 16 MiB: what is held is dropped if it grows beyond,
and a message says so. The output is printed when the screen is left; what
processes print that outlive h2trace is not. COMMAND runs on without the screen,
and h2trace exits after it, with its status. Ctrl-C interrupts COMMAND, and
Ctrl-Z stops both, as they do without top. When COMMAND or all processes of -p
have exited, the last state stays until q.

stdout has to be a terminal, except with --once. That prints plain text: four
lines of totals, an empty line, a head, and a line for each row. Only the last
cell of a row has spaces. What is unknown is "-". The exit status is that of
observing.

	h2trace top go mod download
	h2trace top -n gopls
	h2trace top --once --view connections -p $(pidof gopls)

# Report

	h2trace report [flags] [FILE...]

report reads events from files, or from stdin, and says where the wall time
went. It also reads what the go command prints with -x (see below). A file may
hold several runs; a directory stands for all *.jsonl in it. The phases of the
critical path add up to the wall time: git and alike, name resolution,
connecting, TLS handshakes, sending, waiting, receiving, being stalled by flow
control, the process itself, and being idle. An unanswered request counts as
waiting until it was abandoned, or until the end.

report names the cause in a sentence: healthy, dns, connect, tls, server_wait,
bandwidth, packet_loss, recv_window, send_window, client, errors, checksum or
vcs. h2trace help CAUSE says what it means and what to change. It prints tables:

  - proxies, other servers, and the clients of observed servers;
  - what was requested from another proxy, or from none, after a failure;
  - HTTP proxies on the way;
  - kinds of requests, the slowest modules, programs that ran, and windows.

Quantiles are within 1 % of the true ones. Memory stays below 64 MB, whatever
the size of the files. Lines that are not events are skipped and counted.

The critical path assumes that each exchange waited for the one that ended last
before it began. In between, whatever was in progress counts. The rest is the
process itself, and so is an observed server until its response begins. TLS
handshakes, connects and cut responses that never continued also count as
waiting. "git and alike" is version control, with which the go command fetches
modules directly. Idle is a server, or a process that ran before h2trace
attached, without a request in progress. Shares are of the time without idle.

The cause is what cost the time, or what made the command fail. A phase costs
time if it took both 30 % of the wall time and 100 ms. If one address, proxy or
request took most of that and got nothing for it, the line names it. A failure
is the cause only if the command failed, too; else it is evidence. A request
that was answered after a retry is not a failure. A complaint of the go command,
its requests and its connections are one failure. The report says what helps:
whether credentials were sent before a 401, which version does not exist, what
git printed, that GOPROXY ends with off.

If more than one phase was slow, the evidence names the others, from half as
much time on. It also has what a ticket needs, where that applies: who opened
TLS, if that is no public authority (issuer); addresses that were tried in vain,
such as broken IPv6; resolvers that differ; HTTP/1.1, connections used once, and
MAX_CONCURRENT_STREAMS; what caches had, and how the server splits the wait
(Age, X-Cache, CF-Cache-Status, Cache-Status, Server-Timing); routers on the way
and a small MSS; time lost before the next proxy was asked; private names told
to others; and zips that several processes fetched, each for itself.

Tables of proxies show wait and total at P50, P95 and P99, MB/s, failures by
class, reuse, round-trip time and retransmissions. For a proxy that failed or
could not be reached, the report says what followed: another proxy, direct, or
nothing, because "," in GOPROXY goes on only after 404 and 410. If an HTTP proxy
refuses, or cannot be reached, the verdict is on that proxy.

For an interrupted run, the text beside the cause names the signal. Requests
that the run abandoned because of it are of class aborted, and not a cause.

	--json      print one JSON object
	--markdown  print Markdown
	--suggest   print a command that sets GOPROXY to the proxies in their
	            measured order, without those that failed; the numbers go to
	            stderr. A "|" follows a proxy that failed a few requests, so
	            that the next is asked after any failure. A proxy with a
	            private address comes first, and a "," follows it: nobody else
	            is asked for what it fails to answer. "direct" or "off" at the
	            end stays, and what GOPRIVATE names is asked of no proxy
	--assert EXPR
	            check a condition, such as 'p95(wait) < 800ms'; can be repeated
	            (see below)
	--group-by proxy|kind|module|host|KEY
	            print a table of the requests of each proxy, kind, module or
	            host, or of the runs with each value of the label KEY, instead
	--diff      compare two sets of runs: report --diff BEFORE AFTER
	--bench     print a line for each run in the Go benchmark format, which
	            benchstat reads, with the labels as configuration
	--prometheus
	            print metrics for the textfile collector of Prometheus
	--html FILE write a page to look at in a browser (see below); - is stdout
	--anonymize replace names in whatever is printed
	--show-secrets
	            print the secrets of events that were recorded with them

--json and --markdown exclude each other, and so do --suggest, --assert,
--group-by, --diff, --bench and --prometheus. Of these, only --group-by and
--diff can be combined with --json or --markdown. --html FILE goes with all of
them but --diff. Alone, it has the first lines of the report on stderr.

The page of --html is one file that asks for nothing else: it can be kept, sent
and opened without a network. It has the verdict, where the time went, and the
tables of the report. In between it draws, for each run:

  - a waterfall of processes, connections and exchanges with their phases, and
    the critical path as a line through them;
  - flow-control windows over time, of connections and of the streams with least
    credit, with stalls marked;
  - how long each proxy took, as a spread with its quantiles.

A filter takes words of URLs and conditions, such as kind:zip, status:4xx,
>100ms or -word; "?" lists the keys. Of more than 10,000 exchanges, it draws
those that failed and the longest; the foot of the page says what is left out,
of these and of all else. A log of "go -x" does not say when requests began, so
these are listed, but not drawn over time. FILE is readable by its owner only
(0600). An existing file is overwritten only if it is an HTML page. A page that
cannot be written whole is removed.

--assert is for scripts and CI. EXPR is FUNCTION(MEASURE), then one of < <= > >=
and ==, then a value. report prints each with what was measured, "ok" or "FAIL".
If one fails, the exit status is 3, and the verdict follows on stderr. What was
not measured fails.

	p50, p95, p99   the quantile, within 1 %; the value is a time: 800ms, 1.5s
	max             the longest time, exact
	count           how many were measured: a whole number
	rate            how many a second of the wall time: 20/s

	wait, total, receive
	                of each request that the observed processes made
	dns, connect, tls
	                of each connection that they opened, and of failed attempts
	stall           how long flow control stalled each request; 0 if it did not.
	                count(stall) counts those that were stalled, rate(stall) is
	                their share of the requests: 1%
	failures        with count, and with rate, which is their share of the
	                requests: rate(failures) < 1%

A failure is a request without a complete, successful response, or a connection
that was not made, which counts as one request. These are not failures:

  - 404 and 410, with which a proxy says that it does not have a module;
  - a request that was answered when it was repeated, which counts once;
  - an address that failed before another of the same name answered;
  - a request that the process abandoned within 100 ms.

--diff compares BEFORE and AFTER, each a file of one or more runs, or a
directory: the wall time and its phases, the requests, the failures, the proxies
and the kinds, and the verdicts. Times of runs are medians. With four runs or
more on each side, it says for each of these times whether the difference is
beyond the noise (Mann-Whitney U test, p at most 0.05). With fewer it says that
they are too few.

--bench prints BenchmarkDownload for runs that requested modules, and
BenchmarkRun for others. The units are ns/op for the wall time without idle,
vcs-, dns-, connect-, tls-, send-, send-stall-, wait-, receive-, recv-stall- and
process-sec/op for its phases, requests/op, failures/op, conns/op, body-B/op,
and wait-p50-sec and wait-p95-sec of the requests of a run.

--prometheus prints the text exposition format: the metrics of Metrics, and
h2trace_runs_total, h2trace_wall_seconds_total, the time of each phase, and
h2trace_verdict, which names the cause. It is for runs that end before anybody
scrapes them. Write to a file beside, and rename that:

	h2trace report --prometheus e.jsonl >h2trace.prom.new &&
		mv h2trace.prom.new h2trace.prom

--anonymize replaces hosts, addresses, paths of modules, commits in versions,
programs that are not widely used, arguments, issuers of certificates and values
of labels. Each has one replacement in all that is printed, as in
https://host1.example/host2.example/name3. Statuses, classes of errors, words of
messages, loopback addresses, versions such as v1.2.3 and keys of labels stay.
What a server wrote is left out. --suggest cannot be anonymous, and neither can
be what has its secrets (--show-secrets).

A log of "go -x" is what a go command of Go 1.18 or later prints with -x:

	go mod download -x 2>log
	h2trace report log

report knows its lines, also behind what build services put before each, with
line ends of Windows, and in UTF-16. All other lines are counted and have no
effect. Such a log has requests, their status, and how long it took until the
response began; commands of git and alike; complaints. It has no clock, unless a
build service wrote the time before each line. So the time that passed is said
only as a least: the shortest that agrees with the durations and the order of
the lines. There is no share of it. If the log shows more than 1 s of waiting,
that is the cause; with a clock, if that is also 30 % of the time. DNS,
connecting, TLS, bytes, the time of bodies, redirects, second tries with
credentials, connections, windows and GOPROXY are not in it, and unknown: null
in JSON, "-" in tables. A request without an end is counted, and said.

Events and a log of the same run can be read together, in one file or several. A
log is of a recorded run if more than three of four of its requests have an
exchange with the same URL that took as long until the response: by the log,
from 1 ms less to 30 ms and a tenth more. Single times do not decide, as waiting
for a connection that another request opens is in the log alone. Of such a log,
a request is left out if an exchange has its URL, one for one, or if it did not
reach its server and the events have that connection. Complaints and commands
are left out if the events have processes. If there are more than 64 logs, or
8192 requests in them, give the events first.

"process itself" is the time in which no request was under way. Of that, report
says how much can have been CPU, by the CPU time of all processes, and waiting
for locks, such as those of the module cache; and how much was neither. These
are bounds: threads run side by side. Given the file of -debug-trace, it also
says what the go command did in that time, such as loading packages:

	h2trace -o events.jsonl go build -debug-trace=trace ./...
	h2trace report events.jsonl trace

report needs no privileges. Its exit status is 0; 1 if a file cannot be read, no
event was recorded, or nothing can be suggested; 3 if an assertion fails.

# Proxies

	h2trace proxies [flags] [PROXY...]

proxies downloads the same modules through each PROXY, a URL as in GOPROXY or
direct, and compares what h2trace observes. Without PROXY it takes the entries
of your own GOPROXY. Proxies take turns, each download has an empty module cache
of its own, and each round begins with another proxy. What was recorded is read
when all downloads have ended. proxies requires root, as observing does, and the
go command.

	-m, --modules FILE    download these modules: a go.mod, or lines such as
	                      "golang.org/x/text@v0.21.0" or "golang.org/x/text
	                      v0.21.0", with comments after "#" (default: what the
	                      go.mod of this directory requires; else a small list)
	-n, --rounds N        downloads through each proxy (default 5)
	    --for D           begin rounds for D instead, such as 5m
	-j, --jobs J          download everything J times at once (default 1)
	    --timeout D       end a download after D (default 2m)
	    --profile PROFILE download: go mod download (default)
	                      editor: go get, go mod tidy, and a completion of gopls,
	                      each with an empty module cache
	    --label KEY=VALUE a label of this comparison; may be repeated
	    --keep DIR        keep the recordings in DIR, to report them again
	    --json            print one JSON object
	-u, --user NAME       download as NAME, as in running a command (see Sudo)
	    --source LIST     where to take what TLS carries (see Source)
	-q, --quiet           print no messages on stderr but errors

The modules that your GONOPROXY has fetched directly are left out. GOPRIVATE,
GONOSUMDB, GOSUMDB, GOINSECURE and .netrc count as usual, and so do credentials
in the URL of a proxy, which are not printed. Other releases of Go are not
downloaded (GOTOOLCHAIN=local).

The first table has a row for each proxy:

	done      downloads without a failure, of all
	median    time of these downloads, from the start of the go command to its
	          end, and its noise: the interval that holds the median with 95 %
	          confidence; of fewer than 6 downloads, the least and the most
	MB/s      speed of responses of 32 KiB and more, while their bytes came
	reused    share of the requests on a connection that another one opened
	resumed   share of the TLS handshakes that resumed a session
	resent    share of the TCP segments that were sent again, either way
	cached    share of the responses from a cache, of those that say so
	failed    share of the requests that failed, by class. over_30s is every
	          request of more than 30 s, whatever became of it; timeout one that
	          was not answered when --timeout ended the download

The second table has P50, P95 and P99 of name resolution, TCP connect and TLS
handshake of the connections, and of wait and total of the requests. Requests to
a checksum database that does not answer through the proxy are not counted.

A verdict on each proxy follows, as report gives it, and the order. That takes
only differences that the noise allows: by the Mann-Whitney U test, an order of
the times of downloads that is wrong with a probability of 5 % at most. Two
proxies take four downloads each for that, three take five. The last line sets
GOPROXY to the proxies that did not fail, as report --suggest does, with the end
of your own GOPROXY.

A proxy that hangs in two downloads in a row is not asked again. Ctrl-C ends
early, with what there is. The exit status is 0; 1 if all downloads failed or
nothing could be measured; 2 for errors in the command line and in FILE.

With --json, proxies has a row for each proxy: proxy, downloads, failed, wall_ms
{median, low, high, confidence}, dns_ms, connect_ms, tls_ms, wait_ms, total_ms
(each {p50, p95, p99}), requests, failures {class: n}, bytes, mb_per_s, conns,
reused, resumed, retransmitted, cache_hits (shares), http and verdict. What was
not measured is null. order has proxy and rank, which is the same where the
noise allows no difference; goproxy is the last line.

"h2trace proxies -n 1" where no go.mod is takes a few seconds.

# Check

	h2trace check [-p PID[,PID...]]

check tries each requirement of observing on its own, and prints a line for
each: "ok", or "no" with the reason and the remedy. With -p it also says which
probes the executables of these processes get, or why they get none.

Its exit status is 0 if running a COMMAND works here, else 1. It is also 1 if a
PID of -p is not a process that h2trace can inspect; a message says so.

# Completion

	h2trace completion bash|zsh|fish

completion prints a script with which the shell completes subcommands, flags and
their values: kinds of events, types of frames, process ids, names of processes
and users, files, topics of help, and the command line of COMMAND. Packages
install it. Without a package, put this into ~/.bashrc:

	source <(h2trace completion bash)

into ~/.zshrc, after compinit:

	source <(h2trace completion zsh)

and into ~/.config/fish/config.fish:

	h2trace completion fish | source

The script asks the h2trace that is typed what fits, so that it need not be made
again when h2trace changes.

# Version

	h2trace version

version prints the version of h2trace, the commit that it was built from and the
time of that commit, the Go release that built it, and the platform. "modified"
says that files differed from the commit. -V and --version print the same, with
or without a subcommand.

# Help

	h2trace help [TOPIC]

help prints this manual, or the part of it under the heading TOPIC:

	flags output text filters replay convert events source top report proxies
	check completion version help limits containers services packets metrics
	collector secrets sudo signals exit-status examples

A TOPIC can also be a cause that report names. Its page says what the cause
means, how to confirm it, and what to change:

	healthy dns connect tls server_wait bandwidth packet_loss recv_window
	send_window client errors checksum vcs

-h and --help print the page of flags, or with a subcommand its own page.

# Limits

h2trace observes Go programs built with Go 1.18 to 1.27, stripped ones too, that
use crypto/tls, or sockets without TLS, and are for the machine's architecture:
amd64 or arm64. Other programs get a process event with action skipped and a
reason. If they run Go code of a shared library, h2trace observes that code
instead, and the reason names the library.

h2trace does not decode HTTP/3. Of connections of QUIC it prints conn events,
with source wire. For HTTP/1.x it prints conn and exchange events. It does not
see HTTP without TLS on Unix sockets, nor, with source wire, TLS on them. With
source auto, the first TLS of a program on them makes h2trace take what follows
from calls: that one is missed, or joined late, which a message says. It sees
nothing inside encryption other than crypto/tls and its forks, such as a
library in C. If h2trace sees nothing of a process that communicates, a message
says why, and so does the reason of a second process event with action attached.

Go code in shared libraries (-buildmode=c-shared and plugin) is observed from
the start if the program is linked with the library, or loaded it before h2trace
attached. Of a library that is loaded later, h2trace misses the first moments:
some 50 ms, and more the longer the program runs.

HTTP without TLS is HTTP/1.x, and HTTP/2 with prior knowledge or by upgrade.
h2trace sees it as packets, also of programs that get no probes. send and recv
are then the times at which packets left and arrived. h2trace also sees name
resolution (dns_ms) as packets, and what TLS clients offer, except through a
SOCKS proxy. All of this requires cgroup v2 and CAP_NET_ADMIN; h2trace check
says whether they are there. If a program that is not Go opened an HTTP/2
connection before h2trace attached, the windows of that connection are null. So
are its header blocks that refer to fields sent earlier.

A connection that was open before h2trace attached has joined "mid". h2trace
copies its header tables and windows from the memory of the process. Headers are
complete from the first block that begins after h2trace attached; without TLS
from the second, because the process already waits for the first. Windows,
including those of open streams, are known some frames later, when copies agree.
A connection recovers from a loss in the same way. Windows are null until then.
These stay null:

  - stream_recv of a stream that was open before, has a request body, and on
    which a server may not send;
  - conn_recv of clients built with Go 1.20 or older (golang.org/x/net v0.4.0),
    and of servers built with Go 1.19 or older, which do not keep it right;
  - all windows of programs without debugging information that were built with
    a release that h2trace does not know;
  - all windows of gRPC-Go, which keeps its own;
  - with source wire, windows and blocks that refer to earlier fields, of forks
    of crypto/tls, of TLS inside of TLS, as through an HTTPS proxy, and of
    programs of a Go release that h2trace does not know.

Header blocks that were in progress at that time are null if they refer to
fields sent earlier; headers_error says so. The same applies to HTTP/2 code that
does not use net/http or golang.org/x/net, and to header tables that exceed
64 KiB or 2048 entries. If h2trace had to search for frame boundaries, then or
after a loss, frames of one direction may be printed later than their time.

When a target executes a file that h2trace has not seen before, h2trace holds it
at exec until its probes are attached, for 200 ms at most. A message says how
many continued before that. Nothing is held

  - with --no-gate, or without CAP_SYS_ADMIN;
  - on file systems in user space (FUSE), or on the network;
  - on a file system mounted meanwhile in another mount namespace;
  - if memfd_create(2) created the file.

An executable that is not held is observed some 20 ms after its exec. A
connection that it opens before that is joined in the middle or missed. Ctrl-Z,
SIGSTOP and the death of h2trace do not prolong a hold.

With source wire, and without TLS, the traffic of a connection belongs to the
process that made it, or that bound the listening socket. It goes on when that
process executes another program and leaves the socket open, if its descriptor
is below 1024, or below 64 before Linux 5.17. When that process ends, and
another one has inherited the socket, no more of the connection is reported than
what TCP sends within a second. Connections that are accepted after that belong
to the process that executed a program with the inherited listening socket,
unless the socket was bound before h2trace came.

With source calls, a probe at a wrong place never fires. So h2trace compares
connections that show plaintext in one direction only with their sockets. If the
socket sends more than 4 KiB, or receives more than 32 KiB, in the other, and
the probe there has not fired on any connection of the executable, a message
names the probe, and the connection gets a loss of unknown size. That takes half
a second, in which a connection may end.

Addresses, rtt_ms and retransmits are null if the net.Conn under TLS is not a
*net.TCPConn, nor a struct that leads to one: by what it embeds, or by its only
field that is a net.Conn. Frames are printed all the same.

dns_ms is null for names that are not resolved on port 53: those of /etc/hosts,
of DNS over TLS or HTTPS, and of a resolver on a Unix socket. A connect that
fails before a packet is sent, as without a route, has no error: only the
process sees it.

h2trace does not know HTTP proxies and GOPROXY from sources other than the
initial environment and the files of the go command. Then via is null, unless
h2trace sees a CONNECT, and the base path of a proxy ends where a module path
begins.

h2trace must run in the initial PID namespace: on the host, or in a container
that shares the process ids of the host. It can observe processes in containers
from there.

# Containers

The process events of a process in a container have its id, 64 hex digits, as
container: that of the innermost one, where they are nested. h2trace takes it
from the cgroup in which the process is when it begins to run its program. It is
null if the process ended before h2trace could read /proc, and nothing else was
seen in that cgroup before. It is also null if h2trace is in a cgroup namespace
without the /sys/fs/cgroup of the host: then the names above its own cgroup are
hidden from it. Runtimes that do not name cgroups with such ids, such as LXC,
have none.

--cgroup PATH observes all that runs in a cgroup of v2, and in those below it:
what runs now, and every process that executes a program there later, also in a
container that starts. PATH is a directory below the root of cgroup v2, or what
/proc/PID/cgroup prints after "0::". A process that comes in without executing a
program stays unseen, and one that goes out stays observed. When the cgroup has
been removed and all targets have exited, h2trace ends.

	h2trace --cgroup /system.slice/docker-$(docker inspect -f '{{.Id}}' app).scope
	h2trace --cgroup /kubepods.slice -e process,conn,exchange

To run h2trace itself in a container, give it the process ids of the host, the
/sys/fs/cgroup of the host, and the capabilities that h2trace.service has.
scripts/release in the source has a Containerfile, and a DaemonSet for
Kubernetes: h2trace-daemonset.yaml.

# Services

scripts/release in the source has a unit for systemd, h2trace.service. It
observes go and gopls, or what H2TRACE_FLAGS in /etc/default/h2trace says, and
writes /var/log/h2trace/events.jsonl. h2trace.logrotate rotates that.

	systemctl enable --now h2trace
	h2trace report /var/log/h2trace/events.jsonl

h2trace tells the service manager when the probes are attached, as sd_notify(3)
says: Type=notify. At SIGHUP it opens the file again (see Signals). What a
service writes is often more than what one run does: -e process,conn,exchange
leaves the frames out.

rsyslog forwards the file like any other, line by line. It cuts lines that are
longer than maxMessageSize, which is 8k by default. 64k is enough for all lines
but those of longer URLs, header blocks and bodies:

	global(maxMessageSize="64k")
	module(load="imfile")
	input(type="imfile" File="/var/log/h2trace/events.jsonl" Tag="h2trace:")

# Packets

With --pcap FILE, h2trace also writes the packets of the observed processes, as
pcapng: all packets of their TCP connections from SYN to FIN, with
acknowledgements and retransmissions, and their UDP datagrams; with --source
calls, of these only those between them and name servers. Packets begin with the
IP header, and are whole. With --show-secrets the file also has the session
secrets, each before the packets that it opens, so that Wireshark shows HTTP/2
without further settings:

	h2trace --show-secrets --pcap fetch.pcapng -o events.jsonl go mod download
	wireshark fetch.pcapng

Each program that a process runs is an interface, as go[1234]. Wireshark filters
by it with frame.interface_name == "go[1234]". One of the first packets of a
connection has a comment with its id in the events, as in "c1 of go[1234] to
goproxy.example:443"; frame.comment finds it. Times are those of the kernel, in
nanoseconds, and those of the events; packets are in their order. Each packet
has its direction. Where segments overtook each other on the way, Wireshark
needs "Reassemble out-of-order segments" in the preferences of TCP; h2trace
replay needs nothing.

With --pcap -, packets go to stdout, events to the FILE of -o, and the stdout of
COMMAND to stderr:

	h2trace --show-secrets --pcap - -o events.jsonl go mod download |
		wireshark -k -i -

Without --show-secrets, --keylog FILE keeps the secrets apart from the packets.
Wireshark takes them as "(Pre)-Master-Secret log filename":

	tshark -o tls.keylog_file:secrets -r fetch.pcapng

Wireshark decrypts a connection that it has from its start. With --source calls
there are no secrets.

With -C, another file follows when one is full, and names are as those of
tcpdump: FILE, FILE1, FILE2, and so on. With -W COUNT they are FILE0 to FILE9 or
FILE00 to FILE99, and after the last one the first is overwritten. Each has what
it needs: its interfaces, and the secrets of the connections that are open. To
decrypt one that began in an earlier file, join the files with mergecap.

The rules of -o hold for FILE. A file with secrets is refused if others can
read it. If FILE cannot be written, the observation goes on, a message says so
and how many packets are missing, and the exit status is that of a failure. What
is in FILE is whole then. When the reader of a pipe exits, the observation ends.

Packets have a buffer of their own, as large as --buffer. Those that find no
room are counted: in the file for each interface, in the summary, and in a
message.

A packet between two observed processes is in the file once, as it was sent. The
packets that TCP sends and receives inside the kernel can be larger than those
on the wire. They are in the file as h2trace gets them, as with tcpdump, but
never longer than 64 KiB. Checksums of outgoing packets are not computed yet.
What the kernel answers for a socket that its process has closed, as in
TIME_WAIT, belongs to no process and is not in the file. On some kernels the
SYN-ACK that a server sends over IPv6 is not, either.

# Metrics

With --metrics, Prometheus can scrape h2trace as long as it observes:

	h2trace -q -n go,gopls --metrics :9464 -o /dev/null

ADDR is HOST:PORT, or :PORT of loopback. With port 0 a free one is taken. A
message says where the metrics are. h2trace does not start if another program
has the port. Whoever reaches the address reads the names of servers: there is
no password. There are 32 connections and 4 scrapes at once at most, and a
request has 5 seconds to arrive. The endpoint ends with the observation. For
runs of seconds, report --prometheus has the same metrics afterwards.

	http_client_request_duration_seconds
	        histogram of the requests that observed processes made, with names,
	        labels and buckets of the HTTP semantic conventions of OpenTelemetry,
	        and buckets of 30 and 60 seconds. server_address is the host of the
	        module proxy or server, error_type the status from 400 on, or the
	        class of the error
	http_server_request_duration_seconds
	        the same of requests that they served
	h2trace_requests_total
	        all requests that ended, by role: client, server, or unknown; equal to
	        exchanges of the summary
	h2trace_request_phase_seconds
	        histogram of phases: send, wait, receive; and of the first request of
	        a connection dns, connect, tls
	h2trace_request_errors_total
	        by class of error, as in events; http_4xx includes the 404 of proxies
	        that lack a module
	h2trace_request_body_bytes_total, h2trace_response_body_bytes_total
	h2trace_request_stall_seconds_total
	        the time in which flow control stalled requests, by side
	h2trace_stalls_total, h2trace_stall_seconds_total, h2trace_stall_window_bytes
	        stalls, and a histogram of the window credit that the sender had
	h2trace_connections_open, h2trace_connections_total
	h2trace_connection_failures_total
	        attempts to connect that failed, by class
	h2trace_tcp_segments_total, h2trace_tcp_retransmits_total,
	h2trace_tcp_out_of_order_total
	        of connections that are closed
	h2trace_process_events_total, h2trace_command_errors_total,
	h2trace_lock_wait_seconds_total, h2trace_verify_mismatches_total
	h2trace_records_lost_total
	        if it is above 0, the others are too low
	h2trace_limit_exceeded_total
	        what was not told apart, as there was too much of it
	h2trace_agent_cpu_seconds_total, h2trace_agent_max_rss_bytes, h2trace_info
	        of h2trace itself

Histograms are classic and native. No label has modules or paths. 64 servers are
told apart, all others are "_other"; and 1,024 combinations of server, method,
status and error. Of 16,384 open connections it is known which server they are
to. Window credit is counted where it runs out, in stalls: frames have the rest.
The directory export/metrics has alerts and a dashboard for Grafana.

# Collector

With --otlp URL, h2trace also sends what it observes to an OpenTelemetry
collector, or to what else takes OTLP over HTTP, whatever -e and the output are:

	h2trace --otlp http://localhost:4318 -o events.jsonl go mod download
	h2trace --otlp https://otel.example:4318 -o events.jsonl -n go,gopls

URL is that of OTEL_EXPORTER_OTLP_ENDPOINT: /v1/traces and /v1/metrics are added
to its path.

Each exchange is a span, of kind client or server, with the names of the
semantic conventions for HTTP. A repeated request has http.request.resend_count;
one that failed has error.type and the status Error. A stall is an event of the
span. The establishment of a connection is a span, too, with one each for DNS,
TCP and TLS below. It is linked with the spans of the exchanges on it, as it is
over before these begin.

The parent of an exchange is the span that the traceparent of its request names;
if there is none, that of TRACEPARENT in the environment of the process; if
there is none, and h2trace runs COMMAND, a span of COMMAND from first to last
event. Server spans have a parent only from their request. If a parent is not
sampled, neither is the exchange: OTEL_TRACES_SAMPLER=always_on changes that,
and others, such as parentbased_traceidratio, choose among the rest.

The resource of a span is its process: service.name is OTEL_SERVICE_NAME in the
environment of the process, or the name of the program; with process.pid, its
executable, the version of Go, container.id and host.name. In the environment of
h2trace itself, OTEL_RESOURCE_ATTRIBUTES adds to it. Metrics are those of
--metrics, sent each minute (OTEL_METRIC_EXPORT_INTERVAL) and at the end; their
resource is h2trace, with a service.instance.id for each run, unless
OTEL_RESOURCE_ATTRIBUTES has one. OTEL_METRICS_EXPORTER=none sends none.

Of the environment of h2trace, these count, also with TRACES_ or METRICS_ after
OTLP_:

	OTEL_EXPORTER_OTLP_HEADERS             such as api-key=secret
	OTEL_EXPORTER_OTLP_TIMEOUT             of a request, ms (default 10000)
	OTEL_EXPORTER_OTLP_COMPRESSION         gzip or none (default none to this
	                                       host, else gzip)
	OTEL_EXPORTER_OTLP_CERTIFICATE         files in PEM: the authority to trust,
	OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE  and a certificate
	OTEL_EXPORTER_OTLP_CLIENT_KEY          with its key

sudo drops them; see Sudo. Credentials in URL or headers are never printed, and
redirects are not followed. What h2trace redacts is redacted in spans, so that
--show-secrets and --otlp exclude each other.

Observing never waits for the collector. What it does not take is tried again
for a minute, as it asks with Retry-After; meanwhile 4096 spans wait, of 8 MiB
at most, and those without room are dropped. At the end it has 5 seconds. A
message says what is wrong, once. The summary counts the spans and data points
that the collector acknowledged, those that it rejected, and those that were
dropped. The exit status does not tell.

# Secrets

h2trace prints "<redacted>" for secrets, and the rest of a text as it is: in
headers, URLs, arguments, messages of servers and of the go command, and all
else that others wrote; in events, and so in all that is made of them. A secret
is

	what                 where
	-------------------  ---------------------------------------------------------
	value of a header    named token, secret, passw, credential, signature,
	                     authorization, cookie, session, bearer, jwt, csrf, also
	                     as a part; auth, pass, sig, otp, pin, tok, cred, and what
	                     ends in key, as a word; client certificates; fields that
	                     are never indexed
	value that looks     of a header named refresh, login, oauth, sso, saml,
	random               grant, nonce, seed, salt, challenge: it has digits and
	                     letters, and is no version, date, number or word
	value of a name      with such names, and code and sas: name=value, also
	                     percent-encoded and in a URL in a URL; "name":"value";
	                     --name value; name: value, if it looks random or the name
	                     is that of a password
	user and password    https://user:password@host, with any slashes or none, and
	                     user:password@host:path; all before the "@"
	credentials          after Bearer, Basic, Negotiate, NTLM and others, and what
	                     looks random after token; not realm="…" of challenges
	token by its shape   anywhere: of GitHub (ghp_, github_pat_, …), GitLab
	                     (glpat-, …), AWS (AKIA, ASIA), Google (AIza), Slack
	                     (xoxb-, …), Artifactory, Vault, Docker, npm, PyPI,
	                     Stripe, and JSON Web Tokens (eyJ….eyJ…)
	private key          between the lines of a PEM
	segment of a path    after private-token, access-token, api-key, password;
	                     after token, if it is long
	setting of git       http.extraHeader, core.askPass

What looks random only because it is a hash, a tag or an id of a request is
printed, as are hosts and paths, and with them the names of private modules. So
is a secret that looks like other text and has no such name. Bodies, which -s
prints, are as they were sent. Packets, which --pcap writes, are not redacted:
what goes without TLS is in them.

--show-secrets turns all of it off, and a message says so. Events that were
recorded with it can be passed on as what replay, convert and report make of
them: their secrets are redacted then, as they would have been while observing,
and each of the three prints them only with --show-secrets of its own. Messages
on stderr have no secrets in any case. Neither have the report of -c, and what a
report has of a log of "go -x".

With --keylog FILE, h2trace also writes the secrets of each TLS session that
begins while it observes: a key log file in NSS format (RFC 9850), as that of
SSLKEYLOGFILE. Wireshark, given it as "(Pre)-Master-Secret log filename", opens
with it what tcpdump captured. Each secret is written as soon as it is known.
Whoever has FILE can read all that was sent. So it has to be a regular file that
only its owner can read, and to which nothing else is written; apart from that,
the rules of -o hold. It has no secrets of sessions that began before, of
resumed sessions of TLS 1.2, and of programs without crypto/tls. If FILE cannot
be written, the observation goes on, and the exit status is that of a failure.

# Sudo

Under sudo, COMMAND runs as root; a message says so. What it writes, such as a
module cache, then belongs to root. "sudo h2trace -u $USER COMMAND" runs it as
yourself.

sudo replaces PATH, often by one without Go. If -u names the user who ran sudo,
COMMAND gets the new PATH, followed by the directories of the PATH that sudo was
started with. Otherwise pass your own PATH on:

	sudo env "PATH=$PATH" h2trace go mod download

sudo drops other variables, too. Settings of "go env -w" apply with -u.
Variables that the shell exports, such as GOPROXY, have to be passed in the same
way.

# Signals

h2trace passes SIGTERM and SIGHUP on to COMMAND. Ctrl-C reaches COMMAND from the
terminal; h2trace waits for it to end and prints what is left. With -p or -n,
SIGINT, SIGTERM and SIGHUP end the observation; a second signal, a second or
more later, ends it at once. At the end, h2trace decodes what the kernel holds
for 30 seconds at most; the rest counts as lost.

Without COMMAND and a controlling terminal, as in a service, SIGHUP does not end
the observation if -o names a regular file. Then h2trace opens FILE again, for
logrotate, as with -A. No line is cut or lost: each is in the old file or the
new one. If the new one will not do, events go on into the old one, and a
message says so. Files of --pcap and --keylog stay open.

h2trace never ends COMMAND, not even when h2trace is killed. COMMAND gets the
signal handling, limits, descriptors and environment that h2trace was started
with.

# Exit status

With COMMAND, that of COMMAND, or 128+N if signal N killed it, also when nothing
in it could be observed. 125 if h2trace could not write all events, or failed
before running COMMAND, which is then not run. 126 if COMMAND cannot be
executed. 127 if it is not found.

With -p, 0 if a signal, --duration, the reader, or the exit of all targets ended
the observation; 1 if observing failed or nothing could be observed. With -n the
same, but h2trace waits for processes to start, and exits with 0 if none did.

In all cases, 2 for errors in the command line.

# Examples

A quick look at each proxy of your GOPROXY:

	sudo h2trace proxies -u $USER -n 1

See the frames of a module download:

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
