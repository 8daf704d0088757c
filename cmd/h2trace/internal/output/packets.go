package output

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/terminal"
)

// PacketOptions say where packets go.
type PacketOptions struct {
	Path    string // "-" is stdout
	Size    int64  // of a file that is followed by another one, 0 for none
	Count   int    // of files, before the first is written again; 0 is no limit
	Secrets bool   // session secrets go there, too
}

// Packets is where packets go: a pipe, a file, or one file after another.
type Packets struct {
	PacketOptions
	owner   *launch.Account
	msg     *message.Printer
	out     *Output
	first   *Output // the only one, if it is a pipe
	file    int     // number of the file
	err     error   // of going on to another file
	lacking uint64  // packets that are missing because of an error
}

// OpenPackets opens the first file. The rules of OpenFile hold. Where session secrets go to a
// file, only its owner can read that.
func OpenPackets(opts PacketOptions, owner *launch.Account, msg *message.Printer) (*Packets, error) {
	p := &Packets{PacketOptions: opts, owner: owner, msg: msg}
	if err := p.open(); err != nil {
		return nil, err
	}
	info, err := p.out.file.Stat()
	switch {
	case err != nil:
	case info.Mode()&os.ModeCharDevice != 0 && terminal.Is(p.out.file):
		err = fmt.Errorf("%s is a terminal, and packets are binary: name a file with --pcap, or send them to wireshark -k -i -", p.out.file.Name())
	case p.Size > 0 && !info.Mode().IsRegular():
		err = fmt.Errorf("%s is no regular file, which -C needs", opts.Path)
	}
	if err != nil {
		return nil, errors.Join(err, p.out.Close())
	}
	p.first = p.out
	if opts.Secrets {
		msg.Infof("session secrets go to %s with the packets: who has it can decrypt these", p.out.file.Name())
	}
	return p, nil
}

// open opens the file of the number.
func (p *Packets) open() error {
	name := p.name()
	if p.Secrets {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() { // before it is emptied
			if err := forSecrets(name, info); err != nil {
				return err
			}
		}
	}
	out, err := open(name, "packets", p.owner, p.msg, emptied)
	if err != nil {
		return err
	}
	p.out = out
	return nil
}

// name returns the name of the file of the number, as tcpdump makes it: FILE, FILE1, FILE2, …,
// and with a limit FILE0, FILE1, …, with as many digits as the last one has.
func (p *Packets) name() string {
	switch {
	case p.Count > 0 && p.Size > 0:
		return fmt.Sprintf("%s%0*d", p.Path, len(strconv.Itoa(p.Count-1)), p.file)
	case p.file > 0:
		return p.Path + strconv.Itoa(p.file)
	}
	return p.Path
}

// Full reports whether a file of this many bytes is followed by another one.
func (p *Packets) Full(size int64) bool { return p.Size > 0 && size > p.Size }

// Next goes on to another file, or to the first one again.
func (p *Packets) Next() error {
	if p.err = p.out.Close(); p.err == nil {
		if p.file++; p.Count > 0 && p.file == p.Count {
			p.file = 0
		}
		p.err = p.open()
	}
	return p.err
}

// Write writes to the file.
func (p *Packets) Write(b []byte) (int, error) { return p.out.Write(b) }

// TakeBack removes the last n bytes that were written, after a write error.
func (p *Packets) TakeBack(n int64) error { return p.out.TakeBack(n) }

// Lacks says how many packets are missing because of an error.
func (p *Packets) Lacks(packets uint64) { p.lacking = packets }

// Close closes the file, and returns its first error, with the number of packets that are
// missing because of it.
func (p *Packets) Close() error {
	if p == nil {
		return nil
	}
	err := p.err
	if err == nil {
		err = p.out.Close()
	}
	switch {
	case err != nil && p.lacking > 0:
		return fmt.Errorf("packets: %w: %s not written", err, message.Count(p.lacking, "packet was", "packets were"))
	case err != nil:
		return fmt.Errorf("packets: %w", err)
	}
	return nil
}

// Is reports whether the packets go to a file.
func (p *Packets) Is(other *os.File) bool { return sameFile(p.out.file, other) }

// Gone is closed when nobody is left to read the packets. It is safe for concurrent use, as
// Ending is.
func (p *Packets) Gone() <-chan struct{} {
	if p == nil {
		return nil
	}
	return p.first.Gone()
}

// Ending says that the capture has ended, as that of an Output.
func (p *Packets) Ending() {
	if p != nil {
		p.first.Ending()
	}
}
