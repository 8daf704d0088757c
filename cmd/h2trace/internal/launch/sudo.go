package launch

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"

	"h2trace/cmd/h2trace/internal/procfs"
)

// sudoUser returns the user who runs h2trace as root by sudo, or "".
func sudoUser() string {
	name := os.Getenv("SUDO_USER")
	if name == "root" || os.Geteuid() != 0 {
		return ""
	}
	return name
}

// SudoHint returns a hint for a user who runs COMMAND through sudo and may not know
// that it runs as root, or "".
func SudoHint(command, user string) string {
	name := sudoUser()
	if user != "" || name == "" {
		return ""
	}
	return fmt.Sprintf("%s runs as root; use -u %s to run it as you", command, name)
}

// WithOwnPath adds to the PATH in env the directories that it had before sudo
// replaced it, for a COMMAND that runs as the caller of sudo. It is not for root, who
// must not search the directories of others.
func (a *Account) WithOwnPath(env []string) []string {
	if name := sudoUser(); name == "" || name != a.name {
		return env
	}
	own := pathBeforeSudo()
	if own == "" {
		return env
	}
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	if i < 0 {
		return append(slices.Clip(env), "PATH="+own)
	}
	dirs := strings.Split(strings.TrimPrefix(env[i], "PATH="), ":")
	for dir := range strings.SplitSeq(own, ":") {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	env = slices.Clone(env)
	env[i] = "PATH=" + strings.Join(dirs, ":")
	return env
}

// pathBeforeSudo returns the PATH with which the nearest sudo among the ancestors of
// h2trace was started, or "".
func pathBeforeSudo() string {
	for pid := os.Getppid(); pid > 1; {
		stat, err := procfs.ReadStat(pid)
		if err != nil {
			return ""
		}
		if stat.Comm == "sudo" {
			return variableOf(pid, "PATH")
		}
		pid = stat.PPID
	}
	return ""
}

// variableOf returns a variable of the environment with which a process was started,
// or "".
func variableOf(pid int, name string) string {
	raw, err := os.ReadFile(procfs.Path(pid, "environ"))
	if err != nil {
		return ""
	}
	for kv := range bytes.SplitSeq(raw, []byte{0}) {
		if value, ok := strings.CutPrefix(string(kv), name+"="); ok {
			return value
		}
	}
	return ""
}
