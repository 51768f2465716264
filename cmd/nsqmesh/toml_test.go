package main

import (
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFilesOfStockNSQ(t *testing.T) {
	for _, file := range []string{"testdata/nsqd.cfg", "testdata/nsqlookupd.cfg"} {
		var log strings.Builder
		if _, err := parseServe([]string{"--config=" + file}, nil, &log); err != nil || log.Len() > 0 {
			t.Errorf("%s: %v, logged %q", file, err, log.String())
		}
	}
	opts, _ := parseServe([]string{"--config=testdata/nsqd.cfg"}, nil, io.Discard)
	if opts.MaxMsgSize != 1024768 || opts.MaxOutputBufferTimeout != time.Second ||
		!reflect.DeepEqual(opts.E2EPercentiles, []float64{1, 0.99, 0.95}) ||
		!reflect.DeepEqual(opts.LookupdTCPAddresses, []string{"127.0.0.1:4160"}) {
		t.Errorf("got %+v", opts)
	}
}

func TestValuesInFiles(t *testing.T) {
	for name, c := range map[string]struct {
		line   string
		option string
		want   any // nil: refused
	}{
		"a number of milliseconds is a duration":      {`msg_timeout = 1500`, "msg-timeout", 1500 * time.Millisecond},
		"a number in quotes has no unit":              {`msg_timeout = "1500"`, "msg-timeout", nil},
		"more milliseconds than there is time":        {`msg_timeout = 9223372036854775807`, "msg-timeout", nil},
		"a float is no duration":                      {`msg_timeout = 1.5`, "msg-timeout", nil},
		"a decimal string is a number":                {`mem_queue_size = "010"`, "mem-queue-size", int64(10)},
		"a float is no whole number":                  {`mem_queue_size = 1.0`, "mem-queue-size", nil},
		"a bool is no number":                         {`mem_queue_size = true`, "mem-queue-size", nil},
		"a bool as a word":                            {`deflate = "f"`, "deflate", false},
		"a number is no bool":                         {`deflate = 0`, "deflate", nil},
		"a number is no string":                       {`data_path = 5`, "data-path", nil},
		"one string with commas is a list":            {`nsqlookupd_tcp_addresses = "a:1, b:2"`, "lookupd-tcp-address", []string{"a:1", "b:2"}},
		"an empty string is an empty list":            {`nsqlookupd_tcp_addresses = ""`, "lookupd-tcp-address", []string{}},
		"an empty array is an empty list":             {`nsqlookupd_tcp_addresses = []`, "lookupd-tcp-address", []string{}},
		"a number in a list of strings":               {`nsqlookupd_tcp_addresses = ["a:1", 2]`, "lookupd-tcp-address", nil},
		"a number for a list":                         {`nsqlookupd_tcp_addresses = 1`, "lookupd-tcp-address", nil},
		"percentiles keep the order of the file":      {`e2e_processing_latency_percentiles = [0.5, 1]`, "e2e-processing-latency-percentile", []float64{0.5, 1}},
		"percentiles in one string":                   {`e2e_processing_latency_percentiles = "0.5, 0.9"`, "e2e-processing-latency-percentile", []float64{0.5, 0.9}},
		"percentiles that are none":                   {`e2e_processing_latency_percentiles = ["x"]`, "e2e-processing-latency-percentile", nil},
		"the empty tls version is the default":        {`tls_min_version = ""`, "tls-min-version", 769},
		"an old tls version":                          {`tls_min_version = "ssl3.0"`, "tls-min-version", nil},
		"tls required as a bool":                      {`tls_required = false`, "tls-required", 0},
		"tls required as a number":                    {`tls_required = 1`, "tls-required", nil},
		"a log level in capitals":                     {`log_level = "FATAL"`, "log-level", 5},
		"a log level that is none":                    {`log_level = "loud"`, "log-level", nil},
		"a log level as a number":                     {`log_level = 3`, "log-level", nil},
		"the date of a day":                           {`data_path = 2020-01-01`, "data-path", nil},
		"a table where a value should be":             {"[data_path]\nx = 1", "data-path", nil},
		"a zone":                                      {`topology_zone = "a"`, "topology-zone", "a"},
		"a key that was never one":                    {`colour = "blue"`, "topology-zone", ""},
		"a table that was never one":                  {"[colours]\nsky = 1", "topology-zone", ""},
		"a key with a letter missing":                 {`mem_queue_siz = 5`, "mem-queue-size", nil},
		"the flag's name where the key is another":    {`lookupd_tcp_address = ["a:1"]`, "lookupd-tcp-address", nil},
		"the flag's name of the id":                   {`node_id = 5`, "node-id", nil},
		"dashes instead of underscores":               {`mem-queue-size = 5`, "mem-queue-size", nil},
		"capital letters":                             {`Mem_Queue_Size = 5`, "mem-queue-size", nil},
		"a duplicate key":                             {"sync_every = 1\nsync_every = 2", "sync-every", nil},
		"a check of the table holds for the file too": {`sync_every = 0`, "sync-every", nil},
	} {
		t.Run(name, func(t *testing.T) {
			opts, err := parseServe([]string{"--config=" + tempFile(t, c.line+"\n")}, nil, io.Discard)
			if err != nil {
				if c.want != nil {
					t.Error(err)
				}
				return
			}
			if got := optionNamed(t, c.option).in(opts).Get(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func optionNamed(t testing.TB, name string) option {
	t.Helper()
	for _, o := range allOptions() {
		if o.name == name {
			return o
		}
	}
	t.Fatalf("no option --%s", name)
	return option{}
}

func TestAllMistakesOfAFileAtOnce(t *testing.T) {
	file := tempFile(t, "mem_queue_sise = 1\nnode_id = 2\nlog_level = \"loud\"\nsync_every = true\ncolour = 1\n")
	status, _, text := serveFails(t, []string{"--config=" + file}, nil)
	for _, want := range []string{
		"FATAL: failed to load config file " + file + " - ",
		"unknown key mem_queue_sise (did you mean mem_queue_size?)",
		"unknown key node_id (did you mean id?)",
		"failed parsing log_level loud",
		"failed parsing sync_every true: must be a whole number",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
	if status != 1 || strings.Count(text, "\n") != 1 {
		t.Errorf("exit status %d with %q", status, text)
	}
}

func TestForeignKeysAreWarnedAbout(t *testing.T) {
	var log strings.Builder
	if _, err := parseServe([]string{"--config=" + tempFile(t, "unknown_key = 'x'\n")}, nil, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "WARNING: unknown key unknown_key in the config file has no effect") {
		t.Errorf("logged %q", log.String())
	}
}

func FuzzConfigFile(f *testing.F) {
	for _, file := range []string{"testdata/nsqd.cfg", "testdata/nsqlookupd.cfg"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, fact := range facts {
		if fact.key != "" {
			f.Add(fact.key + " = " + fact.toml)
		}
	}
	f.Add("msg_timeout = 1e999\nid = [[1]]\nsnappy = {a = 1}\ngossip_seeds = ['file:', '[', 'srv+', ':']")
	f.Fuzz(func(t *testing.T, text string) {
		s := newSettings()
		if s.readTOML(text) != nil || s.resolve() != nil {
			return
		}
		for _, o := range allOptions() { // what was accepted can be shown, and passes when it is given again
			if o.check != nil && o.check(o.in(s.opts).Get()) != "" {
				t.Errorf("--%s: %v was let through", o.name, o.in(s.opts).Get())
			}
		}
		advice(s.opts)
	})
}

func FuzzFlag(f *testing.F) {
	for name, fact := range facts {
		f.Add("--"+name, fact.flag)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		s := newSettings()
		if s.readFlags([]string{name, text}) != nil {
			return
		}
		for _, o := range allOptions() {
			if !s.set[o.name] || o.in(s.opts).Kind() == "list" {
				continue
			}
			again := newOptions()
			if err := o.in(again).Set(o.in(s.opts).String()); err != nil || o.in(again).Get() != o.in(s.opts).Get() {
				t.Errorf("--%s: %q is not read back as it was set: %v", o.name, o.in(s.opts).String(), err)
			}
		}
	})
}
