package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fingerprints makes lines that the schema cannot tell apart equal: those that differ in
// times alone, in numbers that no bound of the schema lies between, or in strings that
// meet the same of its demands. Most lines of a long recording are alike in that way, and
// only the first of them needs to be checked.
type fingerprints struct {
	bounds  []int64 // every number in the schema, sorted
	strings texts
	buf     []byte
}

// newFingerprints reads the bounds from the schema, where each number is one, or else does
// no harm.
func newFingerprints(schema []byte) (*fingerprints, error) {
	var doc any
	dec := json.NewDecoder(strings.NewReader(string(schema)))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, err
	}
	f := &fingerprints{strings: newTexts()}
	if err := f.collect(doc); err != nil {
		return nil, err
	}
	slices.Sort(f.bounds)
	f.bounds = slices.Compact(f.bounds)
	return f, nil
}

func (f *fingerprints) collect(doc any) error {
	switch v := doc.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			return err
		}
		f.bounds = append(f.bounds, n)
	case string:
		f.strings.named[v] = true
	case []any:
		for _, one := range v {
			if err := f.collect(one); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, one := range v {
			if name == "multipleOf" || name == "uniqueItems" {
				return fmt.Errorf("%s tells numbers apart that no bound lies between", name)
			}
			if err := f.strings.demand(name, one); err != nil {
				return err
			}
			if err := f.collect(one); err != nil {
				return err
			}
		}
	}
	return nil
}

// of returns the fingerprint of a line, valid until the next call. A line with control
// characters, which stand for what is left out, has none.
func (f *fingerprints) of(line []byte) ([]byte, bool) {
	b, key := f.buf[:0], []byte(nil)
	for i := 0; i < len(line); {
		c := line[i]
		end := i + 1
		switch {
		case c < ' ':
			return nil, false
		case c == '"':
			end = stringEnd(line, i)
			switch {
			case isTime(line[i:end]):
				b = append(b, 'T'&0x1f)
			case isKey(line, end):
				key = line[i:end]
				b = append(b, key...)
			default:
				b = f.strings.append(b, key, line[i:end])
			}
		case c == '-' || '0' <= c && c <= '9':
			for end < len(line) && strings.IndexByte("+-.0123456789Ee", line[end]) >= 0 {
				end++
			}
			b = f.appendNumber(b, string(line[i:end]))
		default:
			b = append(b, c)
		}
		i = end
	}
	f.buf = b
	return b, true
}

// stringEnd returns the end of the string that begins at i.
func stringEnd(line []byte, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

// isKey reports whether the string that ends there is a key.
func isKey(line []byte, end int) bool {
	rest := bytes.TrimLeft(line[end:], " ")
	return len(rest) > 0 && rest[0] == ':'
}

const timeForm = `"2006-01-02T15:04:05.000000000Z"`

// isTime reports whether a string is a time as events have it.
func isTime(s []byte) bool {
	if len(s) != len(timeForm) || s[11] != 'T' {
		return false
	}
	_, err := time.Parse(timeForm, string(s))
	return err == nil
}

// appendNumber appends between which bounds a number is, and its form: whether it has no
// decimals, or three. It appends numbers of other forms as they are.
func (f *fingerprints) appendNumber(b []byte, number string) []byte {
	whole, decimals, fraction := strings.Cut(number, ".")
	digits := strings.TrimPrefix(whole, "-")
	n, err := strconv.ParseInt(whole, 10, 62)
	if err != nil || digits[0] == '0' && digits != "0" || number[0] == '-' && (n == 0 || fraction) || fraction && len(decimals) != 3 {
		return append(b, number...)
	}
	exact := true
	if fraction {
		m, err := strconv.ParseUint(decimals, 10, 16)
		if err != nil {
			return append(b, number...)
		}
		exact = m == 0
		b = append(b, 'D'&0x1f)
	}
	at, equal := slices.BinarySearch(f.bounds, n)
	switch {
	case equal && exact:
		b = append(b, 'E'&0x1f)
	case exact:
		b = append(b, 'B'&0x1f)
	default:
		if equal {
			at++ // above that bound
		}
		b = append(b, 'F'&0x1f)
	}
	return strconv.AppendInt(b, int64(at), 10)
}
