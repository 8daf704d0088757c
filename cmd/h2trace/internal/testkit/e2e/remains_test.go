package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// holdings are what an h2trace holds of the kernel while it observes. Fanotify marks, leases and
// perf events belong to descriptors: they are gone with the processes.
type holdings struct {
	processes []int // h2trace and its gatekeeper
	links     []int
	programs  []int
	maps      []int
	dir       string // of its output
}

// holdings examines h2trace from outside. It must be observing.
func (tr *tracing) holdings() *holdings {
	tr.t.Helper()
	h := holdingsOf(tr)
	if len(h.links) == 0 || len(h.programs) == 0 || len(h.maps) == 0 {
		tr.t.Fatalf("h2trace has %d links, %d programs and %d maps: it does not observe", len(h.links), len(h.programs), len(h.maps))
	}
	return h
}

// holdingsOf is holdings of an h2trace at any moment.
func holdingsOf(tr *tracing) *holdings {
	h := &holdings{processes: []int{tr.cmd.Process.Pid}, dir: filepath.Dir(tr.events)}
	if gatekeeper := gatekeeperOf(tr.cmd.Process.Pid); gatekeeper != 0 {
		h.processes = append(h.processes, gatekeeper)
	}
	for _, pid := range h.processes {
		h.links = append(h.links, fdinfo(pid, "link_id:")...)
		h.programs = append(h.programs, fdinfo(pid, "prog_id:")...) // also of links
		h.maps = append(h.maps, fdinfo(pid, "map_id:")...)
	}
	for _, id := range h.programs {
		h.maps = append(h.maps, mapsOf(id)...)
	}
	for _, list := range []*[]int{&h.links, &h.programs, &h.maps} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return h
}

// mapsOf returns the maps of a program, which may be without descriptors.
func mapsOf(program int) (maps []int) {
	p, err := ebpf.NewProgramFromID(ebpf.ProgramID(program))
	if err != nil {
		return nil // gone meanwhile
	}
	defer p.Close()
	if info, err := p.Info(); err == nil {
		ids, _ := info.MapIDs()
		for _, id := range ids {
			maps = append(maps, int(id))
		}
	}
	return maps
}

// wantNothingLeft requires that all of it is gone, after the end of h2trace. The kernel gives ids
// out in turn, so that none is that of something new.
func (h *holdings) wantNothingLeft(t testing.TB) {
	t.Helper()
	for _, pid := range h.processes {
		await(t, fmt.Sprintf("the end of process %d of h2trace", pid), func() bool { return !runsH2trace(t, pid) })
	}
	for _, kind := range []struct {
		name string
		ids  []int
		open func(id int) (interface{ Close() error }, error)
	}{
		{"link", h.links, func(id int) (interface{ Close() error }, error) { return link.NewFromID(link.ID(id)) }},
		{"program", h.programs, func(id int) (interface{ Close() error }, error) { return ebpf.NewProgramFromID(ebpf.ProgramID(id)) }},
		{"map", h.maps, func(id int) (interface{ Close() error }, error) { return ebpf.NewMapFromID(ebpf.MapID(id)) }},
	} {
		for _, id := range kind.ids {
			await(t, fmt.Sprintf("the end of the BPF %s %d of h2trace", kind.name, id), func() bool {
				object, err := kind.open(id)
				if err == nil {
					_ = object.Close()
				}
				return errors.Is(err, os.ErrNotExist)
			})
		}
	}
	files, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := f.Name(); name != "events.jsonl" && name != "stderr.log" {
			t.Errorf("h2trace left the file %s beside its output", name)
		}
	}
}

// runsH2trace reports whether a process, which may be gone, runs h2trace.
func runsH2trace(t testing.TB, pid int) bool {
	to, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && to == bin(t, "h2trace")
}
