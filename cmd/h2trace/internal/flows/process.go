package flows

import (
	"net/netip"
	"strconv"
	"strings"

	"h2trace/decoder/capture"
)

// process is what an interface is named for.
type process struct {
	pid  int // 0 for none
	comm string
}

// maxProcesses bounds the names of interfaces that are kept.
const maxProcesses = 1 << 14

// processOf returns the process of a packet of a host: h2trace --pcap gives each process an
// interface, with the name "comm[pid]". Else it is a number for the host, less than 0.
func (t *Table) processOf(p *capture.Packet, local netip.AddrPort) (pid int, comm string) {
	proc, known := t.procs[p.Interface]
	if !known {
		proc = processNamed(p.Interface)
		if len(t.procs) < maxProcesses {
			t.procs[p.Interface] = proc
		}
	}
	if proc.pid == 0 {
		return t.host(local.Addr()), ""
	}
	return proc.pid, proc.comm
}

func processNamed(name string) process {
	at := strings.LastIndexByte(name, '[')
	if at < 0 || !strings.HasSuffix(name, "]") {
		return process{}
	}
	pid, err := strconv.ParseUint(name[at+1:len(name)-1], 10, 22)
	if err != nil {
		return process{}
	}
	return process{int(pid), name[:at]}
}
