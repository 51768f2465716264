package httpapi

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/nsqmesh/nsqmesh/node/names"
	"github.com/nsqmesh/nsqmesh/node/queue"
)

// Single messages and connections: what a stock nsqd shows and does not let anybody touch.

const (
	peekMessages = 10 // unless asked otherwise
	peekMost     = 100
	peekBody     = 64 << 10 // of each body
)

var (
	errInvalidState     = &apiError{http.StatusBadRequest, "INVALID_STATE"}
	errInvalidMax       = &apiError{http.StatusBadRequest, "INVALID_MAX"}
	errInvalidID        = &apiError{http.StatusBadRequest, "INVALID_ID"}
	errInvalidTo        = &apiError{http.StatusBadRequest, "INVALID_TO"}
	errMissingAddress   = &apiError{http.StatusBadRequest, "MISSING_ARG_ADDRESS"}
	errConnectionAbsent = &apiError{http.StatusNotFound, "CONNECTION_NOT_FOUND"}
)

var states = map[string]queue.State{"": queue.Waiting, "waiting": queue.Waiting, "in_flight": queue.InFlight, "deferred": queue.Deferred}

func (a *nsqdAPI) addMessages(r *router) {
	r.api("GET", "/topic/peek", a.peekTopic)
	r.api("GET", "/channel/peek", a.peekChannel)
	r.api("POST", "/channel/requeue", a.requeueInFlight)
	r.api("POST", "/channel/move", a.moveInFlight)
	r.api("POST", "/client/disconnect", a.disconnect)
}

// peekedMessage is a message that was looked at. Its body is base64 in JSON.
type peekedMessage struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // ns since the Unix epoch
	Attempts  int    `json:"attempts"`
	Size      int    `json:"size"`
	Body      []byte `json:"body"`
	Cut       bool   `json:"cut"` // the body is longer
	Client    string `json:"client,omitempty"`
	LeftMs    int64  `json:"left_ms,omitempty"` // until it times out or is due
}

type peekAnswer struct {
	Messages []peekedMessage `json:"messages"`
	Total    int64           `json:"total"`
	OnDisk   int64           `json:"on_disk"` // of them where looking does not reach
}

func newPeekAnswer(some []queue.Peeked, total, onDisk int64) peekAnswer {
	answer := peekAnswer{[]peekedMessage{}, total, onDisk}
	for i := range some {
		m := &some[i]
		answer.Messages = append(answer.Messages, peekedMessage{
			ID: m.ID.String(), Timestamp: m.Timestamp, Attempts: int(m.Attempts), Size: len(m.Body),
			Body: []byte(m.Body[:min(len(m.Body), peekBody)]), Cut: len(m.Body) > peekBody,
			Client: m.Consumer, LeftMs: int64(m.Left / time.Millisecond),
		})
	}
	return answer
}

func peekMax(q params) (int, error) {
	word, ok := q.lookup("max")
	if !ok {
		return peekMessages, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > peekMost {
		return 0, errInvalidMax
	}
	return n, nil
}

// peekTopic shows what waits in the topic itself, for want of a channel or because it is paused.
func (a *nsqdAPI) peekTopic(req *http.Request, _ httprouter.Params) (any, error) {
	q, name, err := topicArg(req)
	if err != nil {
		return nil, err
	}
	n, err := peekMax(q)
	if err != nil {
		return nil, err
	}
	topic := a.Queues.FindTopic(name)
	if topic == nil {
		return nil, errTopicNotFound
	}
	return newPeekAnswer(topic.Peek(n)), nil
}

func (a *nsqdAPI) peekChannel(req *http.Request, _ httprouter.Params) (any, error) {
	channel, q, err := a.channelArg(req)
	if err != nil {
		return nil, err
	}
	n, err := peekMax(q)
	if err != nil {
		return nil, err
	}
	state, ok := states[q.Get("state")]
	if !ok {
		return nil, errInvalidState
	}
	return newPeekAnswer(channel.Peek(state, n)), nil
}

// channelArg finds the channel that a request names.
func (a *nsqdAPI) channelArg(req *http.Request) (*queue.Channel, params, error) {
	topicName, name, err := topicAndChannel(req)
	if err != nil {
		return nil, params{}, err
	}
	q, err := query(req)
	if err != nil {
		return nil, q, err
	}
	topic := a.Queues.FindTopic(topicName)
	if topic == nil {
		return nil, q, errTopicNotFound
	}
	channel := topic.FindChannel(name)
	if channel == nil {
		return nil, q, errChannelNotFound
	}
	return channel, q, nil
}

// reclaimArg reads which messages in flight are meant: those with an id=, or all; only those of client=, if that is there.
func reclaimArg(req *http.Request) (queue.Reclaim, error) {
	values, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return queue.Reclaim{}, errInvalidRequest
	}
	r := queue.Reclaim{Consumer: values.Get("client")}
	for _, word := range values["id"] {
		id, ok := queue.ParseID([]byte(word))
		if !ok {
			return r, errInvalidID
		}
		r.IDs = append(r.IDs, id)
	}
	return r, nil
}

type reclaimAnswer struct {
	Messages int `json:"messages"`
}

func (a *nsqdAPI) requeueInFlight(req *http.Request, _ httprouter.Params) (any, error) {
	channel, _, err := a.channelArg(req)
	if err != nil {
		return nil, err
	}
	which, err := reclaimArg(req)
	if err != nil {
		return nil, err
	}
	return reclaimAnswer{channel.Reclaim(which)}, nil
}

func (a *nsqdAPI) moveInFlight(req *http.Request, _ httprouter.Params) (any, error) {
	channel, q, err := a.channelArg(req)
	if err != nil {
		return nil, err
	}
	which, err := reclaimArg(req)
	if err != nil {
		return nil, err
	}
	to := q.Get("to")
	if !names.ValidTopic(to) || to == channel.Topic() {
		return nil, errInvalidTo
	}
	topic, err := a.Queues.Topic(to)
	if err != nil {
		return nil, errExiting
	}
	n, err := channel.Move(which, topic)
	return reclaimAnswer{n}, err
}

func (a *nsqdAPI) disconnect(req *http.Request, _ httprouter.Params) (any, error) {
	q, err := query(req)
	if err != nil {
		return nil, err
	}
	address, ok := q.lookup("address")
	if !ok {
		return nil, errMissingAddress
	}
	if a.Disconnect == nil || a.Disconnect(address) == 0 {
		return nil, errConnectionAbsent
	}
	return nil, nil
}
