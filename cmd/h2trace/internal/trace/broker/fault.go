package broker

import (
	"errors"
	"sync"
	"sync/atomic"
)

// fault is what went wrong in requests whose callers did not wait. It is safe for concurrent use.
type fault struct {
	any atomic.Bool // something did

	mu       sync.Mutex
	err      error
	panicked any
}

func (f *fault) add(err error, panicked any) {
	if err == nil && panicked == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = errors.Join(f.err, err)
	if panicked != nil {
		f.panicked = panicked
	}
	f.any.Store(true)
}

// take returns what went wrong, once, or panics with it.
func (f *fault) take() error {
	if !f.any.Load() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err, panicked := f.err, f.panicked
	f.err, f.panicked = nil, nil
	f.any.Store(false)
	if panicked != nil {
		panic(panicked)
	}
	return err
}
