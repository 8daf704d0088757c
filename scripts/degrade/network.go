package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// stageName is the name under which degrade starts itself in the namespaces of the
// command, to configure them.
const stageName = "degrade-stage"

// network is a line from this namespace to that of the command.
type network struct {
	outside, inside netip.Addr
	near, far       *tun // far goes into the namespace of the command
	ipv6            bool // the command has an address of IPv6; the line swallows its packets
}

// Addresses for documentation (RFC 3849).
var (
	outside6 = netip.MustParseAddr("2001:db8::1")
	inside6  = netip.MustParseAddr("2001:db8::2")
)

// newNetwork creates a line and brings up this end of it. Its addresses are from
// 198.18.0.0/15, which is reserved for tests of networks (RFC 2544).
func newNetwork(c lineConfig, ipv6 bool) (*network, error) {
	pid := os.Getpid()
	n := &network{ipv6: ipv6}
	var err error
	if n.near, err = newTUN(fmt.Sprintf("degrade%dn", pid%1e6)); err != nil {
		return nil, err
	}
	if n.far, err = newTUN(fmt.Sprintf("degrade%df", pid%1e6)); err != nil {
		n.close()
		return nil, err
	}
	subnet := pid % (1 << 15) * 4
	n.outside = netip.AddrFrom4([4]byte{198, byte(18 + subnet>>16), byte(subnet >> 8), byte(subnet + 1)})
	n.inside = n.outside.Next()
	err = ip("addr", "add", n.outside.String()+"/30", "dev", n.near.name)
	if err == nil {
		err = ip("link", "set", n.near.name, "up")
	}
	if err != nil {
		n.close()
		return nil, err
	}
	connect(n.near, n.far, c)
	return n, nil
}

func (n *network) close() {
	for _, t := range []*tun{n.near, n.far} {
		if t != nil {
			_ = t.file.Close()
		}
	}
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// run runs the command at the far end and returns its status.
func (n *network) run(command []string, dir string, env []string) (int, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		status := 126
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			status = 127
		}
		return status, err
	}
	conf := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver "+n.outside.String()+"\n"), 0o644); err != nil {
		return statusFailed, err
	}
	ready, start, err := os.Pipe()
	if err != nil {
		return statusFailed, err
	}
	defer start.Close()
	cmd := &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       append([]string{stageName, n.far.name, n.inside.String(), n.outside.String(), strconv.FormatBool(n.ipv6), conf, path}, command...),
		Env:        append(os.Environ(), env...),
		Stdin:      os.Stdin,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{ready},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
			Pdeathsig:  syscall.SIGKILL,
		},
	}
	if err := cmd.Start(); err != nil {
		return statusFailed, fmt.Errorf("make namespaces: %w", err)
	}
	_ = ready.Close()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	go func() {
		for s := range signals {
			if s != syscall.SIGINT { // the terminal sends SIGINT to the command, too
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	if err := ip("link", "set", n.far.name, "netns", fmt.Sprint(cmd.Process.Pid)); err != nil {
		_ = cmd.Process.Kill()
		return statusFailed, errors.Join(err, cmd.Wait())
	}
	if _, err := start.Write([]byte{1}); err != nil {
		return statusFailed, errors.Join(err, cmd.Wait())
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return statusFailed, err
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// runStage brings up the far end, mounts another file over /etc/resolv.conf, and executes
// the command.
func runStage(args []string) int {
	device, inside, outside, ipv6, conf, path, command := args[0], args[1], args[2], args[3], args[4], args[5], args[6:]
	ready := os.NewFile(3, "ready")
	if n, _ := ready.Read(make([]byte, 1)); n != 1 {
		return statusFailed // the parent prints the error
	}
	_ = ready.Close()
	err := errors.Join(
		ip("link", "set", "lo", "up"),
		ip("addr", "add", inside+"/30", "dev", device),
		ip("link", "set", device, "up"),
		ip("route", "add", "default", "via", outside),
	)
	if err == nil && ipv6 == "true" {
		err = errors.Join(
			ip("addr", "add", inside6.String()+"/64", "dev", device, "nodad"),
			ip("route", "add", "default", "via", outside6.String(), "dev", device),
		)
	}
	if err == nil {
		err = hide("/etc/resolv.conf", conf)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "degrade: %v\n", err)
		return statusFailed
	}
	err = syscall.Exec(path, command, os.Environ())
	fmt.Fprintf(os.Stderr, "degrade: %s: %v\n", path, err)
	return 126
}

// hide mounts one file over another, in this mount namespace only.
func hide(name, by string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	target, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	if err := unix.Mount(by, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", target, err)
	}
	return nil
}
