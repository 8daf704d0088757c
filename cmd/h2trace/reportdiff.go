package main

import (
	"errors"
	"io"
	"os"
	"syscall"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export/report"
)

// runDiff compares the runs of two files or directories.
func runDiff(opts reportOptions, msg *message.Printer, stdin *os.File, stdout io.Writer) int {
	sides := [2]*report.Side{report.NewSide(), report.NewSide()}
	for _, side := range sides {
		opts.prepare(side.Builder())
	}
	if opts.Anonymize {
		sides[1].Builder().AnonymizeLike(sides[0].Builder())
	}
	for i, side := range sides {
		files, err := filesIn(opts.Files[i : i+1])
		if err != nil {
			msg.Errorf("%v", err)
			return exitRuntime
		}
		if err := readAll(side, files, stdin, opts.Quiet, read); err != nil {
			msg.Errorf("%v", err)
			return exitRuntime
		}
		r := side.Builder().Report()
		sayWhatIsMissing(r, msg)
		if r.Runs == 0 {
			msg.Errorf("%s: %s", opts.Files[i], noEvents)
			return exitRuntime
		}
	}
	err := writeFormatted(opts, report.Compare(sides[0], sides[1]), stdout)
	if err != nil && !errors.Is(err, syscall.EPIPE) {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	return exitOK
}
