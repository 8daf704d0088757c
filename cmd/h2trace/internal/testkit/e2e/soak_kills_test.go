package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// soakName is the argument of -n: nothing else has this name, nor has another run of the tests.
var soakName = "soaked" + strconv.Itoa(os.Getpid())

// killLoad is the load while h2trace is killed. It creates the programs to run. They
// end with the same results as without h2trace, or it reports what went wrong.
type killLoad struct {
	name string
	work func(t *testing.T, s *spawner) (longest time.Duration)
	env  []string
}

// TestSoakKills kills h2trace at random moments, in run mode and with -n, while
// modules are downloaded and while fresh executables are held. The processes end as
// they would have, and nothing of h2trace is left.
func TestSoakKills(t *testing.T) {
	needProbes(t)
	const part = "kills"
	kills := amount(t, part, "kills of h2trace", 20, 200)
	loads := []killLoad{downloadLoad(t), freshLoad(t)}
	for i, load := range loads {
		for k, named := range []bool{false, true} {
			name := load.name + ", run mode"
			if named {
				name = load.name + ", -n"
			}
			t.Run(name, func(t *testing.T) {
				whole := killedWith(t, load, named, -1) // not killed
				var longest time.Duration
				n := kills / 4
				for j := range n {
					longest = max(longest, killedWith(t, load, named, rand.N(whole)))
					if t.Failed() {
						t.Fatalf("after %d kills", j)
					}
					progress(t, part, (2*i+k)*n+j+1, kills)
				}
				told(t, part, "kills with right results: "+name, float64(n), "")
				within(t, part, "longest execution: "+name, millis(longest), millis(longestExec()), "ms")
			})
		}
	}
}

// killedWith runs a load under h2trace and kills h2trace after a time, or never if
// that is negative. It returns the longest execution of the load, or the total time.
// The time begins when h2trace is started, and in run mode when COMMAND runs: killed
// before that, h2trace does not run it.
func killedWith(t *testing.T, load killLoad, named bool, after time.Duration) (longest time.Duration) {
	t.Helper()
	c := command{args: []string{spawn.path(t)}, env: load.env}
	if named {
		c = command{flags: []string{"-n", soakName}}
	}
	tr := startTracing(t, c)
	var s *spawner
	if !named {
		s = newSpawner(t, tr.stdin, tr.stdout)
		s.run("/bin/true")
	}
	began := time.Now()
	var held *holdings
	killed := make(chan struct{})
	if after >= 0 {
		time.AfterFunc(after, func() {
			defer close(killed)
			held = holdingsOf(tr)
			tr.signal(syscall.SIGKILL)
		})
	}
	if named {
		s = startSpawner(t, load.env)
	}
	longest = load.work(t, s)
	s.end()
	took := time.Since(began)
	if after < 0 {
		if named {
			tr.signal(os.Interrupt)
		}
		tr.good()
		return took
	}
	<-killed
	_, _ = io.Copy(io.Discard, tr.stdout)
	_ = tr.cmd.Wait()
	await(t, "the end of all that was h2trace", func() bool { return !anyRuns(bin(t, "h2trace")) })
	held.wantNothingLeft(t)
	return longest
}

// anyRuns reports whether a process runs a file.
func anyRuns(file string) bool {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return false
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == file {
			return true
		}
	}
	return false
}

// downloadLoad downloads a graph of modules from a proxy on loopback.
func downloadLoad(t *testing.T) killLoad {
	a := modproxy.NewAuthority(t)
	mods := append(modproxy.Graph("example.test/graph", 12, 3, 3000), modproxy.Modules("example.test/big", 2, 2<<20)...)
	proxy := modproxy.Start(t, a, mods, modproxy.Options{})
	env := modproxy.NewWorkspace(t, a, nil, proxy).Env
	root := toolchain(t, "local")
	goCommand := filepath.Join(t.TempDir(), soakName)
	copyFile(t, filepath.Join(root, "bin", "go"), goCommand)
	want := ""
	return killLoad{name: "download", env: env, work: func(t *testing.T, s *spawner) time.Duration {
		t.Helper()
		w := modproxy.NewWorkspace(t, a, []modproxy.Module{mods[0], mods[12], mods[13]}, proxy)
		cache := filepath.Join(w.Dir, "modcache")
		r := s.run("/usr/bin/env", "-C", w.Dir, "GOMODCACHE="+cache, "GOROOT="+root, goCommand, "mod", "download", "all")
		got := treeSum(t, filepath.Join(cache, "cache", "download"))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("the modules that were downloaded are not those of the first run")
		}
		if err := os.RemoveAll(w.Dir); err != nil {
			t.Error(err)
		}
		return r.started
	}}
}

// treeSum is the hash of the modules in a directory.
func treeSum(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		_, _ = fmt.Fprintf(h, "%s %x\n", strings.TrimPrefix(path, dir), sha256.Sum256(b)) // never fails
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// freshLoad runs new executables.
func freshLoad(t *testing.T) killLoad {
	const copies = 6
	site := startSite(t)
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(numbersBody)))
	return killLoad{name: "fresh executables", env: site.env, work: func(t *testing.T, s *spawner) (longest time.Duration) {
		t.Helper()
		dir, err := os.MkdirTemp("", "h2trace-fresh-")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}()
		for i := range copies {
			sub := filepath.Join(dir, fmt.Sprint(i))
			if err := os.Mkdir(sub, 0o755); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(sub, soakName)
			fetch.copyTo(t, file)
			r := s.run(file, site.url+"/numbers")
			longest = max(longest, r.started)
			if r.sum != want {
				t.Errorf("a fresh executable got another body")
			}
		}
		return longest
	}}
}
