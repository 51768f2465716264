package admin

import (
	"math"
	"strconv"
	"time"
)

// Span is how far back a history goes.
type Span string

// Spans that nodes keep: 360 values and 288.
const (
	Hour Span = "hour" // a value each 10 s
	Day  Span = "day"  // a value each 5 min: the highest depth, in flight and latency, the mean of rates
)

// Of names what a history is of: a channel, a topic or, without names, all; on one node or on all together.
type Of struct {
	Topic   string `json:"topic"`
	Channel string `json:"channel"`
	Node    string `json:"node"`
}

// History is how numbers were.
type History struct {
	Coverage
	Series []Series `json:"series"` // one for each that was asked for, in that order
}

// Series is the history of one thing. All lists have the same length, the oldest value first; what nobody knows is NaN.
type Series struct {
	Of
	Step     time.Duration   `json:"step"` // from one value to the next, in ns
	End      time.Time       `json:"end"`  // of the last one, by the clock of the node that answers
	Depth    Values          `json:"depth"`
	InFlight Values          `json:"in_flight"`
	In       Values          `json:"in"` // a second, as are the next three
	Out      Values          `json:"out"`
	Requeues Values          `json:"requeues"`
	Timeouts Values          `json:"timeouts"`
	Latency  []LatencySeries `json:"latency"` // of each quantile that is measured; empty for all topics together
}

// LatencySeries is how one quantile was, in ns: the highest of all nodes.
type LatencySeries struct {
	Quantile float64 `json:"quantile"`
	Values   Values  `json:"values"`
}

// Values are numbers; NaN is null in JSON.
type Values []float64

// MarshalJSON writes null for what JSON has no number for.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, math.Round(x*100)/100, 'f', -1, 64)
	}
	return append(b, ']'), nil
}
