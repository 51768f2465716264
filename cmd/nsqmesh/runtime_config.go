package main

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/nsqmesh/nsqmesh/httpapi"
)

// Keys of the options that may change while the node runs.
const (
	keyLogLevel = "log_level"
	keyLookupds = "nsqlookupd_tcp_addresses"
)

// runtimeConfig is an httpapi.Config: the settings as /config shows and changes them. Its callbacks run under its lock, one at a time and
// in the order of the changes, so they must be quick and must not call back.
type runtimeConfig struct {
	onLogLevel func(LogLevel) // nil where nobody cares
	onLookupds func([]string)

	options map[string]option
	mu      sync.Mutex
	opts    Options
}

// newConfig works on a copy of opts. They should be the effective ones: ports after listening, the prefix of statsd filled in.
func newConfig(opts *Options) *runtimeConfig {
	return &runtimeConfig{options: fileOptions(), opts: *opts}
}

// Get returns the option of that config file key in the form in which JSON shows it.
func (c *runtimeConfig) Get(key string) (any, bool) {
	o, ok := c.options[key]
	if !ok {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return o.in(&c.opts).Get(), true
}

// Set changes an option until the next start and returns it as Get does.
func (c *runtimeConfig) Set(key string, body []byte) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch key {
	case keyLogLevel:
		return c.setLogLevel(body)
	case keyLookupds:
		return c.setLookupds(body)
	}
	return nil, httpapi.ErrFixedOption
}

func (c *runtimeConfig) setLogLevel(word []byte) (any, error) {
	if c.opts.LogLevel.Set(string(word)) != nil {
		return nil, httpapi.ErrInvalidValue
	}
	if c.onLogLevel != nil {
		c.onLogLevel(c.opts.LogLevel)
	}
	return c.opts.LogLevel.Get(), nil
}

// setLookupds takes null for an empty list.
func (c *runtimeConfig) setLookupds(body []byte) (any, error) {
	var addresses []string
	if json.Unmarshal(body, &addresses) != nil {
		return nil, httpapi.ErrInvalidValue
	}
	c.opts.LookupdTCPAddresses = addresses
	if c.onLookupds != nil {
		c.onLookupds(slices.Clone(addresses))
	}
	return c.options[keyLookupds].in(&c.opts).Get(), nil
}
