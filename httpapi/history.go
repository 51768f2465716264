package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/history"
)

// History is how the queues were.
type History interface {
	Read(names []history.Name, day bool, points int) (list []history.Past, pace, age time.Duration)
	Quantiles() []float64
	Base() (list []history.Base, age time.Duration)
}

// mostHistories bounds what one request may ask for.
const mostHistories = 1000

var (
	errInvalidSpan   = &apiError{http.StatusBadRequest, "INVALID_SPAN"}
	errInvalidPoints = &apiError{http.StatusBadRequest, "INVALID_POINTS"}
	errInvalidOf     = &apiError{http.StatusBadRequest, "INVALID_OF"}
)

type pastStats struct {
	Of       string    `json:"of"` // topic, topic:channel or, for the node, empty
	Depth    []int64   `json:"depth"`
	InFlight []int64   `json:"in_flight"`
	In       []int64   `json:"in"`
	Out      []int64   `json:"out"`
	Requeues []int64   `json:"requeues"`
	Timeouts []int64   `json:"timeouts"`
	Latency  [][]int64 `json:"latency"` // in microseconds
}

// history tells how things were: ?of= (repeatable), ?span=hour or day, ?points=. Lists begin with the oldest; -1 is not known.
func (a *nsqdAPI) history(req *http.Request, _ httprouter.Params) (any, error) {
	q, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return nil, errInvalidRequest
	}
	span, points := q.Get("span"), 0
	if span != "" && span != "hour" && span != "day" {
		return nil, errInvalidSpan
	}
	if word := q.Get("points"); word != "" {
		if points, err = strconv.Atoi(word); err != nil || points < 1 {
			return nil, errInvalidPoints
		}
	}
	if len(q["of"]) > mostHistories {
		return nil, errInvalidOf
	}
	names := make([]history.Name, len(q["of"]))
	for i, of := range q["of"] {
		names[i].Topic, names[i].Channel, _ = strings.Cut(of, ":")
	}
	list, pace, age := a.History.Read(names, span == "day", points)
	answer := struct {
		StepMs    int64       `json:"step_ms"`
		AgeMs     int64       `json:"age_ms"` // of the last value of each list
		Quantiles []float64   `json:"quantiles"`
		Series    []pastStats `json:"series"`
	}{pace.Milliseconds(), age.Milliseconds(), a.History.Quantiles(), make([]pastStats, len(list))}
	for i, p := range list {
		answer.Series[i] = pastStats{q["of"][i], p.Depth, p.InFlight, p.In, p.Out, p.Requeues, p.Timeouts, p.Latency}
	}
	return answer, nil
}

// historyBase tells all counters as they were at the last look, in the form of /stats: finished messages are those that came and
// do not wait any more.
func (a *nsqdAPI) historyBase(*http.Request, httprouter.Params) (any, error) {
	type channelBase struct {
		Name     string `json:"channel_name"`
		Depth    int64  `json:"depth"`
		Messages int64  `json:"message_count"`
		Requeues int64  `json:"requeue_count"`
		Timeouts int64  `json:"timeout_count"`
	}
	type topicBase struct {
		Name     string        `json:"topic_name"`
		Messages int64         `json:"message_count"`
		Channels []channelBase `json:"channels"`
	}
	list, age := a.History.Base()
	answer := struct {
		StartTime int64       `json:"start_time"`
		AgeMs     int64       `json:"age_ms"`
		Topics    []topicBase `json:"topics"`
	}{a.Info.StartTime.Unix(), age.Milliseconds(), make([]topicBase, len(list))}
	for i, t := range list {
		answer.Topics[i] = topicBase{Name: t.Topic, Messages: t.Messages, Channels: make([]channelBase, len(t.Channels))}
		for k, c := range t.Channels {
			answer.Topics[i].Channels[k] = channelBase{c.Channel, c.Messages - c.Finished, c.Messages, c.Requeues, c.Timeouts}
		}
	}
	return answer, nil
}
