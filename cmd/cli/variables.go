package cli

import (
	"slices"
	"strings"
)

// EnvPrefix starts the name of every environment variable that sets an option.
const EnvPrefix = "NSQMESH_"

// LookupVariable returns the last setting of name, as the operating system does.
func LookupVariable(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			return v
		}
	}
	return ""
}
