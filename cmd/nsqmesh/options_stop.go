package main

// The rows about the end of a node: a stop, which it comes back from, and draining, after which it may go for good.

func stopOptions() []option {
	return []option{
		{name: "stop-grace", def: "5s", check: checkNotNegative, ours: true,
			at:   func(o *Options) any { return &o.StopGrace },
			help: "how long a stop (SIGTERM) waits for consumers to finish what they have in flight; 0 does not wait"},
		{name: "drain-wait", def: "30s", check: checkNotNegative, ours: true,
			at:   func(o *Options) any { return &o.DrainWait },
			help: "how long draining waits for consumers before what is left goes to other nodes"},
		{name: "drain-timeout", def: "5m0s", check: checkPositive, ours: true,
			at:   func(o *Options) any { return &o.DrainTimeout },
			help: "how long draining may take in all"},
	}
}
