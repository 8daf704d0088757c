// Package broker has a goroutine carry out what a thread without rights may ask for. As between
// processes with separated privileges, that is an operation of a fixed list, with arguments, and not
// a function of the caller's choice.
package broker

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// maxWaiting bounds the requests that wait. The caller of one more waits, too.
const maxWaiting = 1024

// Broker carries out operations, one after the other, in the order of the requests. Its operations
// are safe for concurrent use. The nil Broker stands for a caller with rights, who carries them out.
type Broker struct {
	requests chan func()
	done     chan struct{}
	once     sync.Once // closes requests
	fault    fault
}

// New starts a Broker, which Close ends. Its goroutine runs on threads that have their rights: a thread
// that gave them up runs the goroutine alone that is locked to it.
func New() *Broker {
	b := &Broker{requests: make(chan func(), maxWaiting), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		for request := range b.requests {
			request()
		}
	}()
	return b
}

// Close waits for the requests, and returns an error that no caller has got. No request may follow.
func (b *Broker) Close() error {
	if b == nil {
		return nil
	}
	b.once.Do(func() { close(b.requests) })
	<-b.done
	return b.fault.take()
}

// Op makes do an operation. It returns what the callers call; they wait for the answer, and have
// the panic of do, if there is one.
func Op[Q, A any](b *Broker, do func(Q) (A, error)) func(Q) (A, error) {
	if b == nil {
		return do
	}
	type answer struct {
		value    A
		err      error
		panicked any
	}
	return func(question Q) (A, error) {
		answers := make(chan answer, 1)
		b.requests <- func() {
			var a answer
			a.panicked = guard(func() { a.value, a.err = do(question) })
			answers <- a
		}
		a := <-answers
		if a.panicked != nil {
			panic(a.panicked)
		}
		return a.value, a.err
	}
}

// Later makes do an operation whose callers do not wait. What it returns returns the error of an
// earlier request, or has its panic. The question must not change after the call.
func Later[Q any](b *Broker, do func(Q) error) func(Q) error {
	if b == nil {
		return do
	}
	return func(question Q) error {
		earlier := b.fault.take()
		b.requests <- func() {
			var err error
			panicked := guard(func() { err = do(question) })
			b.fault.add(err, panicked)
		}
		return earlier
	}
}

// guard calls f, and returns its panic with the stack, or nil.
func guard(f func()) (panicked any) {
	defer func() {
		if reason := recover(); reason != nil {
			panicked = fmt.Sprintf("%v\n\n%s", reason, debug.Stack())
		}
	}()
	f()
	return nil
}
