package output

import (
	"errors"
	"fmt"
	"os"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
)

// Secrets is a file for session secrets.
type Secrets struct {
	file *os.File
	err  error  // the first
	cut  bool   // the last line is not whole
	lost uint64 // calls of Write that failed
}

// OpenSecrets opens a file for session secrets, and says what it holds. The rules of OpenFile
// hold; and it is a regular file that only its owner can read, and none that anything else is
// written to.
func OpenSecrets(path string, owner *launch.Account, msg *message.Printer) (*Secrets, error) {
	if info, err := os.Stat(path); err == nil { // before it is emptied
		if err := forSecrets(path, info); err != nil {
			return nil, err
		}
	}
	file, err := OpenFile(path, owner, msg)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat() // another one may be there by now
	if err == nil {
		err = forSecrets(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	msg.Infof("session secrets go to %s: who has it can decrypt what the targets send and receive", path)
	return &Secrets{file: file}, nil
}

// forSecrets returns an error for a file that is not for secrets.
func forSecrets(path string, info os.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file, to which session secrets go", path)
	case info.Mode()&0o077 != 0:
		return fmt.Errorf("%s has mode %#o, and is not for its owner alone: remove it, or name another file for session secrets", path, info.Mode().Perm())
	}
	for _, used := range []*os.File{os.Stdout, os.Stderr} {
		if is, err := used.Stat(); err == nil && os.SameFile(is, info) {
			return fmt.Errorf("%s is %s: name another file for session secrets", path, used.Name())
		}
	}
	return nil
}

// Write writes the line of a secret. After an error it writes nothing more, and counts what is
// missing.
func (s *Secrets) Write(p []byte) (int, error) {
	if s.err != nil {
		s.lost++
		return 0, s.err
	}
	n, err := s.file.Write(p)
	if err == nil {
		return n, nil
	}
	s.note(err)
	s.lost++
	whole := wholeEvents(p, n)
	s.cut = takeBack(s.file, int64(n-whole)) != nil
	return whole, s.err
}

func (s *Secrets) note(err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("session secrets: %w", err)
	}
}

// Close closes the file, and returns its first error, with the number of secrets that it lacks.
func (s *Secrets) Close() error {
	if s.cut {
		endCut(s.file)
	}
	s.note(s.file.Close())
	if s.lost > 0 {
		return fmt.Errorf("%w: %s not written", s.err, message.Count(s.lost, "secret was", "secrets were"))
	}
	return s.err
}

// File returns the file. It is not to be written to.
func (s *Secrets) File() *os.File { return s.file }

// Is reports whether the secrets go to a file.
func (s *Secrets) Is(other *os.File) bool { return sameFile(s.file, other) }

// sameFile reports whether what is written to two files mixes. Devices are for anything, as
// /dev/null is.
func sameFile(a, b *os.File) bool {
	of, err := a.Stat()
	other, errOther := b.Stat()
	return err == nil && errOther == nil && of.Mode()&os.ModeDevice == 0 && os.SameFile(of, other)
}
