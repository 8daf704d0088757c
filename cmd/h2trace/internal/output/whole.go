package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// wholeEvents returns how many bytes of the events p are those of whole ones, where the first n
// were written. The further lines of an event begin with a tab, see export.Options.
func wholeEvents(p []byte, n int) int {
	for n > 0 {
		n = bytes.LastIndexByte(p[:n], '\n') + 1
		if n == len(p) || n > 0 && p[n] != '\t' {
			return n
		}
		n = max(0, n-1)
	}
	return 0
}

// errFollowed is why bytes are not taken back: another process has written after them.
var errFollowed = errors.New("another process writes there, too")

// takeBack removes the last n bytes that were written to a regular file: a full disk
// (ENOSPC), a limit of its size (EFBIG) or a bad one (EIO) may end a write within an event.
func takeBack(file *os.File, n int64) error {
	if n == 0 {
		return nil
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", file.Name())
	}
	end, err := file.Seek(0, io.SeekCurrent)
	switch {
	case err != nil:
		return err
	case end != info.Size() || n > end:
		return errFollowed
	}
	if err := file.Truncate(end - n); err != nil {
		return err
	}
	_, err = file.Seek(end-n, io.SeekStart) // stdout may not be open for appending
	return err
}

// endCut ends an event that was cut and could not be taken back, if there is room again.
func endCut(file *os.File) { _, _ = file.Write([]byte{'\n'}) }
