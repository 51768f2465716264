package main

import "strings"

// The rows about the admin pages. Where they listen is with the other listeners.

func adminOptions() []option {
	return []option{
		{name: "admin-base-path", kind: "path", def: "/", check: checkBasePath, ours: true,
			at:   func(o *Options) any { return &o.AdminBasePath },
			help: "where the admin pages begin, behind a proxy that serves other things, too"},
		{name: "admin-read-only", def: "false", ours: true,
			at:   func(o *Options) any { return &o.AdminReadOnly },
			help: "admin pages that show and change nothing"},
	}
}

func checkBasePath(v any) string {
	return unless(!strings.ContainsAny(v.(string), "?#{} "), "must be a path such as /nsq")
}
