package main

// The rows about TLS for clients and about authorization, all of stock nsqd. TLS between nodes is in options_mesh.go.

func tlsOptions() []option {
	return []option{
		{name: "tls-cert", kind: "file", def: "", stands: "off",
			at:   func(o *Options) any { return &o.TLSCert },
			help: "certificate, PEM; with --tls-key it offers TLS to clients and opens the HTTPS listener"},
		{name: "tls-key", kind: "file", def: "", stands: "off",
			at:   func(o *Options) any { return &o.TLSKey },
			help: "private key of the certificate, PEM"},
		{name: "tls-root-ca-file", kind: "file", def: "", stands: "those of the system",
			at:   func(o *Options) any { return &o.TLSRootCAFile },
			help: "authorities, PEM, for certificates of clients and of authorization servers"},
		{name: "tls-client-auth-policy", kind: "require|require-verify", def: "", stands: "none",
			check: checkOneOf("", "require", "require-verify"),
			at:    func(o *Options) any { return &o.TLSClientAuthPolicy },
			help:  "ask clients for a certificate: any (require) or one of the authorities (require-verify); makes TLS required"},
		{name: "tls-required", def: "false",
			at:   func(o *Options) any { return &o.TLSRequired },
			help: "refuse clients without TLS; tcp-https still lets plain HTTP in"},
		{name: "tls-min-version", def: "tls1.0",
			at:   func(o *Options) any { return &o.TLSMinVersion },
			help: "oldest version of TLS: tls1.0, tls1.1, tls1.2 or tls1.3"},
	}
}

func authOptions() []option {
	return []option{
		{name: "auth-http-address", key: "auth_http_addresses", kind: "host:port|URL", def: "", stands: "off",
			at:   func(o *Options) any { return &o.AuthHTTPAddresses },
			help: "authorization server that clients of the TCP protocol need; repeatable, one that answers is enough"},
		{name: "auth-http-request-method", kind: "get|post", def: "get", check: checkOneOf("post", "get"),
			at:   func(o *Options) any { return &o.AuthHTTPRequestMethod },
			help: "how the authorization server is asked"},
		{name: "http-client-connect-timeout", def: "2s", check: checkNotNegative,
			at:   func(o *Options) any { return &o.HTTPClientConnectTimeout },
			help: "time to connect to an authorization server or a stock nsqlookupd over HTTP"},
		{name: "http-client-request-timeout", def: "5s", check: checkNotNegative,
			at:   func(o *Options) any { return &o.HTTPClientRequestTimeout },
			help: "time for the whole of such a request"},
	}
}
