/*
Degrade runs a command behind a network and a module proxy that are as bad as
asked for, to see what that does to it, and what h2trace says of it:

	scripts/degrade/run -delay 60ms -- h2trace -o events.jsonl go mod download
	h2trace report events.jsonl

The command gets a network namespace of its own. All that leads out of it is a
line to a module proxy, https://goproxy.example, which is what GOPROXY is set to,
with a certificate that SSL_CERT_FILE makes it trust. The proxy fetches what it
is asked for from the first proxy of the user's own GOPROXY. A resolver that
knows that name only is in /etc/resolv.conf of the command.

The line is real to the kernel: packets go through two TUN devices, and are held
back, lost or queued between them. Round-trip times, retransmissions and
handshakes come out as they would on a line like that.

Usage:

	scripts/degrade/run [flags] [--] COMMAND [ARG...]

The line:

	-delay D          round-trip time added, such as 60ms
	-jitter D         up to so much of it more or less, packet by packet, in order
	-loss P           percentage of packets lost, each way
	-loss-after N     but none of the first N each way, so that names are resolved
	                  and connections made before
	-rate N           bits a second, each way, such as 8M; what does not fit in a
	                  queue of 200 ms is lost

Name resolution:

	-dns-delay D      time that the resolver takes to answer
	-dns-fail         it answers SERVFAIL
	-dns-log FILE     write a line of JSON for each query: name, type and rcode

The proxy:

	-refuse           nothing listens there
	-plain            it speaks HTTP without TLS, HTTP/2 with prior knowledge too:
	                  http://goproxy.example
	-tls-delay D      time that it takes to answer the first message of a handshake
	-bad-certificate  its certificate is from an authority that nobody trusts
	-server-delay D   time that it takes to answer a request
	-status N         it answers requests with that status, such as 503
	-reset-after N    it resets the stream after N bytes of a body
	-truncate-after N it ends bodies after N bytes, as if they were complete
	-corrupt-zip      it adds a file to modules, so that their checksum is wrong
	-window N         flow-control window that it grants for a request body, bytes
	-every N          only each Nth request, beginning with the first, is answered
	                  in those ways (default 1)
	-origin URL       the proxy that it fetches from
	-log FILE         write a line of JSON for each request: method, path, status,
	                  and how many bytes of body were sent

Degrade takes root and iproute2. Its exit status is that of COMMAND, 125 if it
failed itself, 126 or 127 if COMMAND cannot be executed or found. Everything it
made is gone when it ends, also when it is killed.
*/
package main
