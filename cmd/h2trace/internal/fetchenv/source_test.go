package fetchenv

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"h2trace/cmd/h2trace/internal/testkit/child"
	"h2trace/decoder/goproxy"
)

func TestParseEnviron(t *testing.T) {
	long := strings.Repeat("x", maxValue)
	in := "HOMELESS=1\x00HOME=/root\x00HOME=/other\x00broken\x00=x\x00SECRET=GOPROXY=y\x00GOROOT=" + long + "\x00GOENV=\x00GOPROXY=a=b"
	got, err := Parse(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	// The last has no NUL: it is cut off.
	if diff := cmp.Diff(Environment{"HOME": "/root", "GOENV": ""}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSource compares with GOPROXY as the go command itself reads it.
func TestSource(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const line = "# a comment\nGOSUMDB=off\nGOPROXY=https://"
	file := write("goenv", line+"file.example/x|direct\n")
	write("home/.config/go/env", line+"home.example\r\nGOPROXY=https://second.example\n")
	write("xdg/go/env", line+"xdg.example")
	empty := write("empty/.config/go/env", "GOPROXY=\n")
	for _, config := range []string{"home/.config", "xdg", "empty/.config", "nobody/.config"} {
		write(config+"/go/telemetry/mode", "off") // otherwise go writes there, even after its end
	}
	goroot, err := exec.Command(goCommand, "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(strings.TrimSpace(string(goroot)), "bin", "go")
	home := "HOME=" + filepath.Join(root, "home")
	tests := []struct {
		name string
		env  []string
	}{
		{"environment", []string{home, "GOPROXY=https://env.example,off", "GOENV=" + file}},
		{"GOENV", []string{home, "GOENV=" + file}},
		{"HOME", []string{home}},
		{"HOME, empty variable", []string{home, "GOPROXY=", "GOENV="}},
		{"XDG_CONFIG_HOME", []string{home, "XDG_CONFIG_HOME=" + filepath.Join(root, "xdg")}},
		{"release", []string{home, "GOENV=off"}},
		{"empty file", []string{"HOME=" + filepath.Join(empty, "../../..")}},
		{"no file", []string{"HOME=" + filepath.Join(root, "nobody")}},
	}
	all := NewReader()
	defer close(all)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := append([]string{"PATH=" + os.Getenv("PATH"), "GOTOOLCHAIN=local"}, tt.env...)
			oracle := exec.Command(goCommand, "env", "GOPROXY")
			oracle.Env = env
			out, err := oracle.Output()
			if err != nil {
				t.Fatal(err)
			}
			want := goproxy.ParseProxies(strings.TrimSpace(string(out)))

			src := sourceOf(t, all, env, exe)
			<-src.ready
			if diff := cmp.Diff(want, src.Proxies(), cmpopts.IgnoreUnexported(goproxy.Entry{})); diff != "" || len(want) == 0 && tt.name != "empty file" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if other := sourceOf(t, all, env, "/bin/other"); tt.name != "environment" && len(other.Proxies()) > 0 {
				t.Error("a program that is not go has what is in a file of go")
			}
		})
	}
}

// TestProxyAt has connections to the proxies of a list, and expects the entries that
// go asks if one fails.
func TestProxyAt(t *testing.T) {
	s := NewSource(Environment{"GOPROXY": "https://u:p@a.example/go,http://192.0.2.1:8080|https://localhost:8443|direct"})
	for _, tt := range []struct{ remote, name, proxy, next, barred string }{
		{"192.0.2.9:443", "a.example", "https://a.example/go", "none", "http://192.0.2.1:8080"},
		{"", "A.example.", "https://a.example/go", "none", "http://192.0.2.1:8080"}, // there was no address
		{"192.0.2.9:8443", "a.example", "", "", ""},
		{"192.0.2.9:443", "", "", "", ""}, // of a file of names, maybe
		{"192.0.2.1:8080", "", "http://192.0.2.1:8080", "https://localhost:8443", ""},
		{"[::1]:8443", "", "https://localhost:8443", "direct", ""},
		{"192.0.2.1:443", "goproxy.example", "", "", ""},
	} {
		var remote netip.AddrPort
		if tt.remote != "" {
			remote = netip.MustParseAddrPort(tt.remote)
		}
		proxy, next, barred := s.ProxyAt(remote, tt.name)
		if proxy != tt.proxy || next != tt.next || barred != tt.barred {
			t.Errorf("%s (%s): got %q, %q, %q, want %q, %q, %q", tt.remote, tt.name, proxy, next, barred, tt.proxy, tt.next, tt.barred)
		}
	}
	var unknown *Source
	if proxy, next, barred := unknown.ProxyAt(netip.AddrPort{}, "a.example"); proxy+next+barred != "" {
		t.Errorf("got %q, %q, %q of what is not known", proxy, next, barred)
	}
}

// sourceOf returns the Source of a process started with an environment.
func sourceOf(t *testing.T, all Reader, environ []string, exe string) *Source {
	t.Helper()
	pid := startWith(t, environ)
	env, err := Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	return all.Source(env, pid, exe)
}

// startWith starts a process with an environment, and returns when it runs: at exec
// it has none for a moment.
func startWith(t *testing.T, env []string) int {
	t.Helper()
	cmd := exec.Command("cat")
	cmd.Env = env
	in, out := child.Hold(t, cmd)
	if _, err := in.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// TestReadAs has files that readAs must not read, or wait for.
func TestReadAs(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, 2*maxEnvFile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, "/dev/zero", filepath.Join(dir, "missing")} {
		if _, err := readAs(os.Getpid(), path); err == nil {
			t.Errorf("%s was read", path)
		}
	}
	if got, err := readAs(os.Getpid(), big); err != nil || len(got) != maxEnvFile {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, maxEnvFile)
	}
}
