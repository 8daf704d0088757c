package launch

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// Account is the user that COMMAND runs as, with all of its groups.
type Account struct {
	name, home string
	UID, GID   int
	groups     []int
}

// LookupAccount finds a user by name, or by number if no user has that name.
func LookupAccount(name string) (*Account, error) {
	u, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		if _, convErr := strconv.ParseUint(name, 10, 32); convErr == nil {
			u, err = user.LookupId(name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("no user %q", name)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("groups of user %s: %w", u.Username, err)
	}
	a := &Account{name: u.Username, home: u.HomeDir, groups: make([]int, len(groups))}
	if a.UID, err = strconv.Atoi(u.Uid); err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if a.GID, err = strconv.Atoi(u.Gid); err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	for i, g := range groups {
		if a.groups[i], err = strconv.Atoi(g); err != nil {
			return nil, fmt.Errorf("groups of user %s: %w", u.Username, err)
		}
	}
	return a, nil
}

// Environ returns env with the variables that name the user replaced. PATH and the
// rest stay: they say what to run, not who runs it.
func (a *Account) Environ(env []string) []string {
	own := []string{"HOME=" + a.home, "USER=" + a.name, "LOGNAME=" + a.name}
	out := make([]string, 0, len(env)+len(own))
	for _, kv := range env {
		key, _, _ := strings.Cut(kv, "=")
		if key != "HOME" && key != "USER" && key != "LOGNAME" {
			out = append(out, kv)
		}
	}
	return append(out, own...)
}

// argument encodes the ids for the launcher: "uid:gid:group,group".
func (a *Account) argument() string {
	groups := make([]string, len(a.groups))
	for i, g := range a.groups {
		groups[i] = strconv.Itoa(g)
	}
	return fmt.Sprintf("%d:%d:%s", a.UID, a.GID, strings.Join(groups, ","))
}

// parseAccount is the reverse of argument. An id needs no name.
func parseAccount(s string) (*Account, error) {
	fields := strings.Split(s, ":")
	if len(fields) != 3 {
		return nil, fmt.Errorf("not an account: %q", s)
	}
	a := &Account{}
	var err error
	if a.UID, err = strconv.Atoi(fields[0]); err != nil {
		return nil, err
	}
	if a.GID, err = strconv.Atoi(fields[1]); err != nil {
		return nil, err
	}
	for g := range strings.FieldsFuncSeq(fields[2], func(r rune) bool { return r == ',' }) {
		gid, err := strconv.Atoi(g)
		if err != nil {
			return nil, err
		}
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

// become sets the user's ids of the whole process for good. The groups go first,
// while the right to change them lasts. Package syscall changes all threads;
// Setgroups of golang.org/x/sys/unix changes one.
func (a *Account) become() error {
	if err := syscall.Setgroups(a.groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return err
	}
	return syscall.Setresuid(a.UID, a.UID, a.UID)
}

// Credential returns the ids for a process that is to run as that user.
func (a *Account) Credential() *syscall.Credential {
	c := &syscall.Credential{Uid: uint32(a.UID), Gid: uint32(a.GID)}
	for _, g := range a.groups {
		c.Groups = append(c.Groups, uint32(g))
	}
	return c
}
