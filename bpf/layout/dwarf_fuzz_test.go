package layout

import (
	"debug/dwarf"
	"encoding/binary"
	"reflect"
	"testing"

	"golang.org/x/net/http2"
)

// described is a struct in debugging information.
type described struct {
	name   string
	size   uint64
	fields []field
}

type field struct {
	name string
	at   uint64
}

// abbreviations declares a unit, a struct and a member (DWARF 4, §7.5.3).
func abbreviations() []byte {
	const (
		tagMember, tagUnit, tagStruct    = 0x0d, 0x11, 0x13
		attrName, attrSize, attrLocation = 0x03, 0x0b, 0x38
		formString, formUdata            = 0x08, 0x0f
	)
	return []byte{
		1, tagUnit, 1, attrName, formString, 0, 0,
		2, tagStruct, 1, attrName, formString, attrSize, formUdata, 0, 0,
		3, tagMember, 0, attrName, formString, attrLocation, formUdata, 0, 0,
		0,
	}
}

// informationOf returns the unit that describes structs.
func informationOf(structs []described) []byte {
	b := []byte{4, 0, 0, 0, 0, 0, 8, 1, 'u', 0} // version 4, pointers of 8 bytes
	name := func(s string) { b = append(append(b, s...), 0) }
	for _, s := range structs {
		b = append(b, 2)
		name(s.name)
		b = binary.AppendUvarint(b, s.size)
		for _, f := range s.fields {
			b = append(b, 3)
			name(f.name)
			b = binary.AppendUvarint(b, f.at)
		}
		b = append(b, 0)
	}
	b = append(b, 0)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func dwarfOf(info []byte) (*dwarf.Data, error) {
	return dwarf.New(abbreviations(), nil, nil, info, nil, nil, nil, nil)
}

// reflected describes a struct by reflection.
func reflected(name string, t reflect.Type) described {
	d := described{name: string(Module) + name, size: uint64(t.Size())}
	for i := range t.NumField() {
		d.fields = append(d.fields, field{t.Field(i).Name, uint64(t.Field(i).Offset)})
	}
	return d
}

// clientStructs describes what golang.org/x/net has in this process.
func clientStructs() []described {
	cc := reflect.TypeFor[http2.ClientConn]()
	of := func(t reflect.Type, name string) reflect.Type {
		f, _ := t.FieldByName(name)
		return f.Type
	}
	l := table()
	return []described{
		reflected("ClientConn", cc),
		reflected("clientStream", of(cc, "streams").Elem().Elem()),
		reflected("Framer", of(cc, "fr").Elem()),
		reflected("inflow", of(cc, "inflow")),
		reflected("connOutflow", of(cc, "flow")),
		// It is behind an interface.
		{string(Module) + "stickyErrWriter", 40, []field{{"conn", uint64(l.StickyConn) - pointerSize}, {"err", uint64(l.StickyErr)}}},
	}
}

// FuzzDWARF has damaged debugging information. A layout that comes of it is sound, and reads no
// memory beyond that of the connection.
func FuzzDWARF(f *testing.F) {
	info := informationOf(clientStructs())
	d, err := dwarfOf(info)
	if err != nil {
		f.Fatal(err)
	}
	if got, err := FromDWARF(d, Module); err != nil || *got != *table() {
		f.Fatalf("got %+v, %v, want the layout of this process %+v", got, err, table())
	}
	f.Add(info, uint32(0), []byte{0})
	for at := uint32(30); at < uint32(len(info)); at += 37 {
		f.Add(info, at, []byte{0xff, 0xff, 0x7f})
	}
	f.Fuzz(func(t *testing.T, info []byte, at uint32, patch []byte) {
		if len(info) > 0 {
			copy(info[int(at)%len(info):], patch)
		}
		d, err := dwarfOf(info)
		if err != nil {
			return
		}
		if l, err := FromDWARF(d, Module); err == nil {
			if !l.sound() {
				t.Errorf("%+v is not sound", l)
			}
			if image := make([]byte, l.Size); l.Size > 0 {
				_, _ = l.Read(image[:len(image):len(image)], Place{Locker: uint64(l.Mu)})
			}
		}
		if l, err := ServerFromDWARF(d, Module); err == nil {
			if !l.sound() {
				t.Errorf("%+v is not sound", l)
			}
			image := make([]byte, l.Size)
			_, _ = l.Read(image[:len(image):len(image)], Place{})
		}
	})
}

// FuzzTLSFromDWARF has a crypto/tls of any layout: it comes back as it is described, or there is
// none.
func FuzzTLSFromDWARF(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, uint32(8))
	f.Add([]byte{200, 199, 198, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255, 13}, uint32(1<<10))
	f.Fuzz(func(t *testing.T, at []byte, scale uint32) {
		names := []string{"vers", "cipherSuite", "didResume", "clientProtocol", "serverName", "in", "out", "rawInput", "input"}
		halves := []string{"err", "version", "cipher", "seq", "trafficSecret"}
		offset := map[string]uint64{}
		most := uint64(0)
		fieldsOf := func(names []string) (list []field) {
			for _, name := range names {
				if len(at) == 0 {
					break
				}
				offset[name], at = uint64(at[0])*uint64(scale), at[1:]
				most = max(most, offset[name])
				list = append(list, field{name, offset[name]})
			}
			return list
		}
		d, err := dwarfOf(informationOf([]described{
			{string(cryptoTLS) + "Conn", 1000, fieldsOf(names)},
			{string(cryptoTLS) + "halfConn", 1000, fieldsOf(halves)},
		}))
		if err != nil {
			t.Fatal(err)
		}
		l, err := TLSFromDWARF(d)
		if err != nil {
			if len(offset) == len(names)+len(halves) && most < 1<<15 {
				t.Fatalf("%v of %v", err, offset)
			}
			return
		}
		for name, got := range map[string]uint16{
			"vers": l.Version, "cipherSuite": l.Cipher, "didResume": l.Resumed, "clientProtocol": l.ALPN, "serverName": l.SNI,
			"in": l.In, "out": l.Out, "rawInput": l.RawInput, "input": l.Input,
			"version": l.Half.Version, "cipher": l.Half.Cipher, "seq": l.Half.Seq, "trafficSecret": l.Half.Secret,
		} {
			if uint64(got) != offset[name] {
				t.Errorf("%s is at %d, want %d", name, got, offset[name])
			}
		}
		if want := offset["in"] + offset["err"]; uint64(l.ReadErr) != want {
			t.Errorf("in.err is at %d, want %d", l.ReadErr, want)
		}
	})
}
