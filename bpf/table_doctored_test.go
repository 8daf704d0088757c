//go:build linux

package bpf

import (
	"fmt"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/net/http2/hpack"
)

// dynamicTable is the table of hpack, with which an Encoder and a Decoder begin.
type dynamicTable struct {
	ents          []hpack.HeaderField
	_             uint64
	_, _          unsafe.Pointer
	size, maxSize uint32
}

// TestTablesDoctored makes the memory of a table invalid while it is copied. Such a
// table is not reported, or reported as inconsistent.
func TestTablesDoctored(t *testing.T) {
	unmapped := unsafe.String((*byte)(unsafe.Add(nil, 1<<46)), 8) // only the probe reads it
	tests := []struct {
		name   string
		doctor func(d *dynamicTable)
	}{
		{"as it is", func(*dynamicTable) {}},
		{"size too small", func(d *dynamicTable) { d.size -= 3 }},
		{"size too large", func(d *dynamicTable) { d.size += 3 }},
		{"size beyond the maximum", func(d *dynamicTable) { d.maxSize = d.size - 1 }},
		{"an entry more", func(d *dynamicTable) { d.ents = append(d.ents, hpack.HeaderField{Name: "x"}) }},
		{"an entry less", func(d *dynamicTable) { d.ents = d.ents[:len(d.ents)-1] }},
		{"endless entries", func(d *dynamicTable) { *(*[2]int)(unsafe.Add(unsafe.Pointer(d), 8)) = [2]int{1 << 40, 1 << 40} }},
		{"entries nowhere", func(d *dynamicTable) { *(*uintptr)(unsafe.Pointer(d)) = 1 << 46 }},
		{"a name nowhere", func(d *dynamicTable) { d.ents[0].Name = unmapped }},
		{"an endless value", func(d *dynamicTable) { (*(*[2]int)(unsafe.Pointer(&d.ents[0].Value)))[1] = 1 << 62 }},
		{"a value of 2³² more bytes", func(d *dynamicTable) { (*(*[2]int)(unsafe.Pointer(&d.ents[0].Value)))[1] += 1 << 32 }},
		{"a value of another length", func(d *dynamicTable) { d.ents[1].Value += "y" }},
	}
	c := newCollector(t, Options{BufferSize: 1 << 20})
	if err := c.Recovery.Begin([]string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, large=%v", tt.name, large), func(t *testing.T) {
				checkDoctored(t, c, large, tt.doctor, tt.name == "as it is")
			})
		}
	}
}

// checkDoctored has a doctored table copied, in pieces if it is a large one.
func checkDoctored(t *testing.T, c *Collector, large bool, doctor func(*dynamicTable), want bool) {
	t.Helper()
	talk := newTalk(t)
	if large {
		talk.allow(64 << 10)
		talk.exchange(64 << 10)
		talk.send(0, talk.fresh(300, 3))
	}
	for range 5 {
		talk.exchange(0)
	}
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	d := (*dynamicTable)(unsafe.Pointer(talk.enc))
	sound, ents := *d, append([]hpack.HeaderField(nil), d.ents...)
	doctor(d)
	// The probe is at the beginning of the function; a static field changes no table.
	err := talk.enc.WriteField(hpack.HeaderField{Name: ":method", Value: "GET"})
	*d = sound
	copy(d.ents, ents)
	if err != nil {
		t.Fatal(err)
	}
	talk.buf.Reset()
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	believed, all := 0, 0
	readAll(t, c, func(e Event) {
		table, ok := e.(*Table)
		if !ok || table.Dir != Send {
			return
		}
		all++
		if table.Consistent {
			believed++
		}
	})
	if (believed == 1) != want || believed > 1 {
		t.Errorf("%d of %d tables are taken for sound", believed, all)
	}
}
