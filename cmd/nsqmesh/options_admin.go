package main

import (
	"errors"
	"net/netip"
	"strings"
)

// The rows about the admin pages and who may use them. Where they listen is with the other listeners.

func adminOptions() []option {
	return []option{
		{name: "admin-base-path", kind: "path", def: "/", check: checkBasePath, ours: true,
			at:   func(o *Options) any { return &o.AdminBasePath },
			help: "where the admin pages begin, behind a proxy that serves other things, too"},
		{name: "admin-read-only", def: "false", ours: true,
			at:   func(o *Options) any { return &o.AdminReadOnly },
			help: "admin pages that show and change nothing"},
		{name: "admin-tls-cert", kind: "file", def: "", stands: "off", ours: true,
			at:   func(o *Options) any { return &o.AdminTLSCert },
			help: "certificate, PEM; with --admin-tls-key the admin pages are served over HTTPS"},
		{name: "admin-tls-key", kind: "file", def: "", stands: "off", ours: true,
			at:   func(o *Options) any { return &o.AdminTLSKey },
			help: "private key of that certificate, PEM"},
		{name: "auth-file", kind: "file", def: "", stands: "open to everybody", ours: true,
			at:   func(o *Options) any { return &o.AuthFile },
			help: "users, roles and tokens for the admin pages, written by nsqmesh user; the same on all nodes"},
		{name: "auth-guard-api", def: "false", ours: true,
			at:   func(o *Options) any { return &o.AuthGuardAPI },
			help: "the HTTP APIs of nsqd and nsqlookupd, too, take changes and publishes only with a token of that file"},
		{name: "auth-proxy-header", kind: "header", def: "", stands: "none", ours: true,
			at:   func(o *Options) any { return &o.AuthProxyHeader },
			help: "header in which a proxy names the user, who must be in that file"},
		{name: "auth-proxy-from", kind: "CIDR", def: "", stands: "nobody", check: checkPrefixes, ours: true,
			at:   func(o *Options) any { return &o.AuthProxyFrom },
			help: "addresses of proxies whose header is believed; repeatable"},
	}
}

func checkBasePath(v any) string {
	return unless(!strings.ContainsAny(v.(string), "?#{} "), "must be a path such as /nsq")
}

func checkPrefixes(v any) string {
	for _, text := range v.([]string) {
		if _, err := parsePrefix(text); err != nil {
			return "must be addresses or networks such as 10.0.0.0/8, not " + text
		}
	}
	return ""
}

// parsePrefix takes an address for the network of it alone.
func parsePrefix(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func validateAdmin(o *Options) error {
	switch {
	case (o.AdminTLSCert == "") != (o.AdminTLSKey == ""):
		return errors.New("--admin-tls-cert and --admin-tls-key only work together")
	case o.AuthFile == "" && o.AuthGuardAPI:
		return errors.New("--auth-guard-api needs --auth-file")
	case o.AuthFile == "" && o.AuthProxyHeader != "":
		return errors.New("--auth-proxy-header needs --auth-file, which says what users may do")
	case (o.AuthProxyHeader == "") != (len(o.AuthProxyFrom) == 0):
		return errors.New("--auth-proxy-header and --auth-proxy-from only work together")
	}
	return nil
}
