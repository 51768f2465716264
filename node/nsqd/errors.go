package nsqd

import (
	"errors"
	"fmt"

	"github.com/nsqmesh/nsqmesh/node/queue"
)

// A code is the first word of an error frame; clients tell errors apart by it.
type code string

const (
	badBody        code = "E_BAD_BODY"
	badChannel     code = "E_BAD_CHANNEL"
	badMessage     code = "E_BAD_MESSAGE"
	badProtocol    code = "E_BAD_PROTOCOL"
	badTopic       code = "E_BAD_TOPIC"
	invalid        code = "E_INVALID"
	authDisabled   code = "E_AUTH_DISABLED"
	authError      code = "E_AUTH_ERROR"
	authFailed     code = "E_AUTH_FAILED"
	authFirst      code = "E_AUTH_FIRST"
	unauthorized   code = "E_UNAUTHORIZED"
	identifyFailed code = "E_IDENTIFY_FAILED"
	subFailed      code = "E_SUB_FAILED"
	pubFailed      code = "E_PUB_FAILED"
	mpubFailed     code = "E_MPUB_FAILED"
	dpubFailed     code = "E_DPUB_FAILED"
	finFailed      code = "E_FIN_FAILED"
	reqFailed      code = "E_REQ_FAILED"
	touchFailed    code = "E_TOUCH_FAILED"
)

// survivable are the codes after which the connection goes on; all others end it.
var survivable = map[code]bool{finFailed: true, reqFailed: true, touchFailed: true}

// A failure is an error that the client is told.
type failure struct {
	code code
	text string
	err  error // the cause, if there is one that the text doesn't tell
}

func fail(c code, format string, args ...any) *failure {
	return &failure{code: c, text: fmt.Sprintf(format, args...)}
}

// Error is what the error frame says.
func (f *failure) Error() string {
	if f.text == "" {
		return string(f.code)
	}
	return string(f.code) + " " + f.text
}

func (f *failure) Unwrap() error { return f.err }

// because adds the cause for the log.
func (f *failure) because(err error) *failure {
	f.err = err
	return f
}

var (
	errLineTooLong = errors.New("command line too long")
	errOver        = errors.New("connection is over")
)

// reading turns an error of reading a part of a command into the failure that tells the client, unless it is one already
// because settling what came before failed.
func reading(err error, c code, format string, args ...any) error {
	var before *failure
	if errors.As(err, &before) {
		return before
	}
	return fail(c, format, args...).because(err)
}

// invalidTopic has the code twice for MPUB, as a stock nsqd has, and clients may have got used to.
func invalidTopic(verb, name string) error {
	f := fail(badTopic, "%s topic name %q is not valid", verb, name)
	if verb == "MPUB" {
		f.text = string(badTopic) + " " + f.text
	}
	return f
}

// subscribing words an error of SUB.
func subscribing(err error, topic, channel string, limit int) error {
	if errors.Is(err, queue.ErrTooManyConsumers) {
		return fail(subFailed, "SUB failed consumers for %s:%s exceeds limit of %d", topic, channel, limit)
	}
	if errors.Is(err, queue.ErrNoAutoCreate) {
		return fail(badTopic, "SUB %v", err)
	}
	return fail(subFailed, "SUB failed %v", err).because(err)
}

// appendFailed appends the error frame of a FIN, REQ or TOUCH that found no message to act on.
func appendFailed(b []byte, c code, verb string, id []byte, err error) []byte {
	return appendFrame(b, frameError, string(c)+" "+verb+" "+string(id)+" failed "+err.Error())
}
