package lsp

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// TestClient has a server that sends a notification and a request before it answers.
func TestClient(t *testing.T) {
	in, out := io.Pipe()
	answers := make(chan message, 2)
	go func() {
		server := New(io.Discard, in)
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
	c := New(out, strings.NewReader(from))
	result, err := c.Call("textDocument/completion", nil)
	if err != nil || string(result) != `{"items":[1]}` {
		t.Errorf("got %s, %v", result, err)
	}
	if asked := <-answers; asked.Method != "textDocument/completion" {
		t.Errorf("got %+v, want the request", asked)
	}
	if answered := <-answers; answered.Method != "" || answered.ID == nil || string(*answered.ID) != "1" {
		t.Errorf("got %+v, want an answer to the server", answered)
	}
	if _, err := c.Call("shutdown", nil); err == nil {
		t.Error("no error after the end of the server")
	}
}
