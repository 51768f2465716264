package bench

import "strings"

// refusedError is an answer of the server that is an error, with what to do about it.
type refusedError struct{ text, advice string }

func (e refusedError) Error() string {
	if e.advice == "" {
		return "the server answered " + e.text
	}
	return "the server answered " + e.text + ": " + e.advice
}

// advices are tried in order; each says what to do about answers that contain its words.
var advices = []struct{ words, advice string }{
	{"TLS required", "bench speaks no TLS; measure a server without --tls-required"},
	{"RDY count", "use a lower --rdy, or raise the server's --max-rdy-count"},
	{"exceeds limit", "use fewer --conns, or raise the server's --max-channel-consumers"},
	{"message too big", "use a lower --size, or raise the server's --max-msg-size"},
	{"body too big", "use a lower --batch or --size, or raise the server's --max-body-size"},
	{"message count", "use a lower --batch, or raise the server's --max-body-size"},
	{"E_BAD_TOPIC", "use another --topic: up to 64 letters, digits, dots, underscores and dashes"},
	{"E_BAD_CHANNEL", "use another --channel: up to 64 letters, digits, dots, underscores and dashes"},
	{"E_AUTH", "bench has no secret; measure a server without --auth-http-address"},
	{"E_UNAUTHORIZED", "bench has no secret; measure a server without --auth-http-address"},
	{"E_SUB_FAILED", "the topic or channel is being deleted; wait a moment or use another --topic"},
	{"PUB_FAILED", "the server cannot keep messages; look at its log, its disk and its /ping"},
	{"E_FIN_FAILED", "it gave the message to somebody else first; use a lower --rdy, or raise the server's --msg-timeout"},
}

func explainRefusal(text string) error {
	for _, a := range advices {
		if strings.Contains(text, a.words) {
			return refusedError{text, a.advice}
		}
	}
	return refusedError{text: text}
}
