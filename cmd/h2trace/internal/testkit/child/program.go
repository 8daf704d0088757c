package child

import (
	"os"
	"syscall"
	"testing"
)

// WriteProgram writes a file that is to be executed. Meanwhile no other goroutine forks: a
// child has all open files until its exec, and nothing executes a file that somebody may
// write to (ETXTBSY).
func WriteProgram(t testing.TB, file string, contents []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(file, contents, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}
