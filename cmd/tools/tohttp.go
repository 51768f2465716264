package tools

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
	"github.com/nsqmesh/nsqmesh/cmd/cluster"
)

const toHTTPManual = `nsqmesh to-http sends the messages of a topic to HTTP servers and finishes each when a server has answered 2xx (200 for
GET). It takes the flags of nsq_to_http.

usage: nsqmesh to-http [options] --topic=TOPIC --post=URL

    nsqmesh to-http --topic=orders --post=http://127.0.0.1:8080/orders --content-type=application/json
        the message is the body of the request

    nsqmesh to-http --topic=orders --post=http://a:8080/orders --post=http://b:8080/orders --n=20
        to either of two servers, 20 requests at a time; one that fails rests for a while

    nsqmesh to-http --topic=clicks --get='http://127.0.0.1:8080/click?body=%s' --sample=0.1
        a tenth of the messages, each in the place of %s

    nsqmesh to-http --topic=orders --post=https://example.com/orders --header='Authorization: Bearer SECRET'

A message that no server takes goes back to its channel and comes again later, as often as it must
(--consumer-opt=max_attempts,5 gives up after five times and drops it).
`

func ToHTTP() cli.Command {
	return cli.ToolCommand("to-http", "send the messages of a topic to HTTP servers", toHTTPManual, func() cli.Tool { return newToHTTP() })
}

func newToHTTP() *toHTTPTool {
	t := &toHTTPTool{
		consume: newConsumeFlags("to_http", "nsq_to_http"), contentType: defaultContentType, handlers: 100,
		mode: destinationMode(), sample: 1, statusEvery: 250, output: cli.NewOutputForm(),
	}
	t.consume.cluster.Api.RequestTimeout = 20 * time.Second // it is that of the servers, too
	return t
}

const defaultContentType = "application/octet-stream"

type toHTTPTool struct {
	consume     consumeFlags
	posts, gets []string
	contentType string
	headers     []string
	handlers    int
	mode        cli.Choice
	sample      float64
	statusEvery int
	output      cli.OutputForm

	header http.Header
	client *cluster.Client
}

func (t *toHTTPTool) Flags(f *cli.Flags) {
	t.consume.add(f)
	f.Add(&t.posts, "post", "`url` to POST messages to; repeat for more")
	f.Add(&t.gets, "get", "`url` to GET, in which %s stands for the message; repeat for more")
	f.Add(&t.contentType, "content-type", "`type` of what is posted")
	f.Add(&t.headers, "header", "`name: value` of a header of the requests; repeat for more")
	f.Add(&t.handlers, "n", "send this `number` of messages at the same time")
	f.Add(&t.mode, "mode", destinationModeUsage)
	f.Float64Var(&t.sample, "sample", t.sample, "send this `fraction` of the messages, 0 to 1, and finish the others")
	f.Add(&t.statusEvery, "status-every", "tell how it goes every `number` of messages; 0 is never")
	t.output.Add(f)
}

func (t *toHTTPTool) check() error {
	switch {
	case len(t.consume.topics) != 1 || t.consume.channel == "":
		return cli.WrongUsage("--topic and --channel are required, once each")
	case len(t.posts) == 0 && len(t.gets) == 0:
		return cli.WrongUsage("--get or --post required")
	case len(t.posts) > 0 && len(t.gets) > 0:
		return cli.WrongUsage("use --get or --post not both")
	case len(t.gets) > 0 && t.contentType != defaultContentType:
		return cli.WrongUsage("--content-type only used with --post")
	case t.contentType == "":
		return cli.WrongUsage("--content-type requires a value when used")
	case !(t.sample >= 0 && t.sample <= 1): // a NaN is neither
		return cli.WrongUsage("--sample must be between 0.0 and 1.0")
	case t.handlers <= 0:
		return cli.WrongUsage("--n should be positive")
	}
	for _, get := range t.gets {
		if strings.Count(get, "%s") != 1 {
			return cli.WrongUsage("invalid GET address %s - must hold %%s once", get)
		}
	}
	for _, address := range slices.Concat(t.posts, t.gets) {
		u, err := url.Parse(strings.Replace(address, "%s", "", 1))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return cli.WrongUsage("%s is no http:// or https:// address", address)
		}
	}
	return t.parseHeaders()
}

func (t *toHTTPTool) parseHeaders() error {
	t.header = http.Header{"User-Agent": {"nsqmesh_to_http/" + cli.ProductVersion()}}
	if len(t.posts) > 0 {
		t.header.Set("Content-Type", t.contentType)
	}
	for _, h := range t.headers {
		name, text, _ := strings.Cut(h, ":")
		name, text = strings.TrimSpace(name), strings.TrimSpace(text)
		if name == "" || text == "" {
			return cli.WrongUsage("--header %q: the format is 'name: value'", h)
		}
		t.header.Set(name, text)
	}
	return nil
}

func (t *toHTTPTool) Run(ctx context.Context, words []string, std cli.Stdio) (err error) {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	if t.client, err = t.consume.cluster.Api.Client(); err != nil {
		return err
	}
	t.client.Keep(t.handlers)
	con := cli.NewConsole(std)
	src, err := t.consume.open(ctx, std, con)
	if err != nil {
		return err
	}
	d := &delivery{
		destinations: newDestinations(t.mode.Word, slices.Concat(t.posts, t.gets)),
		console:      con, statusEvery: t.statusEvery, started: time.Now(),
	}
	send := t.post
	if len(t.gets) > 0 {
		send = t.get
	}
	c, err := src.consumer(ctx, t.consume.topics[0], nsq.HandlerFunc(func(m *nsq.Message) error {
		if t.sample < 1 && rand.Float64() >= t.sample {
			d.drop(m)
		} else {
			d.deliver(m, m.Body, send)
		}
		return nil
	}), t.handlers)
	if err != nil {
		return err
	}
	endStatus := con.Follow(d.status)
	<-ctx.Done()
	stopConsumers([]*nsq.Consumer{c})
	endStatus()
	return d.summary(std, t.output)
}

func (t *toHTTPTool) post(address string, body []byte) error {
	return t.request(http.MethodPost, address, bytes.NewReader(body), func(status int) bool { return status/100 == 2 })
}

func (t *toHTTPTool) get(address string, body []byte) error {
	address = strings.Replace(address, "%s", url.QueryEscape(string(body)), 1)
	return t.request(http.MethodGet, address, nil, func(status int) bool { return status == http.StatusOK })
}

// request ends with its own timeout: one that is under way when the tool stops is waited for.
func (t *toHTTPTool) request(method, address string, body io.Reader, good func(status int) bool) error {
	req, err := http.NewRequest(method, address, body)
	if err != nil {
		return rejected{err}
	}
	req.Header = t.header.Clone()
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := t.client.Http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	switch status := resp.StatusCode; {
	case good(status):
		return nil // what it says beyond that does not matter
	case err != nil:
		return err
	case status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		return rejected{fmt.Errorf("%s answers %s", method, resp.Status)}
	default:
		return fmt.Errorf("%s answers %s", method, resp.Status)
	}
}
