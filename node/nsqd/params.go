package nsqd

import "bytes"

// params are what follows the verb on a command line. Every single space separates two, so two spaces in a row have an
// empty one between them.
type params struct {
	rest []byte
	more bool
}

// splitVerb takes the verb off a command line.
func splitVerb(line []byte) (verb []byte, p params) {
	verb, rest, more := bytes.Cut(line, space)
	return verb, params{rest, more}
}

var space = []byte{' '}

// next returns the next parameter, and whether there was one.
func (p *params) next() ([]byte, bool) {
	if !p.more {
		return nil, false
	}
	var param []byte
	param, p.rest, p.more = bytes.Cut(p.rest, space)
	return param, true
}

// parseNumber reads decimal digits as stock does: none are 0, and what does not fit in 64 bits wraps around.
func parseNumber(digits []byte) (int64, bool) {
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return int64(n), true
}
