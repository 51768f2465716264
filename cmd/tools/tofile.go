package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nsqio/go-nsq"
	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// usualMsgTimeout is that of a node which was told nothing else.
const usualMsgTimeout = time.Minute

const toFileManual = `nsqmesh to-file writes the messages of topics to files, a line for each. It takes the flags of nsq_to_file, names files as
it does, and finishes a message only after the file that holds it is on disk.

usage: nsqmesh to-file [options]

    nsqmesh to-file --topic=orders --output-dir=/var/log/nsq
        /var/log/nsq/orders.HOST.2026-11-28_10.log, a file for each hour

    nsqmesh to-file --topic=orders --output-dir=/var/log/nsq --gzip --rotate-size=100000000
        compressed, and a new file after 100 MB

    nsqmesh to-file --topic-pattern='^audit' --output-dir=/var/log/nsq --datetime-format=%Y-%m-%d \
        --filename-format='<TOPIC>/<DATETIME>.<HOST><REV>.log'
        all topics that begin with audit, also those that come later, each in its folder, a file for each day

    nsqmesh to-file --topic=orders --work-dir=/var/spool/nsq --output-dir=/var/log/nsq --rotate-interval=5m
        files appear in --output-dir when they are complete (both folders on one file system)

SIGHUP closes the files, so that they can be moved away. SIGINT and SIGTERM write what is in flight, then end. A line ends
where its message does: messages that hold newlines cannot be told apart.
`

func ToFile() cli.Command {
	return cli.ToolCommand("to-file", "archive topics to files", toFileManual, func() cli.Tool { return newToFile() })
}

func newToFile() *toFileTool {
	return &toFileTool{
		consume: newConsumeFlags("to_file", "nsq_to_file"), refresh: time.Minute, outputDir: "/tmp", syncEvery: 30 * time.Second,
		filename: "<TOPIC>.<HOST><REV>.<DATETIME>.log", datetime: "%Y-%m-%d_%H", gzipLevel: 6, output: cli.NewOutputForm(),
	}
}

type toFileTool struct {
	consume            consumeFlags
	pattern            string
	refresh            time.Duration
	outputDir, workDir string
	filename, datetime string
	host               string
	gzip               bool
	gzipLevel          int
	rotateSize         int64
	rotateInterval     time.Duration
	syncEvery          time.Duration
	skipEmpty          bool
	output             cli.OutputForm

	// What follows from the flags, and the work.
	place   archivePlace
	match   *regexp.Regexp
	console *cli.Console
	source  *source
	started time.Time
	fail    context.CancelCauseFunc

	mu       sync.Mutex
	archives []*archive
	running  sync.WaitGroup
}

func (t *toFileTool) Flags(f *cli.Flags) {
	t.consume.add(f)
	f.Add(&t.pattern, "topic-pattern", "`regexp` of topics to archive")
	f.Add(&t.refresh, "topic-refresh", "look for more topics every `duration`")
	f.Add(&t.outputDir, "output-dir", "`folder` for files")
	f.Add(&t.workDir, "work-dir", "`folder` for files that still grow (default --output-dir)")
	f.Add(&t.filename, "filename-format", "`format` of file names, with <TOPIC>, <HOST>, <PID>, <DATETIME> and <REV>")
	f.Add(&t.datetime, "datetime-format", "`format` of <DATETIME>, in the letters of strftime")
	f.Add(&t.host, "host-identifier", "`text` for <HOST>, may hold <SHORT_HOST> and <HOSTNAME> (default <SHORT_HOST>)")
	f.Add(&t.gzip, "gzip", "compress files")
	f.Add(&t.gzipLevel, "gzip-level", "`level` of compression, 1 to 9")
	f.Add(&t.rotateSize, "rotate-size", "start another file after this number of `bytes`; 0 is never")
	f.Add(&t.rotateInterval, "rotate-interval", "start another file after this `duration`; 0 is never")
	f.Add(&t.syncEvery, "sync-interval", "`duration` between two syncs to disk, at most")
	f.Add(&t.skipEmpty, "skip-empty-files", "make no file for a time without messages")
	t.output.Add(f)
}

func (t *toFileTool) check() (err error) {
	switch {
	case t.gzipLevel < 1 || t.gzipLevel > 9:
		return cli.WrongUsage("invalid --gzip-level value (%d), should be 1-9", t.gzipLevel)
	case len(t.consume.topics) == 0 && t.pattern == "":
		return cli.WrongUsage("--topic or --topic-pattern required")
	case len(t.consume.topics) == 0 && len(t.consume.nsqds) > 0:
		return cli.WrongUsage("--lookupd-http-address must be specified when no --topic specified")
	case t.refresh <= 0 || t.syncEvery <= 0:
		return cli.WrongUsage("--topic-refresh and --sync-interval should be positive")
	case t.rotateSize < 0 || t.rotateInterval < 0:
		return cli.WrongUsage("--rotate-size and --rotate-interval should not be negative")
	}
	if t.match, err = regexp.Compile(t.pattern); err != nil {
		return cli.WrongUsage("--topic-pattern: %v", err)
	}
	return t.makePlace()
}

// warn says what is legal and not wise.
func (t *toFileTool) warn() {
	if asked := t.consume.opts.MsgTimeout; t.syncEvery >= cmp.Or(asked, usualMsgTimeout) {
		t.console.Say("--sync-interval %s is no shorter than the message timeout (%s, unless nodes have another): messages will come "+
			"again before they are safe; see --consumer-opt=msg_timeout,...", t.syncEvery, cmp.Or(asked, usualMsgTimeout))
	}
}

func (t *toFileTool) makePlace() error {
	host, err := hostIdentifier(t.host)
	if err != nil {
		return err
	}
	p := archivePlace{
		name:      archiveName{format: t.filename, datetime: t.datetime, host: host, gzip: t.gzip},
		work:      cmp.Or(t.workDir, t.outputDir),
		output:    t.outputDir,
		gzipLevel: t.gzipLevel, rotateSize: t.rotateSize, rotateInterval: t.rotateInterval,
	}
	p.name.revision = t.gzip || t.rotateSize > 0 || t.rotateInterval > 0 || p.moves()
	if p.name.revision && !strings.Contains(t.filename, "<REV>") {
		return cli.WrongUsage("missing <REV> in --filename-format when gzip, rotation, or work dir enabled")
	}
	t.place = p
	return nil
}

func (t *toFileTool) Run(ctx context.Context, words []string, std cli.Stdio) (err error) {
	if err := cli.NoWords(words); err != nil {
		return err
	}
	if err := t.check(); err != nil {
		return err
	}
	t.console, t.started = cli.NewConsole(std), time.Now()
	t.warn()
	if t.source, err = t.consume.open(ctx, std, t.console); err != nil {
		return err
	}
	work, fail := context.WithCancelCause(ctx)
	t.fail = fail
	defer fail(nil)
	for _, topic := range t.consume.topics {
		if t.match.MatchString(topic) {
			t.start(work, topic)
		}
	}
	endStatus := t.console.Follow(t.status)
	t.supervise(work)
	t.running.Wait()
	endStatus()
	if cause := context.Cause(work); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return errors.Join(err, t.summary(std))
}

// supervise finds topics and passes SIGHUP on until ctx ends.
func (t *toFileTool) supervise(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var refresh <-chan time.Time
	if len(t.consume.topics) == 0 {
		tick := time.NewTicker(t.refresh)
		defer tick.Stop()
		refresh = tick.C
		t.discover(ctx)
	}
	for {
		select {
		case <-refresh:
			t.discover(ctx)
		case <-hangups:
			t.hangup()
		case <-ctx.Done():
			return
		}
	}
}

// discover starts archives of topics that are new.
func (t *toFileTool) discover(ctx context.Context) {
	topics, err := t.source.cluster.Topics(ctx)
	if err != nil {
		t.console.Say("could not retrieve topic list: %v", err)
		return
	}
	for _, topic := range topics {
		if t.match.MatchString(topic) {
			t.start(ctx, topic)
		}
	}
}

func (t *toFileTool) start(ctx context.Context, topic string) {
	if slices.ContainsFunc(t.archives, func(a *archive) bool { return a.topic == topic }) {
		return
	}
	a := &archive{
		topic: topic, place: &t.place, syncEvery: t.syncEvery, skipEmpty: t.skipEmpty, batch: t.consume.maxInFlight,
		console: t.console, verbose: t.consume.verbose, messages: make(chan *nsq.Message), hangup: make(chan struct{}, 1),
	}
	c, err := t.source.consumer(ctx, topic, a, 1)
	if err != nil {
		t.fail(err)
		return
	}
	a.consumer = c
	t.mu.Lock()
	t.archives = append(t.archives, a)
	t.mu.Unlock()
	t.running.Go(func() {
		if err := a.run(ctx); err != nil {
			t.fail(err)
		}
	})
}

func (t *toFileTool) hangup() {
	for _, a := range t.archives {
		select {
		case a.hangup <- struct{}{}:
		default: // it has yet to see the last one
		}
	}
}

// toFileSummary is what to-file has done.
type toFileSummary struct {
	Messages  int64            `json:"messages"`
	Files     int64            `json:"files"`
	Topics    map[string]int64 `json:"topics"`
	Seconds   float64          `json:"seconds"`
	PerSecond float64          `json:"messages_per_second"`
}

func (t *toFileTool) sum() toFileSummary {
	t.mu.Lock()
	defer t.mu.Unlock()
	elapsed := time.Since(t.started)
	s := toFileSummary{Topics: map[string]int64{}, Seconds: elapsed.Seconds()}
	for _, a := range t.archives {
		n := a.written.Load()
		s.Topics[a.topic] = n
		s.Messages += n
		s.Files += a.files.Load()
	}
	s.PerSecond = cli.PerSecond(s.Messages, elapsed)
	return s
}

func (t *toFileTool) status() string {
	s := t.sum()
	return fmt.Sprintf("%s of %s in %s, %s/s on average", cli.Plural(s.Messages, "message"),
		cli.Plural(int64(len(s.Topics)), "topic"), cli.Plural(s.Files, "file"), cli.Grouped(int64(s.PerSecond)))
}

func (t *toFileTool) summary(std cli.Stdio) error {
	if t.output.Json() {
		return cli.PrintJSON(std.Out, t.sum())
	}
	t.console.Say("archived %s", t.status())
	return nil
}
