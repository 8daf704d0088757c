//go:build linux

package bpf

import "testing"

func TestReleaseSince(t *testing.T) {
	for _, tt := range []struct {
		release      string
		major, minor int
		want         bool
	}{
		{"5.10.0-46-cloud-amd64", 5, 11, false},
		{"5.10.0-46-cloud-amd64", 5, 10, true},
		{"6.1.0-50-arm64", 5, 11, true},
		{"6.12+deb13-amd64", 6, 12, true},
		{"6.9", 6, 12, false},
		{"7.0-rc1", 6, 12, true},
		{"unknown", 5, 10, false},
		{"", 5, 10, false},
	} {
		if got := releaseSince(tt.release, tt.major, tt.minor); got != tt.want {
			t.Errorf("%q is since %d.%d: %v, want %v", tt.release, tt.major, tt.minor, got, tt.want)
		}
	}
}
