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
	"h2trace/cmd/h2trace/internal/terminal"
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

// readAll reads files. If that takes long, it says on a terminal how far it is.
func readAll(to reader, files []string, stdin *os.File, quiet bool) error {
	var line *terminal.Progress
	if !quiet {
		line = terminal.NewProgress(os.Stderr)
	}
	defer line.End()
	progress := line.Of(sizeOf(files))
	for _, name := range files {
		if err := readEvents(to, name, stdin, progress); err != nil {
			return err
		}
	}
	return nil
}

func readEvents(to reader, name string, stdin *os.File, progress *terminal.Reading) error {
	if name == "-" {
		return to.Read(progress.Reader(stdin))
	}
	f, err := os.Open(name)
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
