package main

import (
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
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
		if c.Flags == nil {
			continue
		}
		_, help, _ := nsqmesh(c.Name, "-h")
		help, _, _ = strings.Cut(help, "\nOptions:")
		examples := exampleCommands(help)
		if len(examples) < 2 {
			t.Errorf("%s -h has no examples", c.Name)
		}
		for _, words := range examples {
			if words[0] != c.Name || strings.Contains(strings.Join(words, " "), "$(") {
				continue // another command, or what only a shell knows
			}
			f := &cli.Flags{FlagSet: c.Flags()}
			if _, err := f.ParseWords(words[1:]); err != nil {
				t.Errorf("%s -h: %v: %v", c.Name, words, err)
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
