package output

import (
	"os"

	"h2trace/cmd/h2trace/internal/message"
)

// OpenPage opens a file for a page, by the rules of openFile.
func OpenPage(path string, msg *message.Printer) (*os.File, error) {
	return openFile(path, nil, msg)
}
