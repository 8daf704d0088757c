package kerneltypes_test

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"h2trace/bpf/kerneltypes"
)

// kernel returns BTF with the types of a small kernel.
func kernel(t *testing.T) []byte {
	t.Helper()
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	task := &btf.Struct{Name: "task", Size: 8}
	inner := &btf.Union{Size: 4, Members: []btf.Member{{Name: "number", Type: u32}}}
	lock := &btf.Typedef{Name: "lock_t", Type: &btf.Struct{Size: 4, Members: []btf.Member{{Name: "raw", Type: u32}}}}
	sock := &btf.Struct{Name: "sock", Size: 40, Members: []btf.Member{
		{Name: "owner", Type: &btf.Pointer{Target: task}},
		{Type: inner, Offset: 64},
		{Name: "lock", Type: &btf.Const{Type: lock}, Offset: 96},
		{Name: "ports", Type: &btf.Array{Index: u32, Type: u32, Nelems: 4}, Offset: 128},
	}}
	task.Members = []btf.Member{{Name: "sock", Type: &btf.Pointer{Target: sock}}}
	proto := &btf.FuncProto{Return: u32, Params: []btf.FuncParam{{Name: "s", Type: &btf.Pointer{Target: sock}}}}
	var b btf.Builder
	for _, typ := range []btf.Type{
		u32, sock, &btf.Struct{Name: "sock___old", Size: 4, Members: []btf.Member{{Name: "hash", Type: u32}}},
		&btf.Func{Name: "accept", Type: proto}, &btf.Typedef{Name: "accept", Type: proto},
		&btf.Typedef{Name: "callback", Type: &btf.Pointer{Target: proto}},
		&btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{{Name: "OPEN", Value: 1}}},
	} {
		if _, err := b.Add(typ); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestSelect selects a type: it keeps all fields, and nothing that only pointers lead to.
func TestSelect(t *testing.T) {
	types, err := kerneltypes.Select(kernel(t), []string{"sock", "state", "absent"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sock *btf.Struct
	if err := types.Spec.TypeByName("sock", &sock); err != nil {
		t.Fatal(err)
	}
	if sock.Size != 40 || len(sock.Members) != 4 {
		t.Fatalf("sock has %d bytes and %d fields", sock.Size, len(sock.Members))
	}
	if got := sock.Members[0].Type.(*btf.Pointer).Target; got != btf.Type((*btf.Void)(nil)) {
		if _, ok := got.(*btf.Void); !ok {
			t.Errorf("the pointer leads to %v", got)
		}
	}
	if got := sock.Members[1].Type.(*btf.Union).Members[0].Name; got != "number" {
		t.Errorf("the union has field %q", got)
	}
	lock, ok := btf.As[*btf.Struct](sock.Members[2].Type)
	if !ok || lock.Members[0].Name != "raw" {
		t.Errorf("lock is %v", sock.Members[2].Type)
	}
	if got := sock.Members[3].Type.(*btf.Array); got.Nelems != 4 || got.Type.(*btf.Int).Size != 4 {
		t.Errorf("ports are %v", got)
	}
	var state *btf.Enum
	if err := types.Spec.TypeByName("state", &state); err != nil || state.Values[0].Name != "OPEN" {
		t.Errorf("state is %v: %v", state, err)
	}
	var old *btf.Struct
	if err := types.Spec.TypeByName("sock___old", &old); err != nil {
		t.Errorf("a flavor of sock: %v", err)
	}
	if _, err := types.Spec.AnyTypeByName("task"); !errors.Is(err, btf.ErrNotFound) {
		t.Errorf("task was copied: %v", err)
	}
}

// TestTarget requires the ids that the whole BTF gives to functions and type definitions.
func TestTarget(t *testing.T) {
	raw := kernel(t)
	types, err := kerneltypes.Select(raw, []string{"callback"}, []string{"accept", "callback", "absent"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := types.Target("absent"); ok {
		t.Error("found a function that is not there")
	}
	if id, ok := types.Target("callback"); !ok || id == 0 {
		t.Errorf("callback has id %d", id)
	}
	if id, ok := types.Target("accept"); !ok || id == 0 {
		t.Errorf("accept has id %d", id)
	}
}

// FuzzSelect requires an error of malformed BTF.
func FuzzSelect(f *testing.F) {
	var b btf.Builder
	if _, err := b.Add(&btf.Struct{Name: "sock", Size: 4, Members: []btf.Member{{Name: "x", Type: &btf.Int{Name: "int", Size: 4}}}}); err != nil {
		f.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(_ *testing.T, raw []byte) {
		_, _ = kerneltypes.Select(raw, []string{"sock"}, []string{"sock"})
	})
}
