package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"h2trace/cmd/h2trace/internal/message"
	"h2trace/cmd/h2trace/internal/replay"
	"h2trace/cmd/h2trace/internal/sandbox"
	"h2trace/cmd/h2trace/internal/terminal"
	"h2trace/cmd/h2trace/internal/trace/broker"
)

// inputFiles returns the files that a command reads: those of a directory, and "-" for stdin if
// none is named. It returns a usageError if stdin is a terminal. reads begins the message of that.
func inputFiles(names []string, stdin *os.File, command, reads string) ([]string, error) {
	if len(names) == 0 {
		if terminal.Is(stdin) {
			return nil, &usageError{
				errors.New(reads + " from files or from stdin, which is a terminal"),
				"run h2trace with -o FILE and then h2trace " + command + " FILE",
			}
		}
		names = []string{"-"}
	}
	return filesIn(names)
}

// filesIn replaces directories by the *.jsonl files in them.
func filesIn(names []string) ([]string, error) {
	var list []string
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			list = append(list, name) // if it does not exist, opening it says so
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, err
		}
		before := len(list)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".jsonl") && !e.IsDir() {
				list = append(list, filepath.Join(name, e.Name()))
			}
		}
		if len(list) == before {
			return nil, fmt.Errorf("%s: there is no file *.jsonl in this directory", name)
		}
	}
	return list, nil
}

// reader takes what files hold.
type reader interface{ Read(r io.Reader) error }

// noEvents is for files without events.
const noEvents = "no event was recorded; record some with h2trace -o FILE COMMAND"

// readAll reads files, and then calls end with the error. If that takes long, it says on a terminal
// how far it is. Others have written what it reads, so the thread has no rights: it opens nothing.
func readAll(to reader, files []string, stdin *os.File, quiet bool, end func(error) error) error {
	var line *terminal.Progress
	if !quiet {
		line = terminal.NewProgress(os.Stderr)
	}
	defer line.End()
	progress := line.Of(sizeOf(files))
	b := broker.New()
	open := broker.Op(b, func(file int) (*os.File, error) { return os.Open(files[file]) })
	err := sandbox.Run(func() error {
		for i, name := range files {
			if err := readEvents(to, name, stdin, progress, func() (*os.File, error) { return open(i) }); err != nil {
				return end(err)
			}
		}
		return end(nil)
	}, func(error) {}) // whoever runs this has no rights but those of a user, or no kernel that takes them
	return errors.Join(err, b.Close())
}

// read is the end of those who need no other.
func read(err error) error { return err }

func readEvents(to reader, name string, stdin *os.File, progress *terminal.Reading, open func() (*os.File, error)) error {
	if name == "-" {
		return to.Read(progress.Reader(stdin))
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	err = to.Read(progress.Reader(f))
	_, named := errors.AsType[*fs.PathError](err)
	_, writing := errors.AsType[*replay.WriteError](err)
	if err != nil && !named && !writing {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// sizeOf returns the size of files in bytes, 0 if it is not known of all.
func sizeOf(files []string) (sum int64) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		sum += info.Size()
	}
	return sum
}

// saySkipped says how many lines that were read are no events.
func saySkipped(lines int64, msg *message.Printer) {
	if lines > 0 {
		msg.Infof("%s skipped: no events, or damaged", message.Count(uint64(lines), "line was", "lines were"))
	}
}
