package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/nsqmesh/nsqmesh/cmd/cli"
)

// LogLevel counts from 1 as /config shows it.
type LogLevel int

const (
	LogDebug LogLevel = iota + 1
	LogInfo
	LogWarn
	LogError
	LogFatal
)

var logWords = []string{"debug", "info", "warn", "error", "fatal"}

func (l *LogLevel) String() string { return wordAt(logWords, int(*l)-1) }
func (l *LogLevel) Get() any       { return int(*l) }
func (l *LogLevel) Kind() string   { return "level" }

func (l *LogLevel) Set(s string) error {
	i := slices.Index(logWords, strings.ToLower(s))
	if i < 0 {
		return fmt.Errorf("invalid log level '%s' (%s)", s, strings.Join(logWords, ", "))
	}
	*l = LogLevel(i + 1)
	return nil
}

func (l *LogLevel) SetTOML(v any) error { return setWord(l, v) }

// slogLevel is the level in the logger's terms; fatal stands one step above error.
func (l LogLevel) slogLevel() slog.Level { return slog.Level(4 * (l - LogInfo)) }

// TLSRequired says which connections of clients must be encrypted.
type TLSRequired int

const (
	TLSNotRequired        TLSRequired = iota
	TLSRequiredTCP                    // the TCP protocol only; plain HTTP stays open
	TLSRequiredEverywhere             // plain HTTP is refused, too
)

var tlsRequiredWords = []string{"false", "tcp-https", "true"}

func (t *TLSRequired) String() string   { return wordAt(tlsRequiredWords, int(*t)) }
func (t *TLSRequired) Get() any         { return int(*t) }
func (t *TLSRequired) IsBoolFlag() bool { return true }
func (t *TLSRequired) Kind() string     { return "true|false|tcp-https" }

func (t *TLSRequired) Set(s string) error {
	if strings.EqualFold(s, "tcp-https") {
		*t = TLSRequiredTCP
		return nil
	}
	required, err := strconv.ParseBool(strings.ToLower(s))
	if err != nil {
		return cli.MustBe("true, false or tcp-https")
	}
	*t = TLSNotRequired
	if required {
		*t = TLSRequiredEverywhere
	}
	return nil
}

func (t *TLSRequired) SetTOML(v any) error {
	if required, ok := v.(bool); ok {
		v = strconv.FormatBool(required)
	}
	return setWord(t, v)
}

// TLSVersion is a version number as crypto/tls has it.
type TLSVersion uint16

var tlsVersionWords = []string{"tls1.0", "tls1.1", "tls1.2", "tls1.3"}

func (t *TLSVersion) String() string { return wordAt(tlsVersionWords, int(*t)-tls.VersionTLS10) }
func (t *TLSVersion) Get() any       { return int(*t) }
func (t *TLSVersion) Kind() string   { return "version" }

// Set takes no word at all for the default.
func (t *TLSVersion) Set(s string) error {
	if s == "" {
		s = tlsVersionWords[0]
	}
	i := slices.Index(tlsVersionWords, strings.ToLower(s))
	if i < 0 {
		return cli.MustBe("one of " + strings.Join(tlsVersionWords, ", "))
	}
	*t = TLSVersion(tls.VersionTLS10 + i)
	return nil
}

func (t *TLSVersion) SetTOML(v any) error { return setWord(t, v) }

func setWord(word cli.Value, v any) error {
	s, ok := v.(string)
	if !ok {
		return cli.MustBe("a word in quotes")
	}
	return word.Set(s)
}

func wordAt(words []string, i int) string {
	if i < 0 || i >= len(words) {
		return ""
	}
	return words[i]
}
