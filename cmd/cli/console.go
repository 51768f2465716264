package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	redrawEvery   = 250 * time.Millisecond // of the line that shows progress
	sameLineAgain = 30 * time.Second       // go-nsq says the same at each attempt
)

// Console is where a tool talks to people, beside its results: lines for what happens and, on a terminal, one line at the
// bottom that shows how far the work is.
type Console struct {
	mu     sync.Mutex
	w      io.Writer
	Live   bool   // w is a terminal
	status string // what stands in the bottom line
	told   map[string]time.Time
}

func NewConsole(std Stdio) *Console {
	return &Console{w: std.Err, Live: IsTerminal(std.Err) && LookupVariable(std.Environ, "TERM") != "dumb"}
}

// Say writes a line that stays.
func (c *Console) Say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	fmt.Fprintln(c.w, fmt.Sprintf(format, args...))
	c.draw()
}

// show replaces the bottom line; an empty one goes away.
func (c *Console) show(status string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	c.status = status
	c.draw()
}

func (c *Console) erase() {
	if c.status != "" {
		fmt.Fprint(c.w, "\r\x1b[K")
	}
}

func (c *Console) draw() {
	if c.status != "" {
		fmt.Fprint(c.w, c.status)
	}
}

// Follow keeps the bottom line up to date until the returned function is called. Without a terminal there is none.
func (c *Console) Follow(status func() string) (end func()) {
	if !c.Live {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(redrawEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.show(status())
			case <-stop:
				c.show("")
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// Output takes the lines that go-nsq logs, and the same line once in a while only.
func (c *Console) Output(_ int, line string) error {
	for _, known := range notNews {
		if strings.Contains(line, known) {
			return nil
		}
	}
	if c.fresh(line) {
		c.Say("%s", line)
	}
	return nil
}

func (c *Console) fresh(line string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(c.told, func(_ string, at time.Time) bool { return now.Sub(at) > sameLineAgain })
	if _, known := c.told[line]; known {
		return false
	}
	if c.told == nil {
		c.told = map[string]time.Time{}
	}
	c.told[line] = now
	return true
}

// notNews is what we know already: whoever waits for a topic says so once, and stopping is what we asked for.
var notNews = []string{"TOPIC_NOT_FOUND", "retrying with next nsqlookupd", "- consumer stopped"}

func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// PrintJSON writes one line.
func PrintJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
