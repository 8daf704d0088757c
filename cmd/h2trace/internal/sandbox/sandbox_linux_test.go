package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"testing"
)

// TestNewThreads has a thread without rights start goroutines that need as many threads at once. The
// runtime clones none from it: each has rights.
func TestNewThreads(t *testing.T) {
	const many = 64
	read := func() error { _, err := os.ReadFile("/proc/self/comm"); return err }
	err := Run(func() error {
		errs := make([]error, many)
		var all, done sync.WaitGroup
		all.Add(many)
		for i := range errs {
			done.Go(func() {
				runtime.LockOSThread() // which ends with this goroutine
				all.Done()
				all.Wait()
				errs[i] = read()
			})
		}
		done.Wait()
		if err := read(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("the thread without rights reads a file: %v", err)
		}
		return errors.Join(errs...)
	}, func(err error) { t.Errorf("rights are left: %v", err) })
	if err != nil {
		t.Error(err)
	}
}
