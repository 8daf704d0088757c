package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// grpcProgram calls itself over gRPC five times for each line that it reads, with
// fields that only the first call encodes literally.
const grpcProgram = `package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

type raw struct{}

func (raw) Marshal(v any) ([]byte, error)   { return *v.(*[]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = append([]byte(nil), b...); return nil }
func (raw) Name() string                    { return "raw" }

func answer(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var b []byte
	if err := decode(&b); err != nil {
		return nil, err
	}
	return &b, grpc.SetTrailer(ctx, metadata.Pairs("answered", "since the start"))
}

func main() {
	dial, serve := security()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	srv := grpc.NewServer(append(serve, grpc.ForceServerCodec(raw{}))...)
	srv.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: answer}},
	}, nil)
	go srv.Serve(ln)
	dial = append(dial, grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	conn, err := grpc.NewClient("passthrough:///"+ln.Addr().String(), dial...)
	check(err)
	ctx := metadata.AppendToOutgoingContext(context.Background(), "asked", "since the start")
	fmt.Println(os.Getpid())
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		for range 5 {
			in, out := s.Bytes(), []byte(nil)
			check(conn.Invoke(ctx, "/test.Echo/Say", &in, &out))
		}
		fmt.Println("said", s.Text())
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// Its second file. Without TLS the program has no (*tls.Conn).Read.
const (
	grpcPlain = `package main

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func security() ([]grpc.DialOption, []grpc.ServerOption) {
	return []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, nil
}
`
	grpcTLS = `package main

import (
	"crypto/tls"
	"net/http/httptest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func security() ([]grpc.DialOption, []grpc.ServerOption) {
	site := httptest.NewTLSServer(nil)
	defer site.Close()
	client := credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	server := credentials.NewTLS(&tls.Config{Certificates: site.TLS.Certificates})
	return []grpc.DialOption{grpc.WithTransportCredentials(client)}, []grpc.ServerOption{grpc.Creds(server)}
}
`
	grpcModule = "module program\n\ngo 1.26\n\nrequire google.golang.org/grpc v1.85.0\n"
)

// buildGRPC builds the program, which needs a network where its modules were never
// fetched.
func buildGRPC(t *testing.T, security string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": grpcModule, "main.go": grpcProgram, "security.go": security} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-mod=mod", "-ldflags=-w", "-o", "grpc")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		text := string(out)
		_, hosts := configuration(t)
		for _, h := range hosts {
			text = strings.ReplaceAll(text, h, "goproxy.example")
		}
		t.Fatalf("go build: %v\n%s", err, indent(text))
	}
	return filepath.Join(dir, "grpc")
}

// TestJoinGRPC joins a client and a server of gRPC, which has its own transport. The
// fields of all blocks that begin after the attach are known. From packets, the first
// sent block is gone before its connection is known, and the reader already waits for
// the first received one.
func TestJoinGRPC(t *testing.T) {
	needProbes(t)
	first := 0
	if ofPackets() {
		first = 1
	}
	for _, test := range []struct {
		name, security, protocol string
		unknown                  int // blocks of each direction of a connection
	}{
		{"TLS", grpcTLS, "h2", first},
		{"without TLS", grpcPlain, "h2c", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := startFile(t, buildGRPC(t, test.security), nil)
			say := func(line string) {
				p.typeIn(line)
				if got, err := p.stdout.ReadString('\n'); err != nil || got != "said "+line+"\n" {
					t.Fatalf("got %q, %v", got, err)
				}
			}
			say("before")
			tr := startTracing(t, command{flags: []string{"-p", strconv.Itoa(p.pid)}})
			tr.awaitEvent(`"action":"attached"`, 1)
			for i := range 4 {
				say(fmt.Sprint(i))
			}
			tr.signal(syscall.SIGINT)
			checkBlocks(t, tr.good(), test.protocol, test.unknown)
		})
	}
}

// checkBlocks requires the fields of both ends of 20 calls: a request, and a response
// with trailers.
func checkBlocks(t *testing.T, r *result, protocol string, unknown int) {
	t.Helper()
	for _, e := range r.stream.Of("conn") {
		if e.Action == "open" && !strings.Contains(e.Raw, `"protocol":"`+protocol+`"`) {
			t.Errorf("got %s", e.Raw)
		}
	}
	known, without := map[string]int{}, map[string]int{}
	for _, e := range r.stream.Of("frame") {
		var f contract.FrameKeys
		if err := json.Unmarshal([]byte(e.Raw), &f); err != nil {
			t.Fatal(err)
		}
		if f.Violation != "" {
			t.Errorf("got %s", e.Raw)
		}
		if f.Type != "HEADERS" {
			continue
		}
		if f.Headers == nil {
			if without[e.Conn+f.Dir]++; without[e.Conn+f.Dir] > unknown {
				t.Errorf("got %s", e.Raw)
			}
		}
		for _, h := range f.Headers {
			if h.Name == "asked" || h.Name == "answered" {
				known[h.Name]++
			}
			if (h.Name == "asked" || h.Name == "answered") && h.Value != "since the start" {
				t.Errorf("got %s", e.Raw)
			}
		}
	}
	for _, name := range []string{"asked", "answered"} {
		if got := known[name]; got < 2*(20-unknown) || got > 2*20 {
			t.Errorf("%q is on %d blocks, want 2 of 20 calls each, but %d of each direction at most", name, got, unknown)
		}
	}
}
