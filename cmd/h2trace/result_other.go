//go:build !linux

package main

import (
	"os"

	"h2trace/cmd/h2trace/internal/message"
)

// openOutput opens the file of -o.
func openOutput(path string, _ *message.Printer) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
}
