package plan

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecovery expects a place for each tap in the go command, which has HTTP/2 from
// the standard library: at an instruction that runs once a call.
func TestRecovery(t *testing.T) {
	checkTaps(t, goExecutable(t), Recovery, map[Tap]int{EncodeField: 1, DecodeBlock: 1, WriteHeaders: 1, ReadFrame: 1})
}

// verification is the set of taps in a program with HTTP/2 of the standard library.
var verification = map[Tap]int{VerifyEncoded: 1, VerifyWritten: 1, VerifyPromised: 1, VerifyFragment: 1, VerifyDecoded: 1}

func TestVerification(t *testing.T) {
	checkTaps(t, goExecutable(t), Verification, verification)
}

// goExecutable returns the path of the go command itself.
func goExecutable(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "bin", "go")
}

// checkTaps expects a number of places of each tap, on emulated instructions.
func checkTaps(t *testing.T, path string, find func(io.ReaderAt) ([]Site, error), want map[Tap]int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sites, err := find(f)
	if err != nil {
		t.Fatal(err)
	}
	count := map[Tap]int{}
	for _, s := range sites {
		count[s.Tap]++
		if s.Kind != Push && !s.Kind.InStackCheck() {
			t.Errorf("%s: got %s, want an emulated instruction", s.Tap, s.Kind)
		}
	}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("places of each tap (-want +got):\n%s", diff)
	}
}
