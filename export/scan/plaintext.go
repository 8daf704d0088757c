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
	high      rune   // of a surrogate pair
	kept      []rune // that came after half a pair
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
	for {
		r, err := u.unit()
		if err != nil {
			return 0, err
		}
		switch high := u.high; {
		case high != 0:
			u.high = 0
			pair := utf16.DecodeRune(high, r)
			if pair == utf8.RuneError {
				u.kept = append(u.kept, r) // of a code point of its own
			}
			return pair, nil
		case utf16.IsSurrogate(r) && r < 0xdc00:
			u.high = r
		default:
			return r, nil
		}
	}
}

// unit returns the next 16 bits.
func (u *utf16Reader) unit() (rune, error) {
	if len(u.kept) > 0 {
		r := u.kept[0]
		u.kept = u.kept[:0]
		return r, nil
	}
	a, err := u.in.ReadByte()
	if err != nil {
		return 0, err
	}
	b, err := u.in.ReadByte()
	if u.bigEndian {
		return rune(a)<<8 | rune(b), err
	}
	return rune(b)<<8 | rune(a), err
}
