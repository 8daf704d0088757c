package report

// Cause is the reason why the runs were long.
type Cause string

// The causes.
const (
	Healthy    Cause = "healthy"
	DNS        Cause = "dns"
	Connect    Cause = "connect"
	TLS        Cause = "tls"
	ServerWait Cause = "server_wait"
	Bandwidth  Cause = "bandwidth"
	PacketLoss Cause = "packet_loss"
	RecvWindow Cause = "recv_window"
	SendWindow Cause = "send_window"
	Client     Cause = "client"
	Errors     Cause = "errors"
	Checksum   Cause = "checksum"
	VCS        Cause = "vcs"
)

// Causes returns all causes.
func Causes() []Cause {
	return []Cause{
		Healthy, DNS, Connect, TLS, ServerWait, Bandwidth, PacketLoss, RecvWindow, SendWindow, Client, Errors, Checksum, VCS,
	}
}

// more says where to read on about the cause.
func (c Cause) more() string { return "h2trace help " + string(c) }

// Verdict is the cause, a sentence about it and its remedy, and the evidence.
type Verdict struct {
	Cause    Cause    `json:"cause"`
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}
