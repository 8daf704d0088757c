package modproxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// Module is one version of a module that a Server offers.
type Module struct {
	Path, Version string
	Requires      []module.Version
	// Payload is the size of one incompressible file in the zip, in bytes.
	Payload int
}

// Modules creates n modules of the given payload without dependencies.
func Modules(prefix string, n, payload int) []Module {
	out := make([]Module, n)
	for i := range out {
		out[i] = Module{Path: fmt.Sprintf("%s/m%03d", prefix, i), Version: "v1.0.0", Payload: payload}
	}
	return out
}

// Graph creates a module graph: n modules, each requiring the fanOut that follow.
func Graph(prefix string, n, fanOut, payload int) []Module {
	out := Modules(prefix, n, payload)
	for i := range out {
		for k := i + 1; k <= i+fanOut && k < n; k++ {
			out[i].Requires = append(out[i].Requires, module.Version{Path: out[k].Path, Version: out[k].Version})
		}
	}
	return out
}

// artifact is what the proxy serves of one version.
type artifact struct {
	info, mod, zip []byte
}

func (m Module) build() (*artifact, error) {
	var mod strings.Builder
	// go 1.16 has no graph pruning: the whole graph is downloaded.
	fmt.Fprintf(&mod, "module %s\n\ngo 1.16\n", m.Path)
	for _, r := range m.Requires {
		fmt.Fprintf(&mod, "\nrequire %s %s\n", r.Path, r.Version)
	}
	name := m.Path[strings.LastIndexByte(m.Path, '/')+1:]
	files := []modzip.File{
		memFile{"go.mod", []byte(mod.String())},
		memFile{name + ".go", fmt.Appendf(nil, "// Package %[1]s is for tests.\npackage %[1]s\n\n// Name is its name.\nconst Name = %[1]q\n", name)},
	}
	if m.Payload > 0 {
		files = append(files, memFile{"payload.bin", noise(m.Path, m.Payload)})
	}
	var zip bytes.Buffer
	if err := modzip.Create(&zip, module.Version{Path: m.Path, Version: m.Version}, files); err != nil {
		return nil, fmt.Errorf("zip %s: %w", m.Path, err)
	}
	return &artifact{
		info: fmt.Appendf(nil, `{"Version":%q,"Time":"2026-01-02T03:04:05Z"}`, m.Version),
		mod:  []byte(mod.String()),
		zip:  zip.Bytes(),
	}, nil
}

// noise returns the same incompressible bytes for the same name.
func noise(name string, n int) []byte {
	var seed [32]byte
	copy(seed[:], name)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
	return b
}

// memFile is a zip.File in memory.
type memFile struct {
	path string
	data []byte
}

func (f memFile) Path() string                 { return f.path }
func (f memFile) Lstat() (os.FileInfo, error)  { return memInfo{f}, nil }
func (f memFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }

type memInfo struct{ memFile }

func (i memInfo) Name() string     { return i.path }
func (i memInfo) Size() int64      { return int64(len(i.data)) }
func (memInfo) Mode() os.FileMode  { return 0o644 }
func (memInfo) ModTime() time.Time { return time.Time{} }
func (memInfo) IsDir() bool        { return false }
func (memInfo) Sys() any           { return nil }
