package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/export/report"
)

// choosePage returns an error if --html does not fit to the other flags.
func (r *reportOptions) choosePage(flags *pflag.FlagSet, others []string) error {
	switch {
	case !flags.Changed("html"):
	case r.HTML == "":
		return usagef("--html takes the name of a file, or - for stdout")
	case r.Diff:
		return usagef("--html and --diff exclude each other")
	case r.HTML == "-" && len(others) > 0:
		return usagef("--html - and --%s both write to stdout: name a file after --html", others[0])
	}
	r.form = len(others) > 0
	return nil
}

// pageAlone reports whether nothing but the page is asked for.
func (r *reportOptions) pageAlone() bool { return r.HTML != "" && !r.form }

// pageBegin begins a page.
const pageBegin = "<!doctype html>"

// canWritePage returns an error if a page cannot be written to a file, or would overwrite what is
// none, such as a recording whose name follows --html by mistake. It is called before hours of
// recordings are read, too.
func canWritePage(name string) error {
	if name == "" || name == "-" {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(name))
		return err
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory: --html takes the name of a file", name)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := make([]byte, len(pageBegin))
	if n, _ := io.ReadFull(f, begin); string(begin[:n]) != pageBegin {
		return fmt.Errorf("%s is there, and is no HTML page: remove it, or name another file after --html", name)
	}
	return nil
}

// writePage writes the page. A file that cannot be written whole is removed.
func writePage(opts reportOptions, b *report.Builder, r *report.Report, msg *message.Printer, stdout io.Writer) error {
	var page bytes.Buffer
	if err := b.WriteHTML(&page, r); err != nil {
		return err
	}
	if opts.HTML == "-" {
		_, err := stdout.Write(page.Bytes())
		if errors.Is(err, syscall.EPIPE) {
			return nil
		}
		return err
	}
	if err := canWritePage(opts.HTML); err != nil {
		return err
	}
	f, err := openOutput(opts.HTML, msg)
	if err != nil {
		return err
	}
	_, err = f.Write(page.Bytes())
	info, _ := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		if info != nil && info.Mode().IsRegular() {
			err = errors.Join(err, os.Remove(f.Name()))
		}
		if errors.Is(err, syscall.EPIPE) {
			return nil
		}
	}
	return err
}
