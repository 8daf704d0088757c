package proxies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"h2trace/cmd/h2trace/internal/launch"
	"h2trace/export/redact"
)

// goTool is the go command of the user, and its settings.
type goTool struct {
	path string
	env  []string        // environment of the user
	user *launch.Account // nil for that of h2trace

	userName string

	settings struct{ GOPROXY, GONOPROXY, GOFLAGS, GOMOD, GOBIN, GOPATH string }
}

// findGo finds the go command, and reads its settings.
func findGo(ctx context.Context, user string) (*goTool, error) {
	g := &goTool{env: os.Environ()}
	if user != "" {
		account, err := launch.LookupAccount(user)
		if err != nil {
			return nil, &InputError{err.Error()}
		}
		g.user, g.userName, g.env = account, user, account.WithOwnPath(account.Environ(g.env))
	}
	var err error
	if g.path, err = g.find("go"); err != nil {
		return nil, errors.New(`go is not found in PATH; under sudo, name yourself with -u, or use sudo env "PATH=$PATH" h2trace proxies`)
	}
	out, err := g.run(ctx, "", "env", "-json", "GOPROXY", "GONOPROXY", "GOFLAGS", "GOMOD", "GOBIN", "GOPATH")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &g.settings); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	return g, nil
}

// find finds a program in the PATH of the user.
func (g *goTool) find(name string) (string, error) {
	for dir := range strings.SplitSeq(variable(g.env, "PATH"), ":") {
		file := filepath.Join(dir, name)
		if executable(file) {
			return filepath.Abs(file)
		}
	}
	return "", exec.ErrNotFound
}

func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && unix.Access(file, unix.X_OK) == nil
}

// run runs the go command as the user.
func (g *goTool) run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir, cmd.Env = dir, append(g.env[:len(g.env):len(g.env)], "GOTOOLCHAIN=local")
	if g.user != nil && g.user.UID != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: g.user.Credential()}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, redact.String(strings.TrimSpace(stderr.String())))
	}
	return out, nil
}

// variable returns the value of a variable in an environment; the last one counts.
func variable(env []string, name string) (value string) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// tempDir makes an empty directory that belongs to the user.
func (g *goTool) tempDir(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "h2trace-proxies-")
	if err == nil && g.user != nil {
		err = os.Chown(dir, g.user.UID, g.user.GID)
	}
	return dir, err
}
