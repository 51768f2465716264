package policy

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern string
		policy  Policy
		want    string // in the error; "" is none
	}{
		"a name and all settings": {"orders", Policy{
			"max-attempts": "5", "dead-letter-topic": "dead", "message-ttl": "24h", "max-depth": "1000", "when-full": "drop-oldest",
			"idle-delete": "168h", "max-defer": "10m", "auto-create": "false"}, ""},
		"a pattern":                      {"orders.*.eu", Policy{"max-depth": "0"}, ""},
		"everything":                     {"*", Policy{"auto-create": "true"}, ""},
		"all ephemeral topics":           {"*#ephemeral", Policy{"max-depth": "10"}, ""},
		"no settings":                    {"orders", Policy{}, "sets nothing"},
		"no name":                        {"", Policy{"max-depth": "1"}, "neither"},
		"a bad name":                     {"or ders", Policy{"max-depth": "1"}, "neither"},
		"a name that is too long":        {strings.Repeat("a", 65), Policy{"max-depth": "1"}, "neither"},
		"an unknown setting":             {"orders", Policy{"max-dept": "1"}, "unknown setting max-dept"},
		"a number with a unit":           {"orders", Policy{"max-attempts": "5x"}, "max-attempts"},
		"too many attempts":              {"orders", Policy{"max-attempts": "65536"}, "65535"},
		"a negative depth":               {"orders", Policy{"max-depth": "-1"}, "max-depth"},
		"a duration without a unit":      {"orders", Policy{"message-ttl": "60"}, "such as 90s"},
		"a negative duration":            {"orders", Policy{"max-defer": "-1s"}, "max-defer"},
		"an unknown choice":              {"orders", Policy{"when-full": "explode"}, "refuse or drop-oldest"},
		"an ephemeral dead-letter topic": {"orders", Policy{"dead-letter-topic": "d#ephemeral"}, "not ephemeral"},
		"too much":                       {"orders", Policy{"max-depth": strings.Repeat("0", maxSize)}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(tc.pattern, tc.policy)
			if tc.want == "" && err != nil || tc.want != "" && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for pattern, tc := range map[string]struct{ yes, no string }{
		"orders":      {"orders", "order orders2"},
		"*":           {"a orders x#ephemeral", ""},
		"orders.*":    {"orders. orders.eu", "orders xorders.eu"},
		"*.eu":        {"orders.eu .eu", "orders.eux"},
		"a*b*c":       {"abc a1b2c abbc abcbc", "ab acb bac"},
		"*b*":         {"b abc", "ac"},
		"a*a":         {"aa aba", "a"},
		"a**b":        {"ab axb", "ba"},
		"*#ephemeral": {"x#ephemeral", "x"},
	} {
		for _, topic := range strings.Fields(tc.yes) {
			if !Matches(pattern, topic) {
				t.Errorf("%s does not match %s", pattern, topic)
			}
		}
		for _, topic := range strings.Fields(tc.no) {
			if Matches(pattern, topic) {
				t.Errorf("%s matches %s", pattern, topic)
			}
		}
	}
}

func TestTheMostParticularRuleThatSetsSomethingCounts(t *testing.T) {
	rules := NewRules([]Rule{
		{"orders.eu", Policy{"max-depth": "4"}, Mesh},
		{"*", Policy{"max-depth": "1", "message-ttl": "1h", "auto-create": "false", "dead-letter-topic": "dead", "max-attempts": "3"}, File},
		{"orders.*", Policy{"max-depth": "3", "when-full": "drop-oldest"}, Mesh},
		{"orders.*", Policy{"max-depth": "2", "max-defer": "1m"}, File},
		{"orders.us", Policy{"future-setting": "7", "auto-create": "true", "max-attempts": "0"}, Mesh},
		{"not a pattern", Policy{"max-depth": "9"}, Mesh},
	})
	base := Limits{MaxDepth: 1, MessageTTL: time.Hour, NoAutoCreate: true, DeadLetter: "dead", MaxAttempts: 3}
	orders := base
	orders.MaxDepth, orders.DropOldest, orders.MaxDefer = 3, true, time.Minute
	eu, us, dead := orders, orders, base
	eu.MaxDepth = 4
	us.NoAutoCreate, us.MaxAttempts = false, 0
	dead.MaxAttempts, dead.DeadLetter = 0, ""
	for topic, want := range map[string]Limits{"other": base, "orders.x": orders, "orders.eu": eu, "orders.us": us, "dead": dead} {
		if got := rules.For(topic); got != want {
			t.Errorf("%s has %+v, want %+v", topic, got, want)
		}
	}
	if got := NewRules(nil).For("t"); got != (Limits{}) {
		t.Errorf("without rules: %+v", got)
	}
}

func TestEncodedPolicyIsReadAsItWas(t *testing.T) {
	p := Policy{"max-depth": "1", "when-full": "refuse", "later": "kept"}
	got, err := Decode(p.Encode())
	if err != nil || got.Encode() != p.Encode() || got.String() != "later=kept max-depth=1 when-full=refuse" {
		t.Errorf("read %v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"max-depth":"1"}`, "orders.*", "orders.eu")
	f.Fuzz(func(t *testing.T, text, pattern, topic string) {
		p, err := Decode(text)
		if err != nil {
			return
		}
		l := NewRules([]Rule{{pattern, p, Mesh}}).For(topic)
		if l.MessageTTL < 0 || l.MaxDepth < 0 || l.IdleDelete < 0 || l.MaxDefer < 0 {
			t.Errorf("%s gives %+v", text, l)
		}
	})
}

func FuzzMatches(f *testing.F) {
	f.Add("orders.*", "orders.eu")
	f.Add("a*b*c", "abcbc")
	f.Fuzz(func(t *testing.T, pattern, topic string) {
		if !ValidPattern(pattern) || strings.ContainsAny(topic, "/") {
			return
		}
		if want, err := path.Match(pattern, topic); err == nil && want != Matches(pattern, topic) {
			t.Errorf("%q and %q: want %v", pattern, topic, want)
		}
	})
}
