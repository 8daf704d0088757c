package page_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var update = flag.Bool("update", false, "renew the screenshots and the digest of their page")

// screenshots are those of the README.
var screenshots = map[string]screen{"page-1280.png": {width: 1280, height: 1060}, "page-390.png": {width: 390, height: 844}}

// TestScreenshots makes the page of the recording anew, byte for byte, and the pictures of it. If
// the page is meant to be another one, -update renews both; look at them then.
func TestScreenshots(t *testing.T) {
	const dir = "../testdata"
	page := pageOf(t, recordedDownload)
	sum := sha256.Sum256(page)
	got := []byte(hex.EncodeToString(sum[:]) + "\n")
	digest := filepath.Join(dir, "page.sha256")
	if *update {
		if err := os.WriteFile(digest, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(digest); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the page is not that of the screenshots (%v): go test ./export/report/page -run TestScreenshots -update", err)
	}
	name := file(t, page)
	for picture, s := range screenshots {
		b := open(t, name, s)
		b.useFonts(t)
		b.press("/")
		b.press(strings.Split("-tile", "")...)
		b.press(kb.Enter)
		eval[[]byte](b, `document.activeElement.blur(); scrollTo(0, innerWidth < 600 ? byId("spent").offsetTop - 12 : 0)`)
		b.settle()
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join(dir, picture), small(t, drawn), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(filepath.Join(dir, picture))
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(bytes.NewReader(kept))
		if err != nil {
			t.Fatal(err)
		}
		wantAlike(t, picture, drawn, want)
	}
}

// useFonts has the page use the fonts of the screenshots, whatever the system prefers.
func (b *tab) useFonts(t *testing.T) {
	t.Helper()
	widths := eval[[]int](b, `["--font", "--mono"].map((name, i) => {
		const font = ["DejaVu Sans", "DejaVu Sans Mono"][i], ctx = document.createElement("canvas").getContext("2d");
		document.documentElement.style.setProperty(name, '"' + font + '"');
		ctx.font = '100px "' + font + '"';
		return Math.round(ctx.measureText("m").width);
	})`)
	if !slices.Equal(widths, []int{97, 60}) {
		t.Skip("needs the fonts DejaVu Sans and DejaVu Sans Mono, which scripts/setup installs")
	}
	eval[[]byte](b, `setTheme(theme.now, redrawAll)`)
}

// block is the side of the squares by which pictures are compared, in pixels.
const block = 20

// wantAlike compares pictures by the mean colours of blocks, as browsers smooth letters and edges
// differently. One block in 200 may differ.
func wantAlike(t *testing.T, name string, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Errorf("%s is %v, want %v", name, got.Bounds(), want.Bounds())
		return
	}
	blocks, other := 0, 0
	for y := 0; y+block <= want.Bounds().Dy(); y += block {
		for x := 0; x+block <= want.Bounds().Dx(); x += block {
			if blocks++; !found(got, want, x, y) {
				other++
			}
		}
	}
	if other*200 > blocks {
		t.Errorf("%s differs in %d of %d blocks: look at it, and renew it with -update", name, other, blocks)
	}
}

// found reports whether a block of a picture is where it should be, or up to two pixels from there.
func found(got, want image.Image, x, y int) bool {
	moves := [...]int{0, -1, 1, -2, 2}
	a := mean(want, x, y)
	for _, dy := range moves {
		for _, dx := range moves {
			b, most := mean(got, x+dx, y+dy), 0.0
			for i := range a {
				most = max(most, math.Abs(a[i]-b[i]))
			}
			if most <= 16 {
				return true
			}
		}
	}
	return false
}

// mean returns the mean colour of a block.
func mean(m image.Image, x, y int) (sum [3]float64) {
	for dy := range block {
		for dx := range block {
			r, g, b, _ := m.At(x+dx, y+dy).RGBA()
			for i, v := range [...]uint32{r, g, b} {
				sum[i] += float64(v>>8) / (block * block)
			}
		}
	}
	return sum
}

// small returns a picture with its 256 most frequent colours as PNG.
func small(t *testing.T, m image.Image) []byte {
	t.Helper()
	count := make(map[color.RGBA]int)
	bounds := m.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(m.At(x, y)).(color.RGBA) }
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			count[at(x, y)]++
		}
	}
	common := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var palette color.Palette
	for _, c := range common[:min(len(common), 256)] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(bounds, palette)
	places := make(map[color.RGBA]uint8, len(count))
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := at(x, y)
			i, ok := places[c]
			if !ok {
				i = uint8(palette.Index(c))
				places[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
