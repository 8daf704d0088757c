package main

import (
	"fmt"
	"strconv"
)

// maxBodyBytes is the largest payload a frame can have (RFC 9113 §4.2).
const maxBodyBytes = 1<<24 - 1

// bodyBytes is a number of bytes that a frame can hold.
type bodyBytes int

// Set is part of pflag.Value.
func (n *bodyBytes) Set(s string) error {
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil || v > maxBodyBytes {
		return fmt.Errorf("it takes a number of bytes from 0 to %d", maxBodyBytes)
	}
	*n = bodyBytes(v)
	return nil
}

// String is part of pflag.Value.
func (n *bodyBytes) String() string { return strconv.Itoa(int(*n)) }

// Type is part of pflag.Value.
func (n *bodyBytes) Type() string { return "N" }
