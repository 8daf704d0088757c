package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Bounds on what is read of the environment of a process, and of the files of
// the go command.
const (
	maxEnviron = 2 << 20 // execve(2) takes no more by default
	maxValue   = 16 << 10
	maxEnvFile = 64 << 10
)

// environment is those variables of a process that say where it fetches from.
type environment map[string]string

// wanted are their names. Nothing else of an environment is kept.
var wanted = map[string]bool{
	"GOPROXY": true, "GOENV": true, "GOROOT": true, "HOME": true, "XDG_CONFIG_HOME": true,
	"HTTPS_PROXY": true, "https_proxy": true, "HTTP_PROXY": true, "http_proxy": true, "NO_PROXY": true, "no_proxy": true,
	"REQUEST_METHOD": true, // of CGI, in which net/http does not trust HTTP_PROXY
}

// readEnviron reads them of a process, as they were when it executed its
// program.
func readEnviron(pid int) (environment, error) {
	f, err := os.Open(procPath(pid, "environ"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseEnviron(io.LimitReader(f, maxEnviron))
}

// parseEnviron parses NAME=VALUE pairs that each end with a NUL. Of a name that
// comes twice the first counts, as in Go programs.
func parseEnviron(r io.Reader) (environment, error) {
	env := environment{}
	in := bufio.NewReaderSize(r, maxValue)
	for {
		pair, err := in.ReadSlice(0)
		whole := err == nil
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice(0) // a longer one is passed over
		}
		name, value, ok := bytes.Cut(bytes.TrimSuffix(pair, []byte{0}), []byte{'='})
		if _, again := env[string(name)]; ok && whole && wanted[string(name)] && !again {
			env[string(name)] = string(value)
		}
		if errors.Is(err, io.EOF) {
			return env, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// envFiles are the files in which a go command finds settings that are not in
// its environment, the first with one counts: that of "go env -w" and that of
// its release (https://go.dev/doc/go1.21#tools).
func (env environment) envFiles(exe string) []string {
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

// lookIn returns the value of a setting in the first of the files that has it,
// as a process sees them. Of several lines the last counts.
func lookIn(pid int, files []string, name string) string {
	for _, file := range files {
		content, err := readAs(pid, file)
		if err != nil {
			continue
		}
		found := false
		var value string
		for line := range strings.Lines(content) {
			if v, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+"="); ok {
				found, value = true, v
			}
		}
		if found {
			return value
		}
	}
	return ""
}

// readAs reads the beginning of a regular file below the root directory of a
// process. Where that is not h2trace's own, no link may lead out of it. Nothing
// waits for a file that is something else, such as a named pipe.
func readAs(pid int, file string) (string, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY
	root, err := os.OpenRoot(procPath(pid, "root"))
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
