/*
Degrade runs a command behind a degraded network and module proxy. It shows what
they do to the command, and what h2trace reports about that:

	scripts/degrade/run -delay 60ms -- h2trace -o events.jsonl go mod download
	h2trace report events.jsonl

The command gets a network namespace of its own. The only way out is a line to a
module proxy, https://goproxy.example. GOPROXY names that proxy, and
SSL_CERT_FILE makes the command trust its certificate. The proxy fetches from
the first proxy of the user's own GOPROXY. /etc/resolv.conf of the command names
a resolver that knows only goproxy.example.

The line is real to the kernel: packets go through two TUN devices, and are
delayed, lost or queued between them. Round-trip times, retransmissions and
handshakes are those of a real line.

Usage:

	scripts/degrade/run [flags] [--] COMMAND [ARG...]

The line:

	-delay D          added round-trip time, such as 60ms
	-jitter D         varies the delay of each packet by up to D; packets stay in
	                  order
	-loss P           percentage of packets lost, each way
	-loss-after N     loses none of the first N packets each way, so that names
	                  are resolved and connections established before
	-rate N           bits per second, each way, such as 8M; packets that do not
	                  fit in a queue of 200 ms are lost

Name resolution:

	-dns-delay D      time that the resolver takes to answer; D-D draws one of a
	                  range for each query, such as 5ms-800ms
	-dns-loss P       percentage of queries that it does not answer
	-dns-fail         it answers SERVFAIL
	-dead-ipv6        the name has an address of IPv6, too, and the line swallows
	                  what is sent there
	-dns-log FILE     write a line of JSON for each query: name, type and rcode

The proxy:

	-refuse           nothing listens there
	-plain            it speaks HTTP without TLS, and HTTP/2 with prior knowledge:
	                  http://goproxy.example
	-http1            it does not speak HTTP/2
	-no-keep-alive    it closes each connection after a response, with -http1
	-max-streams N    MAX_CONCURRENT_STREAMS that it announces
	-tls-delay D      time that it takes to answer the ClientHello, or D-D
	-certificate KIND its certificate is untrusted, expired, or for another name
	                  (KIND name)
	-bad-certificate  as -certificate untrusted
	-authority NAME   common name of the authority that made the certificate, as
	                  that of something that intercepts TLS
	-server-delay D   time that it takes to answer a request, or D-D, such as
	                  200ms-1200ms
	-status N         it answers requests with that status, such as 503
	-retry-after S    Retry-After of these answers, such as 30
	-header FIELD     adds a field to its responses, such as 'X-Cache: MISS'; may
	                  be repeated
	-reset-after N    it resets the stream after N bytes of a body
	-truncate-after N it ends bodies after N bytes, as if they were complete
	-corrupt-zip      it adds a file to modules, so that their checksum is wrong
	-window N         flow-control window that it grants for a request body, bytes
	-every N          degrades only each Nth request, beginning with the first
	                  (default 1)
	-origin URL       the proxy that it fetches from
	-log FILE         write a line of JSON for each request: method, path, status,
	                  and how many bytes of body were sent

Degrade requires root and iproute2. Its exit status is that of COMMAND, 125 if
degrade itself failed, 126 or 127 if COMMAND cannot be executed or found. It
leaves nothing when it ends, even when it is killed.
*/
package main
