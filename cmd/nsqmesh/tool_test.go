package main

import (
	"bytes"
	"flag"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestToolCommandLines(t *testing.T) {
	for name, c := range map[string]struct {
		args        []string
		status      int
		out, errOut string
	}{
		"help":                             {[]string{"tail", "-h"}, 0, "--channel <channel>", ""},
		"help for it":                      {[]string{"help", "pub"}, 0, "nsqmesh pub --topic=orders", ""},
		"version":                          {[]string{"to-file", "--version"}, 0, "nsqmesh v", ""},
		"a misspelt flag":                  {[]string{"tail", "--max_in_fligth=3", "t"}, 2, "", "did you mean --max-in-flight?"},
		"a flag like no other":             {[]string{"tail", "--colour"}, 2, "", "flag provided but not defined: -colour (nsqmesh tail -h explains)"},
		"a bad value":                      {[]string{"stat", "--interval=5"}, 2, "", "must be a duration with its unit"},
		"a bad word":                       {[]string{"nodes", "--output=yaml"}, 2, "", "must be text or json"},
		"a bad option of go-nsq":           {[]string{"tail", "--consumer-opt=no_such,1", "t"}, 2, "", "no_such"},
		"a word too much":                  {[]string{"nodes", "all"}, 2, "", "unknown arguments: [all]"},
		"tail of nothing":                  {[]string{"tail"}, 2, "", "--topic required"},
		"tail of no topic":                 {[]string{"tail", "a b"}, 2, "", "--topic is invalid"},
		"tail of a bad channel":            {[]string{"tail", "--channel=a b", "t"}, 2, "", "--channel is invalid"},
		"tail from both sides":             {[]string{"tail", "--nsqd-tcp-address=a:1", "--lookupd-http-address=b:1", "t"}, 2, "", "not both"},
		"tail of a bad address":            {[]string{"tail", "--lookupd-http-address=localhost", "t"}, 2, "", "missing port"},
		"tail of less than nothing":        {[]string{"tail", "-n", "-1", "t"}, 2, "", "-n should not be negative"},
		"pub to nothing":                   {[]string{"pub"}, 2, "", "--topic required"},
		"pub to no topic":                  {[]string{"pub", "--topic=*"}, 2, "", "--topic is invalid"},
		"pub a folder":                     {[]string{"pub", "--topic=t", "."}, 2, "", "is a folder"},
		"pub what is not there":            {[]string{"pub", "--topic=t", "/no/such/file"}, 1, "", "no such file"},
		"pub with a long delimiter":        {[]string{"pub", "--topic=t", "--delimiter=ab"}, 2, "", "--delimiter must be a single byte"},
		"pub to all of none":               {[]string{"pub", "--topic=t", "--all"}, 2, "", "--all needs"},
		"pub with odd options":             {[]string{"pub", "--topic=t", "--producer-opt=heartbeat_interval,1h"}, 2, "", "HeartbeatInterval"},
		"pub where nobody is":              {[]string{"pub", "--topic=t", "--lookupd-http-address=127.0.0.1:1"}, 1, "", "find the nodes"},
		"to-file of nothing":               {[]string{"to-file"}, 2, "", "--topic or --topic-pattern required"},
		"to-file of a bad pattern":         {[]string{"to-file", "--topic-pattern=("}, 2, "", "--topic-pattern"},
		"to-file with a bad level":         {[]string{"to-file", "--topic=t", "--gzip-level=10"}, 2, "", "invalid --gzip-level value (10), should be 1-9"},
		"to-file without a revision":       {[]string{"to-file", "--topic=t", "--gzip", "--filename-format=<TOPIC>"}, 2, "", "missing <REV>"},
		"to-file of a pattern of one":      {[]string{"to-file", "--topic-pattern=t", "--nsqd-tcp-address=a:1"}, 2, "", "--lookupd-http-address must be specified"},
		"to-http of nothing":               {[]string{"to-http"}, 2, "", "--topic and --channel are required"},
		"to-http to nowhere":               {[]string{"to-http", "--topic=t"}, 2, "", "--get or --post required"},
		"to-http in both ways":             {[]string{"to-http", "--topic=t", "--get=http://a/%s", "--post=http://a/"}, 2, "", "use --get or --post not both"},
		"to-http without a place":          {[]string{"to-http", "--topic=t", "--get=http://a/"}, 2, "", "invalid GET address"},
		"to-http to no URL":                {[]string{"to-http", "--topic=t", "--post=a:80"}, 2, "", "is no http:// or https:// address"},
		"to-http of a bad sample":          {[]string{"to-http", "--topic=t", "--post=http://a/", "--sample=1.5"}, 2, "", "--sample must be between 0.0 and 1.0"},
		"to-http of no sample":             {[]string{"to-http", "--topic=t", "--post=http://a/", "--sample=nan"}, 2, "", "--sample must be between 0.0 and 1.0"},
		"to-http with a bad header":        {[]string{"to-http", "--topic=t", "--post=http://a/", "--header=x"}, 2, "", "the format is 'name: value'"},
		"to-http with a type and GET":      {[]string{"to-http", "--topic=t", "--get=http://a/%s", "--content-type=x"}, 2, "", "--content-type only used with --post"},
		"mirror to nowhere":                {[]string{"mirror", "--topic=t"}, 2, "", "--destination-nsqd-tcp-address or --destination-lookupd-http-address required"},
		"mirror of nothing":                {[]string{"mirror"}, 2, "", "--topic and --channel are required"},
		"mirror to no topic":               {[]string{"mirror", "--topic=t", "--destination-topic=*", "--destination-nsqd-tcp-address=a:1"}, 2, "", "--destination-topic is invalid"},
		"mirror of a value without field":  {[]string{"mirror", "--topic=t", "--destination-nsqd-tcp-address=a:1", "--require-json-value=1"}, 2, "", "needs --require-json-field"},
		"mirror in an unknown mode":        {[]string{"mirror", "--topic=t", "--mode=random"}, 2, "", "must be hostpool or round-robin or epsilon-greedy"},
		"stat of a channel without topic":  {[]string{"stat", "--channel=c"}, 2, "", "--channel needs --topic"},
		"stat of no time":                  {[]string{"stat", "--interval=0s"}, 2, "", "--interval should be positive"},
		"stat of no times":                 {[]string{"stat", "--count=0"}, 2, "", "--count should be positive"},
		"channels of nothing":              {[]string{"channels"}, 2, "", "--topic required"},
		"channels of two":                  {[]string{"channels", "a", "b"}, 2, "", "--topic required"},
		"topics of a bad pattern":          {[]string{"topics", "["}, 2, "", "pattern ["},
		"timeouts of nothing":              {[]string{"nodes", "--http-client-connect-timeout=0s"}, 2, "", "--http-client-connect-timeout should be positive"},
		"an authority that is not there":   {[]string{"nodes", "--http-client-tls-root-ca-file=/no/such"}, 1, "", "--http-client-tls-root-ca-file"},
		"a mesh that is not there":         {[]string{"mesh", "--lookupd-http-address=127.0.0.1:1"}, 1, "", "connection refused"},
		"completion of nothing":            {[]string{"completion"}, 2, "", "completion bash|zsh|fish"},
		"completion of a shell of its own": {[]string{"completion", "csh"}, 2, "", "completion bash|zsh|fish"},
		"help for completion":              {[]string{"completion", "-h"}, 0, "completion bash|zsh|fish", ""},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errOut := nsqmesh(c.args...)
			if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.errOut) {
				t.Errorf("exit status %d, output %q, errors %q", status, out, errOut)
			}
			if (c.out == "") != (out == "") || (c.errOut == "") != (errOut == "") {
				t.Errorf("wrong stream: output %q, errors %q", out, errOut)
			}
		})
	}
}

// What stands in help works: every option of every example is one.
func TestExamplesInHelp(t *testing.T) {
	for _, c := range commands() {
		if c.flags == nil {
			continue
		}
		_, help, _ := nsqmesh(c.name, "-h")
		help, _, _ = strings.Cut(help, "\nOptions:")
		examples := exampleCommands(help)
		if len(examples) < 2 {
			t.Errorf("%s -h has no examples", c.name)
		}
		for _, words := range examples {
			if words[0] != c.name || strings.Contains(strings.Join(words, " "), "$(") {
				continue // another command, or what only a shell knows
			}
			f := &flagTable{FlagSet: c.flags()}
			if _, err := f.parse(words[1:]); err != nil {
				t.Errorf("%s -h: %v: %v", c.name, words, err)
			}
		}
	}
}

// exampleCommands finds lines that are commands of ours and takes them apart as a shell would.
func exampleCommands(text string) (all [][]string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for _, line := range strings.Split(text, "\n") {
		_, line, found := strings.Cut(line, "nsqmesh ")
		if !found || !strings.Contains(text, "    nsqmesh "+line) && !strings.Contains(text, "| nsqmesh "+line) {
			continue
		}
		line, _, _ = strings.Cut(line, " |")
		all = append(all, shellWords(line))
	}
	return all
}

func shellWords(line string) (words []string) {
	var word strings.Builder
	quote, begun := rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && r == ' ':
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	return words
}

func TestWordsAndFlagsMix(t *testing.T) {
	for line, want := range map[string][]string{
		"a --on b --n 3 c":    {"a", "b", "c"},
		"--n=3 a":             {"a"},
		"a -- --n b":          {"a", "--n", "b"},
		"--on":                nil,
		"-- -x":               {"-x"},
		"a --on=false -n 3 b": {"a", "b"},
	} {
		f := &flagTable{FlagSet: flag.NewFlagSet("x", flag.ContinueOnError)}
		var on bool
		var n int
		f.add(&on, "on", "")
		f.add(&n, "n", "")
		if got, err := f.parse(strings.Fields(line)); !slices.Equal(got, want) || err != nil {
			t.Errorf("%q: got %q, %v", line, got, err)
		}
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{perSecond: 100}
		begin, left := time.Now(), 300
		for left > 0 {
			n := p.most(left)
			p.wait(t.Context(), n)
			left -= n
		}
		if took := time.Since(begin); took < 2900*time.Millisecond || took > 3*time.Second {
			t.Errorf("300 at 100 a second took %v", took)
		}
		time.Sleep(time.Hour)
		begin = time.Now()
		for range 10 {
			p.wait(t.Context(), 10)
		}
		if took := time.Since(begin); took < 900*time.Millisecond {
			t.Errorf("after a pause 100 came in %v", took)
		}
		free := pace{}
		if begin = time.Now(); free.most(7) != 7 {
			t.Error("no rate is no limit")
		}
		if free.wait(t.Context(), 1000); time.Since(begin) > 0 {
			t.Error("no rate waits")
		}
		if slow := (&pace{perSecond: 3}); slow.most(500) != 1 {
			t.Error("a slow rate sends one at a time")
		}
	})
}

func TestTable(t *testing.T) {
	tab := &table{head: []string{"NAME", " COUNT", "STATE"}}
	tab.add(plain("a"), number(1234567), plain(""))
	tab.add(plain("längste"), number(-12), cellText{"ok", paint(true).good})
	var b bytes.Buffer
	if n := tab.print(&b, false); n != 3 {
		t.Errorf("%d lines", n)
	}
	want := "NAME         COUNT  STATE\na        1,234,567\nlängste        -12  \x1b[32mok\x1b[0m\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB", 2 << 40: "2.0 TiB"} {
		if got := byteSize(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if plural(1, "row") != "1 row" || plural(0, "row") != "0 rows" || perSecond(5, 0) != 0 {
		t.Error("small numbers")
	}
}

func TestConsoleKeepsTheLastLineBelow(t *testing.T) {
	var b bytes.Buffer
	c := &console{w: &b, live: true}
	c.show("50%")
	c.say("hello")
	c.show("")
	c.say("end")
	if want := "50%\r\x1b[Khello\n50%\r\x1b[Kend\n"; b.String() != want {
		t.Errorf("got %q", b.String())
	}
	b.Reset()
	_ = c.Output(2, `ERR 1 [t/c] error querying nsqlookupd - got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}"`)
	if b.Len() > 0 {
		t.Errorf("a topic that is not there yet is said each time: %q", b.String())
	}
}

func TestConsoleSaysTheSameOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		c := &console{w: &b}
		for range 4 {
			_ = c.Output(2, "refused")
			_ = c.Output(2, "reset")
			time.Sleep(sameLineAgain/2 + 1)
		}
		if want := "refused\nreset\nrefused\nreset\n"; b.String() != want {
			t.Errorf("got %q", b.String())
		}
	})
}

func TestRates(t *testing.T) {
	now := time.Now()
	node := func(address string, messages, depth int64) nodeStats {
		return nodeStats{address: address, Topics: []topicStat{{Name: "t", Messages: messages, Depth: depth}}}
	}
	var m meter
	for step, c := range []struct {
		nodes   []nodeStats
		in, out float64
	}{
		{[]nodeStats{node("a", 1000, 1000)}, 0, 0},                     // where counters stand
		{[]nodeStats{node("a", 1100, 1050), node("b", 900, 0)}, 10, 5}, // b is new here, its past is no traffic
		{[]nodeStats{node("b", 950, 50)}, 5, 0},                        // a is gone
		{[]nodeStats{node("b", 20, 0)}, 2, 2},                          // b has started anew
		{[]nodeStats{node("b", 20, 30)}, 0, 0},                         // more on disk than came: never negative
	} {
		now = now.Add(10 * time.Second)
		got := m.measure(c.nodes, now)[channelKey{"t", ""}]
		if got.In != c.in || got.Out != c.out {
			t.Errorf("step %d: in %v, out %v", step, got.In, got.Out)
		}
	}
}

func TestStatTableShowsTheBusiest(t *testing.T) {
	rates := map[channelKey]rate{}
	for i, name := range []string{"a", "b", "c", "d"} {
		rates[channelKey{name, ""}] = rate{In: float64(i), counters: counters{Nodes: 1}}
	}
	var b bytes.Buffer
	s := &statTable{out: &b, live: true, top: 2}
	for range 2 {
		if err := s.show(rates, nil); err != nil {
			t.Fatal(err)
		}
	}
	first, second, again := strings.Cut(b.String(), "\x1b[4A\x1b[J") // head, two rows, and the note
	if !again || !strings.Contains(second, "\nc ") || !strings.Contains(second, "\nd ") || strings.Contains(first, "\na ") ||
		!strings.Contains(first, "2 rows that are quieter") {
		t.Errorf("got %q", b.String())
	}
	b.Reset()
	if err := (&statTable{out: &b, top: 2}).show(rates, nil); err != nil || strings.Count(b.String(), "\n") != 5 {
		t.Errorf("in a file all rows are shown: %q", b.String())
	}
}
