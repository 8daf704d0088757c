package page_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// hostileNames are made to break out of a page.
var hostileNames = []string{
	`</script><script>window.broken=1</script>`,
	`<img src=x onerror="window.broken=2">`,
	`"><svg onload=window.broken=3>`,
	`<!--<script>window.broken=4//`,
	`javascript:window.broken=5`,
	"\u2028window.broken=6\u2029",
	`{{window.broken=7}}${window.broken=7}`,
	`__proto__`, `constructor`, `</style><style>*{display:none}`,
	"\u202egnp.exe\u2066", "\x00\x1b[31m", `\u003c/script\u003e`, "\ufeff\ufffe",
	strings.Repeat("<b>", 2000),
}

// hostileRun has such a name wherever a server, or a program, chooses what is recorded.
func hostileRun(name string) string {
	q, _ := json.Marshal(name) // a string has no error
	w := new(events)
	w.line(0, "process", `"action":"exec","ppid":1,"exe":%s`, q)
	w.line(0, "process", `"action":"skipped","exe":%s,"reason":%s`, q, q)
	w.line(1000, "conn", `"conn":%[1]s,"action":"open","remote":%[1]s,"role":"client","joined":"start","tls":{"version":"TLS 1.3","issuer":%[1]s},"dns_ms":1,"connect_ms":1,"tls_ms":1,"name":%[1]s`, q)
	w.line(1500, "conn", `"action":"failed","remote":%[1]s,"connect_ms":1,"name":%[1]s,"error":{"class":%[1]s,"detail":%[1]s},"proxy":%[1]s`, q)
	for i, bytes := range []int{9, 0, 9} {
		w.line(2000+int64(i), "frame", `"conn":%s,"dir":"recv","stream":1,"type":"DATA","window":{"conn_recv":%d,"stream_recv":%d}`, q, bytes, bytes)
	}
	w.line(3000, "stall", `"conn":%s,"stream":1,"side":"recv_window","window":9,"start":%s,"stall_ms":1,"ended_by":%s`, q, q, q)
	w.line(4000, "exchange", `"conn":%[1]s,"stream":1,"method":%[1]s,"url":%[1]s,"status":200,"protocol":"h2","wait_ms":1,"total_ms":1,"module":{"path":%[1]s,"version":%[1]s,"kind":%[1]s,"proxy":%[1]s,"next":%[1]s},`+
		`"error":{"class":%[1]s,"detail":%[1]s},"redirect":%[1]s,"via":%[1]s,"cache":%[1]s,"retry_after":%[1]s,"retry":{"class":%[1]s},"server_timing":{%[1]s:1}`, q)
	w.line(4500, "exchange", `"conn":"c9","stream":1,"method":"GET","url":%s,"status":404,"wait_ms":1,"total_ms":1`, mustJSON("https://goproxy.example/"+name))
	w.line(5000, "process", `"action":"error","module":{"path":%[1]s,"version":%[1]s},"error":{"class":%[1]s,"detail":%[1]s}`, q)
	w.line(5500, "conn", `"conn":%[1]s,"action":"close","remote":%[1]s,"protocol":%[1]s,"rtt_ms":1,"reason":%[1]s`, q)
	w.line(6000, "process", `"action":"exit","exit_code":1`)
	w.line(6000, "summary", `"exchanges":1,"command":7,"labels":{%s:%s}`, q, q)
	return w.String()
}

func mustJSON(s string) string {
	b, _ := json.Marshal(s) // a string has no error
	return string(b)
}

var dataElement = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

// TestHostileNames opens pages of hostile runs: names are text there, and nothing of them runs.
func TestHostileNames(t *testing.T) {
	var all strings.Builder
	for _, name := range hostileNames {
		page := pageOfText(t, hostileRun(name))
		data := dataElement.FindSubmatch(page)
		if data == nil || strings.ContainsAny(string(data[1]), "<>&\u2028\u2029\u202e\u2066") || !json.Valid(data[1]) {
			t.Errorf("%.40q: the data of the page is not escaped", name)
		}
		all.WriteString(hostileRun(name))
	}
	b := open(t, file(t, pageOfText(t, all.String())), desktop)
	for i := range hostileNames {
		got := eval[string](b, fmt.Sprintf(`(() => {
			byId("run").value = %d;
			byId("run").dispatchEvent(new Event("change"));
			for (let i = 0; i < waterfall.rows.length; i++) { select(i, true); drawNow(); }
			document.querySelectorAll("details").forEach(d => d.open = true);
			return String(window.broken) + " " + document.querySelectorAll("main img, main svg, main b > b, main script").length + " " + (waterfall.rows.length > 2);
		})()`, i))
		if got != "undefined 0 true" {
			t.Errorf("%.40q: broken, elements of names, rows: %s", hostileNames[i], got)
		}
	}
	if got, want := eval[string](b, `byId("details").textContent + byId("labels").textContent + byId("run").textContent`), "<b><b>"; !strings.Contains(got, want) {
		t.Errorf("names are not shown as text: %.300q", got)
	}
	b.wantQuiet()
}

// TestPolicy plants an element into the page, as a mistake might, and a script: the policy stops both.
func TestPolicy(t *testing.T) {
	page := pageOf(t, recordedDownload)
	planted := strings.Replace(string(page), "<main>", `<main><script>window.broken=1</script><img src="https://m.example/x.png" onerror="window.broken=2"><p style="color:red" id="planted">x</p>`, 1)
	b := open(t, file(t, []byte(planted)), desktop)
	b.settle()
	if got := eval[string](b, `String(window.broken) + " " + getComputedStyle(byId("planted")).color`); got != "undefined rgb(22, 32, 44)" {
		t.Errorf("broken, colour of what is planted: %s", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	blocked := 0
	for _, text := range b.complains {
		if strings.Contains(text, "Content Security Policy") {
			blocked++
		}
	}
	if blocked < 3 {
		t.Errorf("the policy stopped %d things: %q", blocked, b.complains)
	}
}
