// Package names knows which topic and channel names are valid. It holds no state and imports nothing of ours.
package names

import "strings"

const (
	maxLength = 64
	ephemeral = "#ephemeral"
)

// ValidTopic reports whether s may name a topic: 1 to 64 bytes of letters, digits, '.', '_' and '-',
// optionally followed by "#ephemeral", which counts in the 64.
func ValidTopic(s string) bool { return valid(s) }

// ValidChannel reports whether s may name a channel. The rule is that of topics.
func ValidChannel(s string) bool { return valid(s) }

// Ephemeral reports whether s names a topic or channel that lives only as long as it is used and never touches the disk.
func Ephemeral(s string) bool { return strings.HasSuffix(s, ephemeral) }

func valid(s string) bool {
	if len(s) > maxLength {
		return false
	}
	s = strings.TrimSuffix(s, ephemeral)
	for i := range len(s) {
		if !allowed[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// allowed is a table because names are checked on every publish.
var allowed = func() (t [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") {
		t[c] = true
	}
	return t
}()
