package pages

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"time"
)

const (
	// livePace is how often an open page is drawn again.
	livePace = 2 * time.Second
	// liveComment keeps a proxy from closing a page on which nothing moves.
	liveComment = 15 * time.Second
	// liveWrite is how long a reader who takes nothing is waited for.
	liveWrite = 10 * time.Second
)

func wantsLive(req *http.Request) bool {
	return req.Method == http.MethodGet && req.Header.Get("Accept") == "text/event-stream"
}

// stream draws a page again and again, and tells the parts that have changed. draw must look at the mesh anew each time.
func (p *Pages) stream(w http.ResponseWriter, req *http.Request, draw func() ([]byte, error)) {
	out := http.NewResponseController(w)
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("X-Accel-Buffering", "no")
	tick := time.NewTicker(p.pace)
	defer tick.Stop()
	var told map[string]string
	for spoken := time.Now(); ; {
		page, err := draw()
		if err != nil {
			p.Log.Warn("a page cannot be kept live", "path", req.URL.Path, "error", err)
			return
		}
		now := liveParts(page)
		message := news(told, now)
		if message == nil && time.Since(spoken) >= liveComment {
			message = []byte(":\n\n")
		}
		if message != nil {
			spoken = time.Now()
			_ = out.SetWriteDeadline(spoken.Add(liveWrite))
			if _, err := w.Write(message); err != nil || out.Flush() != nil {
				return
			}
		}
		told = now
		select {
		case <-req.Context().Done():
			return
		case <-p.closing:
			return
		case <-tick.C:
		}
	}
}

// news is the event that leads from what was told to what is; nil when that is the same.
func news(told, now map[string]string) []byte {
	event := struct {
		All   bool               `json:"all,omitempty"`
		Parts map[string]*string `json:"parts"`
	}{told == nil, map[string]*string{}}
	for name, text := range now {
		if before, known := told[name]; !known || before != text {
			event.Parts[name] = &text
		}
	}
	for name := range told {
		if _, still := now[name]; !still {
			event.Parts[name] = nil
		}
	}
	if len(event.Parts) == 0 && !event.All {
		return nil
	}
	b := bytes.NewBufferString("event: parts\ndata: ")
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	if err := out.Encode(event); err != nil { // which ends the line
		return nil // strings and booleans always can be
	}
	return append(b.Bytes(), '\n')
}

// liveParts finds the inside of every element with data-live in a page of ours, where templates leave no tag unclosed.
func liveParts(page []byte) map[string]string {
	const mark = `data-live="`
	parts := map[string]string{}
	for {
		at := bytes.Index(page, []byte(mark))
		if at < 0 {
			return parts
		}
		open := bytes.LastIndexByte(page[:at], '<')
		kind, _, _ := bytes.Cut(page[open+1:at], []byte(" "))
		name, rest, _ := bytes.Cut(page[at+len(mark):], []byte(`"`))
		_, rest, _ = bytes.Cut(rest, []byte(">"))
		parts[html.UnescapeString(string(name))] = string(inside(rest, kind))
		page = rest
	}
}

// inside is what stands before the end tag that belongs to an element of this kind, whose start tag was just passed.
func inside(rest, kind []byte) []byte {
	begin, end := append([]byte("<"), kind...), append(append([]byte("</"), kind...), '>')
	for at, depth := 0, 1; ; {
		next := bytes.Index(rest[at:], end)
		if next < 0 {
			return rest
		}
		depth += opens(rest[at:at+next], begin) - 1
		if depth == 0 {
			return rest[:at+next]
		}
		at += next + len(end)
	}
}

// opens counts start tags of a kind; <tbody> is none of kind <t>.
func opens(text, begin []byte) (n int) {
	for {
		_, after, found := bytes.Cut(text, begin)
		if !found {
			return n
		}
		if len(after) > 0 && (after[0] == ' ' || after[0] == '>') {
			n++
		}
		text = after
	}
}
