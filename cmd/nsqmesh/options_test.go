package main

import (
	"io"
	"reflect"
	"testing"
	"time"
)

// fact is what the outside may rely on for one option: its key, its default and how a value is written in each source.
type fact struct {
	key      string // empty: only a flag
	def      any
	flag     string // a value on the command line and in the environment
	toml     string // the same value in the config file
	want     any
	alsoOpts []string // other flags that make this value a legal one
}

const (
	ms  = time.Millisecond
	sec = time.Second
)

// facts has a row for every option; TestEveryOption fails where one is missing.
var facts = map[string]fact{
	"config":    {def: "", flag: "", want: ""},
	"version":   {def: false, flag: "false", want: false},
	"verbose":   {def: false, flag: "true", want: true},
	"worker-id": {def: false, flag: "true", want: true},

	"tcp-address":         {key: "tcp_address", def: "0.0.0.0:4150", flag: "/tmp/nsqd.sock", toml: `"/tmp/nsqd.sock"`, want: "/tmp/nsqd.sock"},
	"http-address":        {key: "http_address", def: "0.0.0.0:4151", flag: "", toml: `""`, want: ""},
	"https-address":       {key: "https_address", def: "0.0.0.0:4152", flag: "[::1]:1", toml: `"[::1]:1"`, want: "[::1]:1"},
	"lookup-tcp-address":  {key: "lookup_tcp_address", def: "0.0.0.0:4160", flag: ":1", toml: `":1"`, want: ":1"},
	"lookup-http-address": {key: "lookup_http_address", def: "0.0.0.0:4161", flag: "", toml: `""`, want: ""},
	"stop-grace":          {key: "stop_grace", def: 5 * time.Second, flag: "1m", toml: `"1m"`, want: time.Minute},
	"drain-wait":          {key: "drain_wait", def: 30 * time.Second, flag: "1m", toml: `"1m"`, want: time.Minute},
	"drain-timeout":       {key: "drain_timeout", def: 5 * time.Minute, flag: "1m", toml: `"1m"`, want: time.Minute},

	"admin-http-address": {key: "admin_http_address", def: "0.0.0.0:4171", flag: ":0", toml: `":0"`, want: ":0"},

	"admin-base-path": {key: "admin_base_path", def: "/", flag: "nsq", toml: `"nsq"`, want: "nsq"},
	"admin-read-only": {key: "admin_read_only", def: false, flag: "true", toml: "true", want: true},
	"admin-tls-cert":  {key: "admin_tls_cert", def: "", flag: "c", toml: `"c"`, want: "c", alsoOpts: []string{"--admin-tls-key=k"}},
	"admin-tls-key":   {key: "admin_tls_key", def: "", flag: "k", toml: `"k"`, want: "k", alsoOpts: []string{"--admin-tls-cert=c"}},

	"auth-file":         {key: "auth_file", def: "", flag: "u", toml: `"u"`, want: "u"},
	"auth-guard-api":    {key: "auth_guard_api", def: false, flag: "true", toml: "true", want: true, alsoOpts: []string{"--auth-file=u"}},
	"auth-proxy-header": {key: "auth_proxy_header", def: "", flag: "X-User", toml: `"X-User"`, want: "X-User", alsoOpts: []string{"--auth-file=u", "--auth-proxy-from=::1"}},
	"auth-proxy-from":   {key: "auth_proxy_from", def: []string{}, flag: "10.0.0.0/8", toml: `["10.0.0.0/8"]`, want: []string{"10.0.0.0/8"}, alsoOpts: []string{"--auth-file=u", "--auth-proxy-header=X-User"}},

	"gossip-seed":       {key: "gossip_seeds", def: []string{}, flag: "srv+_gossip._tcp.mesh.example", toml: `["srv+_gossip._tcp.mesh.example"]`, want: []string{"srv+_gossip._tcp.mesh.example"}},
	"gossip-address":    {key: "gossip_address", def: "0.0.0.0:4155", flag: "", toml: `""`, want: ""},
	"gossip-advertise":  {key: "gossip_advertise", def: "", flag: "[2001:db8::1]:7", toml: `"[2001:db8::1]:7"`, want: "[2001:db8::1]:7"},
	"gossip-key-file":   {key: "gossip_key_file", def: "", flag: "k", toml: `"k"`, want: "k"},
	"gossip-profile":    {key: "gossip_profile", def: "lan", flag: "wan", toml: `"wan"`, want: "wan"},
	"cluster-name":      {key: "cluster_name", def: "nsqmesh", flag: "eu", toml: `"eu"`, want: "eu"},
	"cluster-address":   {key: "cluster_address", def: "0.0.0.0:4156", flag: ":0", toml: `":0"`, want: ":0"},
	"cluster-advertise": {key: "cluster_advertise", def: "", flag: "node7", toml: `"node7"`, want: "node7"},
	"cluster-tls-cert":  {key: "cluster_tls_cert", def: "", flag: "c", toml: `"c"`, want: "c", alsoOpts: []string{"--cluster-tls-key=k", "--cluster-tls-ca=a"}},
	"cluster-tls-key":   {key: "cluster_tls_key", def: "", flag: "k", toml: `"k"`, want: "k", alsoOpts: []string{"--cluster-tls-cert=c", "--cluster-tls-ca=a"}},
	"cluster-tls-ca":    {key: "cluster_tls_ca", def: "", flag: "a", toml: `"a"`, want: "a", alsoOpts: []string{"--cluster-tls-cert=c", "--cluster-tls-key=k"}},

	"raft-bootstrap-expect": {key: "raft_bootstrap_expect", def: 0, flag: "3", toml: `3`, want: 3},
	"raft-spares":           {key: "raft_spares", def: 2, flag: "0", toml: `0`, want: 0},
	"raft-dead-voter-grace": {key: "raft_dead_voter_grace", def: 10 * time.Minute, flag: "1h", toml: `"1h"`, want: time.Hour},
	"raft-timeout":          {key: "raft_timeout", def: sec, flag: "2s", toml: `"2s"`, want: 2 * sec},

	"node-name":           {key: "node_name", def: "", flag: "mq1", toml: `"mq1"`, want: "mq1"},
	"node-id":             {key: "id", def: nil, flag: "1023", toml: `1023`, want: int64(1023)},
	"broadcast-address":   {key: "broadcast_address", def: nil, flag: "::1", toml: `"::1"`, want: "::1"},
	"broadcast-tcp-port":  {key: "broadcast_tcp_port", def: 0, flag: "80", toml: `80`, want: 80},
	"broadcast-http-port": {key: "broadcast_http_port", def: 0, flag: "80", toml: `"80"`, want: 80},
	"topology-region":     {key: "topology_region", def: "", flag: "r", toml: `"r"`, want: "r"},
	"topology-zone":       {key: "topology_zone", def: "", flag: "z", toml: `"z"`, want: "z"},
	"enable-experiment":   {key: "enable_experiment", def: []string{}, flag: "x", toml: `["x"]`, want: []string{"x"}},

	"data-path":                  {key: "data_path", def: "", flag: "d", toml: `"d"`, want: "d"},
	"mem-queue-size":             {key: "mem_queue_size", def: int64(10000), flag: "0", toml: `0`, want: int64(0)},
	"mem-queue-bytes":            {key: "mem_queue_bytes", def: int64(1 << 30), flag: "0x10", toml: `16`, want: int64(16)},
	"max-bytes-per-file":         {key: "max_bytes_per_file", def: int64(104857600), flag: "5", toml: `5`, want: int64(5)},
	"sync-every":                 {key: "sync_every", def: int64(2500), flag: "5", toml: `"5"`, want: int64(5)},
	"sync-timeout":               {key: "sync_timeout", def: 2 * sec, flag: "5s", toml: `"5s"`, want: 5 * sec},
	"queue-scan-worker-pool-max": {key: "queue_scan_worker_pool_max", def: 4, flag: "0", toml: `0`, want: 0},
	"queue-scan-selection-count": {key: "queue_scan_selection_count", def: 20, flag: "-1", toml: `-1`, want: -1},

	"msg-timeout":     {key: "msg_timeout", def: 60 * sec, flag: "1m30s", toml: `90000`, want: 90 * sec},
	"max-msg-timeout": {key: "max_msg_timeout", def: 15 * time.Minute, flag: "1s", toml: `"1s"`, want: sec},
	"max-req-timeout": {key: "max_req_timeout", def: time.Hour, flag: "1s", toml: `"1s"`, want: sec},
	"max-msg-size":    {key: "max_msg_size", def: int64(1048576), flag: "5", toml: `5`, want: int64(5)},
	"max-body-size":   {key: "max_body_size", def: int64(5242880), flag: "5", toml: `5`, want: int64(5)},

	"max-heartbeat-interval":    {key: "max_heartbeat_interval", def: 60 * sec, flag: "1s", toml: `"1s"`, want: sec},
	"max-rdy-count":             {key: "max_rdy_count", def: int64(2500), flag: "5", toml: `5`, want: int64(5)},
	"max-output-buffer-size":    {key: "max_output_buffer_size", def: int64(65536), flag: "64", toml: `64`, want: int64(64)},
	"max-output-buffer-timeout": {key: "max_output_buffer_timeout", def: 30 * sec, flag: "1s", toml: `"1s"`, want: sec},
	"min-output-buffer-timeout": {key: "min_output_buffer_timeout", def: 25 * ms, flag: "1ms", toml: `1`, want: ms},
	"output-buffer-timeout":     {key: "output_buffer_timeout", def: 250 * ms, flag: "1ms", toml: `1`, want: ms},
	"max-channel-consumers":     {key: "max_channel_consumers", def: 0, flag: "3", toml: `3`, want: 3},
	"deflate":                   {key: "deflate", def: true, flag: "F", toml: `"F"`, want: false},
	"max-deflate-level":         {key: "max_deflate_level", def: 6, flag: "9", toml: `9`, want: 9},
	"snappy":                    {key: "snappy", def: true, flag: "false", toml: `false`, want: false},

	"lookupd-tcp-address":       {key: "nsqlookupd_tcp_addresses", def: []string{}, flag: "a:1", toml: `["a:1"]`, want: []string{"a:1"}},
	"inactive-producer-timeout": {key: "inactive_producer_timeout", def: 300 * sec, flag: "1s", toml: `"1s"`, want: sec},
	"tombstone-lifetime":        {key: "tombstone_lifetime", def: 45 * sec, flag: "0s", toml: `0`, want: time.Duration(0)},

	"tls-cert":               {key: "tls_cert", def: "", flag: "c", toml: `"c"`, want: "c", alsoOpts: []string{"--tls-key=k"}},
	"tls-key":                {key: "tls_key", def: "", flag: "k", toml: `"k"`, want: "k", alsoOpts: []string{"--tls-cert=c"}},
	"tls-root-ca-file":       {key: "tls_root_ca_file", def: "", flag: "a", toml: `"a"`, want: "a"},
	"tls-client-auth-policy": {key: "tls_client_auth_policy", def: "", flag: "require", toml: `"require"`, want: "require", alsoOpts: []string{"--tls-cert=c", "--tls-key=k"}},
	"tls-required":           {key: "tls_required", def: 0, flag: "TCP-https", toml: `"tcp-https"`, want: 1, alsoOpts: []string{"--tls-cert=c", "--tls-key=k"}},
	"tls-min-version":        {key: "tls_min_version", def: 769, flag: "TLS1.3", toml: `"tls1.3"`, want: 772},

	"auth-http-address":           {key: "auth_http_addresses", def: []string{}, flag: "http://a/x,y", toml: `["http://a/x,y"]`, want: []string{"http://a/x,y"}},
	"auth-http-request-method":    {key: "auth_http_request_method", def: "get", flag: "post", toml: `"post"`, want: "post"},
	"http-client-connect-timeout": {key: "http_client_connect_timeout", def: 2 * sec, flag: "1s", toml: `"1s"`, want: sec},
	"http-client-request-timeout": {key: "http_client_request_timeout", def: 5 * sec, flag: "1s", toml: `"1s"`, want: sec},

	"statsd-address":                     {key: "statsd_address", def: "", flag: "h:8125", toml: `"h:8125"`, want: "h:8125"},
	"statsd-prefix":                      {key: "statsd_prefix", def: "nsq.%s", flag: "", toml: `""`, want: ""},
	"statsd-interval":                    {key: "statsd_interval", def: 60 * sec, flag: "2s", toml: `2000`, want: 2 * sec},
	"statsd-mem-stats":                   {key: "statsd_mem_stats", def: true, flag: "0", toml: `"0"`, want: false},
	"statsd-udp-packet-size":             {key: "statsd_udp_packet_size", def: 508, flag: "100", toml: `100`, want: 100},
	"statsd-exclude-ephemeral":           {key: "statsd_exclude_ephemeral", def: false, flag: "1", toml: `true`, want: true},
	"metrics-max-queues":                 {key: "metrics_max_queues", def: int64(2000), flag: "3", toml: `3`, want: int64(3)},
	"metrics-exclude-ephemeral":          {key: "metrics_exclude_ephemeral", def: false, flag: "1", toml: `true`, want: true},
	"e2e-processing-latency-percentile":  {key: "e2e_processing_latency_percentiles", def: []float64{}, flag: "0.99", toml: `[0.99]`, want: []float64{0.99}},
	"e2e-processing-latency-window-time": {key: "e2e_processing_latency_window_time", def: 10 * time.Minute, flag: "1m", toml: `"1m"`, want: time.Minute},

	"log-level":  {key: "log_level", def: 2, flag: "WARN", toml: `"Warn"`, want: 3},
	"log-prefix": {key: "log_prefix", def: "[nsqd] ", flag: "", toml: `""`, want: ""},
	"log-format": {key: "log_format", def: "text", flag: "json", toml: `"json"`, want: "json"},
}

func TestEveryOption(t *testing.T) {
	known := map[string]bool{}
	for _, o := range allOptions() {
		f, ok := facts[o.name]
		if !ok || known[o.name] {
			t.Errorf("--%s: has no row in facts, or is in the table twice", o.name)
			continue
		}
		known[o.name] = true
		t.Run(o.name, func(t *testing.T) { checkFact(t, o, f) })
	}
	for name := range facts {
		if !known[name] {
			t.Errorf("--%s is not in the table", name)
		}
	}
}

func checkFact(t *testing.T, o option, f fact) {
	if o.help == "" || (f.key == "") != o.flagOnly || (f.key != "" && f.key != o.configKey()) {
		t.Errorf("help %q, key %q, only a flag %v", o.help, o.configKey(), o.flagOnly)
	}
	expect := func(source string, want any, args, environ []string) {
		t.Helper()
		opts, err := parseServe(append(args, f.alsoOpts...), environ, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", source, err)
		} else if got := o.in(opts).Get(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", source, got, want)
		}
	}
	if f.def != nil && f.alsoOpts == nil {
		expect("default", f.def, nil, nil)
	}
	expect("one dash", f.want, []string{"-" + o.name + "=" + f.flag}, nil)
	expect("two dashes", f.want, []string{"--" + o.name + "=" + f.flag}, nil)
	if o.flagOnly {
		return
	}
	file := tempFile(t, f.key+" = "+f.toml+"\n")
	expect("file", f.want, []string{"--config", file}, nil)
	if o.name != "auth-http-address" { // a comma splits in the environment
		expect("environment", f.want, nil, []string{o.variable() + "=" + f.flag})
	}
}
