package main

import (
	"io"
	"os"
)

// stdinEnds returns a channel that is closed when stdin is.
func stdinEnds() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	return done
}
