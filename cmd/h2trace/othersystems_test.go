//go:build linux

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestOtherSystems proves that h2trace for other systems, which replays packets with the engine,
// has nothing in it of what observes processes.
func TestOtherSystems(t *testing.T) {
	const own = "h2trace/"
	needed := []string{own + "cmd/h2trace/internal/trace", own + "decoder/capture"}
	banned := []string{
		"github.com/cilium/", own + "bpf/gate", own + "bpf/kerneltypes", own + "bpf/mounts",
		own + "cmd/h2trace/internal/launch", own + "cmd/h2trace/internal/trace/process",
	}
	for _, system := range []string{
		"darwin/amd64", "darwin/arm64", "freebsd/amd64", "freebsd/arm64", "windows/amd64", "windows/arm64",
	} {
		goos, arch, _ := strings.Cut(system, "/")
		cmd := exec.Command("go", "list", "-deps", ".")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		list := strings.Fields(string(out))
		for _, p := range needed {
			if !slices.Contains(list, p) {
				t.Errorf("%s: %s is missing", system, p)
			}
		}
		for _, p := range list {
			if slices.ContainsFunc(banned, func(prefix string) bool { return strings.HasPrefix(p, prefix) }) {
				t.Errorf("%s: %s is part of h2trace", system, p)
			}
		}
	}
}
