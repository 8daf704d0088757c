package decoder

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"h2trace/decoder/internal/corpora"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2/hpack"
)

// headerList is a JSON array of objects with one member each.
type headerList []map[string]string

func (l headerList) fields() []hpack.HeaderField {
	fs := []hpack.HeaderField{}
	for _, m := range l {
		for name, value := range m {
			fs = append(fs, hpack.HeaderField{Name: name, Value: value})
		}
	}
	return fs
}

// plain copies fields without their sensitivity, which the vectors lack.
func plain(fs []hpack.HeaderField) []hpack.HeaderField {
	out := []hpack.HeaderField{}
	for _, f := range fs {
		f.Sensitive = false
		out = append(out, f)
	}
	return out
}

// TestStories decodes the stories of five encoders as the requests of a connection, whole and
// byte by byte. Each block is cut into CONTINUATION frames at another offset.
func TestStories(t *testing.T) {
	type story struct {
		Cases []struct {
			Size    *uint32 `json:"header_table_size"`
			Wire    string
			Headers headerList
		}
	}
	dir := corpora.Path(t, "hpack")
	for _, name := range corpora.Files(t, filepath.Join(dir, "*", "*.json")) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(rel, func(t *testing.T) {
			var s story
			if err := json.Unmarshal(read(t, name), &s); err != nil {
				t.Fatal(err)
			}
			inputs := handshake()
			size := uint32(defaultTable)
			var want [][]hpack.HeaderField
			for i, c := range s.Cases {
				id := uint32(2*i + 1)
				if c.Size != nil && *c.Size != size {
					size = *c.Size
					inputs = append(inputs,
						input{at: 4, dir: Recv, data: settingsFrame(Setting{SettingHeaderTableSize, size})},
						input{at: 5, dir: Send, data: settingsAck})
				}
				b := unhex(t, c.Wire)
				at := i % (len(b) + 1)
				f := wire(TypeHeaders, FlagEndStream, id, b[:at])
				f = append(f, wire(TypeContinuation, FlagEndHeaders, id, b[at:])...)
				inputs = append(inputs, input{at: 6, dir: Send, data: f})
				want = append(want, c.Headers.fields())
			}
			whole := decode(Config{Role: Client, FromStart: true}, inputs, nil)
			bytewise := decode(Config{Role: Client, FromStart: true}, inputs, func(int, int, int) int { return 1 })
			if diff := cmp.Diff(whole.lines, bytewise.lines); diff != "" {
				t.Errorf("byte by byte differs (-whole +bytes):\n%s", diff)
			}
			var got [][]hpack.HeaderField
			for _, h := range whole.headers {
				got = append(got, plain(h))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if len(whole.violations) > 0 {
				t.Errorf("violations: %v", whole.violations)
			}
		})
	}
}

// nettyCase is a file of the netty corpus.
type nettyCase struct {
	MaxSize   *uint32 `json:"max_header_table_size"`
	Sensitive bool    `json:"sensitive_headers"`
	Blocks    []struct {
		MaxSize   *uint32 `json:"max_header_table_size"`
		Headers   headerList
		Encoded   []string
		Table     headerList `json:"dynamic_table"`
		TableSize uint32     `json:"table_size"`
	} `json:"header_blocks"`
}

// entries reads the dynamic table, newest first, by the indices that a block uses.
func entries(t testing.TB, table *fieldTable) (list []hpack.HeaderField, size uint32) {
	t.Helper()
	list = []hpack.HeaderField{}
	for index := uint64(1); table.dynamic.at(index) != nil; index++ {
		e := table.dynamic.at(index)
		f := hpack.HeaderField{Name: e.name, Value: e.value}
		list = append(list, f)
		size += f.Size()
	}
	return list, size
}

// TestNetty compares the dynamic table after each block: of a table that decoded all blocks,
// and of tables seeded with the contents before the block.
func TestNetty(t *testing.T) {
	for _, name := range corpora.Files(t, filepath.Join(corpora.Path(t, "netty-hpack"), "*.json")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			var c nettyCase
			if err := json.Unmarshal(read(t, name), &c); err != nil {
				t.Fatal(err)
			}
			max := uint32(defaultTable)
			if c.MaxSize != nil {
				max = *c.MaxSize
			}
			table := &fieldTable{}
			table.seed(nil, max)
			before := []hpack.HeaderField{}
			for i, b := range c.Blocks {
				block := unhex(t, strings.Join(b.Encoded, ""))
				seeded := &fieldTable{}
				slices.Reverse(before)
				seeded.seed(before, max)
				for which, table := range map[string]*fieldTable{"grown": table, "seeded": seeded} {
					got, msg, broken := table.decode(block, defaultBlock)
					if msg != "" || broken != nil {
						t.Fatalf("block %d, %s table: %q, %v", i, which, msg, broken)
					}
					if diff := cmp.Diff(b.Headers.fields(), plain(got)); diff != "" {
						t.Errorf("block %d, %s table: headers (-want +got):\n%s", i, which, diff)
					}
					for _, f := range got {
						if f.Sensitive != c.Sensitive {
							t.Errorf("block %d: %q sensitive = %v", i, f.Name, f.Sensitive)
						}
					}
					list, size := entries(t, table)
					if diff := cmp.Diff(b.Table.fields(), list); diff != "" {
						t.Errorf("block %d, %s table (-want +got):\n%s", i, which, diff)
					}
					if size != b.TableSize {
						t.Errorf("block %d, %s table: size %d, want %d", i, which, size, b.TableSize)
					}
				}
				before = b.Table.fields()
				max = table.max
			}
		})
	}
}

// TestRFC7541 decodes the examples of RFC 7541 appendix C, each sequence in
// one table.
func TestRFC7541(t *testing.T) {
	type step struct{ wire, want string }
	custom := "custom-key: custom-header"
	get := ":method: GET, :scheme: http, :path: /, :authority: www.example.com"
	second := get + ", cache-control: no-cache"
	third := ":method: GET, :scheme: https, :path: /index.html, :authority: www.example.com, custom-key: custom-value"
	found := ":status: 302, cache-control: private, date: Mon, 21 Oct 2013 20:13:21 GMT, location: https://www.example.com"
	temporary := strings.Replace(found, "302", "307", 1)
	ok := ":status: 200, cache-control: private, date: Mon, 21 Oct 2013 20:13:22 GMT, location: https://www.example.com, " +
		"content-encoding: gzip, set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
	tests := []struct {
		name  string
		size  uint32
		steps []step
	}{
		{"C.2.1", 4096, []step{{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", custom}}},
		{"C.2.2", 4096, []step{{"040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path"}}},
		{"C.2.3", 4096, []step{{"1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret!"}}},
		{"C.2.4", 4096, []step{{"82", ":method: GET"}}},
		{"C.3", 4096, []step{
			{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", get},
			{"8286 84be 5808 6e6f 2d63 6163 6865", second},
			{"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", third},
		}},
		{"C.4", 4096, []step{
			{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", get},
			{"8286 84be 5886 a8eb 1064 9cbf", second},
			{"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", third},
		}},
		{"C.5", 256, []step{
			{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", found},
			{"4803 3330 37c1 c0bf", temporary},
			{"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31", ok},
		}},
		{"C.6", 256, []step{
			{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3", found},
			{"4883 640e ffc1 c0bf", temporary},
			{"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07", ok},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := &fieldTable{}
			table.seed(nil, test.size)
			for i, s := range test.steps {
				fields, msg, broken := table.decode(unhex(t, s.wire), defaultBlock)
				if msg != "" || broken != nil {
					t.Fatalf("step %d: %q, %v", i+1, msg, broken)
				}
				var text []string
				for _, f := range fields {
					line := f.Name + ": " + f.Value
					if f.Sensitive {
						line += "!"
					}
					text = append(text, line)
				}
				if got := strings.Join(text, ", "); got != s.want {
					t.Errorf("step %d:\n got %s\nwant %s", i+1, got, s.want)
				}
			}
		})
	}
}

// TestSeedTable joins a conversation of the adversarial corpus in the middle. It seeds the
// table as the missed first request left it.
func TestSeedTable(t *testing.T) {
	c2s := read(t, filepath.Join(corpora.Path(t, "adversarial"), "mid-attach-frames.c2s"))
	r := &recorder{}
	c := NewConn(Config{Role: Client}, r)
	table := []hpack.HeaderField{
		{Name: ":authority", Value: "goproxy.example"},
		{Name: ":path", Value: "/example.com/module/@v/list"},
		{Name: "user-agent", Value: "Go-http-client/2.0"},
	}
	c.sides[Send].blocks.table.seed(table, defaultTable)
	for i := range c2s {
		c.Data(1, Send, c2s[i:i+1])
	}
	c.Close(2)
	want := append([]hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}}, table...)
	if len(r.headers) != 50 {
		t.Fatalf("%d blocks, want 50", len(r.headers))
	}
	for i, got := range r.headers {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("block %d, error %q (-want +got):\n%s", i, r.errors[i], diff)
		}
	}
}
