package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

func tempFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhichSourceWins(t *testing.T) {
	file := tempFile(t, "max_rdy_count = 1\nlookupd_is_not_a_key_xx = 1\nnsqlookupd_tcp_addresses = ['f:1', 'f:2']\nsync_every = 1\n")
	env := []string{"NSQMESH_MAX_RDY_COUNT=2", "NSQMESH_SYNC_EVERY=2", "NSQMESH_LOOKUPD_TCP_ADDRESS=e:1, e:2", "NSQMESH_CONFIG=" + file}
	for name, c := range map[string]struct {
		args, env []string
		rdy, sync int64
		lookupds  []string
	}{
		"the file beats the default":             {[]string{"--config=" + file}, nil, 1, 1, []string{"f:1", "f:2"}},
		"the environment may name the file":      {nil, env[3:], 1, 1, []string{"f:1", "f:2"}},
		"the environment beats the file":         {nil, env, 2, 2, []string{"e:1", "e:2"}},
		"a flag beats both":                      {[]string{"--max-rdy-count=3", "--lookupd-tcp-address=a:1", "--lookupd-tcp-address=a:2"}, env, 3, 2, []string{"a:1", "a:2"}},
		"an empty --config means no file at all": {[]string{"--config="}, env[3:], 2500, 2500, nil},
		"the last of two equal flags counts":     {[]string{"--max-rdy-count=3", "--max-rdy-count=4", "-sync-every", "9"}, nil, 4, 9, nil},
	} {
		t.Run(name, func(t *testing.T) {
			opts, err := parseServe(c.args, c.env, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if opts.MaxRdyCount != c.rdy || opts.SyncEvery != c.sync || !reflect.DeepEqual(opts.LookupdTCPAddresses, c.lookupds) {
				t.Errorf("got %d, %d, %q", opts.MaxRdyCount, opts.SyncEvery, opts.LookupdTCPAddresses)
			}
		})
	}
}

func TestPercentilesOfFlagsFall(t *testing.T) {
	opts, err := parseServe([]string{"--e2e-processing-latency-percentile=0.5, 0.99", "--e2e-processing-latency-percentile=1"}, nil, io.Discard)
	if err != nil || !reflect.DeepEqual(opts.E2EPercentiles, []float64{1, 0.99, 0.5}) {
		t.Errorf("%v %v", opts, err)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		exit int
		text string
	}{
		"an unknown flag, with what was meant":    {[]string{"--mem_queue_size=1"}, 2, "did you mean --mem-queue-size?"},
		"an unknown flag like no other":           {[]string{"--no-such-flag=1"}, 2, "flag provided but not defined: -no-such-flag\n"},
		"a duration without a unit":               {[]string{"--msg-timeout=60"}, 2, "with its unit"},
		"a word for a number":                     {[]string{"--mem-queue-size=many"}, 2, "must be a whole number"},
		"a word for a bool":                       {[]string{"--deflate=perhaps"}, 2, "must be true or false"},
		"a bool without its equals sign":          {[]string{"--deflate", "false", "--data-path=x"}, 2, `unexpected argument "false"`},
		"a value for the old worker-id":           {[]string{"--worker-id=5"}, 2, "worker-id"},
		"a loud log level":                        {[]string{"--log-level=loud"}, 2, "invalid log level 'loud' (debug, info, warn, error, fatal)"},
		"a tls version that nobody speaks":        {[]string{"--tls-min-version=ssl3.0"}, 2, "must be one of tls1.0"},
		"a percentile that is no number":          {[]string{"--e2e-processing-latency-percentile=x"}, 2, "numbers"},
		"a deflate level out of range":            {[]string{"--max-deflate-level=10"}, 1, "FATAL: failed to instantiate nsqd - --max-deflate-level must be [1,9]"},
		"a node id out of range":                  {[]string{"--node-id=1024"}, 1, "--node-id must be [0,1024)"},
		"a percentile out of range":               {[]string{"--e2e-processing-latency-percentile=1.5"}, 1, "invalid E2E processing latency percentile: 1.5"},
		"a percentile that is not a number":       {[]string{"--e2e-processing-latency-percentile=NaN"}, 1, "invalid E2E processing latency percentile: NaN"},
		"an unknown way to ask for authorization": {[]string{"--auth-http-request-method=put"}, 1, "--auth-http-request-method must be post or get"},
		"required TLS without a certificate":      {[]string{"--tls-required"}, 1, "cannot require TLS client connections without TLS key and cert"},
		"a client policy without a certificate":   {[]string{"--tls-client-auth-policy=require"}, 1, "cannot require TLS client connections"},
		"a client policy that protects nothing":   {[]string{"--tls-client-auth-policy=verify"}, 1, "--tls-client-auth-policy must be"},
		"a certificate without its key":           {[]string{"--tls-cert=c"}, 1, "failed to build TLS config - "},
		"a key without its certificate":           {[]string{"--tls-key=c"}, 1, "failed to build TLS config - "},
		"half of the TLS files of a cluster":      {[]string{"--cluster-tls-cert=c"}, 1, "only work together"},
		"a zero that makes stock nsqd panic":      {[]string{"--output-buffer-timeout=0s"}, 1, "--output-buffer-timeout must be greater than 0"},
		"a negative queue":                        {[]string{"--mem-queue-size=-1"}, 1, "--mem-queue-size must not be negative"},
		"a zero sync timeout":                     {[]string{"--sync-timeout=0s"}, 1, "--sync-timeout must be greater than 0"},
		"a zero statsd interval":                  {[]string{"--statsd-interval=0s"}, 1, "--statsd-interval must be greater than 0"},
		"two mistakes at once":                    {[]string{"--node-id=-1", "--sync-every=0"}, 1, "--node-id must be [0,1024); --sync-every must"},
		"a gossip address without a port":         {[]string{"--gossip-address=10.0.0.1"}, 1, "--gossip-address must be host:port"},
		"a seed that is a URL":                    {[]string{"--gossip-seed=http://a:1"}, 1, "--gossip-seed must be"},
		"a second seed file":                      {[]string{"--gossip-seed=file:a", "--gossip-seed=file:b"}, 1, "only one file:path"},
		"a broadcast address with a port":         {[]string{"--broadcast-address=a:1"}, 1, "--broadcast-address must be a host"},
		"a lookupd without a port":                {[]string{"--lookupd-tcp-address=a"}, 1, "--lookupd-tcp-address must be host:port"},
		"a port above all ports":                  {[]string{"--broadcast-tcp-port=65536"}, 1, "--broadcast-tcp-port must be a port"},
		"a node name with a space":                {[]string{"--node-name=a b"}, 1, "--node-name must be"},
		"a config file that is not there":         {[]string{"--config=/does/not/exist"}, 1, "FATAL: failed to load config file /does/not/exist - "},
		"a bad flag before a bad file":            {[]string{"--config=/does/not/exist", "--sync-every=x"}, 2, "sync-every"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, text := serveFails(t, c.args, nil)
			if status != c.exit || !strings.Contains(text, c.text) {
				t.Errorf("exit status %d with %q", status, text)
			}
		})
	}
}

// serveFails runs what serve does with bad options, and returns exit status, standard output and standard error.
func serveFails(t *testing.T, args, environ []string) (int, string, string) {
	t.Helper()
	var out, errOut bytes.Buffer
	_, err := parseServe(args, environ, &errOut)
	if err == nil {
		t.Fatal("accepted")
	}
	return endServe(cli.Stdio{Out: &out, Err: &errOut}, err), out.String(), errOut.String()
}

func TestQuestions(t *testing.T) {
	for args, want := range map[string]string{"-h": "--mem-queue-size <messages>", "--help": "usage: nsqmesh serve", "--version": "nsqmesh v"} {
		status, out, _ := serveFails(t, []string{args, "--msg-timeout=1s"}, nil)
		if status != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: exit status %d with %q", args, status, out)
		}
	}
	if !errors.Is(flagError(flag.ErrHelp), flag.ErrHelp) {
		t.Error("the request for help got lost")
	}
}

func TestEnvironment(t *testing.T) {
	for name, c := range map[string]struct{ variable, text string }{
		"all that is wrong is named":    {"NSQMESH_NODE_ID=x", "NSQMESH_NODE_ID=x: must be a whole number"},
		"a wrong value fails the check": {"NSQMESH_NODE_ID=-1", "--node-id must be [0,1024)"},
		"an empty number is no number":  {"NSQMESH_NODE_ID=", "NSQMESH_NODE_ID=: must be"},
		"the source is named":           {"NSQMESH_NODE_ID=y", "failed to read the environment"},
	} {
		if status, _, text := serveFails(t, nil, []string{c.variable}); status != 1 || !strings.Contains(text, c.text) {
			t.Errorf("%s: exit status %d with %q", name, status, text)
		}
	}
	var log bytes.Buffer
	environ := []string{"NSQMESH_PORT_4150_TCP_ADDR=10.0.0.1", "NSQMESH_SERVICE_HOST=10.0.0.1", "NSQMESH_SNAPY=false", "SNAPPY=false", "NSQMESH_VERSION=1"}
	if _, err := parseServe(nil, environ, &log); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "NSQMESH_SNAPY is not known (did you mean NSQMESH_SNAPPY?)") {
		t.Errorf("warnings: %q", got)
	}
}

func TestResolve(t *testing.T) {
	hostname, _ := os.Hostname()
	opts, err := parseServe([]string{"--tls-client-auth-policy=require-verify", "--tls-cert=c", "--tls-key=k"}, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if opts.BroadcastAddress != hostname || opts.NodeID != defaultNodeID(hostname) || opts.TLSRequired != TLSRequiredEverywhere {
		t.Errorf("got %+v", opts)
	}
	opts, err = parseServe([]string{"--tls-client-auth-policy=require", "--tls-required=tcp-https", "--tls-cert=c", "--tls-key=k", "--node-id=0"}, nil, io.Discard)
	if err != nil || opts.TLSRequired != TLSRequiredTCP || opts.NodeID != 0 {
		t.Errorf("an explicit choice was overruled: %+v %v", opts, err)
	}
}

// Values of the published formula: CRC-32 of the MD5 of the name, modulo 1024.
func TestDefaultNodeID(t *testing.T) {
	for hostname, want := range map[string]int64{"": 812, "localhost": 16, "vm": 617} {
		if got := defaultNodeID(hostname); got != want {
			t.Errorf("%q: got %d, want %d", hostname, got, want)
		}
	}
}

func TestAdvice(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		text string
	}{
		"an address that nobody can dial":      {[]string{"--gossip-advertise=0.0.0.0:4155"}, "--gossip-advertise 0.0.0.0:4155"},
		"the same for clients":                 {[]string{"--broadcast-address=::"}, "--broadcast-address ::"},
		"seeds without gossip":                 {[]string{"--gossip-address=", "--gossip-seed=a:1"}, "no effect"},
		"a loopback address among other hosts": {[]string{"--broadcast-address=127.0.0.1", "--gossip-seed=10.0.0.1:4155"}, "cannot be dialled"},
		"nothing odd on one host":              {[]string{"--broadcast-address=127.0.0.1", "--gossip-seed=127.0.0.1:4155"}, ""},
		"nothing odd at all":                   {nil, ""},
	} {
		var log bytes.Buffer
		if _, err := parseServe(c.args, nil, &log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := log.String(); !strings.Contains(got, c.text) || (c.text == "") != (got == "") {
			t.Errorf("%s: logged %q", name, got)
		}
	}
}
