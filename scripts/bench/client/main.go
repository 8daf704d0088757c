// Client loads a server over HTTP/2, with TLS or without. It prints its measurements after a warm-up as
// one line of JSON. h2trace observes it in some of the runs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"

	"h2trace/scripts/bench/pin"
)

// patience is the extra time to open connections and to finish.
const patience = 20 * time.Second

func main() {
	log.SetFlags(0)
	log.SetPrefix("client: ")
	var l load
	cpu := flag.Int("cpu", -1, "run on this core only")
	certFile := flag.String("cert", "", "certificate to trust; without it there is no TLS")
	conns := flag.Int("conns", 1, "connections to spread the requests over")
	flag.StringVar(&l.url, "url", "", "what to get")
	flag.IntVar(&l.workers, "c", 1, "requests at a time")
	flag.IntVar(&l.rate, "rate", 0, "requests a second; 0 is as many as possible")
	flag.DurationVar(&l.warmup, "warmup", 300*time.Millisecond, "load before the measuring begins")
	flag.DurationVar(&l.duration, "duration", time.Second, "load that is measured, at most a minute")
	flag.Parse()
	if err := pin.Process(*cpu); err != nil {
		log.Fatal(err)
	}
	for range *conns {
		client, err := newClient(*certFile)
		if err != nil {
			log.Fatal(err)
		}
		l.clients = append(l.clients, client)
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.warmup+min(l.duration, time.Minute)+patience)
	defer cancel()
	result, err := l.run(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
}
