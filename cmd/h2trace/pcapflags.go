//go:build linux

package main

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/output"
)

// bindPackets binds the flags of --pcap. The letters are those of tcpdump.
func bindPackets(fs *pflag.FlagSet, opts *output.PacketOptions) {
	fs.StringVar(&opts.Path, "pcap", "", "")
	fs.VarP((*fileSize)(&opts.Size), "pcap-size", "C", "")
	fs.VarP((*fileCount)(&opts.Count), "pcap-count", "W", "")
}

// checkPacketFlags returns an error if the flags of --pcap do not fit each other or the rest. It
// decides whether session secrets go with the packets.
func checkPacketFlags(fs *pflag.FlagSet, opts *Options) error {
	p := &opts.Packets
	toStdout := p.Path == "-"
	switch {
	case !fs.Changed("pcap") && p.Size > 0:
		return usagef("-C is the size of files with packets, which --pcap names")
	case !fs.Changed("pcap") && p.Count > 0:
		return usagef("-W counts files with packets, which --pcap names")
	case !fs.Changed("pcap"):
		return nil
	case p.Path == "":
		return usagef("--pcap needs a file, or - for stdout")
	case toStdout && output.IsStdout(opts.Output):
		what := "events go"
		if opts.Sum {
			what = "the report goes"
		}
		return usagef("--pcap - has the packets go to stdout, where %s: name a file for these with -o, or /dev/null", what)
	case p.Count > 0 && p.Size == 0:
		return usagef("-W needs -C, the size of a file that is followed by another one")
	case toStdout && p.Size > 0:
		return usagef("-C is for files, and --pcap - is stdout")
	}
	p.Secrets = opts.ShowSecrets && opts.Sources.Wire // calls have none
	return nil
}

// fileSize is the size of a file as tcpdump takes it: in millions of bytes, or with a suffix
// that stands for a power of 1024.
type fileSize int64

// Set is part of pflag.Value.
func (s *fileSize) Set(text string) error {
	unit, digits := 1e6, text
	for suffix, size := range map[string]float64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(strings.ToLower(text), suffix); ok {
			unit, digits = size, rest
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n == 0 || float64(n)*unit > math.MaxInt64/2 {
		return errors.New("it takes a size in millions of bytes, or with a suffix k, m or g, such as 100 or 64m")
	}
	*s = fileSize(float64(n) * unit)
	return nil
}

// String is part of pflag.Value.
func (s *fileSize) String() string { return strconv.FormatInt(int64(*s), 10) }

// Type is part of pflag.Value.
func (s *fileSize) Type() string { return "SIZE" }

// maxFileCount is the most files that are written in turn.
const maxFileCount = 1_000_000

// fileCount is a number of files.
type fileCount int

// Set is part of pflag.Value.
func (n *fileCount) Set(text string) error {
	v, err := strconv.ParseUint(text, 10, 32)
	if err != nil || v == 0 || v > maxFileCount {
		return errors.New("it takes a number of files, from 1 to 1000000")
	}
	*n = fileCount(v)
	return nil
}

// String is part of pflag.Value.
func (n *fileCount) String() string { return strconv.Itoa(int(*n)) }

// Type is part of pflag.Value.
func (n *fileCount) Type() string { return "COUNT" }
