package names

import (
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{
		"a":                                    true,
		"Orders.v2_eu-west":                    true,
		"orders#ephemeral":                     true,
		strings.Repeat("a", 64):                true,
		strings.Repeat("a", 54) + "#ephemeral": true,
		"":                                     false,
		"#ephemeral":                           false,
		"a#ephemeral#ephemeral":                false,
		"a#other":                              false,
		"a b":                                  false,
		"a\n":                                  false,
		"*":                                    false,
		"ü":                                    false,
		strings.Repeat("a", 65):                false,
		strings.Repeat("a", 55) + "#ephemeral": false,
	} {
		if got := ValidTopic(name); got != want {
			t.Errorf("ValidTopic(%q) = %v, want %v", name, got, want)
		}
		if got := ValidChannel(name); got != want {
			t.Errorf("ValidChannel(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestEphemeral(t *testing.T) {
	if !Ephemeral("a#ephemeral") || Ephemeral("a") {
		t.Error("Ephemeral does not follow the suffix")
	}
}
