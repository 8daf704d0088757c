package contract

import (
	"encoding/json"
	"time"
)

// Exchange is an exchange line. A null is nil.
type Exchange struct {
	TS            time.Time  `json:"ts"`
	Conn          string     `json:"conn"`
	Stream        uint32     `json:"stream"`
	Method        string     `json:"method"`
	URL           string     `json:"url"`
	Status        int        `json:"status"`
	Protocol      string     `json:"protocol"`
	Reused        *bool      `json:"reused"`
	RequestBytes  *int64     `json:"request_bytes"`
	ResponseBytes *int64     `json:"response_bytes"`
	DNS           *float64   `json:"dns_ms"`
	Connect       *float64   `json:"connect_ms"`
	TLS           *float64   `json:"tls_ms"`
	Send          *float64   `json:"send_ms"`
	Wait          *float64   `json:"wait_ms"`
	Receive       *float64   `json:"receive_ms"`
	Total         *float64   `json:"total_ms"`
	Stall         *Stalled   `json:"stall_ms"`
	Redirect      string     `json:"redirect"`
	Module        *Module    `json:"module"`
	Error         *Failure   `json:"error"`
	Start         *time.Time `json:"start"`
	Retry         *Retry     `json:"retry"`
	Via           string     `json:"via"`
	Authorized    *bool      `json:"authorized"`
	RetryAfter    string     `json:"retry_after"`
	GRPCStatus    *int       `json:"grpc_status"`
	GRPCMessage   string     `json:"grpc_message"`
	Silent        *float64   `json:"silent_ms"`
	TraceParent   string     `json:"traceparent"`
	Open          bool       `json:"open"`
}

// Retry is the exchange without a response that this one repeats.
type Retry struct {
	Attempt int
	Conn    string
	Stream  uint32
	Class   string
}

// Stalled is how long flow control stalled an exchange.
type Stalled struct {
	RecvWindow float64 `json:"recv_window"`
	SendWindow float64 `json:"send_window"`
}

// Module is what an exchange requested from a module proxy.
type Module struct{ Path, Version, Kind, Proxy, Next, Barred string }

// Failure is why an exchange failed.
type Failure struct{ Class, Detail string }

// Exchanges returns the exchange lines, in the order of the output.
func (s *Stream) Exchanges() ([]Exchange, error) {
	var list []Exchange
	for _, e := range s.Of("exchange") {
		var x Exchange
		if err := json.Unmarshal([]byte(e.Raw), &x); err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}
