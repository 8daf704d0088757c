package fetchenv

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"h2trace/cmd/h2trace/internal/procfs"
)

// Limits on reading the environment of a process.
const (
	maxEnviron = 2 << 20 // the default limit of execve(2)
	maxValue   = 16 << 10
)

// Environment holds the variables of a process that say where it fetches from.
type Environment map[string]string

// wanted are the names of these variables. Nothing else of an environment is kept.
var wanted = map[string]bool{
	"GOPROXY": true, "GOENV": true, "GOROOT": true, "HOME": true, "XDG_CONFIG_HOME": true,
	"HTTPS_PROXY": true, "https_proxy": true, "HTTP_PROXY": true, "http_proxy": true, "NO_PROXY": true, "no_proxy": true,
	"LD_LIBRARY_PATH": true, // for its libraries
	"REQUEST_METHOD":  true, // of CGI, where net/http does not trust HTTP_PROXY
	"TRACEPARENT":     true, "OTEL_SERVICE_NAME": true,
}

// Read reads the environment of a process, as it was when it executed its program.
func Read(pid int) (Environment, error) {
	f, err := os.Open(procfs.Path(pid, "environ"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Parse(io.LimitReader(f, maxEnviron))
}

// Parse parses NAME=VALUE pairs, each followed by a NUL. The first of several values
// for one name counts, as in Go programs.
func Parse(r io.Reader) (Environment, error) {
	env := Environment{}
	in := bufio.NewReaderSize(r, maxValue)
	for {
		pair, err := in.ReadSlice(0)
		whole := err == nil
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice(0) // a longer one is skipped
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
