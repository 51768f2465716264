package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/node/names"
)

// Limits are what a topic is held to. The zero value is what holds without any rule.
type Limits struct {
	MaxAttempts  uint16 // deliveries of a message on a channel; 0 is no limit
	DeadLetter   string // topic for what was delivered so often
	MessageTTL   time.Duration
	MaxDepth     int64
	DropOldest   bool // rather than refuse
	IdleDelete   time.Duration
	MaxDefer     time.Duration
	NoAutoCreate bool
}

// Setting is one thing that a rule can set.
type Setting struct {
	Name, Form, Help string
	set              func(l *Limits, text string) error
}

var settings = []Setting{
	{"max-attempts", "number", "deliveries of a message on a channel; after the last one it is moved to the dead-letter topic, or dropped",
		func(l *Limits, text string) error {
			n, err := number(text, math.MaxUint16)
			l.MaxAttempts = uint16(n)
			return err
		}},
	{"dead-letter-topic", "topic", "where messages go that were delivered max-attempts times",
		func(l *Limits, text string) error {
			if text != "" && (!names.ValidTopic(text) || names.Ephemeral(text)) {
				return errors.New("must be the name of a topic that is not ephemeral")
			}
			l.DeadLetter = text
			return nil
		}},
	{"message-ttl", "duration", "messages that are older are not delivered but dropped",
		func(l *Limits, text string) error { return duration(&l.MessageTTL, text) }},
	{"max-depth", "number", "messages that may wait in one channel, or in a topic without channels",
		func(l *Limits, text string) (err error) {
			l.MaxDepth, err = number(text, math.MaxInt64)
			return err
		}},
	{"when-full", "refuse or drop-oldest", "what a publish to a full queue does",
		func(l *Limits, text string) error { return choice(&l.DropOldest, text, "refuse", "drop-oldest") }},
	{"idle-delete", "duration", "a topic that is empty, with no consumer and nothing published for so long, is deleted on that node",
		func(l *Limits, text string) error { return duration(&l.IdleDelete, text) }},
	{"max-defer", "duration", "longest delay of a publish or a requeue",
		func(l *Limits, text string) error { return duration(&l.MaxDefer, text) }},
	{"auto-create", "true or false", "whether publishing or subscribing makes a topic that nobody has",
		func(l *Limits, text string) error { return choice(&l.NoAutoCreate, text, "true", "false") }},
}

func (l *Limits) set(name, text string) error {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		var known []string
		for _, s := range settings {
			known = append(known, s.Name)
		}
		return fmt.Errorf("unknown setting %s (known are %s)", name, strings.Join(known, ", "))
	}
	if err := settings[i].set(l, text); err != nil {
		return fmt.Errorf("%s: %q %w", name, text, err)
	}
	return nil
}

// number reads a count; 0 is no limit.
func number(text string, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("must be a number from 0 (no limit) to %d", most)
	}
	return n, nil
}

// duration reads a time with its unit; 0 is no limit.
func duration(into *time.Duration, text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("must be a duration such as 90s, 10m or 24h, or 0 for no limit")
	}
	*into = d
	return nil
}

func choice(into *bool, text, off, on string) error {
	if text != off && text != on {
		return fmt.Errorf("must be %s or %s", off, on)
	}
	*into = text == on
	return nil
}
