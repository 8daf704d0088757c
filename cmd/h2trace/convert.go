package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"h2trace/cmd/h2trace/internal/convert"
	"h2trace/cmd/h2trace/internal/message"
)

// convertOptions is what the command line asks of convert.
type convertOptions struct {
	Format string
	Output string   // -o; "" and "-" are stdout
	Files  []string // none, or "-": stdin
	Quiet  bool

	ShowSecrets bool
}

// parseConvert reads what follows "convert".
func parseConvert(before *pflag.FlagSet, opts *Options, args []string) (Options, action, error) {
	fs, version, err := subcommandFlags(before, "convert", opts)
	if err != nil {
		return *opts, 0, err
	}
	c := &opts.Convert
	c.bind(fs)
	if err := parseFlags(fs, args); err != nil {
		return helpOr(err, opts, "convert")
	}
	if *version {
		return *opts, actionVersion, nil
	}
	c.Quiet = opts.Quiet
	formats := strings.Join(convert.Formats, " or ")
	if fs.NArg() == 0 {
		return *opts, 0, usagef("convert needs a format: %s", formats)
	}
	if c.Format = fs.Arg(0); !slices.Contains(convert.Formats, c.Format) {
		return *opts, 0, usagef("there is no format %q to convert to; it is %s", c.Format, formats)
	}
	c.Files = fs.Args()[1:]
	return *opts, actionConvert, nil
}

// bind binds the flags.
func (c *convertOptions) bind(fs *pflag.FlagSet) {
	fs.StringVarP(&c.Output, "output", "o", "", "")
	fs.BoolVar(&c.ShowSecrets, "show-secrets", false, "")
}

// convertMemory is where the garbage collector works harder.
const convertMemory = 96 << 20

// runConvert turns recorded events into what another program opens.
func runConvert(opts convertOptions, msg *message.Printer, stdin *os.File, stdout io.Writer) int {
	debug.SetMemoryLimit(convertMemory)
	files, err := inputFiles(opts.Files, stdin, "convert "+opts.Format, "convert reads events")
	if err != nil {
		return failed(err, msg)
	}
	if opts.ShowSecrets {
		msg.Infof(secretsShown)
	}
	to, err := openResult(opts.Output, stdout, inputsOf(files, stdin), msg)
	if err != nil {
		msg.Errorf("%v", err)
		return exitRuntime
	}
	c := convert.New(to, convert.Options{Format: opts.Format, Version: moduleVersion(), ShowSecrets: opts.ShowSecrets})
	err = readAll(c, files, stdin, opts.Quiet || to.onTerminal(), read)
	saySkipped(c.Skipped, msg)
	if c.Events == 0 {
		_ = to.close() // nothing was written
		to.discard()
		if err == nil {
			err = fmt.Errorf("%s and then h2trace convert %s FILE", noEvents, opts.Format)
		}
		msg.Errorf("%v", err)
		return exitRuntime
	}
	return finish(c, to, err, msg)
}

// inputsOf returns what is known of files that exist.
func inputsOf(files []string, stdin *os.File) (list []os.FileInfo) {
	for _, name := range files {
		info, err := os.Stat(name)
		if name == "-" {
			info, err = stdin.Stat()
		}
		if err == nil {
			list = append(list, info)
		}
	}
	return list
}

// finish ends what is written. What was read before reading failed is worth having.
func finish(c *convert.Converter, to *result, reading error, msg *message.Printer) int {
	err := c.Close()
	if e := to.close(); e != nil {
		err = e
	}
	if err != nil {
		to.discard()
		if errors.Is(err, syscall.EPIPE) {
			return exitOK
		}
		msg.Errorf("%v", err)
		return exitRuntime
	}
	if n := c.LeftOut(); n > 0 {
		msg.Infof("headers and bodies of %s are left out: too many were under way at once",
			message.Count(uint64(n), "exchange", "exchanges"))
	}
	if reading != nil {
		msg.Errorf("%v; what came before is converted", reading)
		return exitRuntime
	}
	return exitOK
}
