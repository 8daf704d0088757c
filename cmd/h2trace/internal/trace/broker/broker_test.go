package broker

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

var errRefused = errors.New("refused")

// half is an operation that fails for odd numbers, and panics for 0.
func half(n int) (int, error) {
	switch {
	case n == 0:
		panic("nothing")
	case n%2 == 1:
		return 0, errRefused
	}
	return n / 2, nil
}

// panicOf returns what f panics with.
func panicOf(f func()) (reason string) {
	defer func() { reason, _ = recover().(string) }()
	f()
	return ""
}

// TestOp has the caller get the answer, the error and the panic of an operation.
func TestOp(t *testing.T) {
	b := New()
	op := Op(b, half)
	if n, err := op(8); n != 4 || err != nil {
		t.Errorf("half of 8 is %d, %v", n, err)
	}
	if _, err := op(7); !errors.Is(err, errRefused) {
		t.Errorf("half of 7: %v, want %v", err, errRefused)
	}
	if got := panicOf(func() { _, _ = op(0) }); !strings.HasPrefix(got, "nothing\n") || !strings.Contains(got, "broker.half") {
		t.Errorf("half of 0 panics with %q, want the panic of the operation, and where it was", got)
	}
	if n, err := op(2); n != 1 || err != nil {
		t.Errorf("after a panic, half of 2 is %d, %v", n, err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// TestLater has a caller who does not wait: requests keep their order, also with those for which it
// waits, and what went wrong comes with the next, or with the end.
func TestLater(t *testing.T) {
	b := New()
	var done []int
	entered, hold := make(chan struct{}, 1), make(chan struct{})
	wait := Later(b, func(struct{}) error { entered <- struct{}{}; <-hold; return nil })
	later := Later(b, func(n int) error {
		done = append(done, n)
		_, err := half(n)
		return err
	})
	all := Op(b, func(struct{}) ([]int, error) { return slices.Clone(done), nil })
	if err := wait(struct{}{}); err != nil {
		t.Error(err)
	}
	<-entered
	for _, n := range []int{2, 3} { // while the broker is busy
		if err := later(n); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
	close(hold)
	if got, err := all(struct{}{}); err != nil || !slices.Equal(got, []int{2, 3}) {
		t.Errorf("done are %d, %v; want all that was asked for before", got, err)
	}
	if err := later(4); !errors.Is(err, errRefused) {
		t.Errorf("after an error: %v, want %v", err, errRefused)
	}
	if err := later(0); err != nil {
		t.Errorf("the error comes twice: %v", err)
	}
	_, _ = all(struct{}{})
	if got := panicOf(func() { _ = later(6) }); !strings.HasPrefix(got, "nothing\n") {
		t.Errorf("after a panic: %q", got)
	}
	_ = later(1)
	if err := b.Close(); !errors.Is(err, errRefused) {
		t.Errorf("the end says %v, want %v", err, errRefused)
	}
}

// TestNoBroker has a caller carry out operations.
func TestNoBroker(t *testing.T) {
	var b *Broker
	if n, err := Op(b, half)(8); n != 4 || err != nil {
		t.Errorf("half of 8 is %d, %v", n, err)
	}
	if err := Later(b, func(int) error { return errRefused })(1); !errors.Is(err, errRefused) {
		t.Errorf("got %v, want %v", err, errRefused)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
