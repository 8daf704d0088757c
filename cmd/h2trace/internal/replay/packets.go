package replay

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"h2trace/cmd/h2trace/internal/flows"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/trace"
	"h2trace/decoder/capture"
	"h2trace/export"
	"h2trace/export/text"
)

// replayMemory is where the memory of the engine is to stay below, in bytes: the rest of 128 MB is
// for the program and its stacks.
const replayMemory = 104 << 20

// PacketOptions says how packets are replayed.
type PacketOptions struct {
	Out         io.Writer
	Msg         *message.Printer
	Events      export.Filter
	Format      *text.Formatter // nil for JSON
	KeyLogs     []string        // files with session secrets (RFC 9850)
	BodyBytes   int             // of each DATA payload
	ShowSecrets bool
}

// Packets replays captures as if they were one: a rotated capture is many files, and connections go
// on in the next one.
type Packets struct {
	opts   PacketOptions
	engine *trace.Replay // nil before it is needed

	// Used says that a capture was read.
	Used bool

	secrets int
	cut     bool // a file ends within a packet
	dropped uint64
}

// NewPackets returns a Packets that has read nothing.
func NewPackets(opts PacketOptions) *Packets { return &Packets{opts: opts} }

// Read replays a file.
func (p *Packets) Read(in *bufio.Reader) error {
	if p.engine == nil {
		p.begin()
	}
	p.Used = true
	file, err := capture.NewReader(in)
	for err == nil {
		var item capture.Item
		if item, err = file.Next(); err == nil {
			err = p.take(item)
		}
	}
	if file != nil {
		p.dropped += file.Dropped
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		p.cut = true
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

func (p *Packets) take(item capture.Item) error {
	switch item := item.(type) {
	case *capture.Packet:
		if err := p.engine.Packet(item); err != nil {
			return Written(err)
		}
	case *capture.Secrets:
		n, err := p.engine.Secrets(item.Reader())
		p.secrets += n
		return err
	}
	return nil
}

// begin makes the engine.
func (p *Packets) begin() {
	opts := trace.ReplayOptions{
		Events: p.opts.Events, ShowSecrets: p.opts.ShowSecrets, BodyBytes: p.opts.BodyBytes,
	}
	if p.opts.Format != nil {
		p.opts.Format.NewRun()
		opts.Format = p.opts.Format.Append
	}
	debug.SetMemoryLimit(replayMemory)
	p.engine = trace.NewReplay(opts, p.opts.Out)
}

// ReadKeyLogs gives the engine the secrets of the key log files.
func (p *Packets) ReadKeyLogs() error {
	for _, name := range p.opts.KeyLogs {
		if p.engine == nil {
			p.begin()
		}
		n, err := readKeyLog(p.engine, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%s: no session secrets; it is to be a file as h2trace --keylog and SSLKEYLOGFILE make it", name)
		}
		p.secrets += n
	}
	return nil
}

func readKeyLog(engine *trace.Replay, name string) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := engine.Secrets(f)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// Finish ends what is open, after the files were read with an error or nil. It says what the
// events do not, and returns the first error.
func (p *Packets) Finish(read error) error {
	if !p.Used {
		if read == nil && len(p.opts.KeyLogs) > 0 {
			p.opts.Msg.Infof("--keylog-file was not used: no file holds packets")
		}
		return read
	}
	counts, err := p.engine.Finish()
	if read != nil || err != nil {
		return cmp.Or(read, Written(err))
	}
	p.say(&counts)
	if seen, _ := p.engine.Connections(); seen == 0 {
		return fmt.Errorf("no HTTP and no TLS in %s", message.Count(counts.Packets, "packet", "packets"))
	}
	return nil
}

// say says what became of packets.
func (p *Packets) say(n *flows.Counts) {
	if p.cut {
		p.opts.Msg.Infof("the capture ends within a packet: the last one is missing")
	}
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{p.dropped, "lost by the program that captured them"},
		{n.Cut, "captured in part; capture whole packets, as tcpdump -s 0 does"},
		{n.OtherLink, "of a link type that is not understood"},
		{n.Fragments, "not read: fragments of IP"},
		{n.Short, "not read: the headers are cut or damaged"},
	} {
		if c.n > 0 {
			p.opts.Msg.Infof("%s %s", message.Count(c.n, "packet was", "packets were"), c.what)
		}
	}
	if n.Dropped > 0 {
		p.opts.Msg.Infof("%s given up, as too many were open at once", message.Count(n.Dropped, "connection was", "connections were"))
	}
	if n := p.engine.SecretsLeft(); n > 0 {
		p.opts.Msg.Infof("%s left out, as there are too many; give a smaller --keylog-file", message.Count(n, "session secret was", "session secrets were"))
	}
	switch _, sealed := p.engine.Connections(); {
	case sealed > 0 && p.secrets == 0:
		p.opts.Msg.Infof("%s not decrypted: give the session secrets with --keylog-file FILE", message.Count(sealed, "connection was", "connections were"))
	case sealed > 0:
		p.opts.Msg.Infof("%s not decrypted; the reason is in their conn events", message.Count(sealed, "connection was", "connections were"))
	}
}
