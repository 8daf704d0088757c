package flow_test

import (
	"fmt"
	"os"

	"h2trace/decoder"
	"h2trace/decoder/exchange"
	"h2trace/decoder/flow"
	"h2trace/decoder/ktime"
	"h2trace/decoder/tls"
)

// Read a capture and print its frames and requests. The file has the session secrets in it, as
// h2trace --pcap --show-secrets and editcap --inject-secrets write it.
func Example() {
	file, err := os.Open("testdata/requests.pcapng")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()

	table := flow.New(flow.Config{Open: func(c *flow.Conn) flow.Hooks {
		fmt.Println("connection to port", c.Remote.Port())
		var h flow.Hooks
		h.TLS = func(_ ktime.Time, info *tls.Info) { fmt.Println("TLS with ALPN", info.ALPN) }
		h.Frame = func(f *decoder.Frame) {
			fmt.Printf("%v %v stream %d, %d bytes\n", f.Dir, f.Type, f.StreamID, f.Length)
		}
		h.Exchange = func(e *exchange.Exchange) {
			fmt.Printf("=> %s %s: %d, %d bytes\n", e.Method, e.URL, e.Status, e.ResponseBytes)
		}
		return h
	}})
	if err := table.Read(file); err != nil {
		fmt.Println(err) // what came before is decoded
	}
	table.Close()

	// Output:
	// connection to port 45093
	// TLS with ALPN h2
	// send SETTINGS stream 0, 24 bytes
	// send WINDOW_UPDATE stream 0, 4 bytes
	// send HEADERS stream 1, 42 bytes
	// recv SETTINGS stream 0, 30 bytes
	// send SETTINGS stream 0, 0 bytes
	// recv SETTINGS stream 0, 0 bytes
	// recv WINDOW_UPDATE stream 0, 4 bytes
	// recv HEADERS stream 1, 48 bytes
	// recv DATA stream 1, 6 bytes
	// => GET https://service.example/hello: 200, 6 bytes
	// send HEADERS stream 3, 16 bytes
	// recv HEADERS stream 3, 31 bytes
	// recv DATA stream 3, 19 bytes
	// => GET https://service.example/missing: 404, 19 bytes
	// send HEADERS stream 5, 12 bytes
	// recv HEADERS stream 5, 3 bytes
	// recv DATA stream 5, 4096 bytes
	// recv DATA stream 5, 4096 bytes
	// recv DATA stream 5, 4096 bytes
	// recv DATA stream 5, 4096 bytes
	// recv DATA stream 5, 4096 bytes
	// recv DATA stream 5, 3520 bytes
	// => GET https://service.example/large: 200, 24000 bytes
	// send WINDOW_UPDATE stream 0, 4 bytes
	// send WINDOW_UPDATE stream 5, 4 bytes
	// send WINDOW_UPDATE stream 0, 4 bytes
	// send WINDOW_UPDATE stream 5, 4 bytes
	// send WINDOW_UPDATE stream 0, 4 bytes
	// send WINDOW_UPDATE stream 5, 4 bytes
	// send HEADERS stream 7, 16 bytes
	// send DATA stream 7, 11 bytes
	// recv HEADERS stream 7, 2 bytes
	// => POST https://service.example/upload: 204, 0 bytes
}
