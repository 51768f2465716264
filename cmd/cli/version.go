package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/nsqio/go-nsq"
)

// StockVersion is the nsqd whose protocols and API we speak. It is what clients and nsqadmin see (IDENTIFY, /info,
// registrations, nsqd.dat): they compare it with versions of nsqd and read features from it.
const StockVersion = "1.3.0"

// version is our own, which people see: --version, logs and admin pages. A release sets it when linking
// (-X github.com/nsqmesh/nsqmesh/cmd/cli.version=1.2.3).
var version string

// ProductVersion falls back to what the build knows of itself.
func ProductVersion() string {
	if version != "" {
		return strings.TrimPrefix(version, "v")
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "0.0.0-dev"
}

func VersionLine() string {
	return fmt.Sprintf("nsqmesh v%s (nsqd v%s compatible, built w/%s)", ProductVersion(), StockVersion, runtime.Version())
}

func VersionCommand() Command {
	return Command{
		Name:    "version",
		Summary: "print the version",
		Run: func(_ []string, std Stdio) int {
			fmt.Fprintln(std.Out, VersionLine())
			return ExitOK
		},
	}
}

func UserAgent(tool string) string {
	return fmt.Sprintf("nsqmesh_%s/%s go-nsq/%s", tool, ProductVersion(), nsq.VERSION)
}
