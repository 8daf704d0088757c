// Package redact removes secrets from what h2trace prints: headers, URLs, arguments, messages.
// It is the one place that decides what a secret is; everything else calls it.
//
// It finds secrets by their names ("token=…", "password: …", "x-api-key"), by their place
// ("user:password@host", "Bearer …") and by their shape ("ghp_…", "eyJ….eyJ…"). It replaces the
// secret alone and keeps everything else, byte for byte. Output is searched again harmlessly:
// Text of its own result changes nothing.
//
// The time is linear in the length of the text, whatever a peer sends, and a result has at most
// four bytes for each byte of the text, and 16 more.
package redact

import (
	"strings"
	"sync"
)

// Mark replaces a secret.
const Mark = "<redacted>"

// maxKeptBuffer bounds the memory that stays allocated after one enormous text.
const maxKeptBuffer = 1 << 20

// A Redactor removes secrets. It returns a text without a secret as it came, without a copy.
//
// It reuses its buffers: a returned slice is valid until the next call. It is not safe for
// concurrent use.
type Redactor struct {
	names names
	out   []byte // the text without secrets
	name  []byte // a name in lower case, decoded
}

// New returns a Redactor.
func New() *Redactor { return &Redactor{names: newNames()} }

var pool = sync.Pool{New: func() any { return New() }}

// String returns any text without its secrets. It is safe for concurrent use.
func String(s string) string {
	r := pool.Get().(*Redactor)
	defer pool.Put(r)
	if out, found := r.Text(s); found {
		return string(out)
	}
	return s
}

// Parseable returns a URL with something that can be part of one in place of Mark.
func Parseable(url string) string { return strings.ReplaceAll(url, Mark, "redacted") }

// begin prepares the buffer for a text.
func (r *Redactor) begin() {
	if cap(r.out) > maxKeptBuffer {
		r.out = nil
	}
	if cap(r.name) > maxKeptBuffer {
		r.name = nil
	}
	r.out = r.out[:0]
}

// keep returns the beginning of a text, and a Mark instead of all that follows it.
func (r *Redactor) keep(beginning string) []byte {
	r.begin()
	r.out = append(append(r.out, beginning...), Mark...)
	return r.out
}
