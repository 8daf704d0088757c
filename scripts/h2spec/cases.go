package main

import (
	"errors"
	"fmt"
	"iter"
	"net"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/spec"
)

// cases yields the cases of groups, with their names as h2spec takes them as arguments.
func cases(groups ...*spec.TestGroup) iter.Seq2[string, *spec.TestCase] {
	return func(yield func(string, *spec.TestCase) bool) {
		for _, g := range groups {
			for i, tc := range g.Tests {
				if !yield(fmt.Sprintf("%s/%d", g.ID(), i+1), tc) {
					return
				}
			}
			for id, tc := range cases(g.Groups...) {
				if !yield(id, tc) {
					return
				}
			}
		}
	}
}

// try runs a case. It fails if the case could not be run.
func try(c config.Config, tc *spec.TestCase) (result, error) {
	conn, err := spec.Dial(&c)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", tc.Desc, err)
	}
	defer conn.Close()
	r := result{Port: conn.LocalAddr().(*net.TCPAddr).Port}
	r.note(tc.Run(&c, conn))
	return r, nil
}

// note takes what a case returns.
func (r *result) note(err error) {
	switch {
	case errors.Is(err, spec.ErrSkipped):
		r.Skipped = true
	case err != nil:
		r.Failed = err.Error()
	}
}
