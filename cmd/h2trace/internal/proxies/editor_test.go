package proxies

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"testing"
)

func TestChoosePackage(t *testing.T) {
	const out = "main example.com/m/cmd/tool 9\nm example.com/m 1\nx example.com/m/internal/x 8\ny example.com/m/y 3\nz example.com/m/z 3\n"
	if got, ok := choosePackage(out); !ok || got.path != "example.com/m/y" {
		t.Errorf("got %+v, want example.com/m/y", got)
	}
	if got, ok := choosePackage("main example.com/m 1\n"); ok {
		t.Errorf("got %+v of a module without a package to import", got)
	}
}

func TestSourceOf(t *testing.T) {
	got := sourceOf([]goPackage{{"example.com/a", 1}, {"example.com/b", 2}})
	const want = "package main\n\nimport (\n\tp \"example.com/b\"\n\t_ \"example.com/a\"\n)\n\nfunc main() {\n}\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLSP has a server that sends a notification and a request before it answers.
func TestLSP(t *testing.T) {
	in, out := io.Pipe()
	answers := make(chan lspMessage, 2)
	go func() {
		server := &lsp{in: io.Discard, out: bufio.NewReader(in)}
		for range 2 {
			m, err := server.receive()
			if err != nil {
				t.Error(err)
			}
			answers <- m
		}
		_ = in.Close()
	}()
	frame := func(body string) string { return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body }
	from := frame(`{"jsonrpc":"2.0","method":"window/logMessage","params":{"message":"x"}}`) +
		frame(`{"jsonrpc":"2.0","id":1,"method":"workspace/configuration","params":{}}`) +
		frame(`{"jsonrpc":"2.0","id":1,"result":{"items":[1]}}`)
	c := &lsp{in: out, out: bufio.NewReader(strings.NewReader(from))}
	result, err := c.call("textDocument/completion", nil)
	if err != nil || string(result) != `{"items":[1]}` {
		t.Errorf("got %s, %v", result, err)
	}
	if asked := <-answers; asked.Method != "textDocument/completion" {
		t.Errorf("got %+v, want the request", asked)
	}
	if answered := <-answers; answered.Method != "" || answered.ID == nil || string(*answered.ID) != "1" {
		t.Errorf("got %+v, want an answer to the server", answered)
	}
	if _, err := c.call("shutdown", nil); err == nil {
		t.Error("no error after the end of the server")
	}
}
