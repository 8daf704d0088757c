package scan

import (
	"bufio"
	"errors"
	"io"
)

// MaxLine bounds a line. A frame with the largest payload in base64 is shorter.
const MaxLine = 32 << 20

// Lines calls f with each line of r, with its line end if it has one, until f returns an error.
// f must not keep the line. A longer line than MaxLine is skipped, and counted. Lines returns
// the errors of r and of f.
func Lines(r io.Reader, f func(line []byte) error) (skipped int64, err error) {
	in := bufio.NewReaderSize(r, 1<<20)
	var long []byte
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, line...); len(long) <= MaxLine {
				continue
			}
			skipped++
			long, line, err = nil, nil, skipLine(in)
		} else if long != nil {
			line, long = append(long, line...), nil
		}
		if len(line) > 0 {
			if err := f(line); err != nil {
				return skipped, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return skipped, nil
		case err != nil:
			return skipped, err
		}
	}
}

// skipLine reads up to the end of a line.
func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
