//go:build linux

package release

import (
	"debug/elf"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWithoutSystemd installs, upgrades and removes the packages where systemctl fails, as in a
// container or of a masked service, and where there is none.
func TestWithoutSystemd(t *testing.T) {
	deb, rpm := file(t, "*_amd64.deb"), file(t, "*.x86_64.rpm")
	need(t, "dpkg", "rpm")
	old := olderPackage(t, deb)
	for _, tt := range []struct {
		name   string
		damage func(m *machine)
	}{
		{"fails", func(m *machine) { m.replaceSystemctl("#!/bin/sh\necho \"$@\" >>/tmp/asked\nexit 1\n") }},
		{"missing", func(m *machine) { m.replaceSystemctl("") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t)
			if m.has("/usr/bin/h2trace") {
				t.Skip("h2trace is installed on this machine")
			}
			if err := os.MkdirAll(m.path("/run/systemd/system"), 0o755); err != nil {
				t.Fatal(err)
			}
			tt.damage(m)
			for _, args := range [][]string{
				{"dpkg", "-i", m.copy(old, 0o644)},
				{"dpkg", "-i", m.copy(deb, 0o644)},
				{"dpkg", "-r", "h2trace"},
				{"dpkg", "-P", "h2trace"},
				{"rpm", "-i", "--nodeps", "--force-debian", m.copy(rpm, 0o644)},
				{"rpm", "-U", "--force", "--nodeps", "--force-debian", m.copy(rpm, 0o644)},
				{"rpm", "-e", "h2trace"},
			} {
				if out := m.run(args[0], args[1:]...); strings.Contains(out, "scriptlet failed") || strings.Contains(out, "error") {
					t.Errorf("%q:\n%s", args, out)
				}
			}
			if m.has("/usr/bin/h2trace") {
				t.Error("h2trace is still there")
			}
			if tt.name == "fails" {
				m.wantSystemctl("daemon-reload\ntry-restart h2trace.service\n")
			}
		})
	}
}

// replaceSystemctl puts a script in the place of systemctl, or nothing for "". rpm has a PATH
// of its own for what packages run.
func (m *machine) replaceSystemctl(script string) {
	m.t.Helper()
	const systemctl = "/usr/bin/systemctl"
	if err := os.RemoveAll(m.path(systemctl)); err != nil {
		m.t.Fatal(err)
	}
	if script == "" {
		return
	}
	if err := os.WriteFile(m.path(systemctl), []byte(script), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// TestRemovalInChroot removes the package where systemd does not run, but is installed. The
// links of the enabled service go.
func TestRemovalInChroot(t *testing.T) {
	deb := file(t, "*_amd64.deb")
	need(t, "dpkg", "systemctl")
	m := newMachine(t)
	if m.has("/usr/bin/h2trace") {
		t.Skip("h2trace is installed on this machine")
	}
	const link = "/etc/systemd/system/multi-user.target.wants/h2trace.service"
	m.run("dpkg", "-i", m.copy(deb, 0o644))
	m.run("systemctl", "enable", "h2trace.service")
	if !m.has(link) {
		t.Fatal("the service is not enabled")
	}
	m.run("dpkg", "-r", "h2trace")
	if m.has(link) {
		t.Error("the link of the service is still there")
	}
}

// TestForeignPackage installs the .deb for arm64, and runs the program with QEMU.
func TestForeignPackage(t *testing.T) {
	if !full {
		t.Attr("reduced", "0 of 1 packages for arm64; scripts/matrix makes it")
		return
	}
	deb := file(t, "*_arm64.deb")
	const emulator = "qemu-aarch64-static"
	need(t, "dpkg", emulator)
	if out, err := exec.Command("dpkg", "--print-architecture").Output(); err != nil || string(out) != "amd64\n" {
		t.Skipf("this machine is %s, %v", out, err)
	}
	m := newMachine(t)
	m.run("dpkg", "--force-architecture", "-i", m.copy(deb, 0o644))
	if status := m.run("dpkg", "-s", "h2trace:arm64"); !strings.Contains(status, "\nArchitecture: arm64\n") {
		t.Errorf("dpkg says\n%s", status)
	}
	program, err := elf.Open(m.path("/usr/bin/h2trace"))
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Close(); err != nil || program.Machine != elf.EM_AARCH64 {
		t.Errorf("the program is for %v, %v", program.Machine, err)
	}
	if got, want := m.run(emulator, "/usr/bin/h2trace", "version"), commit(t, "%H")[:12]; !strings.Contains(got, want) {
		t.Errorf("h2trace version prints %q, which lacks %q", got, want)
	}
	m.run("dpkg", "-P", "h2trace:arm64")
	if left := m.left(); len(left) > 0 {
		t.Errorf("left after dpkg -P: %q", left)
	}
}
