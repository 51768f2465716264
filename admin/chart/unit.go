package chart

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit says what a number counts.
type Unit int

const (
	Count Unit = iota // things that are there: messages, clients
	Rate              // things a second
	Bytes
	Duration // nanoseconds
)

// None stands for a value that is not known.
const None = "–"

// Text writes a value in full where people read it, to three significant digits where it has a fraction.
func (u Unit) Text(v float64) string {
	switch {
	case math.IsNaN(v):
		return None
	case u == Rate:
		return rate(v)
	case u == Bytes:
		return size(v)
	case u == Duration:
		return duration(v)
	}
	return group(v)
}

// Short writes a value for an axis or a narrow cell.
func (u Unit) Short(v float64) string {
	switch {
	case math.IsNaN(v):
		return None
	case u == Bytes:
		return size(v)
	case u == Duration:
		return duration(v)
	}
	return thousands(v)
}

// group writes 1234567 as 1,234,567.
func group(v float64) string {
	digits := strconv.FormatInt(int64(math.Round(math.Abs(v))), 10)
	var b strings.Builder
	if v <= -0.5 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func rate(v float64) string {
	switch {
	case v == 0:
		return "0/s"
	case v < 0.01:
		return "<0.01/s"
	case v < 9.95:
		return trim(v, 2) + "/s"
	case v < 99.5:
		return trim(v, 1) + "/s"
	}
	return group(v) + "/s"
}

func thousands(v float64) string {
	for _, step := range []struct {
		least float64
		sign  string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= step.least {
			return significant(v/step.least) + step.sign
		}
	}
	return significant(v)
}

func size(v float64) string {
	for _, step := range []struct {
		least float64
		sign  string
	}{{1 << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}} {
		if math.Abs(v) >= step.least {
			return significant(v/step.least) + step.sign
		}
	}
	return significant(v) + " B"
}

func duration(v float64) string {
	switch d := time.Duration(v); {
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return significant(v) + " ns"
	case d < time.Millisecond:
		return significant(v/1e3) + " µs"
	case d < time.Second:
		return significant(v/1e6) + " ms"
	case d < 2*time.Minute:
		return significant(v/1e9) + " s"
	case d < 2*time.Hour:
		return significant(v/60e9) + " min"
	case d < 48*time.Hour:
		return significant(v/3600e9) + " h"
	}
	return significant(v/86400e9) + " d"
}

// significant keeps three digits at the most, and no zero behind a point.
func significant(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return trim(v, 0)
	case a >= 9.995:
		return trim(v, 1)
	}
	return trim(v, 2)
}

func trim(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
