// Package plan decides where in a Go executable the probes go.
//
// A uprobe on an instruction that the kernel emulates (push, call, jcc; on arm64
// branches, calls and returns) costs the target 0.6 µs, one that it must single-step 4 to 6 µs. So the planner disassembles
// crypto/tls and looks for an emulated instruction with all needed values in
// registers. Without one it falls back on function entry and RET. It never uses a
// uretprobe: that rewrites return addresses, which Go's stack unwinder does not
// survive.
//
// Functions are found in .symtab or, in a stripped program, in the tables that the Go
// runtime itself needs: the function table and the module data. The planner reads
// only parts of a file, and trusts none of it.
package plan

import (
	"fmt"

	"h2trace/bpf/layout"
)

// Tap is what a probe observes.
type Tap string

// The taps, in the order in which they are attached: the handshake of a connection
// must be seen before its first byte.
const (
	ClientHandshake Tap = "client_handshake"
	ServerHandshake Tap = "server_handshake"
	Close           Tap = "close"
	Read            Tap = "read"
	Write           Tap = "write"
	// Stderr is what the go command writes to stderr; no other program has this tap.
	Stderr Tap = "stderr"
)

// Kind is the sort of instruction that a probe sits on; it decides which BPF program
// reads the values there.
type Kind uint8

// The kinds. Entry and, on amd64, Ret are single-stepped by the kernel, the others
// emulated.
const (
	// Push is PUSH BP after the stack check: arguments in registers.
	Push Kind = iota
	// StackCheck is the JBE of the stack check itself, where nothing is
	// pushed after it (frames of Go 1.20 and older).
	StackCheck
	// StackCheckARM64 is the BLS of the stack check on arm64, which emulates no push.
	StackCheckARM64
	// Memmove is CALL runtime.memmove: destination, source and length in
	// registers, *tls.Conn in its spill slot.
	Memmove
	// Slicecopy is CALL runtime.slicecopy, which -race, -msan and -asan use instead
	// of Memmove: destination and source with the length of each.
	Slicecopy
	// Flush is CALL crypto/tls.(*Conn).flush: *tls.Conn in AX.
	Flush
	// Entry is the first instruction, which runs again when the stack grows.
	Entry
	// Ret is a RET instruction: results in registers.
	Ret
)

var kindNames = [...]string{
	Push:       "PUSH BP",
	StackCheck: "JBE",

	StackCheckARM64: "BLS",

	Memmove:   "CALL runtime.memmove",
	Slicecopy: "CALL runtime.slicecopy",
	Flush:     "CALL crypto/tls.(*Conn).flush",
	Entry:     "entry",
	Ret:       "RET",
}

// InStackCheck reports whether the instruction also runs before the stack grows, after
// which the function begins anew.
func (k Kind) InStackCheck() bool { return k == StackCheck || k == StackCheckARM64 }

// String returns the instruction as it is written in Go assembly, or "entry".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Site is one place for one probe.
type Site struct {
	Tap  Tap
	Kind Kind
	// Offset is the offset of the instruction in the file, in bytes, as
	// perf_event_open(2) expects for a uprobe.
	Offset uint64
	// Addr is the link-time virtual address of the instruction.
	Addr uint64
	// ConnSlot is, for Memmove and Slicecopy, the distance in bytes from SP of the
	// spill slot of *tls.Conn.
	ConnSlot uint32
	// Package is, for KeyLog, the import path of crypto/tls or of its fork.
	Package string
	// UnixConnHash is not 0 for connections on Unix sockets alone: the hash of
	// *net.UnixConn.
	UnixConnHash uint32
	// Layout is, for ReadFrame, the layout of client connections, and Server, for
	// ProcessFrame, that of server connections.
	Layout *layout.Client
	Server *layout.Server
}

// Mode selects how to plan.
type Mode uint8

const (
	// Auto takes the cheapest place that each function offers.
	Auto Mode = iota
	// EntryRet takes function entry and RET for every function.
	EntryRet
)

// Plan is where the probes of one executable go.
type Plan struct {
	GoVersion string // such as "go1.26.8"
	BuildID   string // Go build ID, "" when there is none
	Types
	Sites []Site
	// Phases are the places where handshakes end. A function without a place is skipped.
	Phases []Site
	// Secrets are the places where handshakes derive secrets, in crypto/tls and in its
	// forks.
	Secrets []Site
	// Failures are the places where handshakes of crypto/tls fail.
	Failures []Site
	// TLS is the layout of a tls.Conn: what its handshake negotiated and why its
	// reading ended, nil where it is unknown. Errors are the known types of errors of
	// handshakes.
	TLS    *layout.TLS
	Errors []ErrorType
}

// Probe is a tap and its place, in words.
type Probe struct {
	Tap  Tap
	Name string // such as "CALL runtime.memmove", or "entry+RET"
}

// Describe returns the place of each tap, in the order of attaching.
func (p *Plan) Describe() []Probe { return Describe(p.Sites) }

// Describe returns the place of each tap, in the order of the sites.
func Describe(sites []Site) []Probe {
	var probes []Probe
	for _, s := range sites {
		last := len(probes) - 1
		switch {
		case last < 0 || probes[last].Tap != s.Tap:
			probes = append(probes, Probe{s.Tap, s.Kind.String()})
		case s.Kind == Ret:
			probes[last].Name = "entry+RET"
		}
	}
	return probes
}
