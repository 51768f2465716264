package main

// The rows about the process: where its settings come from, what it listens on, how it logs, and its lookup side.

func startOptions() []option {
	return []option{
		{name: "config", kind: "file", def: "", stands: "none", flagOnly: true,
			at:   func(o *Options) any { return &o.ConfigFile },
			help: "TOML file with the keys below; that of a stock nsqd works as it is"},
		{name: "version", def: "false", flagOnly: true,
			at:   func(o *Options) any { return &o.ShowVersion },
			help: "print the version and exit"},
	}
}

func listenerOptions() []option {
	return []option{
		{name: "tcp-address", kind: "host:port|path", def: "0.0.0.0:4150",
			at:   func(o *Options) any { return &o.TCPAddress },
			help: "nsqd protocol for clients; anything but host:port is the path of a Unix socket"},
		{name: "http-address", kind: "host:port|path", def: "0.0.0.0:4151",
			at:   func(o *Options) any { return &o.HTTPAddress },
			help: "nsqd HTTP API; anything but host:port is the path of a Unix socket"},
		{name: "https-address", kind: "host:port", def: "0.0.0.0:4152", check: checkHostPort,
			at:   func(o *Options) any { return &o.HTTPSAddress },
			help: "the same API over HTTPS; used when --tls-cert and --tls-key are given"},
		{name: "lookup-tcp-address", kind: "host:port", def: "0.0.0.0:4160", check: checkHostPort, ours: true,
			at:   func(o *Options) any { return &o.LookupTCPAddress },
			help: "nsqlookupd protocol, for stock nsqds that register here"},
		{name: "lookup-http-address", kind: "host:port", def: "0.0.0.0:4161", check: checkHostPort, ours: true,
			at:   func(o *Options) any { return &o.LookupHTTPAddress },
			help: "nsqlookupd HTTP API: where consumers find the producers of the whole mesh"},
		{name: "admin-http-address", kind: "host:port", def: "0.0.0.0:4171", check: checkHostPort, ours: true,
			at:   func(o *Options) any { return &o.AdminHTTPAddress },
			help: "admin pages"},
	}
}

func lookupOptions() []option {
	return []option{
		{name: "lookupd-tcp-address", key: "nsqlookupd_tcp_addresses", kind: "host:port", def: "", stands: "none",
			check: checkHostPorts,
			at:    func(o *Options) any { return &o.LookupdTCPAddresses },
			help:  "a stock nsqlookupd to register with as well; repeatable; nodes of the mesh need none"},
		{name: "inactive-producer-timeout", def: "5m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.InactiveProducerTimeout },
			help: "a stock nsqd registered here that is silent for so long is no longer shown"},
		{name: "tombstone-lifetime", def: "45s", check: checkNotNegative,
			at:   func(o *Options) any { return &o.TombstoneLifetime },
			help: "how long a tombstoned producer of a topic stays hidden"},
	}
}

func logOptions() []option {
	return []option{
		{name: "log-level", def: "info",
			at:   func(o *Options) any { return &o.LogLevel },
			help: "debug, info, warn, error or fatal; can be changed while the node runs"},
		{name: "log-prefix", def: "[nsqd] ",
			at:   func(o *Options) any { return &o.LogPrefix },
			help: "starts every log line of format text"},
		{name: "log-format", kind: "text|json", def: "text", check: checkOneOf("text", "json"), ours: true,
			at:   func(o *Options) any { return &o.LogFormat },
			help: "lines for people or for machines, on standard error"},
		{name: "verbose", def: "false", flagOnly: true,
			at:   func(o *Options) any { return &o.Verbose },
			help: "accepted without effect, use --log-level"},
	}
}
