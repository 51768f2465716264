package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const tailManual = `nsqmesh tail prints the messages of topics, each with a newline, as they come.

usage: nsqmesh tail [options] TOPIC...

    nsqmesh tail orders
        what is published from now on, until Ctrl-C; other consumers get it, too

    nsqmesh tail -n 10 orders refunds --print-topic
        ten messages of two topics, each line with its topic

    nsqmesh tail orders --output=json | jq -r .body
        with id, time, attempts and node, one JSON object a line

    nsqmesh tail --channel=billing orders
        take messages out of a channel that exists

Without --channel it makes a channel of its own, which goes when it ends. If that is the topic's first channel, it gets
the whole backlog of the topic. Every message that is printed is finished, and no other.
`

func Tail() cli.Command {
	return cli.ToolCommand("tail", "print the messages of topics", tailManual, func() cli.Tool {
		channel := fmt.Sprintf("tail%06d#ephemeral", rand.IntN(1_000_000))
		return &tailTool{consume: newConsumeFlags("tail", channel), output: cli.NewOutputForm()}
	})
}

type tailTool struct {
	consume    consumeFlags
	n          int
	printTopic bool
	output     cli.OutputForm
}

func (t *tailTool) Flags(f *cli.Flags) {
	t.consume.add(f)
	f.Lookup("channel").DefValue = "tailNNNNNN#ephemeral"
	f.Add(&t.n, "n", "end after this `number` of messages; 0 is never")
	f.Add(&t.printTopic, "print-topic", "print the topic before each message")
	t.output.Add(f)
}

func (t *tailTool) Run(ctx context.Context, words []string, std cli.Stdio) error {
	topics := unique(t.consume.topics, words)
	switch {
	case len(topics) == 0:
		return cli.WrongUsage("--topic required")
	case t.n < 0:
		return cli.WrongUsage("-n should not be negative")
	case t.n > 0:
		t.consume.maxInFlight = min(t.consume.maxInFlight, t.n)
	}
	t.consume.topics = topics
	con := cli.NewConsole(std)
	src, err := t.consume.open(ctx, std, con)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &printer{tool: t, out: std.Out, left: t.n, end: cancel}
	var all []*nsq.Consumer
	for _, topic := range topics {
		c, err := src.consumer(ctx, topic, nsq.HandlerFunc(func(m *nsq.Message) error { return p.print(topic, m) }), 1)
		if err != nil {
			stopConsumers(all)
			return err
		}
		all = append(all, c)
	}
	<-ctx.Done()
	stopConsumers(all)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errEnough) {
		return cause
	}
	return nil
}

// errEnough ends a tail that has printed what it was asked for.
var errEnough = errors.New("printed all that was asked for")

// printer prints messages of all topics, one at a time.
type printer struct {
	tool *tailTool
	end  context.CancelCauseFunc

	mu     sync.Mutex
	out    io.Writer
	left   int // how many more to print, if n is given
	failed bool
}

// print finishes what it has printed. What it has not goes back to the channel at once.
func (p *printer) print(topic string, m *nsq.Message) error {
	m.DisableAutoResponse()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed || p.tool.n > 0 && p.left == 0 {
		m.RequeueWithoutBackoff(0)
		return nil
	}
	if _, err := p.out.Write(p.line(topic, m)); err != nil {
		p.failed = true
		m.RequeueWithoutBackoff(0)
		p.end(fmt.Errorf("print message: %w", err))
		return nil
	}
	m.Finish()
	if p.left--; p.left == 0 {
		p.end(errEnough)
	}
	return nil
}

func (p *printer) line(topic string, m *nsq.Message) []byte {
	if p.tool.output.Json() {
		return append(messageJSON(topic, m), '\n')
	}
	var line []byte
	if p.tool.printTopic {
		line = append(line, topic+" | "...)
	}
	return append(append(line, m.Body...), '\n')
}

// messageJSON keeps every byte of the body: one that is no text is in base64.
func messageJSON(topic string, m *nsq.Message) []byte {
	line := struct {
		Topic     string    `json:"topic"`
		ID        string    `json:"id"`
		Timestamp time.Time `json:"timestamp"`
		Attempts  uint16    `json:"attempts"`
		Node      string    `json:"node"`
		Body      *string   `json:"body,omitempty"`
		Base64    []byte    `json:"body_base64,omitempty"`
	}{topic, string(m.ID[:]), time.Unix(0, m.Timestamp).UTC(), m.Attempts, m.NSQDAddress, nil, nil}
	if text := string(m.Body); utf8.ValidString(text) {
		line.Body = &text
	} else {
		line.Base64 = m.Body
	}
	b, _ := json.Marshal(line) // nothing in it can fail
	return b
}
