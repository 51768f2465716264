package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var (
	screenshots     = flag.String("screenshots", "", "take pictures of all admin pages into this `folder`")
	screenshotsWait = flag.Duration("screenshots-after", 4*time.Minute, "how long to trade before, so that graphs have something to show")
)

// pictures are the pages of the shop that pictures are taken of, by the name of the file.
var pictures = map[string]string{
	"overview": "/", "topics": "/topics", "topic": "/topics/orders", "channel": "/topics/orders/shipping", "nodes": "/nodes",
	"node": "/nodes/anna", "consumers": "/consumers", "mesh": "/mesh", "lookup": "/lookup?topic=orders", "counter": "/counter", "audit": "/audit",
	"messages": "/messages?topic=reports&channel=archive&as=json", "confirm": "/actions/delete-topic?topic=orders", "drain": "/nodes/bert/drain",
}

// TestScreenshots takes the pictures of docs/screenshots, light, dark and one as on a phone.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("make screenshots takes them")
	}
	b := startBrowser(t)
	s := startShop(t)
	page := b.open("http://"+s.nodes[0].addr.AdminHTTP, 1280, 860)
	page.visit("/topics/reports")
	page.press("Pause")
	page.press("Pause the topic")
	time.Sleep(*screenshotsWait)
	for _, theme := range []string{"light", "dark"} {
		if theme == "dark" {
			page.visit("/")
			page.click(`button[name=theme]`)
		}
		for _, name := range slices.Sorted(maps.Keys(pictures)) {
			page.visit(pictures[name])
			page.take(name + "-" + theme)
		}
	}
	page.wide(390, 844)
	page.visit("/")
	page.take("phone-dark")
}

// take writes what is in the window with few colours, for a page has few.
func (p *tab) take(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatalf("take a picture of %s: %v", p.where(), err)
	}
	taken, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		p.t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, fewColours(taken)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), small.Bytes(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// fewColours keeps the 256 colours that are there most.
func fewColours(picture image.Image) *image.Paletted {
	bounds := picture.Bounds()
	count := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int { return cmp.Compare(count[b], count[a]) })
	var most color.Palette
	for _, c := range colours[:min(256, len(colours))] {
		most = append(most, c)
	}
	nearest := map[color.RGBA]uint8{}
	few := image.NewPaletted(bounds, most)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			if _, known := nearest[c]; !known {
				nearest[c] = uint8(most.Index(c))
			}
			few.SetColorIndex(x, y, nearest[c])
		}
	}
	return few
}
