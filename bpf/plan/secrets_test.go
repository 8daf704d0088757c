package plan

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSecrets plans a program with crypto/tls and a fork of it, whose import path has a
// dot in its last element.
func TestSecrets(t *testing.T) {
	const fork = "example.com/secrets/my.tls"
	for _, tt := range []struct {
		name string
		args []string
		mode Mode
		want []string
	}{
		{"symbols", nil, Auto, []string{"crypto/tls PUSH BP", fork + " PUSH BP"}},
		{"stripped", []string{"-ldflags=-s"}, Auto, []string{"crypto/tls PUSH BP", fork + " PUSH BP"}},
		{"stripped pie", []string{"-buildmode=pie", "-ldflags=-s"}, Auto, []string{"crypto/tls PUSH BP", fork + " PUSH BP"}},
		{"entry", nil, EntryRet, []string{"crypto/tls entry", fork + " entry"}},
		{"fork alone", []string{"-tags=forkonly"}, Auto, []string{fork + " PUSH BP"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "program")
			cmd := exec.Command("go", slices.Concat([]string{"build", "-o", path}, tt.args, []string{"."})...)
			cmd.Dir = "../testdata/secrets"
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			var secrets []Site
			p, err := analyze(t, path, tt.mode)
			if no, ok := errors.AsType[*NoTLSError](err); ok {
				secrets = no.Secrets
			} else if err != nil {
				t.Fatal(err)
			} else {
				secrets = p.Secrets
			}
			var got []string
			for _, s := range secrets {
				if s.Tap != KeyLog {
					t.Errorf("got the tap %s", s.Tap)
				}
				got = append(got, s.Package+" "+s.Kind.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			checkSites(t, path, secrets)
		})
	}
}

// TestNameEndings finds names by their end: also of a name that is the end of another,
// and at the ends of chunks.
func TestNameEndings(t *testing.T) {
	const ending = ".(*Config).writeKeyLog"
	long := strings.Repeat("p", maxPackage+1)
	for _, tt := range []struct {
		name  string
		table string
		want  map[string]string // names, each by what is before it in the table
	}{
		{"first", "a/tls" + ending + "\x00", map[string]string{"": "a/tls"}},
		{"later", "\x00main\x00b" + ending + "\x00x\x00", map[string]string{"\x00main\x00": "b"}},
		{"end of another", "\x00my/tls" + ending + "\x00", map[string]string{"\x00": "my/tls", "\x00my/": "tls"}},
		{"no package", "\x00" + ending + "\x00", nil},
		{"of another method", "\x00tls" + ending + ".func1\x00", nil},
		{"long", long + ending + "\x00", map[string]string{"pp": long[2:]}},
		{"chunks", strings.Repeat("\x00", chunkSize-8) + "my/crypto/tls" + ending + "\x00", map[string]string{strings.Repeat("\x00", chunkSize-8): "my/crypto/tls"}},
	} {
		places, err := namePlaces(strings.NewReader(tt.table), int64(len(tt.table)), []string{ending, "main"})
		if err != nil {
			t.Fatal(err)
		}
		for before, path := range tt.want {
			if got, want := places[uint32(len(before))], path+ending; got != want {
				t.Errorf("%s: got %q at %d, want %q", tt.name, got, len(before), want)
			}
		}
		if found := slices.Collect(maps.Values(places)); tt.want == nil && len(found) > 0 {
			t.Errorf("%s: got %q, want none", tt.name, found)
		}
	}
	many := strings.Repeat("\x00p"+ending+"\x00", 2*maxEndings) + "main\x00"
	places, err := namePlaces(strings.NewReader(many), int64(len(many)), []string{ending, "main"})
	if err != nil || len(places) != maxEndings+1 {
		t.Errorf("got %d places of many, and %v, want %d", len(places), err, maxEndings+1)
	}
}
