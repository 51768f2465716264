package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// stockVersion is the nsqd whose protocols and API we speak. It is what clients and nsqadmin see (IDENTIFY, /info,
// registrations, nsqd.dat): they compare it with versions of nsqd and read features from it.
const stockVersion = "1.3.0"

// version is our own, which people see: --version, logs and admin pages. A release sets it when linking
// (-X main.version=1.2.3).
var version string

// productVersion falls back to what the build knows of itself.
func productVersion() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0-dev"
}

func versionLine() string {
	return fmt.Sprintf("nsqmesh v%s (nsqd v%s compatible, built w/%s)", productVersion(), stockVersion, runtime.Version())
}

func versionCommand() command {
	return command{
		name:    "version",
		summary: "print the version",
		run: func(_ []string, std stdio) int {
			fmt.Fprintln(std.out, versionLine())
			return exitOK
		},
	}
}
