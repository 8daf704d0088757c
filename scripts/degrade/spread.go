package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// spread is a time, or a range of which each use draws one: "200ms" or "200ms-1200ms".
type spread struct{ least, most time.Duration }

// String implements flag.Value.
func (s *spread) String() string { return s.least.String() + "-" + s.most.String() }

// Set implements flag.Value.
func (s *spread) Set(text string) error {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	var err error
	if s.least, err = time.ParseDuration(from); err == nil {
		s.most, err = time.ParseDuration(to)
	}
	if err != nil || s.least < 0 || s.most < s.least {
		return fmt.Errorf("%q is no time such as 60ms, and no range such as 200ms-1200ms", text)
	}
	return nil
}

// sleep waits.
func (s *spread) sleep() {
	time.Sleep(s.least + rand.N(s.most-s.least+1))
}
