package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/nsqmesh/nsqmesh/httpapi"
)

func TestConfigGet(t *testing.T) {
	c := newConfig(newOptions())
	for key, want := range map[string]string{ // as JSON
		"mem_queue_size": "10000", "msg_timeout": "60000000000", "tls_required": "0", "tls_min_version": "769", "log_level": "2",
		"snappy": "true", "statsd_address": `""`, "nsqlookupd_tcp_addresses": "[]", "e2e_processing_latency_percentiles": "[]", "id": "0",
	} {
		v, ok := c.Get(key)
		if got, err := json.Marshal(v); !ok || err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, %v", key, got, ok, err)
		}
	}
	for _, key := range []string{"", "version", "config", "verbose", "worker_id", "node_id", "lookupd_tcp_address", "auth_http_address", "mem-queue-size"} {
		if v, ok := c.Get(key); ok {
			t.Errorf("%q is shown: %v", key, v)
		}
	}
}

func TestConfigSet(t *testing.T) {
	for name, c := range map[string]struct {
		key, body string
		want      any
		err       error
	}{
		"a level in capitals":     {"log_level", "DEBUG", 1, nil},
		"a level that is none":    {"log_level", "chatty", nil, httpapi.ErrInvalidValue},
		"a level in quotes":       {"log_level", `"info"`, nil, httpapi.ErrInvalidValue},
		"a level with a newline":  {"log_level", "info\n", nil, httpapi.ErrInvalidValue},
		"addresses":               {"nsqlookupd_tcp_addresses", `["a:1","b:2"]`, []string{"a:1", "b:2"}, nil},
		"null":                    {"nsqlookupd_tcp_addresses", `null`, []string{}, nil},
		"not a list":              {"nsqlookupd_tcp_addresses", `a:1`, nil, httpapi.ErrInvalidValue},
		"a list of numbers":       {"nsqlookupd_tcp_addresses", `[1]`, nil, httpapi.ErrInvalidValue},
		"an option that is fixed": {"mem_queue_size", "5", nil, httpapi.ErrFixedOption},
		"an option of nobody":     {"colour", "5", nil, httpapi.ErrFixedOption},
	} {
		t.Run(name, func(t *testing.T) {
			opts := newOptions()
			config := newConfig(opts)
			var _ httpapi.Config = config
			told := any(nil)
			config.onLogLevel = func(l LogLevel) { told = l.Get() }
			config.onLookupds = func(addresses []string) { told = addresses }
			got, err := config.Set(c.key, []byte(c.body))
			if !errors.Is(err, c.err) || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %#v, %v", got, err)
			}
			if shown, _ := config.Get(c.key); c.err == nil && !reflect.DeepEqual(shown, c.want) {
				t.Errorf("then shows %#v", shown)
			}
			if (told != nil) != (c.err == nil) {
				t.Errorf("told %#v", told)
			}
			if !reflect.DeepEqual(opts, newOptions()) {
				t.Error("the options of the start were changed")
			}
		})
	}
}
