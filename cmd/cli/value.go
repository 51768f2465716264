package cli

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Value is an option's place in an Options as its sources see it: Set takes the text of a flag or an environment
// variable, setTOML a decoded config file value, Get is what /config answers.
type Value interface {
	flag.Getter
	SetTOML(v any) error
	Kind() string
}

// ValueOf wraps a pointer to a field by the field's type.
func ValueOf(field any) Value {
	switch p := field.(type) {
	case Value:
		return p
	case *string:
		return (*textValue)(p)
	case *bool:
		return (*boolValue)(p)
	case *int:
		return numberValue[int]{p}
	case *int64:
		return numberValue[int64]{p}
	case *time.Duration:
		return (*durationValue)(p)
	case *[]string:
		return &listValue[string]{p: p, parse: parseText}
	case *[]float64:
		return &listValue[float64]{p: p, parse: parseFloat, sorted: true}
	}
	panic(fmt.Sprintf("no option value for %T", field)) // a field type that valueOf was not taught
}

type textValue string

func (t *textValue) String() string     { return string(*t) }
func (t *textValue) Get() any           { return string(*t) }
func (t *textValue) Set(s string) error { *t = textValue(s); return nil }
func (t *textValue) Kind() string       { return "text" }

func (t *textValue) SetTOML(v any) error {
	s, ok := v.(string)
	if !ok {
		return MustBe("a string")
	}
	*t = textValue(s)
	return nil
}

type boolValue bool

func (b *boolValue) String() string   { return strconv.FormatBool(bool(*b)) }
func (b *boolValue) Get() any         { return bool(*b) }
func (b *boolValue) IsBoolFlag() bool { return true }
func (b *boolValue) Kind() string     { return "" }

func (b *boolValue) Set(s string) error {
	parsed, err := strconv.ParseBool(s)
	if err != nil {
		return MustBe("true or false")
	}
	*b = boolValue(parsed)
	return nil
}

// SetTOML refuses numbers: stock nsqd takes 0 for true.
func (b *boolValue) SetTOML(v any) error {
	switch v := v.(type) {
	case bool:
		*b = boolValue(v)
		return nil
	case string:
		if b.Set(v) == nil {
			return nil
		}
	}
	return MustBe("true or false")
}

type numberValue[T int | int64] struct{ p *T }

func (n numberValue[T]) String() string { return fmt.Sprint(*n.p) }
func (n numberValue[T]) Get() any       { return *n.p }
func (n numberValue[T]) Kind() string   { return "number" }

func (n numberValue[T]) Set(s string) error { return n.parse(s, 0) }

// SetTOML reads numbers in strings as decimal, flags follow Go's notation (0x10 is 16).
func (n numberValue[T]) SetTOML(v any) error {
	switch v := v.(type) {
	case int64:
		*n.p = T(v)
		return nil
	case string:
		if n.parse(v, 10) == nil {
			return nil
		}
	}
	return MustBe("a whole number")
}

func (n numberValue[T]) parse(s string, base int) error {
	parsed, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		return MustBe("a whole number")
	}
	*n.p = T(parsed)
	return nil
}

type durationValue time.Duration

func (d *durationValue) String() string { return time.Duration(*d).String() }
func (d *durationValue) Get() any       { return time.Duration(*d) }
func (d *durationValue) Kind() string   { return "duration" }

func (d *durationValue) Set(s string) error {
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return MustBe("a duration with its unit, such as 500ms, 90s or 1h")
	}
	*d = durationValue(parsed)
	return nil
}

// SetTOML takes a bare number for milliseconds, as stock nsqd does.
func (d *durationValue) SetTOML(v any) error {
	switch v := v.(type) {
	case int64:
		return d.Set(strconv.FormatInt(v, 10) + "ms")
	case string:
		if d.Set(v) == nil {
			return nil
		}
	}
	return MustBe(`a duration with its unit, such as "500ms", or a number of milliseconds`)
}

// MustBe names no value: whoever asked knows it and says where it stood.
func MustBe(what string) error { return errors.New("must be " + what) }

func parseText(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", MustBe("a list of strings")
	}
	return s, nil
}

func parseFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f, nil
		}
	}
	return 0, MustBe("a list of numbers")
}
