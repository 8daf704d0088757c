package main

import (
	"os"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/output"
)

// openOutput opens the file of -o by the rules for events.
func openOutput(path string, msg *message.Printer) (*os.File, error) {
	return output.OpenFile(path, nil, msg)
}
