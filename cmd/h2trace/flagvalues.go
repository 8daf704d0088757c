//go:build linux

package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"h2trace/bpf"
)

// The kernel's ring buffer takes sizes that are a power of two of pages, and
// its maps count in 32 bits. Below 64 KiB one burst of small frames fills it.
const (
	minBuffer     = 64 << 10
	maxBuffer     = 2 << 30
	defaultBuffer = 16 << 20
)

// pidList collects process ids, separated by commas or, as pidof(1) prints
// them, by spaces.
type pidList []int

// Set adds the process ids of one flag.
func (l *pidList) Set(s string) error {
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(", \t\n", r) })
	if len(words) == 0 {
		return errors.New("no process id")
	}
	for _, word := range words {
		pid, err := strconv.ParseInt(word, 10, 32)
		if err != nil || pid <= 0 {
			return fmt.Errorf("%q is not a process id", word)
		}
		if !slices.Contains(*l, int(pid)) {
			*l = append(*l, int(pid))
		}
	}
	return nil
}

// String is part of pflag.Value.
func (l *pidList) String() string { return "" }

// Type is part of pflag.Value.
func (l *pidList) Type() string { return "PID" }

// looksLikePIDs reports whether a word can be no more than process ids.
func looksLikePIDs(word string) bool {
	return strings.Trim(word, "0123456789, \t\n") == "" && strings.ContainsAny(word, "0123456789")
}

// nameList collects base names of executables, separated by commas.
type nameList []string

// Set adds the names of one flag.
func (l *nameList) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		switch {
		case name == "":
			return errors.New("empty name")
		case strings.Contains(name, "/"):
			return fmt.Errorf("%q is a path; name the executable alone, as %q", name, filepath.Base(name))
		case len(name) > bpf.MaxName:
			return fmt.Errorf("%q is longer than %d bytes", name, bpf.MaxName)
		case !slices.Contains(*l, name):
			*l = append(*l, name)
		}
	}
	return nil
}

// String is part of pflag.Value.
func (l *nameList) String() string { return strings.Join(*l, ",") }

// Type is part of pflag.Value.
func (l *nameList) Type() string { return "NAME" }

// cgroupList collects paths of cgroups.
type cgroupList []string

// Set is part of pflag.Value.
func (l *cgroupList) Set(s string) error {
	switch {
	case s == "":
		return errors.New("it takes the path of a cgroup, such as /system.slice/docker.service")
	case len(*l) == bpf.MaxCgroups:
		return fmt.Errorf("it can be given %d times", bpf.MaxCgroups)
	}
	*l = append(*l, s)
	return nil
}

// String is part of pflag.Value.
func (l *cgroupList) String() string { return strings.Join(*l, " ") }

// Type is part of pflag.Value.
func (l *cgroupList) Type() string { return "PATH" }

// duration is a time span in Go's notation, or a plain number of seconds as
// timeout(1) takes it.
type duration time.Duration

// Set is part of pflag.Value.
func (d *duration) Set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil {
		v, err = time.ParseDuration(s + "s")
	}
	if err != nil || v <= 0 {
		return errors.New("it takes a time span above zero, such as 90s or 2m30s")
	}
	*d = duration(v)
	return nil
}

// String is part of pflag.Value.
func (d *duration) String() string { return time.Duration(*d).String() }

// Type is part of pflag.Value.
func (d *duration) Type() string { return "D" }

// bufferSize is a size in bytes between minBuffer and maxBuffer, rounded up to
// a power of two.
type bufferSize int

// Set is part of pflag.Value.
func (b *bufferSize) Set(s string) error {
	n, err := parseSize(s)
	switch {
	case err != nil:
		return err
	case n < minBuffer:
		return errors.New("the buffer is at least 64KiB")
	case n > maxBuffer:
		return errors.New("the buffer is at most 2GiB")
	}
	size := minBuffer
	for float64(size) < n {
		size *= 2
	}
	*b = bufferSize(size)
	return nil
}

// String is part of pflag.Value.
func (b *bufferSize) String() string { return strconv.Itoa(int(*b)) }

// Type is part of pflag.Value.
func (b *bufferSize) Type() string { return "SIZE" }

// sizeUnits are the suffixes of a size. A lone letter is binary, as it is to
// dd(1) and the other tools of coreutils.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
}

// parseSize reads a size such as "65536", "64KiB", "1.5GiB" or "100 MB".
func parseSize(s string) (float64, error) {
	end := strings.LastIndexAny(s, "0123456789.") + 1
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(s[end:]))]
	n, err := strconv.ParseFloat(s[:end], 64)
	if !ok || err != nil || strings.Trim(s[:end], "0123456789.") != "" {
		return 0, errors.New("it takes a size such as 65536, 64KiB or 16MiB")
	}
	return n * unit, nil
}
