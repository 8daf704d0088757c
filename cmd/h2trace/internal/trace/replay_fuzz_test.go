//go:build linux

package trace

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
	"h2trace/cmd/h2trace/internal/testkit/wiretap"
	"h2trace/decoder/capture"
	"h2trace/export"
)

// FuzzReplay has the engine decode anything. It must neither panic nor write what is no event.
func FuzzReplay(f *testing.F) {
	for _, c := range []recording{{tls: true, http2: true, bodies: 10}, {http2: true, bodies: 10}, {bodies: 10}} {
		packets, secrets := c.record(f)
		for i := range wiretap.Framings {
			var b bytes.Buffer
			do(f, wiretap.WritePcapng(&b, &wiretap.Framings[i], secrets, packets))
			f.Add(b.Bytes())
		}
		f.Add(pcapOf(f, packets))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var out bytes.Buffer
		r := NewReplay(ReplayOptions{BodyBytes: 16}, contract.Checked(t, &out))
		err := feedCapture(r, file)
		if _, finishErr := r.Finish(); finishErr != nil {
			t.Fatal(finishErr)
		}
		if _, damaged := errors.AsType[*capture.DamagedError](err); err != nil && !damaged && !errors.Is(err, capture.ErrFormat) {
			t.Fatal(err)
		}
		filter := export.NewLineFilter(export.Filter{})
		for line := range bytes.Lines(out.Bytes()) {
			if _, _, ok := filter.Shows(bytes.TrimSuffix(line, []byte("\n"))); !ok {
				t.Fatalf("no event: %s", line)
			}
		}
	})
}

// BenchmarkReplay decodes captures of large responses in segments of 1448 bytes.
func BenchmarkReplay(b *testing.B) {
	for _, c := range []recording{
		{http2: true, bodies: 4 << 20},
		{tls: true, http2: true, bodies: 4 << 20},
		{tls: true, http2: true, version: tls.VersionTLS12, bodies: 4 << 20},
		{bodies: 4 << 20},
		{http2: true, bodies: 100},
	} {
		packets, secrets := c.record(b)
		file := pcapOf(b, packets)
		b.Run(fmt.Sprintf("%+v", c), func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReplay(ReplayOptions{}, io.Discard)
				_, err := r.Secrets(bytes.NewReader(secrets))
				do(b, errors.Join(err, feedCapture(r, file)))
				_, err = r.Finish()
				do(b, err)
			}
		})
	}
}
