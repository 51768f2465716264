package main

// The rows that stock nsqd has, too: names, keys, defaults and meanings are its own.

func queueOptions() []option {
	return []option{
		{name: "data-path", kind: "folder", def: "", stands: "the current folder",
			at:   func(o *Options) any { return &o.DataPath },
			help: "folder of the disk queues and nsqd.dat; it must exist; that of a stock nsqd opens as it is"},
		{name: "mem-queue-size", kind: "messages", def: "10000", check: checkNotNegative,
			at:   func(o *Options) any { return &o.MemQueueSize },
			help: "messages that a topic or channel keeps in memory before the disk takes over; 0 is disk only"},
		{name: "mem-queue-bytes", kind: "bytes", def: "1073741824", check: checkNotNegative, ours: true,
			at:   func(o *Options) any { return &o.MemQueueBytes },
			help: "the same limit in bytes of message bodies, whichever is reached first; 0 is no limit"},
		{name: "max-bytes-per-file", kind: "bytes", def: "104857600", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxBytesPerFile },
			help: "a disk queue starts a new file beyond this size"},
		{name: "sync-every", kind: "operations", def: "2500", check: checkPositive,
			at:   func(o *Options) any { return &o.SyncEvery },
			help: "disk queue operations, reads and writes, between two fsyncs"},
		{name: "sync-timeout", def: "2s", check: checkPositive,
			at:   func(o *Options) any { return &o.SyncTimeout },
			help: "time between two fsyncs of a disk queue that has changed"},
		{name: "queue-scan-worker-pool-max", def: "4",
			at:   func(o *Options) any { return &o.QueueScanWorkerPoolMax },
			help: "accepted without effect: timeouts are due by the clock, not found by scanning"},
		{name: "queue-scan-selection-count", def: "20",
			at:   func(o *Options) any { return &o.QueueScanSelectionCount },
			help: "accepted without effect, as above"},
	}
}

func messageOptions() []option {
	return []option{
		{name: "msg-timeout", def: "1m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.MsgTimeout },
			help: "a delivered message that is neither finished nor touched for so long is delivered again"},
		{name: "max-msg-timeout", def: "15m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxMsgTimeout },
			help: "longest msg_timeout that a client may ask for, and longest life of a delivery with TOUCH"},
		{name: "max-req-timeout", def: "1h0m0s", check: checkNotNegative,
			at:   func(o *Options) any { return &o.MaxReqTimeout },
			help: "longest delay of a requeue and of a deferred publish"},
		{name: "max-msg-size", kind: "bytes", def: "1048576", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxMsgSize },
			help: "largest message body"},
		{name: "max-body-size", kind: "bytes", def: "5242880", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxBodySize },
			help: "largest body of a command: MPUB, IDENTIFY, AUTH, and /mpub"},
	}
}

func clientOptions() []option {
	return []option{
		{name: "max-heartbeat-interval", def: "1m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxHeartbeatInterval },
			help: "longest heartbeat_interval that a client may ask for; the shortest is 1s"},
		{name: "max-rdy-count", kind: "messages", def: "2500", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxRdyCount },
			help: "largest RDY count"},
		{name: "max-output-buffer-size", kind: "bytes", def: "65536", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxOutputBufferSize },
			help: "largest output_buffer_size that a client may ask for"},
		{name: "max-output-buffer-timeout", def: "30s", check: checkPositive,
			at:   func(o *Options) any { return &o.MaxOutputBufferTimeout },
			help: "longest output_buffer_timeout that a client may ask for"},
		{name: "min-output-buffer-timeout", def: "25ms", check: checkNotNegative,
			at:   func(o *Options) any { return &o.MinOutputBufferTimeout },
			help: "shortest output_buffer_timeout that a client may ask for"},
		{name: "output-buffer-timeout", def: "250ms", check: checkPositive,
			at:   func(o *Options) any { return &o.OutputBufferTimeout },
			help: "output_buffer_timeout of clients that ask for none"},
		{name: "max-channel-consumers", kind: "consumers", def: "0", check: checkNotNegative,
			at:   func(o *Options) any { return &o.MaxChannelConsumers },
			help: "consumers of one channel on this node; 0 is no limit"},
		{name: "deflate", def: "true",
			at:   func(o *Options) any { return &o.Deflate },
			help: "offer deflate to clients"},
		{name: "max-deflate-level", def: "6", check: checkDeflateLevel,
			at:   func(o *Options) any { return &o.MaxDeflateLevel },
			help: "highest deflate level that a client may ask for, 1 to 9"},
		{name: "snappy", def: "true",
			at:   func(o *Options) any { return &o.Snappy },
			help: "offer snappy to clients"},
	}
}

func measureOptions() []option {
	return []option{
		{name: "statsd-address", kind: "host:port", def: "", stands: "off", check: checkHostPort,
			at:   func(o *Options) any { return &o.StatsdAddress },
			help: "UDP address of a statsd to send metrics to"},
		{name: "statsd-prefix", def: "nsq.%s",
			at:   func(o *Options) any { return &o.StatsdPrefix },
			help: "prefix of metric names; %s becomes the broadcast address and HTTP port"},
		{name: "statsd-interval", def: "1m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.StatsdInterval },
			help: "time between two pushes"},
		{name: "statsd-mem-stats", def: "true",
			at:   func(o *Options) any { return &o.StatsdMemStats },
			help: "send figures of memory and garbage collection, too"},
		{name: "statsd-udp-packet-size", kind: "bytes", def: "508", check: checkPositive,
			at:   func(o *Options) any { return &o.StatsdUDPPacketSize },
			help: "largest datagram"},
		{name: "statsd-exclude-ephemeral", def: "false",
			at:   func(o *Options) any { return &o.StatsdExcludeEphemeral },
			help: "leave out ephemeral topics and channels"},
		{name: "e2e-processing-latency-percentile", key: "e2e_processing_latency_percentiles", def: "", stands: "off",
			kind: "numbers", check: checkPercentiles,
			at:   func(o *Options) any { return &o.E2EPercentiles },
			help: "measure the time from publish to FIN at these percentiles, each in (0,1]; repeat it or use commas"},
		{name: "e2e-processing-latency-window-time", def: "10m0s", check: checkPositive,
			at:   func(o *Options) any { return &o.E2EWindow },
			help: "the time that these percentiles look back"},
	}
}
