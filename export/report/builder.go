package report

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"

	"h2trace/decoder/goproxy"
)

// maxLine bounds a line; a longer one is skipped. A frame with the largest
// payload in base64 stays below.
const maxLine = 32 << 20

// Builder reads events and sums them up. It is not safe for concurrent use.
type Builder struct {
	parser  parser
	run     *run
	runs    int
	parts   parts
	failed  int // runs whose command failed
	skipped int64
	lost    int64 // records

	proxies byName[proxy]
	kinds   byName[tally]
	modules byName[module]
	windows windows
	errors  failures
	retries int64 // requests that repeat one without an answer
	spent   int64 // ns, in all exchanges
	// reported is what the go command itself said.
	reported failures
	unmade   failures // connections
	// handshakes are those of all connections.
	handshakes handshakes
	chain      fallbacks
	direct     direct
	relays     relays
}

// NewBuilder returns a Builder that has read nothing.
func NewBuilder() *Builder {
	return &Builder{
		proxies: newByName[proxy](maxProxies),
		kinds:   newByName[tally](maxKinds),
		modules: newByName[module](maxModules),
	}
}

// Read reads a file, in which each run ends with its summary, the last one also
// with the file. It fails only where r does.
func (b *Builder) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	defer b.endRun()
	var long []byte
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, line...); len(long) > maxLine {
				b.skipped++
				if long, err = nil, skipLine(in); err != nil {
					return ended(err)
				}
			}
			continue
		case long != nil:
			line = append(long, line...)
			long = nil
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.line(line)
		}
		if err != nil {
			return ended(err)
		}
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (b *Builder) line(line []byte) {
	e := b.parser.parse(line)
	if e == nil {
		b.skipped++
		return
	}
	if b.run == nil {
		b.run = newRun()
	}
	r := b.run
	switch e.kind {
	case "process":
		r.process(e)
		b.direct.process(e)
		if is(e.action, "error") {
			b.complaint(&e.exchange)
		}
	case "conn":
		switch {
		case is(e.action, "close"):
			b.close(e)
		case is(e.action, "open"):
			r.made.opened(e)
			r.setup(e)
			b.handshakes.add(e)
		case is(e.action, "failed"):
			r.made.fail(e)
			r.setup(e)
			b.handshakes.add(e)
		}
	case "frame":
		b.windows.frame(&e.window)
	case "exchange":
		b.exchange(e)
	case "stall":
		b.windows.stall(&e.stall)
	case "loss":
		b.lost += e.lost
	}
	if r.first == 0 {
		r.first = e.at
	}
	r.last = max(r.last, e.at)
	if e.kind == "summary" {
		b.endRun()
	}
}

// endRun adds the run that was being read to the sums.
func (b *Builder) endRun() {
	if b.run == nil {
		return
	}
	b.runs++
	b.run.made.end(b)
	b.chain.end(b.direct.fetched)
	clear(b.direct.fetched)
	for i, n := range b.run.end() {
		b.parts[i] += n
	}
	if b.run.failed {
		b.failed++
	}
	b.run = nil
}

// close takes the end of a connection.
func (b *Builder) close(e *event) {
	c := b.run.conns[string(e.conn)]
	if c == nil || c.proxy == nil {
		return
	}
	delete(b.run.conns, string(e.conn))
	c.proxy.retransmits += e.retrans
	c.proxy.outOfOrder += e.unorder
	c.proxy.line.close(e)
	if e.rttKnown {
		c.proxy.rtt.add(e.rtt)
	}
}

// complaint takes what a go command said that it could not fetch. Where it did
// not get as far as a request, this is all that tells of the proxy.
func (b *Builder) complaint(x *exchangeKeys) {
	b.reported.add(x)
	b.spoilt(x)
	if x.via != nil {
		return // of the HTTP proxy, on the way to which the packets tell the same
	}
	switch classOf(x) {
	case "dns", "connect", "tls":
	default:
		return
	}
	url := urlIn.FindString(text(x.detail))
	if url == "" {
		return
	}
	if p := b.proxies.get(proxyOf(url)); p != nil {
		p.add(x)
		if _, ok := goproxy.Parse(url); ok {
			p.modules.add(x)
		}
	}
}

// unreached takes a request that did not get to its proxy.
func (b *Builder) unreached(u *unmade) {
	if p := b.proxies.get(u.proxy); p != nil {
		p.requests++
		p.fail(u.class)
		p.modules.requests++
		p.modules.fail(u.class)
	}
}

// urlIn finds the URL in an error of net/http.
var urlIn = regexp.MustCompile(`https?://[^"\s]+`)

// exchange takes an exchange. One of which nothing but a part was seen counts
// for its proxy, but not in times.
func (b *Builder) exchange(e *event) {
	x := &e.exchange
	if x.known[phaseTotal] {
		own := parts{
			partDNS: x.phases[phaseDNS], partConnect: x.phases[phaseConnect], partTLS: x.phases[phaseTLS],
			partSend: x.phases[phaseSend] - x.send, partWait: x.phases[phaseWait],
			partReceive: x.phases[phaseReceive] - x.recv, partRecvStall: x.recv, partSendStall: x.send,
		}
		b.run.add(e.at-x.phases[phaseTotal], e.at, own)
	}
	b.spent += x.phases[phaseTotal]
	if b.relays.exchange(x, &b.errors) {
		return
	}
	c := b.run.conn(e.conn)
	name := proxyName(x)
	b.run.made.asks(name)
	p := b.proxies.get(name)
	if p != nil {
		p.exchange(x)
		p.through(text(x.via))
		if c != nil && c.proxy == nil {
			c.proxy = p
			p.conns++
			b.relays.conn(x)
		}
	}
	b.errors.add(x)
	if x.after != nil {
		b.retries++
		b.errors.takeBack(classNamed(x.after))
	}
	if x.kind == nil {
		return
	}
	b.chain.add(e.pid, name, x)
	if k := b.kinds.get(text(x.kind)); k != nil {
		k.add(x)
	}
	if x.path != nil && !is(x.kind, "list") && !is(x.kind, "latest") {
		if name := text(x.path); name != "" {
			if m := b.modules.get(name + "@" + text(x.version)); m != nil {
				m.add(x)
			}
		}
	}
}
