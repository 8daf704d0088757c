package fetchenv

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"h2trace/cmd/h2trace/internal/procfs"
)

// maxEnvFile bounds how much of a file of the go command is read.
const maxEnvFile = 64 << 10

// envFiles are the files in which a go command looks up settings that its environment
// lacks, in order: that of "go env -w" and that of its release
// (https://go.dev/doc/go1.21#tools).
func (env Environment) envFiles(exe string) []string {
	var files []string
	switch user := env["GOENV"]; {
	case filepath.IsAbs(user):
		files = append(files, user)
	case user != "" && user != "off": // go gives up
	case user == "" && filepath.IsAbs(env["XDG_CONFIG_HOME"]):
		files = append(files, filepath.Join(env["XDG_CONFIG_HOME"], "go", "env"))
	case user == "" && env["XDG_CONFIG_HOME"] == "" && filepath.IsAbs(env["HOME"]):
		files = append(files, filepath.Join(env["HOME"], ".config", "go", "env"))
	}
	root := env["GOROOT"]
	if root == "" {
		root = filepath.Dir(filepath.Dir(exe))
	}
	return append(files, filepath.Join(root, "go.env"))
}

// lookIn returns the value of a setting in the first of the files that has it, as a
// process sees them. The last of several lines counts.
func lookIn(pid int, files []string, name string) string {
	for _, file := range files {
		content, err := readAs(pid, file)
		if err != nil {
			continue
		}
		if value, ok := settingIn(content, name); ok {
			return value
		}
	}
	return ""
}

// settingIn returns the value of a setting in the content of a file.
func settingIn(content, name string) (value string, found bool) {
	for line := range strings.Lines(content) {
		if v, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+"="); ok {
			value, found = v, true
		}
	}
	return value, found
}

// readAs reads the beginning of a regular file below the root directory of a process.
// If that root is not h2trace's own, no link may lead out of it. It never waits for
// another kind of file, such as a named pipe.
func readAs(pid int, file string) (string, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY
	root, err := os.OpenRoot(procfs.Path(pid, "root"))
	if err != nil {
		return "", err
	}
	defer root.Close()
	open := func() (*os.File, error) { return root.OpenFile(strings.TrimPrefix(file, "/"), flags, 0) }
	if sameRoot(root) {
		open = func() (*os.File, error) { return os.OpenFile(file, flags, 0) }
	}
	f, err := open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("no regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, maxEnvFile))
	return string(b), err
}

func sameRoot(root *os.Root) bool {
	theirs, err := root.Stat(".")
	if err != nil {
		return false
	}
	ours, err := os.Stat("/")
	return err == nil && os.SameFile(theirs, ours)
}
