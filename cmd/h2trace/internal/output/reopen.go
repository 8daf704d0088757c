package output

import (
	"errors"
	"fmt"
	"os"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/cmd/h2trace/internal/message"
)

// reopening is what it takes to open the file of -o again.
type reopening struct {
	path   string
	owner  *launch.Account
	msg    *message.Printer
	closed error // the first error of closing a file before
}

// failure returns why the contents of a file before may not be whole.
func (r *reopening) failure() error {
	if r == nil {
		return nil
	}
	return r.closed
}

// open opens the file. It does not wait for the reader of a pipe that took its name.
func (r *reopening) open() (*os.File, error) {
	if info, err := os.Stat(r.path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file any more")
	}
	return openFile(r.path, r.owner, r.msg, continued)
}

// Reopens reports whether Reopen can do anything: events go to a regular file by name.
func (o *Output) Reopens() bool { return o.again != nil }

// Reopen opens the file of -o again by its name, after somebody has renamed or removed the old
// one, as logrotate(8) does. Events follow what is in the new one. The rules of OpenFile hold. No
// line is cut: each Write has whole ones, and ends before or begins after. If the new file will
// not do, events go on into the old one.
func (o *Output) Reopen() error {
	o.mu.Lock()
	again := o.again
	o.mu.Unlock()
	if again == nil {
		return nil
	}
	file, err := again.open()
	if err != nil {
		return fmt.Errorf("events go on into the old file, as %s cannot be opened again: %w", again.path, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.again == nil { // it was closed meanwhile
		return file.Close()
	}
	o.file, file = file, o.file
	if err := file.Close(); err != nil {
		err = fmt.Errorf("close the old %s: %w", again.path, err)
		again.closed = errors.Join(again.closed, err)
		return err
	}
	return nil
}
