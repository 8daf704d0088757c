// Command secrets derives secrets of TLS when a byte comes from stdin. It prints the
// lines of a key log file, those of a server and of a fork, and an empty one. Its client
// keeps no log. It ends with its stdin.
package main

import (
	"bytes"
	"flag"
	"io"
	"log"
	"net"
	"os"
	"reflect"
	"sync"
	"syscall"
	"unsafe"

	fork "example.com/secrets/my.tls"
)

var labels = []string{
	"CLIENT_RANDOM",
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
}

// shake shakes hands over connections of the listener, or does nothing in a program
// without crypto/tls.
var shake = func(net.Listener, io.Writer) {}

func main() {
	cold := flag.Bool("cold", false, "keep the pages of the labels out of memory")
	odd := flag.Bool("odd", false, "derive besides what no handshake does")
	flag.Parse()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	_, err = os.Stdin.Read(make([]byte, 1))
	check(err)
	w := &keyLog{cold: *cold}
	w.forget()
	shake(ln, w)
	config := &fork.Config{KeyLogWriter: w}
	check(config.Derive(labels))
	config.KeyLogWriter = nil
	check(config.Derive([]string{"EXPORTER_SECRET", "EARLY_EXPORTER_SECRET"}))
	if *odd {
		page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		check(err)
		check(config.Odd(page))
	}
	_, err = os.Stdout.Write(append(w.Bytes(), '\n'))
	check(err)
	_, err = io.Copy(io.Discard, os.Stdin)
	check(err)
}

// keyLog keeps what is written to it.
type keyLog struct {
	bytes.Buffer
	mu   sync.Mutex
	cold bool
}

func (w *keyLog) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.forget()
	return w.Buffer.Write(b)
}

// forget has the kernel unmap the pages of the labels until they are read again.
func (w *keyLog) forget() {
	if !w.cold {
		return
	}
	const size = 4096
	for i := range labels {
		label := unsafe.Pointer((*reflect.StringHeader)(unsafe.Pointer(&labels[i])).Data)
		page := unsafe.Add(label, -int(uintptr(label)%size))
		check(syscall.Madvise(unsafe.Slice((*byte)(page), size), syscall.MADV_DONTNEED))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
