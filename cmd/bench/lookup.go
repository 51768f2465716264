package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

const lookupBenchManual = `nsqmesh bench lookup asks a node, or a stock nsqlookupd, what clients and admins ask: /lookup, /topics and /nodes.

usage: nsqmesh bench lookup [options]

    nsqmesh bench lookup --http-address=127.0.0.1:4161 --topic=orders --pid=$(pgrep -x nsqlookupd)
        the three in turn, --seconds each

    nsqmesh bench lookup --request=lookup --conns=8
        only /lookup, on eight connections

Each connection sends a request when the one before is answered, and stays open.
`

type lookupBench struct {
	httpAddress, topic string
	conns              int
	request            cli.Choice
}

func newLookupBench() *lookupBench {
	return &lookupBench{httpAddress: "127.0.0.1:4161", topic: "bench", conns: 2, request: cli.OneOf("all", "lookup", "topics", "nodes")}
}

func (*lookupBench) manual() string { return lookupBenchManual }

func (l *lookupBench) flags(f *cli.Flags) {
	f.Add(&l.httpAddress, "http-address", "HTTP `host:port` of an nsqlookupd, or of that side of a node")
	f.Add(&l.topic, "topic", "`topic` to look up")
	f.Add(&l.conns, "conns", "`number` of connections")
	f.Add(&l.request, "request", "`lookup|topics|nodes`, or all of them in turn")
}

func (l *lookupBench) run(ctx context.Context, b *benchRun) error {
	if _, _, err := net.SplitHostPort(l.httpAddress); err != nil {
		return cli.WrongUsage("--http-address must be host:port, not %q", l.httpAddress)
	}
	if l.conns < 1 {
		return cli.WrongUsage("--conns should be positive")
	}
	b.result.Server = l.httpAddress
	b.result.setting("conns", l.conns)
	for _, request := range l.request.Words[1:] {
		if l.request.Word != "all" && l.request.Word != request || ctx.Err() != nil {
			continue
		}
		if err := l.measure(ctx, b, request); err != nil {
			return err
		}
	}
	return nil
}

func (l *lookupBench) measure(ctx context.Context, b *benchRun, request string) error {
	path := "/" + request
	if request == "lookup" {
		path += "?topic=" + url.QueryEscape(l.topic)
	}
	before := b.done.Load()
	if err := b.begin(); err != nil {
		return err
	}
	if err := l.askOnAll(ctx, b, path); err != nil {
		return err
	}
	took, n := b.elapsed(), b.done.Load()-before
	b.result.set("seconds", b.result.Figures["seconds"]+took.Seconds())
	b.result.set(request+"_requests", float64(n))
	b.result.set(request+"_requests_per_second", cli.PerSecond(n, took))
	if b.server == nil {
		return nil
	}
	used, err := b.server.cpuAtRest()
	if err != nil {
		return err
	}
	b.result.set(request+"_requests_per_server_cpu_second", cli.PerSecond(n, used-b.cpu))
	return b.noteMemory()
}

// askOnAll asks on all connections until the time is over.
func (l *lookupBench) askOnAll(ctx context.Context, b *benchRun, path string) error {
	ctx, cancel := context.WithTimeout(ctx, b.length)
	defer cancel()
	errs := make([]error, l.conns)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = l.askAgain(ctx, b, path) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// askAgain asks on one connection until ctx ends.
func (l *lookupBench) askAgain(ctx context.Context, b *benchRun, path string) error {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", l.httpAddress)
	if err != nil {
		return fmt.Errorf("connect (is a server there? --http-address says where): %w", err)
	}
	defer conn.Close()
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n", path, l.httpAddress, cli.UserAgent("bench"))
	r := bufio.NewReaderSize(conn, leastBuffer)
	for ctx.Err() == nil {
		_ = conn.SetDeadline(time.Now().Add(dialTimeout))
		if _, err := conn.Write(request); err != nil {
			return lostServer(err)
		}
		if err := readLookup(r, path); err != nil {
			return err
		}
		b.done.Add(1)
	}
	return nil
}

func readLookup(r *bufio.Reader, path string) error {
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return lostServer(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		_, err = io.Copy(io.Discard, answer.Body)
		return lostServer(err)
	}
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
	err = fmt.Errorf("GET %s: the server answered %s %s", path, answer.Status, said)
	if answer.StatusCode == http.StatusNotFound {
		err = fmt.Errorf("%w: use the lookup port (4161) and a --topic that it knows", err)
	}
	return err
}
