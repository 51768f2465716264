package pages

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func TestLivePartsOfAPage(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want map[string]string
	}{
		"a cell":                            {`<td class="num" data-live="t.a.depth">12</td>`, map[string]string{"t.a.depth": "12"}},
		"what was escaped":                  {`<b data-live="c.a&#43;b" title="x">1</b>`, map[string]string{"c.a+b": "1"}},
		"one within another of its kind":    {`<span data-live="a">x <span>y</span> z</span> tail`, map[string]string{"a": "x <span>y</span> z"}},
		"kinds that begin alike":            {`<t data-live="a"><tbody>1</tbody></t>`, map[string]string{"a": "<tbody>1</tbody>"}},
		"a part in a part":                  {`<div data-live="a"><b data-live="b">1</b></div>`, map[string]string{"a": `<b data-live="b">1</b>`, "b": "1"}},
		"one that is empty":                 {`<i data-live="a"></i>`, map[string]string{"a": ""}},
		"a page that is cut off":            {`<td data-live="a">1`, map[string]string{"a": "1"}},
		"a page with nothing that can move": {`<p>1</p>`, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := liveParts([]byte(c.page)); !maps.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestNewsAreWhatChanged(t *testing.T) {
	for name, c := range map[string]struct {
		told, now map[string]string
		want      string
	}{
		"all at first":               {nil, map[string]string{"a": "1"}, `{"all":true,"parts":{"a":"1"}}`},
		"all at first, if nothing":   {nil, map[string]string{}, `{"all":true,"parts":{}}`},
		"nothing":                    {map[string]string{"a": "1"}, map[string]string{"a": "1"}, ``},
		"one that moved":             {map[string]string{"a": "1", "b": "2"}, map[string]string{"a": "3", "b": "2"}, `{"parts":{"a":"3"}}`},
		"one that came":              {map[string]string{}, map[string]string{"a": ""}, `{"parts":{"a":""}}`},
		"one that went":              {map[string]string{"a": "1"}, map[string]string{}, `{"parts":{"a":null}}`},
		"a part that has become nil": {map[string]string{"a": "1"}, map[string]string{"a": ""}, `{"parts":{"a":""}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(news(c.told, c.now))
			if c.want == "" {
				if got != "" {
					t.Errorf("there is no news, but %q", got)
				}
				return
			}
			data, _ := strings.CutPrefix(got, "event: parts\ndata: ")
			if data, ok := strings.CutSuffix(data, "\n\n"); !ok || data != c.want || !json.Valid([]byte(data)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzLiveParts(f *testing.F) {
	f.Add(`<td data-live="a">1</td>`)
	f.Add(`<<data-live="`)
	f.Add(`data-live="a"></`)
	f.Fuzz(func(_ *testing.T, page string) { liveParts([]byte(page)) })
}
