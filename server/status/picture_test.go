//go:build linux

package status

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var pictures = flag.String("pictures", "", "a folder into which pictures of the page are put")

// keepPicture keeps a picture where somebody wants to look at it, in as many colours
// as a small file holds: those that are there most often.
func keepPicture(t *testing.T, name string, take func() []byte) {
	t.Helper()
	if *pictures == "" {
		return
	}
	picture, err := png.Decode(bytes.NewReader(take()))
	if err != nil {
		t.Fatal(err)
	}
	bounds, often := picture.Bounds(), make(map[color.Color]int)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			often[picture.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int { return often[b] - often[a] })
	small := image.NewPaletted(bounds, colours[:min(len(colours), 256)])
	draw.Draw(small, bounds, picture, image.Point{}, draw.Src)
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&file, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
