//go:build linux

package main

import (
	"strings"
	"testing"
)

// TestUnknownTestPlan is an error: a test must not observe with all probes where
// it wants fewer.
func TestUnknownTestPlan(t *testing.T) {
	t.Setenv(testPlanVariable, "best")
	_, err := newTracer(Options{}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), testPlanVariable+`: "best" is no test plan`) {
		t.Errorf("got %v", err)
	}
}
