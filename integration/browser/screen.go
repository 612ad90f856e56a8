//go:build linux

package browser

import "strconv"

// Screen is what a page is looked at on.
type Screen struct {
	Name          string
	Width, Height int
	Phone, Dark   bool
}

// Screens are a desk and a phone, by day and by night.
func Screens() []Screen {
	const phoneWidth, phoneHeight = 360, 740
	return []Screen{
		{"desktop-light", 1200, 1080, false, false},
		{"desktop-dark", 1200, 1080, false, true},
		{"phone-light", phoneWidth, phoneHeight, true, false},
		{"phone-dark", phoneWidth, phoneHeight, true, true},
	}
}

// On looks at the page on a screen. It must fit its width.
func (p *Page) On(s Screen) {
	p.t.Helper()
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	p.Call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme},
		{"name": "prefers-reduced-motion", "value": "reduce"}, // colours are what they are, not on their way
	}}, nil)
	p.Call("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": s.Width, "height": s.Height, "deviceScaleFactor": 1, "mobile": s.Phone,
	}, nil)
	p.Call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true}, nil)
	p.Must("document.documentElement.scrollWidth <= "+strconv.Itoa(s.Width), s.Name+": the page is wider than the screen")
}

// Picture is the page as the screen shows it, as PNG.
func (p *Page) Picture() []byte {
	p.t.Helper()
	return p.capture(nil)
}

// Whole is all of the page, down to its end, as PNG.
func (p *Page) Whole() []byte {
	p.t.Helper()
	var size struct {
		CSSContentSize struct{ Width, Height float64 }
	}
	p.Call("Page.getLayoutMetrics", nil, &size)
	return p.capture(map[string]any{
		"captureBeyondViewport": true,
		"clip":                  map[string]any{"x": 0, "y": 0, "width": size.CSSContentSize.Width, "height": size.CSSContentSize.Height, "scale": 1},
	})
}

func (p *Page) capture(params any) []byte {
	p.t.Helper()
	var out struct{ Data []byte }
	p.Call("Page.captureScreenshot", params, &out)
	return out.Data
}
