//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/trace"
)

func TestParseArgsMode(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		action  action
		command []string
		pids    []int
		names   []string
	}{
		{"command", []string{"go", "build"}, actionCommand, []string{"go", "build"}, nil, nil},
		{"command with flags", []string{"-q", "go", "-p", "1"}, actionCommand, []string{"go", "-p", "1"}, nil, nil},
		{"command after dashes", []string{"-q", "--", "-x"}, actionCommand, []string{"-x"}, nil, nil},
		{"second dashes belong to command", []string{"go", "--", "x"}, actionCommand, []string{"go", "--", "x"}, nil, nil},
		{"named like subcommand", []string{"--", "check"}, actionCommand, []string{"check"}, nil, nil},
		{"path of that name", []string{"./check"}, actionCommand, []string{"./check"}, nil, nil},
		{"pid", []string{"-p", "1"}, actionAttach, nil, []int{1}, nil},
		{"pid attached", []string{"-p1"}, actionAttach, nil, []int{1}, nil},
		{"pid long", []string{"--pid=1"}, actionAttach, nil, []int{1}, nil},
		{"pid list", []string{"-p", "1,2"}, actionAttach, nil, []int{1, 2}, nil},
		{"pids of pidof", []string{"-p", "3 2 1\n"}, actionAttach, nil, []int{3, 2, 1}, nil},
		{"pid again", []string{"-p", "1", "-p2,1", "-qp3"}, actionAttach, nil, []int{1, 2, 3}, nil},
		{"pids of pidof, as words", []string{"-p", "3", "2", "1"}, actionAttach, nil, []int{3, 2, 1}, nil},
		{"flags after them", []string{"-p", "3", "2", "-q", "-n", "go"}, actionAttach, nil, []int{3, 2}, []string{"go"}},
		{"lists as words", []string{"-p", "3,4", "2,1", "5 6"}, actionAttach, nil, []int{3, 4, 2, 1, 5, 6}, nil},
		{"words after dashes", []string{"-q", "--", "1", "2"}, actionCommand, []string{"1", "2"}, nil, nil},
		{"command of digits", []string{"7", "2"}, actionCommand, []string{"7", "2"}, nil, nil},
		{"name", []string{"-n", "go"}, actionAttach, nil, nil, []string{"go"}},
		{"names", []string{"--name=go,gopls", "-ngo,x"}, actionAttach, nil, nil, []string{"go", "gopls", "x"}},
		{"name and pid", []string{"-n", "go", "-p", "7"}, actionAttach, nil, []int{7}, []string{"go"}},
		{"check", []string{"check"}, actionCheck, nil, nil, nil},
		{"check pid", []string{"check", "-p", "1"}, actionCheck, nil, []int{1}, nil},
		{"check pids", []string{"check", "-p", "1", "2"}, actionCheck, nil, []int{1, 2}, nil},
		{"pids check", []string{"-p", "1", "2", "check"}, actionCheck, nil, []int{1, 2}, nil},
		{"pid check", []string{"-p", "1", "check"}, actionCheck, nil, []int{1}, nil},
		{"version", []string{"version"}, actionVersion, nil, nil, nil},
		{"help", []string{"help"}, actionHelp, nil, nil, nil},
		{"help of check", []string{"check", "-h"}, actionHelp, nil, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts, act, err := parseArgs(tt.args)
			if err != nil || act != tt.action {
				t.Fatalf("got action %d, error %v; want action %d", act, err, tt.action)
			}
			if !slices.Equal(opts.Command, tt.command) {
				t.Errorf("got command %q, want %q", opts.Command, tt.command)
			}
			if !slices.Equal(opts.PIDs, tt.pids) {
				t.Errorf("got pids %d, want %d", opts.PIDs, tt.pids)
			}
			if !slices.Equal(opts.Names, tt.names) {
				t.Errorf("got names %q, want %q", opts.Names, tt.names)
			}
		})
	}
}

func TestParseArgsFlags(t *testing.T) {
	long := []string{
		"--user", "bob", "--no-follow", "--no-gate", "--output", "f", "--body-bytes", "512", "--show-secrets",
		"--buffer", "1MiB", "--duration", "90s", "--plan", "entry-ret", "--quiet", "true",
	}
	short := []string{
		"-u", "bob", "--no-follow", "--no-gate", "-of", "-s512", "--show-secrets",
		"--buffer=1048576", "--duration=1.5m", "--plan=entry-ret", "-q", "true",
	}
	want := Options{
		Options: trace.Options{
			NoFollow: true, NoGate: true, BodyBytes: 512, ShowSecrets: true,
			Buffer: 1 << 20, Duration: 90 * time.Second, Plan: trace.PlanEntryRet,
		},
		User: "bob", Output: "f", Quiet: true,
	}
	for _, args := range [][]string{long, short} {
		got, _, err := parseArgs(args)
		if err != nil {
			t.Fatal(err)
		}
		if got.User != want.User || got.NoFollow != want.NoFollow || got.NoGate != want.NoGate || got.Output != want.Output ||
			got.BodyBytes != want.BodyBytes || got.ShowSecrets != want.ShowSecrets ||
			got.Buffer != want.Buffer || got.Duration != want.Duration || got.Plan != want.Plan ||
			got.Quiet != want.Quiet {
			t.Errorf("%q: got %+v, want %+v", args, got, want)
		}
	}
}

func TestParseArgsDefaults(t *testing.T) {
	got, _, err := parseArgs([]string{"true"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Buffer != 16<<20 || got.Plan != trace.PlanAuto || got.Output != "" || got.BodyBytes != 0 ||
		got.Duration != 0 || got.NoFollow || got.NoGate || got.ShowSecrets || got.Quiet {
		t.Errorf("got %+v", got)
	}
}

func TestBufferSize(t *testing.T) {
	tests := []struct {
		in   string
		want int // 0: an error
	}{
		{"65536", 64 << 10},
		{"64KiB", 64 << 10},
		{"64k", 64 << 10},
		{"64 KiB", 64 << 10},
		{"65537", 128 << 10}, // rounded up to a power of two
		{"66KB", 128 << 10},
		{"1MB", 1 << 20},
		{"1.5MiB", 2 << 20},
		{"16mib", 16 << 20},
		{"100MB", 128 << 20},
		{"2GiB", 2 << 30},
		{"2GB", 2 << 30},
		{"65535", 0},
		{"64KB", 0},
		{"0", 0},
		{"-1", 0},
		{"2.1GiB", 0},
		{"1TiB", 0},
		{"1e9", 0},
		{"NaN", 0},
		{"", 0},
		{"KiB", 0},
		{"1 2MiB", 0},
	}
	for _, tt := range tests {
		var got bufferSize
		err := got.Set(tt.in)
		if (err != nil) != (tt.want == 0) || int(got) != tt.want {
			t.Errorf("%q: got %d, %v; want %d", tt.in, got, err, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // 0: an error
	}{
		{"90s", 90 * time.Second},
		{"2m30s", 150 * time.Second},
		{"1", time.Second},
		{"0.25", 250 * time.Millisecond},
		{"0", 0},
		{"-1s", 0},
		{"1d", 0},
		{"", 0},
	}
	for _, tt := range tests {
		var got duration
		err := got.Set(tt.in)
		if (err != nil) != (tt.want == 0) || time.Duration(got) != tt.want {
			t.Errorf("%q: got %v, %v; want %v", tt.in, time.Duration(got), err, tt.want)
		}
	}
}

// TestSources says where the bytes are taken, and which flags allow one source only.
func TestSources(t *testing.T) {
	wire, calls := trace.Sources{Wire: true}, trace.Sources{Calls: true}
	tests := []struct {
		args string
		want trace.Sources
		err  string // "": none
	}{
		{"true", trace.Auto, ""},
		{"--source auto true", trace.Auto, ""},
		{"--source wire true", wire, ""},
		{"--source calls true", calls, ""},
		{"--source calls,wire true", trace.Auto, ""},
		{"--source wire --source calls true", calls, ""},
		{"--verify true", calls, ""},
		{"--plan entry-ret --source auto true", calls, ""},
		{"--source wire --verify true", wire, "--verify is for --source calls, not for --source wire"},
		{"--source wire --plan entry-ret true", wire, "--plan entry-ret is for --source calls, not for --source wire"},
		{"--source packets true", trace.Auto, `"packets" is no source; they are wire, calls, auto`},
		{"--source= true", trace.Auto, `"" is no source`},
		{"--source wire, true", trace.Auto, `"" is no source`},
	}
	for _, tt := range tests {
		opts, _, err := parseArgs(strings.Fields(tt.args))
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s: got error %v, want %q", tt.args, err, tt.err)
		}
		if opts.Sources != tt.want {
			t.Errorf("%s: got %v, want %v", tt.args, opts.Sources, tt.want)
		}
	}
}
