package e2e

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/modproxy"
)

// frontend is a third-party web server in front of a module proxy: HTTP/2 over TLS
// towards clients, HTTP/1.1 to the proxy. Modules are below /repo.v1.
type frontend struct {
	URL  string // its GOPROXY entry
	log  string // file
	read func(line []byte) (served, error)
	stop func() // ends it and waits
}

// served is a request in its log.
type served struct {
	Protocol, Method, Path string
	Status                 int
	Bytes                  int64 // of the body
}

// wanted is how much of it a client has surely read.
func (s served) wanted() served {
	if s.Status == 404 {
		s.Bytes = 0
	}
	return s
}

// frontendKind says how to run one.
type frontendKind struct {
	name   string
	args   func(config string) []string
	config string // {{port}}, {{dir}}, {{cert}}, {{key}}, {{origin}}
	read   func(line []byte) (served, error)
}

var frontends = []frontendKind{
	{
		name: "nginx",
		args: func(config string) []string { return []string{"-e", "stderr", "-c", config} },
		config: `daemon off;
master_process off;
pid {{dir}}/pid;
error_log stderr;
events { worker_connections 256; }
http {
	log_format requests escape=json '{"protocol":"$server_protocol","method":"$request_method","path":"$request_uri","status":$status,"bytes":$body_bytes_sent}';
	access_log {{dir}}/access.log requests;
	client_body_temp_path {{dir}}/body;
	proxy_temp_path {{dir}}/proxy;
	fastcgi_temp_path {{dir}}/fastcgi;
	uwsgi_temp_path {{dir}}/uwsgi;
	scgi_temp_path {{dir}}/scgi;
	server {
		listen 127.0.0.1:{{port}} ssl http2;
		http2_max_concurrent_streams 37;
		ssl_certificate {{cert}};
		ssl_certificate_key {{key}};
		location /repo.v1/ {
			proxy_pass {{origin}}/;
			proxy_http_version 1.1;
		}
	}
}
`,
		read: func(line []byte) (s served, err error) { return s, json.Unmarshal(line, &s) },
	},
	{
		name: "caddy",
		args: func(config string) []string { return []string{"run", "--adapter", "caddyfile", "--config", config} },
		config: `{
	admin off
	auto_https off
	storage file_system {{dir}}/storage
	servers {
		protocols h1 h2
	}
}
https://localhost:{{port}} {
	bind 127.0.0.1
	tls {{cert}} {{key}}
	log {
		output file {{dir}}/access.log
		format json
	}
	handle_path /repo.v1/* {
		reverse_proxy {{origin}} {
			transport http {
				tls_insecure_skip_verify
				versions 1.1
			}
		}
	}
}
`,
		read: func(line []byte) (served, error) {
			var l struct {
				Request struct{ Proto, Method, URI string }
				Status  int
				Size    int64
			}
			err := json.Unmarshal(line, &l)
			return served{l.Request.Proto, l.Request.Method, l.Request.URI, l.Status, l.Size}, err
		},
	},
}

// startFrontend runs one in front of a module proxy until the test ends.
func startFrontend(t *testing.T, kind *frontendKind, a *modproxy.Authority, origin *modproxy.Server) *frontend {
	t.Helper()
	program, err := exec.LookPath(kind.name)
	if err != nil {
		t.Skip(err.Error() + "; scripts/setup installs it")
	}
	dir := t.TempDir()
	cert, key := a.ServerFiles(t)
	port := freePort(t)
	config := strings.NewReplacer("{{dir}}", dir, "{{cert}}", cert, "{{key}}", key, "{{port}}", port, "{{origin}}", origin.URL).Replace(kind.config)
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, kind.args(file)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // its status after SIGTERM does not matter
	}()
	f := &frontend{URL: "https://localhost:" + port + "/repo.v1", log: filepath.Join(dir, "access.log"), read: kind.read}
	f.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	t.Cleanup(f.stop)
	await(t, kind.name+" to listen", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s has ended\n%s", kind.name, indent(out.String()))
		default:
		}
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return f
}

// freePort returns a port without listener.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// requests ends the server and returns its log.
func (f *frontend) requests(t *testing.T) []served {
	t.Helper()
	f.stop()
	raw, err := os.ReadFile(f.log)
	if err != nil {
		t.Fatal(err)
	}
	var list []served
	for line := range bytes.Lines(raw) {
		s, err := f.read(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, s)
	}
	return list
}
