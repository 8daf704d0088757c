package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/cmd/h2trace/internal/testkit/contract"
)

// transfer is a transfer of curl.
type transfer struct {
	Headers map[string][]string `json:"-"` // of the response

	URL      string `json:"url_effective"`
	Method   string
	Version  string `json:"http_version"`
	Status   int    `json:"response_code"`
	IP       string `json:"local_ip"`
	Port     int    `json:"local_port"`
	Download int64  `json:"size_download"`
	Upload   int64  `json:"size_upload"`
	Request  int64  `json:"size_request"` // with the body
	Header   int64  `json:"size_header"`
}

func (x *transfer) local() string { return fmt.Sprintf("%s:%d", x.IP, x.Port) }

// curl fetches URLs, on one connection.
func curl(t *testing.T, args, env []string) (list []transfer) {
	t.Helper()
	args = append([]string{"curl", "--silent", "--show-error", "--write-out", "%{stderr}%{json}\n%{header_json}\n"}, args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = env
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("curl: %v\n%s", err, indent(said.String()))
	}
	for d := json.NewDecoder(&said); d.More(); {
		var x transfer
		if err := d.Decode(&x); err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&x.Headers); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// checkCurl compares exchanges, header fields and counts of bytes with curl's output.
func checkCurl(t *testing.T, c *contract.Conn, exchanges []contract.Exchange, list []transfer) {
	t.Helper()
	var got, want []string
	for _, x := range exchanges {
		if x.Conn == c.ID {
			got = append(got, fmt.Sprintln(x.Method, x.URL, x.Status, x.Protocol, *x.RequestBytes, *x.ResponseBytes, x.Error))
		}
	}
	var sent, received int64
	var fields []map[string][]string
	for _, x := range list {
		protocol := map[string]string{"1.1": "http/1.1", "2": "h2c"}[x.Version]
		want = append(want, fmt.Sprintln(x.Method, x.URL, x.Status, protocol, x.Upload, x.Download, (*contract.Failure)(nil)))
		sent, received = sent+x.Header+x.Download, received+x.Request
		fields = append(fields, x.Headers)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exchanges (-curl +trace):\n%s", diff)
	}
	if list[0].Version == "1.1" {
		if *c.Close.BytesSent != sent || *c.Close.BytesReceived != received {
			t.Errorf("%d bytes sent, %d received, and curl has had %d, sent %d", *c.Close.BytesSent, *c.Close.BytesReceived, sent, received)
		}
		return
	}
	var answered []map[string][]string
	for _, e := range c.Frames {
		if e.Dir != "send" || e.Type != "HEADERS" {
			continue
		}
		h := make(map[string][]string)
		for i := range e.Headers {
			if f := e.Headers[i].Field(); f.Name != ":status" {
				h[f.Name] = append(h[f.Name], f.Value)
			}
		}
		answered = append(answered, h)
	}
	if diff := cmp.Diff(fields, answered); diff != "" {
		t.Errorf("response headers (-curl +trace):\n%s", diff)
	}
}
