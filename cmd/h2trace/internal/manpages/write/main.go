// Write writes the man pages of h2trace into a directory. scripts/release/run runs it:
//
//	go run ./cmd/h2trace/internal/manpages/write -date 2026-11-30 -version 1.0.0 DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"h2trace/cmd/h2trace/internal/manpages"
)

func main() {
	var e manpages.Edition
	flag.StringVar(&e.Date, "date", "", "the `date` at the foot of the pages")
	flag.StringVar(&e.Version, "version", "", "the `version` beside it")
	source := flag.String("source", "cmd/h2trace", "the `directory` of the manual")
	flag.Parse()
	if flag.NArg() != 1 || e.Date == "" || e.Version == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*source, flag.Arg(0), e); err != nil {
		fmt.Fprintln(os.Stderr, "write:", err)
		os.Exit(1)
	}
}

func write(source, to string, e manpages.Edition) error {
	manual, err := os.ReadFile(filepath.Join(source, "doc.go"))
	if err != nil {
		return err
	}
	causes, err := os.ReadFile(filepath.Join(source, "causes.txt"))
	if err != nil {
		return err
	}
	for _, p := range manpages.Pages(manpages.Comment(string(manual)), string(causes), e) {
		if err := os.WriteFile(filepath.Join(to, p.File()), []byte(p.Text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
