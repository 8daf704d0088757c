package scan

import (
	"bufio"
	"compress/gzip"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Open returns what a file holds as UTF-8: uncompressed, if gzip made it, without a byte order
// mark, and from UTF-16, as which PowerShell writes a file for ">" and "2>". It returns errors
// of gzip; those of r come when it is read.
func Open(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReader(unzipped)
	}
	switch head, _ := in.Peek(3); {
	case len(head) >= 2 && head[0] == 0xff && head[1] == 0xfe:
		return bufio.NewReader(&utf16Reader{in: in}), nil
	case len(head) >= 2 && head[0] == 0xfe && head[1] == 0xff:
		return bufio.NewReader(&utf16Reader{in: in, bigEndian: true}), nil
	case string(head) == "\ufeff":
		_, _ = in.Discard(len(head)) // it is buffered
	}
	return in, nil
}

// utf16Reader reads UTF-16 as UTF-8.
type utf16Reader struct {
	in        *bufio.Reader
	bigEndian bool
	left      []byte // that did not fit
}

func (u *utf16Reader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(u.left) > 0 {
			m := copy(p[n:], u.left)
			n, u.left = n+m, u.left[m:]
			continue
		}
		r, err := u.next()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		if r != '\ufeff' {
			u.left = utf8.AppendRune(u.left[:0], r)
		}
	}
	return n, nil
}

// next returns the next code point.
func (u *utf16Reader) next() (rune, error) {
	r, err := u.peek()
	if err != nil {
		return 0, err
	}
	_, _ = u.in.Discard(2) // they are buffered, here and below
	if !utf16.IsSurrogate(r) || r >= 0xdc00 {
		return r, nil
	}
	low, err := u.peek()
	if err != nil {
		return 0, err
	}
	r = utf16.DecodeRune(r, low)
	if r != utf8.RuneError { // else low is of a code point of its own
		_, _ = u.in.Discard(2)
	}
	return r, nil
}

// peek returns the next 16 bits, which are still to be read.
func (u *utf16Reader) peek() (rune, error) {
	b, err := u.in.Peek(2)
	switch {
	case err != nil:
		return 0, err
	case u.bigEndian:
		return rune(b[0])<<8 | rune(b[1]), nil
	}
	return rune(b[1])<<8 | rune(b[0]), nil
}
