package main

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// steps is a file of counters (internal/coverage/defs.go in the Go source).
type steps struct{ bytes.Buffer }

// Of the file: its headers, and the encoding of numbers that is read here.
const (
	fileHeader    = 32
	flavorOffset  = 24
	segmentHeader = 16
	uleb128       = 2
)

var errFormat = errors.New("counters are in a format that is not known")

// sum returns the sum of all counters.
func (s *steps) sum() (n uint64, err error) {
	b := s.Bytes()
	if len(b) < fileHeader+segmentHeader || b[flavorOffset] != uleb128 {
		return 0, errFormat
	}
	b = b[fileHeader:]
	functions := binary.LittleEndian.Uint64(b)
	texts := int(binary.LittleEndian.Uint32(b[8:]) + binary.LittleEndian.Uint32(b[12:]))
	at := (fileHeader+segmentHeader+texts+3)&^3 - fileHeader
	if at > len(b) {
		return 0, errFormat
	}
	b = b[at:]
	next := func() (v uint64) {
		v, size := binary.Uvarint(b)
		if size <= 0 {
			err = errFormat
			return 0
		}
		b = b[size:]
		return v
	}
	for range functions {
		counters := next()
		next() // package
		next() // function
		for range counters {
			if n += next(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}
