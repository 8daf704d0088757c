package contract

// key is one key that a kind of line may have. The keys of a line are in this order.
type key struct {
	name     string
	is       check
	required bool // a missing key is a fault; null is one only where is refuses it
}

// need is a required key, opt one that may be absent or null.
func need(name string, is check) key { return key{name, is, true} }
func opt(name string, is check) key  { return key{name, orNull(is), false} }

// exact is a key for bytes that were not UTF-8, after the readable one.
func exact(name string) key { return opt(name+"_b64", base64Bytes) }

var (
	every     = []key{need("v", one), need("ts", timestamp), need("event", str)}
	ofProcess = append(every[:3:3], need("pid", count), need("comm", orNull(str)))
	ofConn    = append(ofProcess[:5:5], need("conn", connID))
	module    = keys(opt("path", str), opt("version", str), need("kind", str), opt("proxy", str), opt("next", str), opt("barred", str),
		opt("tail", oneOf("direct", "off", "none")), opt("credentials", boolean))
)

// schema is the contract, one list of keys for each kind of event.
var schema = map[string][]key{
	"process": append(ofProcess[:5:5],
		need("action", oneOf("attached", "exec", "exit", "skipped", "error", "lock")),
		opt("ppid", count), opt("exe", str), opt("container", str), opt("go_version", str), opt("build_id", str), opt("plan", object),
		opt("exit_code", integer), opt("duration_ms", millis), opt("cpu_ms", millis), opt("path", str), opt("wait_ms", millis), opt("locked", boolean), opt("args", list(str)), opt("reason", str),
		opt("module", keys(need("path", str), opt("version", str))),
		opt("error", keys(need("class", str), need("detail", str))), opt("via", str),
		opt("requests", list(keys(need("conn", connID), need("stream", count), need("url", str), opt("proxy", str)))),
		opt("processes", list(keys(need("pid", count), opt("args", list(str)), need("exit_code", integer))))),
	"conn": append(ofProcess[:5:5],
		opt("conn", connID), need("action", oneOf("open", "close", "resync", "dns", "failed", "silent")),
		opt("local", endpoint), opt("remote", endpoint), opt("role", oneOf("client", "server")),
		opt("protocol", oneOf("h2", "h2c", "http/1.1", "dns", "quic")), opt("joined", oneOf("start", "mid")),
		opt("tls", keys(opt("version", str), opt("alpn", str), opt("sni", str), opt("resumed", boolean),
			opt("cipher", str), opt("verify_ms", millis), opt("issuer", str), opt("issuer_public", boolean),
			opt("offered_alpn", list(str)), opt("offered_versions", list(str)))),
		opt("dns_ms", millis), opt("connect_ms", millis), opt("tls_ms", millis), opt("name", str), opt("via", str), opt("source", oneOf("wire", "calls")), opt("reason", str), opt("quic_version", str),
		opt("type", str), opt("rcode", str), opt("answers", list(str)),
		opt("error", keys(need("class", str), opt("detail", str))), opt("proxy", str), opt("next", str), opt("barred", str),
		opt("dir", oneOf("send", "recv")), opt("skipped_bytes", count),
		opt("bytes_sent", count), opt("bytes_received", count), opt("rtt_ms", millis),
		opt("retransmits", count), opt("frames", count), opt("min_rtt_ms", millis),
		opt("out_of_order", count), opt("segments_sent", count), opt("segments_received", count), opt("holes", count), opt("rcv_rtt_ms", millis), opt("mss", count), opt("ttl", count), opt("unread_bytes", count), opt("unsent_bytes", count),
		opt("peak_streams", count), opt("max_concurrent_streams", count),
		opt("datagrams_sent", count), opt("datagrams_received", count),
		opt("state", oneOf("connecting", "connected", "closed")), opt("silent_ms", millis), opt("last", oneOf("send", "recv")), opt("other_way_ms", millis)),
	"request": append(ofConn[:6:6],
		need("stream", count), opt("method", str), opt("url", str), need("protocol", str), opt("reused", boolean),
		opt("module", module), opt("via", str)),
	"exchange": append(ofConn[:6:6],
		need("stream", count), opt("method", str), opt("url", str), opt("status", count), opt("protocol", str),
		opt("reused", boolean), opt("request_bytes", count), opt("response_bytes", count),
		opt("dns_ms", millis), opt("connect_ms", millis), opt("tls_ms", millis), opt("send_ms", millis),
		opt("wait_ms", millis), opt("receive_ms", millis), opt("total_ms", millis),
		opt("stall_ms", keys(opt("recv_window", millis), opt("send_window", millis))),
		opt("redirect", str), opt("module", module),
		opt("error", keys(need("class", str), opt("detail", str))), opt("start", timestamp),
		opt("retry", keys(need("attempt", count), need("conn", connID), need("stream", count), need("class", str))), opt("via", str),
		opt("authorized", boolean), opt("retry_after", str), exact("retry_after"),
		opt("cache", oneOf("hit", "miss")), opt("age_s", count), opt("server_timing", members(millis)),
		opt("grpc_status", count), opt("grpc_message", str), opt("silent_ms", millis), opt("open", boolean)),
	"stall": append(ofConn[:6:6],
		need("stream", count), need("side", oneOf("recv_window", "send_window")), opt("window", integer),
		need("start", timestamp), need("stall_ms", millis), opt("ended_by", str)),
	"verify": append(ofConn[:6:6],
		need("dir", oneOf("send", "recv")), need("stream", count), need("index", count),
		need("want", orNull(header)), need("got", orNull(header))),
	"loss": append(every[:3:3],
		need("reason", oneOf("ring_full", "table_full", "truncated", "read_fault", "gap")), need("records", count),
		need("bytes", orNull(count)), opt("conn", connID)),
	"summary": append(every[:3:3],
		need("duration_ms", millis), need("processes", count), need("conns", count), need("frames", count),
		opt("exchanges", count),
		need("records", keys(need("seen", count), need("delivered", count), need("lost", count))),
		need("bytes", keys(need("seen", count), need("captured", count))),
		need("agent", keys(need("cpu_ms", orNull(millis)), need("max_rss_bytes", orNull(count)))),
		opt("command", count), opt("signal", str),
		opt("verify", keys(need("blocks", count), need("fields", count), need("mismatches", count), need("unchecked", count))),
		opt("packets", keys(need("written", count), need("lost", count))),
		opt("labels", object)),
}

var (
	frameHead = append(ofConn[:6:6], need("dir", oneOf("send", "recv")), need("stream", count),
		need("type", str), need("flags", list(str)), need("length", count))
	frameTail = []key{
		need("window", keys(need("conn_send", orNull(integer)), need("conn_recv", orNull(integer)),
			need("stream_send", orNull(integer)), need("stream_recv", orNull(integer)))),
		opt("truncated", boolean), opt("violation", str),
	}
	priority  = keys(need("depends_on", count), need("weight", count), need("exclusive", boolean))
	header    = keys(need("name", str), exact("name"), need("value", str), exact("value"), opt("never_indexed", boolean))
	blockKeys = []key{
		opt("headers", list(header)), opt("headers_error", str), opt("promised_stream", count), opt("priority", priority),
	}
	setting = keys(need("name", str), need("value", count))
)

// frameKeys are the keys that a type of frame has between length and window.
var frameKeys = map[string][]key{
	"DATA":          {need("data_length", count), opt("body", str), opt("body_b64", base64Bytes)},
	"HEADERS":       blockKeys,
	"PUSH_PROMISE":  blockKeys,
	"CONTINUATION":  blockKeys,
	"PRIORITY":      {need("priority", priority)},
	"RST_STREAM":    {need("error", str), need("error_code", count)},
	"SETTINGS":      {need("settings", members(count)), opt("settings_wire", list(setting)), need("ack", boolean)},
	"PING":          {need("ack", boolean), need("opaque", hexBytes)},
	"GOAWAY":        {need("error", str), need("error_code", count), need("last_stream", count), need("debug", str), exact("debug")},
	"WINDOW_UPDATE": {need("increment", count)},
	"PRIORITY_UPDATE": {
		need("prioritized_stream", count), need("field_value", str), exact("field_value"),
	},
	"ALTSVC": {need("origin", str), exact("origin"), need("field_value", str), exact("field_value")},
	"ORIGIN": {need("origins", list(str)), opt("origins_b64", list(base64Bytes))},
}

// frameLine returns the keys of a frame line. The payload of a faulty frame, one that
// is truncated or breaks a rule, can be unknown.
func frameLine(frameType string, faulty bool) []key {
	line := append([]key(nil), frameHead...)
	for _, k := range frameKeys[frameType] {
		if faulty {
			k = opt(k.name, k.is)
		}
		line = append(line, k)
	}
	return append(line, frameTail...)
}
