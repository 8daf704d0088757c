package main

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that COMMAND runs as, with all of its groups.
type account struct {
	name, home string
	uid, gid   int
	groups     []int
}

// lookupAccount finds a user by name, or by number where no user is named so.
func lookupAccount(name string) (*account, error) {
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
	a := &account{name: u.Username, home: u.HomeDir, groups: make([]int, len(groups))}
	if a.uid, err = strconv.Atoi(u.Uid); err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if a.gid, err = strconv.Atoi(u.Gid); err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	for i, g := range groups {
		if a.groups[i], err = strconv.Atoi(g); err != nil {
			return nil, fmt.Errorf("groups of user %s: %w", u.Username, err)
		}
	}
	return a, nil
}

// environ returns env with the variables that name the user replaced. PATH and
// the rest stay: they say what to run, not who runs it.
func (a *account) environ(env []string) []string {
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

// String encodes the ids as the launcher's argument: "uid:gid:group,group".
func (a *account) String() string {
	groups := make([]string, len(a.groups))
	for i, g := range a.groups {
		groups[i] = strconv.Itoa(g)
	}
	return fmt.Sprintf("%d:%d:%s", a.uid, a.gid, strings.Join(groups, ","))
}

// parseAccount is the reverse of String. Names are not needed to become a user.
func parseAccount(s string) (*account, error) {
	fields := strings.Split(s, ":")
	if len(fields) != 3 {
		return nil, fmt.Errorf("not an account: %q", s)
	}
	a := &account{}
	var err error
	if a.uid, err = strconv.Atoi(fields[0]); err != nil {
		return nil, err
	}
	if a.gid, err = strconv.Atoi(fields[1]); err != nil {
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

// become gives the whole process the user's ids for good. The groups go first,
// while there is still the right to change them. Package syscall changes all
// threads; Setgroups of golang.org/x/sys/unix changes one.
func (a *account) become() error {
	if err := syscall.Setgroups(a.groups); err != nil {
		return err
	}
	if err := syscall.Setresgid(a.gid, a.gid, a.gid); err != nil {
		return err
	}
	return syscall.Setresuid(a.uid, a.uid, a.uid)
}
