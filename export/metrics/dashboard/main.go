// Dashboard prints the Grafana dashboard of the metrics of h2trace:
//
//	go run ./export/metrics/dashboard >export/metrics/dashboard/h2trace.json
//
// Import the file into Grafana. Its data source is a Prometheus that scrapes h2trace --metrics.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1)
	}
}

// write writes the dashboard as Grafana imports it.
func write(w io.Writer) error {
	d, err := build()
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(d)
}
