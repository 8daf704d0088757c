// Package plan decides where in a Go executable the probes go.
//
// A uprobe on an instruction that the kernel emulates (push, call, jcc) costs
// the target 0.6 µs, one that it must single-step 4 to 6 µs. So the planner
// disassembles crypto/tls and looks for an instruction of the first kind at
// which all that is wanted is in registers; only where it finds none does it
// fall back on function entry and RET. A uretprobe is never used: it rewrites
// return addresses, which Go's stack unwinder does not survive.
//
// Functions are found in .symtab or, in a stripped program, in the tables that
// the Go runtime itself needs: the function table and the module data. Of a
// file only parts are read, and none of it is trusted.
package plan

import (
	"fmt"

	"h2trace/bpf/layout"
)

// Tap is what a probe listens to.
type Tap string

// The taps, in the order in which they are attached: connections must be
// known by their handshake before their first byte is seen.
const (
	ClientHandshake Tap = "client_handshake"
	ServerHandshake Tap = "server_handshake"
	Close           Tap = "close"
	Read            Tap = "read"
	Write           Tap = "write"
	// Stderr is what the go command says on stderr; no other program has it.
	Stderr Tap = "stderr"
)

// Kind is the sort of instruction that a probe sits on; it decides which BPF
// program reads the values there.
type Kind uint8

// The kinds. Entry and Ret are single-stepped by the kernel, the others
// emulated.
const (
	// Push is PUSH BP after the stack check: arguments in registers.
	Push Kind = iota
	// StackCheck is the JBE of the stack check itself, where nothing is
	// pushed after it (frames of Go 1.20 and older).
	StackCheck
	// Memmove is CALL runtime.memmove: destination, source and length in
	// registers, *tls.Conn in its spill slot.
	Memmove
	// Slicecopy is CALL runtime.slicecopy, which -race, -msan and -asan put in
	// the place of Memmove: destination and source with the length of each.
	Slicecopy
	// Entry is the first instruction, which runs again when the stack grows.
	Entry
	// Ret is a RET instruction: results in registers.
	Ret
)

var kindNames = [...]string{
	Push:       "PUSH BP",
	StackCheck: "JBE",
	Memmove:    "CALL runtime.memmove",
	Slicecopy:  "CALL runtime.slicecopy",
	Entry:      "entry",
	Ret:        "RET",
}

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
	// Offset is where the instruction is in the file, in bytes: what
	// perf_event_open(2) wants for a uprobe.
	Offset uint64
	// Addr is the link-time virtual address of the instruction.
	Addr uint64
	// ConnSlot is, for Memmove and Slicecopy, the distance in bytes from SP of the slot
	// that *tls.Conn was spilled to.
	ConnSlot uint32
	// Layout is, for ReadFrame, where a client connection keeps its state, and
	// Server, for ProcessFrame, where a server connection does.
	Layout *layout.Client
	Server *layout.Server
}

// Mode selects how a plan is made.
type Mode uint8

const (
	// Auto takes the cheapest place that each function offers.
	Auto Mode = iota
	// EntryRet takes function entry and RET throughout.
	EntryRet
)

// Plan is where the probes of one executable go.
type Plan struct {
	GoVersion string // such as "go1.26.8"
	BuildID   string // Go build ID, "" when there is none
	Types
	Sites []Site
	// Phases are the places that tell how handshakes go. What a function does not
	// offer is left out.
	Phases []Site
	// TLS is where a tls.Conn keeps what its handshake agreed on and why its reading
	// ended, nil where that is not known, and Errors are the types of errors that are known in handshakes.
	TLS    *layout.TLS
	Errors []ErrorType
}

// Probe is a tap and what it got, in words.
type Probe struct {
	Tap  Tap
	Name string // such as "CALL runtime.memmove", or "entry+RET"
}

// Describe returns what each tap got, in the order of attaching.
func (p *Plan) Describe() []Probe { return Describe(p.Sites) }

// Describe returns what each tap got, in the order of the sites.
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
